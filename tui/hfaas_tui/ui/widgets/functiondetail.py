"""What the pane beside the table says of one function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hfaas_tui.ui import glyphs, safe
from hfaas_tui.ui.model import Condition, Function, Run, Stats
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.functionrows import Row, brief, last
from hfaas_tui.ui.widgets.spark import spark

Line = tuple[Part, ...]
LABEL = 8
DIGEST = 6
MODES = {
    "lambda": "lambda, at most {timeout} s",
    "lambda-batch": "lambda → batch after {timeout} s",
    "batch": "batch, as long as it takes",
}


def lines(row: Row, now: float, width: int) -> list[Line]:
    """Return everything worth knowing at a glance."""
    text, tone = row.state()
    function = row.function
    mode = MODES.get(function.mode, "a mode that is not known here").format(timeout=function.timeout_s)
    found: list[Line] = [(Part(function.name, "head"),), (Part(text, tone), Part(f"   {mode}"))]
    if function.reason:
        found.append((Part(f"  {function.reason}", "warn"),))
    found += [(), *_made_of(function), (), *_day(row.stats, width)]
    found += _last(row.stats, now)
    return found


def _made_of(function: Function) -> Iterator[Line]:
    image, _, tag = function.image.rpartition(":") if "/" not in function.image.rpartition(":")[2] else ("", "", "")
    yield _field("image", image or function.image)
    digest = function.digest.removeprefix("sha256:")[:DIGEST]
    of = "  ".join([*([f"tag {tag}"] if image else []), *([f"sha {digest}…"] if digest else [])])
    if of:
        yield _field("", of, "dim")
    gpu = f"   gpu {function.gpus}" if function.gpus else ""
    yield _field("size", f"{function.memory_mb} MB   {function.timeout_s} s{gpu}")
    yield from _listed("input", function.inputs)
    yield from _listed("output", function.outputs)
    yield from _listed("url", function.urls)
    if function.script:
        yield _field("script", function.script)
    if function.stack:
        yield _field("stack", function.stack)


def _listed(label: str, values: Iterable[str]) -> Iterator[Line]:
    for number, value in enumerate(values):
        yield _field("" if number else label, value)


def _day(stats: Stats, width: int) -> Iterator[Line]:
    if not stats.runs:
        yield (Part("No runs yet.   i invokes it", "dim"),)
        return
    yield (Part("Last 24 h", "head"),)
    room = max(8, width - 14)
    p95 = brief(stats.p95)
    for label, series, figure, tone in (
        ("runs", spark(stats.runs_series, room), str(int(sum(stats.runs_series))), "run"),
        ("errors", spark(stats.failed_series, room), str(int(sum(stats.failed_series))), "err"),
        ("p95", spark(stats.p95_series, room, max), p95, "run"),
    ):
        yield (Part(f"{label:<7}", "dim"), Part(series, tone), Part(f"{figure:>6}"))
    yield (Part(f"{'cold':<7}", "dim"), Part(f"{stats.cold} of {stats.runs}"))


def _last(stats: Stats, now: float) -> Iterator[Line]:
    if stats.last:
        yield ()
        text, tone = last(stats.last, now)
        took = stats.last.seconds(now)
        yield (
            Part("Last run   ", "head"),
            Part(text, tone),
            Part(f"   {safe.duration(took)}   {stats.last.where}"),
        )
        if "://" in stats.last.origin:
            yield _field("  in", stats.last.origin)
        for uri in stats.last.outputs[:3]:
            yield _field("  out", uri)
    if stats.last_error:
        yield ()
        yield from _error(stats.last_error, now)


def _error(run: Run, now: float) -> Iterator[Line]:
    text, tone = last(run, now)
    yield (Part("Last error ", "head"), Part(text, tone), Part(f"   {run.where}"))
    if why := ": ".join(each for each in (run.error_type, run.message) if each):
        yield (Part(f"  {why}", "err"),)
    elif run.state is Condition.TIMED_OUT:
        yield (Part(f"  {glyphs.LOOKS[run.state].glyph} time was over", "warn"),)
    if run.job:
        yield (Part(f"  handed to job {run.job[:8]}", "dim"),)


def _field(label: str, value: str, tone: str = "") -> Line:
    return (Part(f"{label:<{LABEL}}", "dim"), Part(value, tone))
