"""When runs waited, ran and ended, as bars on a common axis of time. Pure functions: runs, a range, a width -> cells."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from hfaas_tui.ui.model import Condition, Run

EIGHTHS = "▏▎▍▌▋▊▉"
_OF_TEN = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
CELLS_S = (
    *(n * unit for unit in (0.01, 0.1) for n in _OF_TEN),
    *(1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1200, 1800),
    *(3600 * n for n in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168, 336, 720, 2160, 8760)),
)
"""Seconds that a cell may stand for."""

TICKS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
DAY_S = 86400
APART = 10
"""Cells between two labels, at least."""

ENDS = {
    Condition.OK: "✓",
    Condition.FAILED: "✗",
    Condition.TIMED_OUT: "!",
    Condition.STOPPED: "■",
}

_QUEUED = attrgetter("queued")


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time on cells of the same length."""

    start: float = 0
    cell_s: float = 1
    width: int = 0

    def at(self, moment: float) -> float:
        """Return where a moment is, in cells; never off the axis."""
        return min(float(self.width), max(0.0, (moment - self.start) / self.cell_s))


def axis(first: float, now: float, width: int) -> Axis:
    """Return an axis that shows everything since `first`; it moves by whole cells, so that bars do not tremble."""
    width = max(1, width)
    span = max(0.01, now - first)
    room = max(1, width - 3)  # what now ends keeps a cell or two for its sign
    cell_s = next((each for each in CELLS_S if each * room >= span), span / room)
    end = (math.floor(now / cell_s) + 3) * cell_s
    return Axis(end - width * cell_s, cell_s, width)


def bar(run: Run, on: Axis, now: float) -> str:
    """Return the bar of a run: `░░▒▒▒▒`, `█▍✓`, `██✗`, `██!→`; exactly as wide as the axis."""
    end = now if run.ended is None else run.ended
    started = end if run.started is None else run.started
    if end < on.start or run.queued > on.start + on.width * on.cell_s:
        return " " * on.width
    middle = math.floor(on.at(started))
    has_waited = run.queued and started - run.queued >= on.cell_s / 2
    begin = min(middle, math.floor(on.at(run.queued))) if has_waited else middle
    waited = "░" * (middle - begin)
    ran = "" if run.started is None else _ran(run, middle, on.at(end))
    body = waited + ran or "░"
    mark = _mark(run)
    return _placed(" " * min(begin, on.width - 1) + body, mark, on.width)


def _ran(run: Run, first: int, end: float) -> str:
    if run.ended is None:
        return "▒" * max(1, math.ceil(end) - first)
    whole, part = divmod(max(1, round((end - first) * 8)), 8)
    return "█" * whole + (EIGHTHS[part - 1] if part else "")


def _mark(run: Run) -> str:
    if run.ended is None:
        return ""
    sign = ENDS.get(run.state, "")
    return sign + "→" if run.job and run.kind == "invocation" else sign


def _placed(drawn: str, mark: str, width: int) -> str:
    """Put the sign behind the bar, over its end where there is no room."""
    return (drawn[: max(0, width - len(mark))] + mark)[:width].ljust(width)


def labels(on: Axis) -> str:
    """Return the moments above the bars, each beginning at its own cell: `15:16:00   :20   :40`."""
    drawn = [" "] * on.width
    free = 0
    for cell, label in _ticks(on):
        if cell >= free and cell + len(label) <= on.width:
            drawn[cell : cell + len(label)] = label
            free = cell + len(label) + 1
    return "".join(drawn).rstrip()


def _ticks(on: Axis) -> Iterator[tuple[int, str]]:
    if not on.width:
        return
    least = on.cell_s * APART
    step = next((each for each in TICKS_S if each >= least), math.ceil(least / DAY_S) * DAY_S)
    shift = time.localtime(on.start).tm_gmtoff  # labels are round in the user's own time
    tick = math.ceil((on.start + shift) / step) * step - shift
    is_first = True
    while (cell := math.floor(on.at(tick))) < on.width:
        yield cell, _label(tick, step, is_first=is_first)
        tick += step
        is_first = False


def _label(moment: float, step: float, *, is_first: bool) -> str:
    at = time.localtime(moment)
    if step >= DAY_S:
        return time.strftime("%d %b", at)
    if step >= 60:
        return time.strftime("%H:%M", at)
    return time.strftime("%H:%M:%S" if is_first else ":%S" if at.tm_sec else "%H:%M", at)


def first_of(runs: Sequence[Run], since: float) -> float:
    """Return when the earliest of some runs was queued, or `since` when that is later."""
    return max(since, min(filter(None, map(_QUEUED, runs)), default=since))
