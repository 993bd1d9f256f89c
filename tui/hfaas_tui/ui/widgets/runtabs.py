"""The tabs of a run's full detail, as lines. Pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.model import Condition, Step
from hfaas_tui.ui.safe import clean, clean_lines, duration
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.runlines import Scene, labelled, strip
from hfaas_tui.ui.widgets.textpane import Line

LINES_SHOWN = 5000
TAIL = 8
"""Last lines shown in the overview."""


def overview(scene: Scene) -> Iterator[Line]:
    """Yield everything of a run that is no text of its own."""
    run = scene.run
    yield from strip(scene, is_tall=True)
    yield ()
    yield labelled("id", Part(run.id))
    yield labelled("function", Part(run.function))
    yield labelled("queued", Part(moment(run.queued)))
    if run.started is not None:
        yield labelled("started", Part(moment(run.started) + ("  cold start" if run.is_cold else "")))
    if run.ended is not None:
        yield labelled("ended", Part(moment(run.ended)))
    yield labelled("attempt", Part(str(run.attempt or 1)))
    if run.queue:
        yield labelled("queue", Part(run.queue))
    if run.log_stream:
        yield labelled("log", Part(f"{run.log_group}  {run.log_stream}"))
    for uri in run.outputs:
        yield labelled("output", Part(uri))
    if scene.detail.story:
        yield ()
        yield (Part(" Job" if run.kind == "job" else " More", "head"),)
        wide = max(len(clean(label)) for label, _ in scene.detail.story)
        for label, value in scene.detail.story:
            yield (Part(f" {clean(label):<{wide}}  ", "dim"), Part(value))
    if scene.detail.lines:
        yield ()
        yield (Part(" Last lines", "head"),)
        yield from ((Part(" " + clean(line)),) for line in scene.detail.lines[-TAIL:])


def event(scene: Scene) -> Iterator[Line]:
    """Yield the event, pretty when it is JSON."""
    text = scene.detail.event
    if not text:
        yield (Part(" The target keeps no event of this run.", "dim"),)
        return
    yield from _bounded(pretty(text), _json_line)


def environment(scene: Scene) -> Iterator[Line]:
    """Yield the variables of the container; secrets came hidden."""
    known = scene.detail.environment
    if not known:
        yield (Part(" The target tells no environment of this run.", "dim"),)
        return
    wide = min(40, max(len(clean(name)) for name in known))
    for name in sorted(known):
        yield (Part(f" {clean(name):<{wide}} ", "key"), Part(known[name]))


def trace(scene: Scene) -> Iterator[Line]:
    """Yield its hops, each with the time since the first."""
    steps = scene.detail.steps
    if not steps:
        yield (Part(" No hops are known: the trace keeps the newest ones only.", "dim"),)
        return
    wide = min(24, max(len(clean(step.what)) for step in steps))
    for step in steps:
        yield _hop(step, steps[0].time, wide)


def _hop(step: Step, first: float, wide: int) -> Line:
    look = glyphs.LOOKS[step.state]
    at = time.strftime("%H:%M:%S", time.localtime(step.time)) + f".{int(step.time % 1 * 1000):03d}"
    sign = " " if step.state is Condition.NONE else look.glyph
    return (
        Part(f" {at} ", "dim"),
        Part(f"{'+' + duration(max(0.0, step.time - first)):>7} ", "dim"),
        Part(f"{sign} ", look.tone),
        Part(f"{clean(step.what):<{wide}} ", "key"),
        Part(step.text),
    )


def output(scene: Scene) -> Iterator[Line]:
    """Yield the last lines that it wrote."""
    if not scene.detail.lines:
        yield (Part(" It wrote nothing that is still there.  ", "dim"), Part("l", "key", "screen.logs"))
        return
    yield from _bounded(scene.detail.lines, lambda line: (Part(" " + clean(line, 100_000)),))


def _bounded(lines: Sequence[str], line: Callable[[str], Line]) -> Iterator[Line]:
    yield from map(line, lines[:LINES_SHOWN])
    if (left := len(lines) - LINES_SHOWN) > 0:
        yield (Part(f" … and {left:,} more lines: ^s saves all", "dim"),)


def _json_line(text: str) -> Line:
    name, colon, value = text.partition('": ')
    return (Part(f" {name}{colon}", "key"), Part(value)) if colon else (Part(" " + text),)


@lru_cache(4)
def pretty(text: str) -> list[str]:
    """Return the lines of a JSON text, indented; of any other text, as they are."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return clean_lines(text)


def moment(seconds: float) -> str:
    """Return a time of the user's own day."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"


TABS: tuple[tuple[str, str, Callable[[Scene], Iterable[Line]]], ...] = (
    ("overview", "Overview", overview),
    ("event", "Event", event),
    ("environment", "Environment", environment),
    ("trace", "Trace", trace),
    ("output", "Last lines", output),
)
"""The tabs of the full detail."""
