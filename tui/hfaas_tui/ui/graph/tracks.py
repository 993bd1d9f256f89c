"""What became of one object across functions and storage: what ran because of it, and because of what that wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hfaas_tui.ui.graph.graph import Pipeline, is_in, place_of
from hfaas_tui.ui.model import Condition, Run
from hfaas_tui.ui.safe import duration
from hfaas_tui.ui.stats import BAD, percentile
from hfaas_tui.units import size

MOST = 20_000
"""Objects that are followed; what comes of more is not looked at."""

ERRORS = 3
"""Failed runs of one function that have lines of their own."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a track: where in the graph it was, and a run to open."""

    time: float
    what: str
    text: str
    right: str = ""
    tone: str = ""
    node: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """All that came of an object; `ended` is None while something goes on."""

    uri: str
    marks: tuple[Mark, ...] = ()
    began: float = 0
    ended: float | None = None
    good: int = 0
    failed: int = 0
    running: int = 0

    @property
    def name(self) -> str:
        return self.uri.rpartition("/")[2]


def newest(runs: Iterable[Run], places: Sequence[str], function: str = "") -> str:
    """Return the object in some places that was last the reason for a run, of one function when it is named."""
    best: Run | None = None
    for run in runs:
        is_ours = run.function == function if function else place_of(run.origin, places)
        if is_ours and "://" in run.origin and (best is None or run.queued >= best.queued):
            best = run
    return best.origin if best else ""


def track(uri: str, runs: Sequence[Run], pipeline: Pipeline, weight: int | None = None) -> Track:
    """Follow an object through everything that it caused."""
    caused = _by_origin(runs)
    marks: list[Mark] = []
    all_runs: list[Run] = []
    written: list[str] = []
    level, seen = [uri], {uri}
    if own := caused.get(uri):
        place = place_of(uri, [key for key, node in pipeline.nodes.items() if not node.function])
        marks.append(Mark(min(run.queued for run in own), "put", uri, size(weight) if weight else "", "", place))
    while level:
        groups: dict[str, list[Run]] = defaultdict(list)
        for run in (run for each in level for run in caused.get(each, ())):
            groups[run.function].append(run)
        for function, group in groups.items():
            marks += _group(function, group)
            all_runs += group
        outputs = [each for group in groups.values() for run in group for each in run.outputs]
        level = [each for each in dict.fromkeys(outputs) if each not in seen][: MOST - len(seen)]
        seen.update(level)
        written += level
    final = [each for each in written if each not in caused]
    return _track(uri, marks, all_runs, final, pipeline)


def _by_origin(runs: Iterable[Run]) -> Mapping[str, list[Run]]:
    """Return the runs by the object that caused them; of a delegated one the job, with the invocation's origin."""
    known = {run.id: run for run in runs}
    found: dict[str, list[Run]] = defaultdict(list)
    for run in known.values():
        if "://" not in run.origin or (run.kind == "job" and run.invocation in known):
            continue
        job = known.get(run.job)
        found[run.origin].append(run if job is None else _joined(run, job))
    return found


def _joined(first: Run, job: Run) -> Run:
    """Return the two legs of a delegated event as one run."""
    outputs = (*first.outputs, *job.outputs)
    return replace(job, origin=first.origin, queued=first.queued, function=first.function, outputs=outputs)


def _group(function: str, runs: list[Run]) -> Iterator[Mark]:
    """Tell of the runs of one function: that they were asked for, what they wrote, what failed."""
    first = min(run.queued for run in runs)
    one = runs[0]
    is_one = len(runs) == 1
    where = f"{'job' if one.kind == 'job' else 'lambda'} {one.id[:8]}" if is_one else ""
    waited = [(run.started or run.queued) - run.queued for run in runs]
    right = f"queued {duration(max(waited))}"
    if not is_one:
        times = sorted(run.ended - run.started for run in runs if run.ended and run.started)
        right = f"first {duration(times[0])}   p95 {duration(percentile(times, 95))}" if times else ""
    text = f"ObjectCreated → {function}" + (f" ({where})" if where else "")
    text = text if is_one else f"{len(runs):,} × {text}"
    yield Mark(first, "event" if is_one else "events", text, right, "", function, one.id if is_one else "")
    yield from _results(function, runs)


def _results(function: str, runs: Sequence[Run]) -> Iterator[Mark]:
    ended = [run.ended for run in runs if run.ended is not None]
    outputs: dict[str, int] = defaultdict(int)
    for run in runs:
        for uri in run.outputs:
            outputs[uri.rpartition("/")[0] + "/"] += 1
    for place, count in outputs.items():
        right = f"ran {duration(runs[0].seconds(0))} ✓" if len(runs) == 1 and runs[0].state is Condition.OK else ""
        text = f"{count:,} file{'' if count == 1 else 's'} → {place}"
        yield Mark(max(ended, default=runs[0].queued), "output", text, right, "ok", function)
    bad = [run for run in runs if run.state in BAD]
    for run in bad[:ERRORS]:
        said = run.message or run.error_type or f"exit {run.exit}"
        again = f"✗ after {run.attempt} attempts" if run.attempt > 1 else "✗"
        text = f"{run.origin.rpartition('/')[2]}   {said}"
        yield Mark(run.ended or run.queued, "error", text, again, "err", function, run.id)
    if len(bad) > ERRORS:
        yield Mark(
            bad[-1].ended or 0, "error", f"and {len(bad) - ERRORS:,} more of {function}", "", "err", function
        )


def _track(uri: str, marks: list[Mark], runs: Sequence[Run], final: Sequence[str], pipeline: Pipeline) -> Track:
    going = [run for run in runs if not run.is_over]
    began = min((run.queued for run in runs), default=0.0)
    ended = None if going or not runs else max(run.ended or 0 for run in runs)
    good = sum(run.state is Condition.OK for run in runs)
    failed = sum(run.state in BAD for run in runs)
    marks.sort(key=lambda mark: mark.time)
    if ended is not None:
        marks.append(_end(ended, final, failed, pipeline))
    return Track(uri, tuple(marks), began, ended, good, failed, len(going))


def _end(ended: float, final: Sequence[str], failed: int, pipeline: Pipeline) -> Mark:
    places = list(dict.fromkeys(uri.rpartition("/")[0] + "/" for uri in final))
    count = len(final)
    if not count:
        words = "nothing was written" if not failed else "it ended here: nothing was written"
        return Mark(ended, "done", words, "", "err" if failed else "warn")
    text = (
        f"{count:,} file{'' if count == 1 else 's'} in {' and '.join(places[:3])}{' …' if len(places) > 3 else ''}"
    )
    nodes = [key for key, node in pipeline.nodes.items() if not node.function and is_in(final[-1], key)]
    return Mark(ended, "done", text, "", "warn" if failed else "ok", nodes[0] if nodes else "")
