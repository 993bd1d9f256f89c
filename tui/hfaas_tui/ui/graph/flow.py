"""What goes along the edges of pipelines, counted run by run, and what each node says of itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.glyphs import LOOKS
from hfaas_tui.ui.graph.canvas import Piece
from hfaas_tui.ui.graph.graph import Edge, Pipeline, place_of
from hfaas_tui.ui.graph.graph_paint import Face
from hfaas_tui.ui.model import Condition, Function, Run, Stats
from hfaas_tui.ui.safe import clean, clock, duration
from hfaas_tui.ui.state import RUNS_KEPT, Store
from hfaas_tui.units import size

Way = tuple[str, str]
BAR = 14
"""Cells of a progress bar."""

_NOTHING = Stats()
_VERBS = {"s3": "PUT", "onedata": "event"}


@dataclass(frozen=True, slots=True)
class Amount:
    """What is in a place; `is_all` is False when it was not counted to its end, `uploading` is a share."""

    objects: int = 0
    size: int = 0
    is_all: bool = True
    uploading: float | None = None


class Flow:
    """Counts events and outputs along edges; `ask` brings it up to date."""

    def __init__(self) -> None:
        self._mark = 0
        self._epoch = 0
        self._functions: Mapping[str, Function] = {}
        self._known: dict[str, tuple[Way, ...]] = {}
        self.counts: Counter[Way] = Counter()
        self.running: dict[str, dict[str, float]] = defaultdict(dict)

    def ask(self, store: Store, pipelines: Sequence[Pipeline]) -> None:
        """Count what came since the last time; everything anew when the functions are others."""
        functions = {
            key: node.function
            for each in pipelines
            for key, node in each.nodes.items()
            if node.function is not None
        }
        if functions != self._functions or store.epoch != self._epoch:
            self.__init__()  # type: ignore[misc]
            self._functions, self._epoch = functions, store.epoch
        self._mark, runs = store.runs_since(self._mark)
        for run in runs:
            self._take(run)
        if len(self._known) > 2 * RUNS_KEPT:
            for old in [*self._known][:RUNS_KEPT]:
                del self._known[old]

    def _take(self, run: Run) -> None:
        if (function := self._functions.get(run.function)) is None:
            return
        ways = tuple(_ways(run, function))
        before = self._known.get(run.id, ())
        if ways != before:
            self.counts.subtract(before)
            self.counts.update(ways)
        self._known[run.id] = ways
        if run.state is Condition.RUNNING and run.started is not None:
            self.running[run.function][run.id] = run.started
        else:
            self.running[run.function].pop(run.id, None)

    def labels(self, pipeline: Pipeline) -> Iterator[tuple[Way, str]]:
        """Yield what stands along each edge: how many events or files went there, or what makes them go."""
        for edge in pipeline.edges:
            yield (edge.source, edge.target), self._label(edge)

    def _label(self, edge: Edge) -> str:
        count = self.counts[edge.source, edge.target]
        if edge.what == "inside":
            return "in"
        if edge.what == "output":
            return f"{count:,}" if count else ""
        verb = "poll" if edge.what == "poll" else _VERBS.get(edge.source.partition("://")[0], "event")
        return f"{verb} ×{count:,}" if count > 1 else verb


def _ways(run: Run, function: Function) -> Iterator[Way]:
    is_second = run.kind == "job" and run.invocation  # its event is counted at the invocation
    if not is_second and (place := place_of(run.origin, function.inputs)):
        yield place, function.name
    for uri in run.outputs:
        if place := place_of(uri, function.outputs):
            yield function.name, place


# --- faces


def function_face(pipeline: Pipeline, function: Function, stats: Stats, began: float | None, now: float) -> Face:
    """Say how a function is; `began` is when the oldest of its runs that go on was started."""
    look, word = _state(function, stats)
    bar = _bar(stats, function, began, now) if stats.running == 1 and not stats.queued else ""
    counts = f"✓ {_good(stats)}   ✗ {stats.failed}   ▶ {stats.running}   ◌ {stats.queued}"
    share = f"{stats.failed / stats.runs:.1%}".replace(".0%", "%") if stats.runs else "-"
    loops = [f"! loop → {edge.target.partition('://')[2]}" for edge in pipeline.loops(function.name)]
    p95 = f"p95 {duration(stats.p95)}"
    lines = [
        (clean(function.name), ""),
        (clean(function.image.rpartition("@")[0] or function.image or "-"), "dim"),
        (f"{p95}   err {share}", ""),
        (loops[0], "warn") if loops else (clean(function.script.rpartition("/")[2]), "dim"),
        (bar, "run") if bar else (counts, "err" if stats.failed else ""),
    ]
    short = f"✓{_good(stats)} ✗{stats.failed} ▶{stats.running}"
    brief = [(f"{p95}   ", "dim"), (bar or short, "run" if bar else "err" if stats.failed else "")]
    title = [(f"{function.mode} ", ""), (f"{look.glyph}{word}", look.tone)]
    return Face(title, lines, brief, function.mode.replace("lambda-batch", "λ→batch"), (look.glyph, look.tone))


def _state(function: Function, stats: Stats) -> tuple[glyphs.Look, str]:
    if stats.running or stats.queued:
        state = Condition.RUNNING if stats.running else Condition.QUEUED
        count = stats.running or stats.queued
        return LOOKS[state], f" {count} {'run' if stats.running else 'waits' if count == 1 else 'wait'}"
    if (
        function.state is Condition.READY
        and stats.last
        and stats.last.state
        in {
            Condition.FAILED,
            Condition.TIMED_OUT,
        }
    ):
        return LOOKS[Condition.FAILED], " last run failed"
    look = LOOKS[function.state]
    return look, "" if function.state is Condition.READY else f" {look.word}"


def _good(stats: Stats) -> int:
    return max(0, stats.runs - stats.failed - stats.running - stats.queued)


def _bar(stats: Stats, function: Function, began: float | None, now: float) -> str:
    """Return how far the run probably is, by what others took: `▒▒▒▒░░░░ 0:41`."""
    if began is None:
        return ""
    usual = stats.p95 or function.timeout_s or 60
    done = min(BAR - 1, int(BAR * (now - began) / usual))
    return f"{'▒' * done}{'░' * (BAR - done)} {clock(now - began)}"


def place_face(key: str, amount: Amount | None, *, is_gone: bool = False) -> Face:
    """Say what is in a place; None while that was not counted."""
    scheme, _, name = key.partition("://")
    noun = "file" if scheme == "onedata" else "object"
    if amount is None:
        count, weight = "not there yet" if is_gone else "…", ""
    else:
        more = "" if amount.is_all else "+"
        count = f"{amount.objects:,}{more} {noun}{'' if amount.objects == 1 and not more else 's'}"
        weight = size(amount.size) if amount.objects else ""
    note = ""
    if amount is not None and amount.uploading is not None:
        done = int(BAR * amount.uploading)
        note = f"↑ {'▒' * done}{'░' * (BAR - done)} {amount.uploading:.0%}"
    lines = [(clean(name), ""), (f"{count}   {weight}".rstrip(), ""), (note, "run")]
    brief = [(note or f"{count:>14} {weight:>8}", "run" if note else "dim")]
    return Face([(scheme, "")], lines, brief, scheme)


def shorter(face: Face) -> Face:
    """Return a face that takes fewer lines: the name, and how it goes."""
    lines = face.lines
    kept = [lines[0], lines[1] if len(lines) == 3 else lines[4]]
    if len(lines) == 5 and lines[3][1] == "warn":
        kept[1] = lines[3]
    if len(lines) == 3 and lines[2][0]:
        kept[1] = lines[2]
    return Face(face.title, kept, face.brief, face.kind, face.glyph)


def title(piece: Pipeline, stats: Mapping[str, Stats]) -> Piece:
    """Return what stands above a pipeline."""
    mine = [stats.get(name, _NOTHING) for name in piece.functions]
    good, failed = sum(_good(each) for each in mine), sum(each.failed for each in mine)
    running, queued = sum(each.running for each in mine), sum(each.queued for each in mine)
    count = len(mine)
    words = f"{clean(piece.name)} · {count} function{'' if count == 1 else 's'} · ✓ {good}  ✗ {failed}"
    return f"{words}  ▶ {running}  ◌ {queued}", "err" if failed else "dim"
