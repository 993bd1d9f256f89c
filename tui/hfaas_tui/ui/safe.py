"""Text from outside made harmless for a terminal, and figures in units that people read."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 4096
"""Characters of a text from outside that any widget shows."""

_SEQUENCE = re.compile(
    "(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    "|\x1b[ -/]*[0-~]?"
)
_BREAK = re.compile("\r?\n|[\u2028\u2029]")
# printable to Python, yet without a width or with one that terminals disagree on; and towers of accents
_WIDTHLESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
    "|(?<=[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean(text: object, longest: int = LONGEST) -> str:
    """Return a text as one line without anything that a terminal could obey; what is cut off shows as `…`."""
    line = str(text)
    if len(line) <= longest and line.isprintable() and (line.isascii() or not _WIDTHLESS.search(line)):
        return line
    rest, line = line[4 * longest :], line[: 4 * longest]
    line = visible(_BREAK.sub(" ⏎ ", _SEQUENCE.sub("", line)).expandtabs(4))
    return clip(line + "…" if rest else line, longest)


def visible(text: str) -> str:
    """Return a text without characters that steer, hide or have no width; escape sequences went before."""
    if text.isascii() and text.isprintable():
        return text
    text = _WIDTHLESS.sub("", text)
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    """Return what stands for a character: nothing for a control, a space for a space of another kind."""
    if char.isprintable():
        return char
    match unicodedata.category(char):
        case "Zs":
            return " "
        case "Cn" | "Co" | "Cs":  # younger than our tables, somebody's own, or no character at all
            return "\ufffd"
        case _:
            return ""


def clean_lines(text: str, longest: int = LONGEST) -> list[str]:
    """Return the lines of a text, each made harmless."""
    return [clean(line, longest) for line in text.split("\n")]


def clip(text: str, width: int) -> str:
    """Cut a text to `width` characters; the last one then says that there is more."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


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
