"""A run in words: the lines of the strip below the list. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from hfaas_tui.delegation import because
from hfaas_tui.money import approximately
from hfaas_tui.ui import glyphs
from hfaas_tui.ui.model import Condition, Gpu, Run, RunDetail
from hfaas_tui.ui.safe import clean, duration
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.phases import Phase, figure, gb_seconds, phase_bar, phases
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.units import size

GAUGE = 20
LABEL = 9
BAD = {Condition.FAILED, Condition.TIMED_OUT}

Price = Callable[[Run, float], float | None]
"""Says what a run costs in dollars on AWS, as of now; None when nobody knows."""


def no_price(run: Run, now: float) -> float | None:  # noqa: ARG001 - as every Price
    """Know no price."""
    return None


@dataclass(frozen=True, slots=True)
class Scene:
    """A run and what is known around it."""

    detail: RunDetail
    now: float
    width: int
    legs: tuple[Run, ...] = ()
    """The other legs of a delegated event: the job of an invocation, the invocation of a job."""
    gpus: tuple[Gpu, ...] = ()
    price: Price = no_price
    problem: str = ""
    """Why there is no more detail than the row knows."""
    can_change: bool = True
    can_repeat: bool = True
    """Whether its event is kept, and may be sent once more."""

    @property
    def run(self) -> Run:
        return self.detail.run


def with_row(detail: RunDetail, run: Run) -> RunDetail:
    """Return a detail with what the row knows now; of jobs the target tells their size only when asked."""
    of = detail.run
    if of is run:
        return detail
    return replace(detail, run=replace(run, vcpus=run.vcpus or of.vcpus, gpus=run.gpus or of.gpus))


def short(id: str) -> str:
    """Return the beginning of an id, which people tell runs by."""
    return clean(id, 200)[:8]


def state_word(run: Run) -> Part:
    """Return glyph and word of its state."""
    look = glyphs.LOOKS[run.state]
    words = {
        Condition.FAILED: "failed",
        Condition.TIMED_OUT: "timed out",
        Condition.RUNNING: "running",
        Condition.QUEUED: "queued",
        Condition.RETRYING: "failed, tried again",
    }
    word = words.get(run.state, look.word)
    if is_stuck(run):
        return Part(f"! {word}, stuck", "warn")
    return Part(f"{look.glyph} {word}", look.tone)


def is_stuck(run: Run) -> bool:
    """Tell whether a job waits for something that no other job's end can bring."""
    return not run.is_over and run.started is None and run.is_stuck


def title(scene: Scene) -> Line:
    """Return the rule above a run: who, what, how it is."""
    run = scene.run
    words = [f"─ {'Job' if run.kind == 'job' else 'Run'} ", short(run.id), f" · {run.function} · "]
    parts = [Part(words[0], "dim"), Part(words[1], "key"), Part(clean(words[2]), "head"), state_word(run)]
    if run.exit:
        parts.append(Part(f" · exit {run.exit}"))
    took = run.seconds(scene.now)
    parts.append(Part(f" · {duration(took)} · {run.where} " if took is not None else f" · {run.where} "))
    used = sum(len(part.text) for part in parts)
    return (*parts, Part("─" * max(0, scene.width - used), "dim"))


def strip(scene: Scene, *, is_tall: bool) -> Iterator[Line]:
    """Yield the strip below the list; where it is short, only what fits there."""
    of = phases(scene.run, scene.detail.steps, scene.now)
    yield phase_line(scene, of, with_total=scene.width >= 100)
    if is_tall:
        yield (Part(" "), Part(phase_bar(of, scene.width - 2), _tone(scene.run)))
        yield ()
    yield from facts(scene)
    if is_tall:
        yield following(scene)


def phase_line(scene: Scene, of: Sequence[Phase], *, with_total: bool = True) -> Line:
    """Return `queued 12ms ─ start 410ms (cold) ─ script 28.9s ✗ ─ output skipped ─ total 31.0s`."""
    parts: list[Part] = []
    for phase in of:
        took = "skipped" if phase.seconds is None else duration(phase.seconds)
        look = glyphs.LOOKS[phase.state]
        sign = f" {look.glyph}" if phase.state is not Condition.NONE else ""
        note = f" ({phase.note})" if phase.note else ""
        parts += [Part(" ─ " if parts else " ", "dim"), Part(f"{phase.name} {took}{note}")]
        parts.append(Part(sign, look.tone))
    if with_total and (took_all := scene.run.seconds(scene.now)) is not None:
        parts += [Part(" ─ ", "dim"), Part(f"total {duration(took_all)}")]
    return tuple(parts)


def facts(scene: Scene) -> Iterator[Line]:
    """Yield what is known of a run, a label and its value a line."""
    run = scene.run
    yield labelled("event", _event(scene))
    yield labelled("memory", *_memory(scene))
    if waits := waiting(run):
        yield labelled(
            "waits", Part(waits, "warn" if is_stuck(run) else _tone(run) if run.state is Condition.RETRYING else "")
        )
    elif error := failure(run):
        yield labelled("error" if run.state in BAD else "note", Part(error, _tone(run)))
    yield from map(_leg(scene), scene.legs)
    if not scene.legs and (run.job or run.invocation):
        other = f"handed to job {short(run.job)}" if run.job else f"second leg of {short(run.invocation)}"
        yield labelled("legs", Part(other + _because(run.cause)))
    if run.outputs:
        more = f"  and {len(run.outputs) - 1} more" if len(run.outputs) > 1 else ""
        yield labelled("output", Part(run.outputs[0] + more, "", "screen.output"))
    if scene.problem:
        yield labelled("detail", Part(scene.problem, "warn"))


def waiting(run: Run) -> str:
    """Say what a run that has not begun waits for."""
    if run.is_over or run.started is not None:
        return ""
    usual = f"for its turn in the queue {run.queue}" if run.queue else "for its turn"
    return ("can never start: " if is_stuck(run) else "") + (run.message or usual)


def failure(run: Run) -> str:
    """Return the type and message of what went wrong; a job's reason."""
    return ": ".join(each for each in (run.error_type, run.message) if each)


def labelled(label: str, *parts: Part) -> Line:
    """Return a line with its label."""
    return (Part(f" {label:<{LABEL}}", "head"), *parts)


def _event(scene: Scene) -> Part:
    origin = scene.run.origin
    if "://" in origin:
        return Part(f"{origin}{_told_of(scene.detail.event)}", "", "screen.input")
    words = {
        "api": "an HTTP request",
        "schedule": "a schedule",
        "invoke": "somebody who invoked it",
        "submitted": "somebody who submitted the job",
    }
    if not origin and scene.run.invocation:
        return Part("the event of the invocation that it carries on")
    return Part(words.get(origin, origin) or "not told")


def _memory(scene: Scene) -> list[Part]:
    run = scene.run
    parts = [Part("-" if not run.memory_mb else f"of {run.memory_mb} MB")]
    if run.peak_mb and run.memory_mb:
        share = min(1.0, run.peak_mb / run.memory_mb)
        gauge = gauged(share, GAUGE if scene.width >= 100 else GAUGE // 2)
        tone = "err" if share > 0.98 else "warn" if share > 0.9 else "ok"
        parts = [Part(f"{run.peak_mb} / {run.memory_mb} MB "), Part(gauge, tone)]
    if run.vcpus:
        parts.append(Part(f"   {run.vcpus:g} vCPU"))
    parts += _gpus(scene)
    return [*parts, *cost(scene)]


def _gpus(scene: Scene) -> list[Part]:
    run = scene.run
    if not run.gpus:
        return []
    parts = [Part(f"   {run.gpus} GPU")]
    if run.state is Condition.RUNNING and scene.gpus:
        gpu = scene.gpus[0]
        parts.append(
            Part(f" {gpu.utilisation:.0%} mem {gpu.memory_used >> 30}/{gpu.memory_total >> 30} GiB", "run")
        )
    return parts


def cost(scene: Scene) -> list[Part]:
    """Return GB-seconds, and the price where it is known."""
    used = gb_seconds(scene.run, scene.now)
    if used is None:
        return []
    price = scene.price(scene.run, scene.now)
    return [
        Part(f"   {figure(used)} GB-s"),
        *([Part(f" {approximately(price)}", "dim")] if price is not None else []),
    ]


def gauged(share: float, cells: int) -> str:
    """Return a gauge of full and empty cells, to a half."""
    full = round(share * cells)
    return "▇" * full + "▁" * (cells - full)


def _leg(scene: Scene) -> Callable[[Run], Line]:
    def line(leg: Run) -> Line:
        how = state_word(leg)
        took = leg.seconds(scene.now)
        cause = _because(scene.run.cause or leg.cause)
        words = (
            f"handed to job {short(leg.id)}{cause} "
            if leg.kind == "job"
            else f"second leg of {short(leg.id)}{cause} "
        )
        action = f"screen.leg({leg.id!r})"
        return labelled(
            "legs", Part(words, "", action), how, Part(f" {duration(took)}" if took is not None else "")
        )

    return line


def _because(cause: str) -> str:
    return f" because {because(cause)}" if cause else ""


def following(scene: Scene) -> Line:
    """Return what to press next."""
    run = scene.run
    keys: list[tuple[str, str, str]] = []
    if scene.can_repeat and (run.is_over or run.state is Condition.RETRYING):
        again = "submit it again" if run.kind == "job" else "run again with the same event"
        keys.append(("a", again, "screen.again"))
    if scene.can_change and not run.is_over and run.kind == "job":
        keys.append(("x", "cancel it" if run.started is None else "terminate it", "screen.stop"))
    if run.state in BAD or run.state is Condition.RETRYING:
        keys.append(("e", "edit the function", "screen.edit"))
    if scene.legs:
        keys.append(("b", "other leg", "screen.other_leg"))
    keys.append(("l", "all its log lines", "screen.logs"))
    if run.state in BAD and "://" in run.origin:
        keys.append(("O", "open the input object", "screen.input"))
    elif run.outputs:
        keys.append(("o", "open the output object", "screen.output"))
    shown: list[Part] = []
    room = scene.width - LABEL - 2
    for key, what, action in keys:
        room -= len(key) + len(what) + 5
        if room > -4:  # the last one needs no space behind it
            shown += [Part(key, "key", action), Part(f" {what}    ", "", action)]
    return labelled("next", *shown)


def _tone(run: Run) -> str:
    return glyphs.LOOKS[run.state].tone


@lru_cache(4)
def _told_of(event: str) -> str:
    """Return what kind of event it was and how large its object is."""
    try:
        record = json.loads(event)["Records"][0]
        told = record.get("eventName"), size(record["s3"]["object"].get("size"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return "".join(f"  {each}" for each in told if each and each != "-")
