"""What the Logs view says around its lines: what is shown, how much, why nothing is, and one line whole."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator

from hfaas_tui.ui.logs import ansi
from hfaas_tui.ui.logs.export import moment
from hfaas_tui.ui.logs.filter import Wanted
from hfaas_tui.ui.logs.shown import is_plain
from hfaas_tui.ui.logs.store import LEVELS
from hfaas_tui.ui.model import LogLine
from hfaas_tui.ui.safe import clean, clip, duration
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.logview import LogView
from hfaas_tui.units import size

RANGES = {"5 m": 300, "15 m": 900, "1 h": 3600, "24 h": 86_400, "any time": 0}
WORDS = {300: "5 minutes", 900: "15 minutes", 3600: "hour", 86_400: "24 hours"}
LEVELS_OFFERED = {"all": "all levels", **{level: f"≥ {level}" for level in LEVELS[1:]}}
WINDOW_S = 5.0
"""Seconds over which lines per second are counted."""
DETAIL = 16_384
"""Characters of a line that its detail shows."""
JSON = 262_144
"""Bytes up to which a line is tried as JSON."""


class Rate:
    """Lines per second, lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, now: float, count: int) -> float:
        """Note how many there are now, and return how fast they came."""
        if not self._seen or now > self._seen[-1][0]:
            self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW_S:
            self._seen.popleft()
        first, before = self._seen[0]
        return (count - before) / (now - first) if now > first else 0.0


def wishes(wanted: Wanted, reach: int, is_wide: bool) -> Iterator[Part]:
    """Say which lines are shown; each part is the drop-down that changes it."""
    function = clip(clean(wanted.function), 28 if is_wide else 16)
    request = clip(clean(wanted.request), 12 if wanted.request.startswith("job:") else 8)
    last = next(name for name, seconds in RANGES.items() if seconds == reach)
    if is_wide:
        level = f"level ≥ {wanted.level}" if wanted.level else "level all"
        words = function or "all functions", level, f"request {request or 'any'}", f"last {last}" if reach else last
    else:
        level = f"≥{wanted.level}" if wanted.level else "all levels"
        words = function or "all fns", level, f"req {request or 'any'}", last
    actions = ("function", "level", "request", "range")
    is_set = (wanted.function, wanted.level, wanted.request, reach)
    for word, action, on in zip(words, actions, is_set, strict=True):
        yield Part(f" {word} ▾ ", "here" if on else "", action)


def counts(view: LogView, total: int, rate: float, is_wide: bool) -> Iterator[Part]:
    """Say how many lines there are, how many are shown, how fast they come, and whether the end is followed."""
    problem, lost = view.log_store.problem, view.log_store.lost
    if problem:
        yield Part(f" {problem} ", "err")
    elif lost:
        yield Part(f" {lost:,} lost ", "warn")
    yield Part(f"{total:,} line{'' if total == 1 else 's'}" if is_wide else f"{total:,}")
    if view.rows != total:
        yield Part(f" · {view.rows:,} shown")
    if is_wide:
        yield Part(f" · {rate:,.0f}/s", "dim")
    if view.shown.is_cleared:
        yield Part(" · cleared", "warn", "clear")
    if view.shown.is_paused:
        yield Part(" · ■ paused ", "warn", "pause")
    elif view.follow:
        yield Part(" · ● follow " if is_wide else "  ● follow ", "ok", "follow")
    else:
        yield Part(" · follow off " if is_wide else "  follow off ", "dim", "follow")


def note(view: LogView, typed: str, ignores_case: bool, is_wide: bool) -> str:
    """Say in the filter bar what came of the pattern."""
    kind = "text" if is_plain(typed) else "regex"
    scan = view.shown.pattern
    keys = "" if not is_wide else f"      ! inverts   ^t {'minds' if ignores_case else 'ignores'} case"
    if view.shown.error:
        return f"{kind} ✗ {clip(clean(view.shown.error), 44)}"
    if not typed or scan is None:
        return keys.strip()
    found = f"{len(scan.hits):,} of {len(view.log_store):,}"
    if scan.note:
        return f"{kind} ! {scan.note}: {len(scan.hits):,} so far{keys}"
    how = "aA " if ignores_case else ""
    mode = "highlights  " if view.shown.is_highlighting else ""
    took = f"{scan.took:.1f} s" if scan.is_through else "…"
    return f"{mode}{how}{kind} ✓   {found}   {took}{keys}"


def nothing(
    wanted: Wanted, reach: int, last: float | None, typed: str, has_lines: bool, is_read_only: bool
) -> list[str]:
    """Say why no line is shown, and which key helps."""
    if typed:
        what = f"No line matches {clip(clean(typed), 40)}"
    else:
        what = "No log lines" if has_lines or wanted.function else "No log lines yet"
    of = f" from {clean(wanted.function)}" if wanted.function else ""
    if wanted.request:
        of += f" of request {clip(clean(wanted.request), 12)}"
    if wanted.level:
        of += f" of level {wanted.level} or above"
    when = f" in the last {WORDS[reach]}" if reach else ""
    keys = []
    if typed:
        keys.append("esc  take the filter back")
    if not is_read_only:
        keys.append(f"i  invoke {'it' if wanted.function else 'a function'} now")
    if reach:
        ago = f" (last lines: {last_words(last)})" if last is not None else ""
        keys.append(f"r  look further back{ago}")
    if wanted.level:
        keys.append("v  show lines of all levels")
    if wanted.request:
        keys.append("R  show all requests")
    return [f"{what}{of}{when}.", "", *(f"  {key}" for key in keys), "  1  go back to Functions"]


def last_words(seconds: float) -> str:
    """Return how long ago something was, in whole words: `3 days ago`."""
    for name, of in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= of:
            count = int(seconds // of)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return f"{duration(seconds)} ago"


def title(number: int, line: LogLine, width: int) -> str:
    """Return the line above the detail of a line."""
    kind, _, request = line.request.rpartition(":")
    parts = [f"Line {number + 1:,}", clean(line.function), f"{kind or 'request'} {clean(request)[:8]}"]
    parts += [moment(line.time)[11:], line.level] if line.level else [moment(line.time)[11:]]
    text = f"─ {' · '.join(part for part in parts if part)} "
    return text + "─" * max(0, width - len(text))


def whole(line: LogLine) -> list[tuple[Part, ...]]:
    """Return all of a line, JSON on several lines, as far as a person reads on."""
    text = pretty(line.raw)
    rows: list[tuple[Part, ...]] = [(Part(" " + row),) for row in text[:DETAIL].split("\n")]
    if (more := len(text) - DETAIL) > 0:
        rows.append((Part(f" … {size(more)} more: ^s saves it, E opens it in $PAGER", "dim"),))
    return rows


def pretty(raw: bytes) -> str:
    """Return a line as text, indented when it is JSON."""
    if raw.strip()[:1] in {b"{", b"["} and len(raw) <= JSON:
        try:
            return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return ansi.plain(raw, len(raw))
