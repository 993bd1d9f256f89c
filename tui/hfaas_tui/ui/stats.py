"""What the runs of each function come to, kept up run by run: 50,000 of them are never counted anew.

The two legs of a delegated event are one run here: the job's row stands for it, except for a cold start, which
only the invocation has. Children of an array are not counted, their parent is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from hfaas_tui.ui.model import Condition, Run, Stats
from hfaas_tui.ui.state import RUNS_KEPT, Store

SPAN_S = 300
"""What one value of a series stands for."""

SPANS = 24 * 3600 // SPAN_S
"""Values in a series: the last day."""

SAMPLES = 2_000
"""Durations that the percentiles of a function are taken from, the newest ones; of a span, half a thousand."""

BAD = {Condition.FAILED, Condition.TIMED_OUT}
WAITING = {Condition.QUEUED, Condition.RETRYING}


@dataclass(slots=True)
class _Span:
    runs: int = 0
    failed: int = 0
    times: dict[str, float] = field(default_factory=dict)
    p95: float | None = None


@dataclass(slots=True)
class _Tally:
    runs: int = 0
    failed: int = 0
    running: int = 0
    queued: int = 0
    cold: int = 0
    last: str = ""
    last_error: str = ""
    times: dict[str, float] = field(default_factory=dict)
    spans: dict[int, _Span] = field(default_factory=lambda: defaultdict(_Span))


class Statistics:
    """The figures of one store; belongs to the thread that asks."""

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self._mark = 0
        self._span = 0
        self._runs: dict[str, Run] = {}
        self._tallies: dict[str, _Tally] = {}
        self._stats: dict[str, Stats] = {}

    def ask(self, store: Store, now: float) -> dict[str, Stats]:
        """Return the figures by function; the same dictionary while nothing changed."""
        self._mark, runs = store.runs_since(self._mark)
        span = int(now // SPAN_S)
        changed = self._count(runs)
        if span != self._span:
            self._span = span
            changed = set(self._tallies)
        if changed:
            self._stats = self._stats | {name: self._told(self._tallies[name], span) for name in changed}
        return self._stats

    def _count(self, runs: Iterable[Run]) -> set[str]:
        changed = set()
        for run in runs:
            if run != (known := self._runs.get(run.id)):
                if known:
                    self._add(known, -1)
                self._runs[run.id] = run
                self._add(run, 1)
                changed.add(run.function)
        self._forget()
        return changed

    def _add(self, run: Run, sign: int) -> None:
        tally = self._tallies.setdefault(run.function, _Tally())
        tally.cold += sign * run.is_cold
        if not stands_for_itself(run):
            return
        span = tally.spans[int(run.queued // SPAN_S)]
        bad = run.state in BAD
        tally.runs += sign
        span.runs += sign
        tally.failed += sign * bad
        span.failed += sign * bad
        tally.running += sign * (run.state is Condition.RUNNING)
        tally.queued += sign * (run.state in WAITING)
        if sign > 0:
            self._follow(tally, run, bad=bad)
        if run.started is not None and run.ended is not None:
            _sample(tally.times, run, sign, SAMPLES)
            _sample(span.times, run, sign, SAMPLES // 4)
            span.p95 = None

    def _follow(self, tally: _Tally, run: Run, *, bad: bool) -> None:
        last, error = self._runs.get(tally.last), self._runs.get(tally.last_error)
        if last is None or run.queued >= last.queued or not stands_for_itself(last):
            tally.last = run.id
        if bad and (error is None or run.queued >= error.queued or error.state not in BAD):
            tally.last_error = run.id

    def _told(self, tally: _Tally, span: int) -> Stats:
        for old in [each for each in tally.spans if each <= span - SPANS]:
            del tally.spans[old]
        runs, failed, p95 = [0.0] * SPANS, [0.0] * SPANS, [0.0] * SPANS
        for number, each in tally.spans.items():  # a function has runs in few of them
            if each.p95 is None and each.times:
                each.p95 = percentile(sorted(each.times.values()), 95)
            if (at := number - span + SPANS - 1) < SPANS:
                runs[at], failed[at], p95[at] = float(each.runs), float(each.failed), each.p95 or 0.0
        times = sorted(tally.times.values())
        error = self._runs.get(tally.last_error)
        return Stats(
            runs=tally.runs,
            failed=tally.failed,
            running=tally.running,
            queued=tally.queued,
            cold=tally.cold,
            p50=percentile(times, 50),
            p95=percentile(times, 95),
            last=self._runs.get(tally.last),
            last_error=error if error and error.state in BAD else None,
            runs_series=tuple(runs),
            failed_series=tuple(failed),
            p95_series=tuple(p95),
        )

    def _forget(self) -> None:
        if len(self._runs) > 2 * RUNS_KEPT:
            for old in [name for name, run in self._runs.items() if run.is_over][:RUNS_KEPT]:
                del self._runs[old]


_of_stores: WeakKeyDictionary[Store, Statistics] = WeakKeyDictionary()


def stats(store: Store, now: float) -> dict[str, Stats]:
    """Return what the runs of each function came to; costs nothing while nothing changed. For the UI's thread."""
    known = _of_stores.get(store)
    if known is None or known.epoch != store.epoch:
        known = _of_stores[store] = Statistics(store.epoch)
    return known.ask(store, now)


def stands_for_itself(run: Run) -> bool:
    """Tell whether a row counts as one run: not the first leg of two, nor the child of an array."""
    return not run.job and (run.kind == "invocation" or (":" not in run.id and "#" not in run.id))


def percentile(ordered: Sequence[float], share: int) -> float | None:
    """Return the value that `share` percent do not exceed (nearest rank); None of nothing."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else None


def _sample(times: dict[str, float], run: Run, sign: int, most: int) -> None:
    times.pop(run.id, None)
    if sign > 0 and run.started is not None and run.ended is not None:
        times[run.id] = run.ended - run.started
        if len(times) > most:
            del times[next(iter(times))]
