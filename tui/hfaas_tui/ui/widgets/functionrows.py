"""How the table of functions shows a function: its columns, their texts, and what they are sorted by."""

from __future__ import annotations

from dataclasses import dataclass

from hfaas_tui.ui import glyphs, safe
from hfaas_tui.ui.model import Condition, Function, Run, Stats
from hfaas_tui.ui.widgets.vtable import Column

_STATE = Column("state", "STATE", 8)
_NAME = Column("name", "NAME", 23, grow=1)
_MODE = Column("mode", "MODE", 12)
_IMAGE = Column("image", "IMAGE", 22, prio=5, grow=1)
_MEMORY = Column("memory", "MEM", 5, prio=3, align="right")
_TIMEOUT = Column("timeout", "TMO", 3, prio=6, align="right")
_GPUS = Column("gpus", "GPU", 3, align="right")
_LAST = Column("last", "LAST", 9, prio=1)
_RUNS = Column("runs", "RUNS", 5, prio=6, align="right")
_ERRORS = Column("errors", "ERR", 5, prio=6, align="right")
_P50 = Column("p50", "P50", 5, prio=2, align="right")
_P95 = Column("p95", "P95", 5, prio=1, align="right")

USUAL = (_STATE, _NAME, _MODE, _MEMORY, _GPUS, _LAST, _P50, _P95)
SMALL = (_STATE, _NAME, _MODE, _GPUS, _LAST, _P95)
ALL = (_STATE, _NAME, _MODE, _IMAGE, _MEMORY, _TIMEOUT, _GPUS, _LAST, _RUNS, _ERRORS, _P50, _P95)
NONE = Stats()


@dataclass(frozen=True, slots=True)
class Row:
    """A function and what its runs came to."""

    function: Function
    stats: Stats = NONE

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def condition(self) -> Condition:
        """Return how it is: what was deployed first, then what runs, then how its last run ended."""
        if self.function.state is not Condition.READY:
            return self.function.state
        if self.stats.running:
            return Condition.RUNNING
        if self.stats.queued:
            last = self.stats.last
            return Condition.RETRYING if last and last.state is Condition.RETRYING else Condition.QUEUED
        ended = self.stats.last.state if self.stats.last else Condition.OK
        return ended if ended in {Condition.FAILED, Condition.TIMED_OUT} else Condition.READY

    def state(self) -> tuple[str, str]:
        """Return glyph and word of how it is, and its tone."""
        condition = self.condition
        look = glyphs.LOOKS[condition]
        count = {Condition.RUNNING: self.stats.running, Condition.QUEUED: self.stats.queued}.get(condition, 0)
        words = {Condition.RUNNING: f"{count} run", Condition.FAILED: "failed"}
        return f"{look.glyph} {words.get(condition, look.word)}", look.tone

    def cell(self, column: str, now: float) -> tuple[str, str]:
        """Return text and tone of a column."""
        match column:
            case "state":
                return self.state()
            case "name":
                return self.name, "dim" if self.function.is_onetrigger else ""
            case "last":
                return last(self.stats.last, now)
            case _:
                return self._plain(column), ""

    def _plain(self, column: str) -> str:
        function, stats = self.function, self.stats
        match column:
            case "mode":
                return function.mode
            case "image":
                return function.image
            case "memory":
                return str(function.memory_mb)
            case "timeout":
                return str(function.timeout_s)
            case "gpus":
                return str(function.gpus or "-")
            case "runs":
                return str(stats.runs)
            case "errors":
                return share(stats)
            case "p50":
                return brief(stats.p50)
            case _:
                return brief(stats.p95)

    def order(self, column: str) -> tuple[bool, float | str]:
        """Return what a column sorts by: what is unknown comes last."""
        function, stats = self.function, self.stats
        value: float | str | None
        match column:
            case "state":
                value = self.condition.value
            case "memory":
                value = function.memory_mb
            case "timeout":
                value = function.timeout_s
            case "gpus":
                value = function.gpus
            case "last":
                value = -stats.last.queued if stats.last else None
            case "runs":
                value = stats.runs
            case "errors":
                value = stats.failed / stats.runs if stats.runs else None
            case "p50":
                value = stats.p50
            case "p95":
                value = stats.p95
            case _:
                value = self._plain(column) if column != "name" else self.name
        return value is None, value if value is not None else 0.0


def last(run: Run | None, now: float) -> tuple[str, str]:
    """Return how a run ended and when, or for how long it has been running."""
    if run is None:
        return "-", "dim"
    look = glyphs.LOOKS[run.state]
    since = run.ended if run.ended is not None else run.started or run.queued
    ago = safe.ago(now - since)
    return f"{look.glyph} {ago if run.ended is not None else ago.removesuffix(' ago')}", look.tone


def share(stats: Stats) -> str:
    """Return how many of all runs failed, in percent; a dash without runs."""
    if not stats.runs:
        return "-"
    percent = 100 * stats.failed / stats.runs
    return f"{percent:.1f}%" if 0 < percent < 10 else f"{percent:.0f}%"


def brief(seconds: float | None) -> str:
    """Return a duration in at most 5 characters: nobody reads the tenths of 22 seconds."""
    if seconds is not None and 20 <= seconds < 60:
        return f"{seconds:.0f}s"
    if seconds is not None and 60 <= seconds < 100:
        return f"1m{seconds - 60:02.0f}s"
    return safe.duration(seconds)
