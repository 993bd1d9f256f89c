"""Text from outside made harmless for a terminal, and figures in units that people read."""

from __future__ import annotations

import re

LONGEST = 4096
"""Characters of a text from outside that any widget shows."""

_SEQUENCE = re.compile(
    "\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\|$)"  # OSC up to BEL or ST: clipboard, title, links
    "|\x1b[PX^_][^\x1b]*(?:\x1b\\\\|$)"  # DCS, SOS, PM, APC
    "|[\x1b][\\[][0-?]*[ -/]*[@-~]?|\x9b[0-?]*[ -/]*[@-~]?"  # CSI
    "|\x1b[ -/]*[0-~]?"
)
# C0, DEL and C1, marks that turn the direction of writing around, and characters without a width
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAK = re.compile("\r?\n|[\u2028\u2029]")


def clean(text: object, longest: int = LONGEST) -> str:
    """Return a text as one line without anything that a terminal could obey; what is cut off shows as `…`."""
    line = str(text)
    if len(line) <= longest and line.isprintable():  # no category C or Z but the space: nothing to look for
        return line
    line = line[: 4 * longest].encode("utf-8", "replace").decode()
    line = _BREAK.sub(" ⏎ ", _SEQUENCE.sub("", line)).expandtabs(4)
    return clip(_CONTROL.sub("", line), longest)


def clean_lines(text: str, longest: int = LONGEST) -> list[str]:
    """Return the lines of a text, each made harmless."""
    return [clean(line, longest) for line in text.split("\n")]


def clip(text: str, width: int) -> str:
    """Cut a text to `width` characters; the last one then says that there is more."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def size(count: float | None) -> str:
    """Return bytes in a unit people read, at most 7 characters; a dash for none."""
    if count is None:
        return "-"
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float | None) -> str:
    """Return a duration in at most 6 characters: `640ms`, `8.1s`, `1m52s`, `3h04m`; a dash for none."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 100:
        return f"{seconds:.1f}s"
    if seconds < 3600:
        return f"{seconds // 60:.0f}m{seconds % 60:02.0f}s"
    return f"{seconds // 3600:.0f}h{seconds % 3600 // 60:02.0f}m"


def clock(seconds: float) -> str:
    """Return a duration that still runs as minutes and seconds: `0:41`."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d}h"


def ago(seconds: float) -> str:
    """Return how long ago something was: `now`, `41s ago`, `6m ago`, `3d ago`."""
    for unit, of in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= of:
            return f"{seconds // of:.0f}{unit} ago"
    return "now"
