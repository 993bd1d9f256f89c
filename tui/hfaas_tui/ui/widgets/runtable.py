"""The table of runs: what a row says, which runs a tab and a range of time show, and bars on a common axis."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Literal

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.model import Condition, Run
from hfaas_tui.ui.safe import clock
from hfaas_tui.ui.widgets.phases import figure, gb_seconds
from hfaas_tui.ui.widgets.timeline import Axis, axis, bar, first_of, labels
from hfaas_tui.ui.widgets.vtable import Column, VTable

Tab = Literal["all", "invocation", "job"]
TABS: tuple[Tab, ...] = ("all", "invocation", "job")

COLUMNS = (
    Column("state", "STATE", 7),
    Column("id", "ID", 8, prio=3),
    Column("function", "FUNCTION", 20),
    Column("where", "WHERE", 7),
    Column("start", "START", 8, prio=4),
    Column("gbs", "GB-S", 6, prio=5, align="right"),
    Column("time", "TIME", 6, align="right"),
    Column("axis", "", 28, prio=1, grow=1),
)
FUNCTION_WIDE = 24
"""Cells of a function's name where there is room."""

_TEXTS: dict[str, Callable[[Run], str]] = {
    "state": lambda run: f"{glyphs.LOOKS[run.state].word} {run.state}{' stuck' * run.is_stuck}",
    "id": attrgetter("id"),
    "function": attrgetter("function"),
    "where": attrgetter("where"),
    "error": lambda run: f"{run.error_type} {run.message}" if run.message else run.error_type,
    "origin": attrgetter("origin"),
    "queue": attrgetter("queue"),
    "cause": attrgetter("cause"),
    "gpus": lambda run: str(run.gpus),
    "exit": lambda run: "" if run.exit is None else str(run.exit),
}
FILTERS = (*_TEXTS, "time")
"""What a filter may name; words without a name are looked for in all of them."""


_STATE = attrgetter("state")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The runs that a tab and a range show, live ones first, then the newest; and how many are how."""

    rows: list[Run]
    counts: Counter[Condition]
    newest: float = 0
    """When the newest run ended that is too old for the range; 0 when there is none."""


def chosen(runs: Sequence[Run], tab: Tab, since: float) -> Chosen:
    """Choose runs of a tab that were under way at or after a moment; `runs` are oldest first."""
    if tab != "all":
        runs = [run for run in runs if run.kind == tab]
    live = [run for run in runs if run.ended is None]
    live.sort(key=lambda run: (run.started is None, -(run.started or run.queued)))
    over = [run for run in reversed(runs) if run.ended is not None and run.ended >= since]
    rows = live + over
    newest = 0.0 if rows else max((run.ended or 0.0 for run in runs), default=0.0)
    return Chosen(rows, Counter(map(_STATE, rows)), newest)


class RunTable(VTable[Run]):
    """Runs with their bars; `look` once in a while moves what is under way, of the visible rows only."""

    def __init__(self, now: Callable[[], float], **more: Any) -> None:
        super().__init__(COLUMNS, self._said, lambda run: run.id, order=self._ordered, **more)
        self._now = now
        self._axis = Axis()
        self._since = 0.0
        self._second = 0
        self._verdicts: dict[str, tuple[Run, bool]] = {}

    def put(self, rows: list[Run], since: float) -> None:
        """Replace the rows; the axis begins with the first of them, but not before a moment."""
        self._since = first_of(rows, since)
        self._scale()
        self.set_rows(rows)

    def look(self) -> bool:
        """Bring what depends on the time up to date; True once a second."""
        second = int(self._now())
        if second == self._second:
            return False
        self._second = second
        if not self._scale():
            top = int(self.scroll_offset.y)
            for at, run in enumerate(self._shown[top : top + self._height], top):
                if run.ended is None:
                    self.refresh_line(at + 1)
        return True

    def set_filter(self, keep: Callable[[Run], bool] | None) -> None:
        """Show only runs that `keep` says yes to; one that is over is asked about once."""
        self._verdicts = {}
        super().set_filter(None if keep is None else lambda run: self._kept(run, keep))

    def sort_by(self, column: str, *, is_reversed: bool = False) -> None:
        """Sort as any table; a third click on the same title brings back the order of things."""
        is_third = column == self.sorted_by and self.is_reversed and not is_reversed
        super().sort_by("" if is_third else column, is_reversed=is_reversed)

    def _kept(self, run: Run, keep: Callable[[Run], bool]) -> bool:
        known = self._verdicts.get(run.id)
        if known is not None and known[0] is run:
            return known[1]
        verdict = keep(run)
        if run.ended is not None:
            if len(self._verdicts) > 2 * len(self._rows) + 1000:
                self._verdicts = {}
            self._verdicts[run.id] = run, verdict
        return verdict

    # --- the axis

    def _lay_out(self, width: int) -> None:
        wide = FUNCTION_WIDE if width >= 112 else 20
        self.columns = [replace(each, width=wide) if each.key == "function" else each for each in self.columns]
        super()._lay_out(width)
        self._axis = Axis()
        self._scale()

    def _scale(self) -> bool:
        """Have the axis end now; True when it moved."""
        width = next((wide for column, wide in self._layout if column.key == "axis"), 0)
        new = axis(self._since or self._now(), self._now(), width) if width else Axis()
        if new == self._axis:
            return False
        self._axis = new
        title = labels(new)
        self.columns = [replace(each, title=title) if each.key == "axis" else each for each in self.columns]
        self._layout = [
            (replace(column, title=title) if column.key == "axis" else column, wide)
            for column, wide in self._layout
        ]
        self.refresh()
        return True

    # --- what a row says

    def text(self, row: Run, column: str) -> str:
        """Return what a filter compares."""
        told = _TEXTS.get(column)
        return told(row) if told is not None else super().text(row, column)

    def _said(self, run: Run, column: str) -> tuple[str, str]:
        look = glyphs.LOOKS[run.state]
        match column:
            case "state":
                is_stuck = run.is_stuck and run.started is None and run.ended is None
                return ("! stuck", "warn") if is_stuck else (f"{look.glyph} {look.word}", look.tone)
            case "id":
                return abbreviated(run.id), "dim"
            case "function":
                return run.function, ""
            case "where":
                return where(run), ""
            case "start":
                return time.strftime("%H:%M:%S", time.localtime(run.started or run.queued)), "dim"
            case "gbs":
                used = gb_seconds(run, self._now())
                return "-" if used is None else figure(used), "dim"
            case "time":
                return taken(run, self._now()), ""
            case _:
                return bar(run, self._axis, self._now()), look.tone

    def _ordered(self, run: Run, column: str) -> Any:
        match column:
            case "time":
                return run.seconds(self._now()) or 0.0
            case "gbs":
                return gb_seconds(run, self._now()) or 0.0
            case "start" | "axis":
                return run.started or run.queued
            case "id":
                return run.id
            case _:
                return self._said(run, column)[0]


def abbreviated(id: str) -> str:
    """Return the beginning and the end of an id: `a91e…b9`."""
    return id if len(id) <= 7 else f"{id[:4]}…{id[-2:]}"


def where(run: Run) -> str:
    """Return where a run was: an invocation that came over HTTP says `api`."""
    return "api" if run.origin == "api" and run.kind == "invocation" and not run.job else run.where


def taken(run: Run, now: float) -> str:
    """Return how long a run took in seconds, `31.0`, or since when it runs or waits, `0:41`."""
    if run.ended is None:
        return clock(now - (run.started or run.queued))
    seconds = run.seconds(now)
    if seconds is None:
        return "-"
    return f"{seconds:.1f}" if seconds < 1000 else f"{seconds:.0f}"
