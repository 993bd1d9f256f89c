"""What a run spent its time on, as far as its steps tell: queued, start, input, script, output. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hfaas_tui.ui.model import Condition, Run, Step

BAD = {Condition.FAILED, Condition.TIMED_OUT}
SCRIPT_STARTED, SCRIPT_ENDED = "script.started", "script.ended"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a run; `seconds` is None for one that it never came to."""

    name: str
    seconds: float | None
    state: Condition = Condition.NONE
    note: str = ""


def phases(run: Run, steps: Sequence[Step], now: float) -> list[Phase]:
    """Return the phases of a run in order, the last one that it came to with how it ended."""
    if run.started is None:
        end = now if run.ended is None else run.ended
        return [Phase("queued", max(0.0, end - run.queued), run.state)]
    init = run.init_ms / 1000 if run.is_cold else 0.0
    found = [Phase("queued", max(0.0, run.started - run.queued - init))]
    if run.is_cold:
        found.append(Phase("start", init, note="cold"))
    return found + _inside(run, run.started, steps, now)


def _inside(run: Run, started: float, steps: Sequence[Step], now: float) -> list[Phase]:
    """Return input, script and output; one phase for all when nobody told when the script began."""
    end = now if run.ended is None else run.ended
    began = [step.time for step in steps if _is(step, SCRIPT_STARTED) and step.time >= started]
    if not began:
        return [Phase("run", max(0.0, end - started), run.state)]
    ended = [step.time for step in steps if _is(step, SCRIPT_ENDED) and step.time >= began[0]]
    found = [Phase("input", began[0] - started)]
    if len(ended) < len(began) or (run.state in BAD and run.exit):
        stopped = ended[-1] if len(ended) == len(began) else end
        script = Phase("script", max(0.0, stopped - began[0]), run.state)
        return [*found, script, *([Phase("output", None)] if run.is_over else [])]
    return [*found, Phase("script", ended[-1] - began[0]), Phase("output", max(0.0, end - ended[-1]), run.state)]


def _is(step: Step, what: str) -> bool:
    return step.what.replace(" ", ".") == what


def phase_bar(of: Sequence[Phase], width: int) -> str:
    """Draw phases side by side, each as long as it took: `░░▏██▏██████✗`."""
    known = [(phase, phase.seconds) for phase in of if phase.seconds is not None]
    total = sum(seconds for _, seconds in known)
    if width < 2 * len(known) + 2 or not total:
        return ""
    room = width - len(known)  # a line between two, and the sign
    drawn = [_block(phase, round(room * seconds / total)) for phase, seconds in known]
    return "▏".join(drawn)[: width - 1] + _sign(known[-1][0].state)


def _block(phase: Phase, cells: int) -> str:
    if phase.name == "queued":
        return "░" * cells
    return ("▒" if phase.state is Condition.RUNNING else "█") * cells


def _sign(state: Condition) -> str:
    return {Condition.OK: "✓", Condition.FAILED: "✗", Condition.TIMED_OUT: "!"}.get(state, "")


def gb_seconds(run: Run, now: float) -> float | None:
    """Return what AWS bills by: memory times time; None before it ran or when its memory is unknown."""
    seconds = run.billed_ms / 1000 if run.billed_ms else run.seconds(now)
    return None if seconds is None or not run.memory_mb else run.memory_mb / 1024 * seconds


def figure(used: float) -> str:
    """Return GB-seconds with as many digits as say something."""
    return f"{used:.3f}" if used < 1 else f"{used:.1f}" if used < 1000 else f"{used:.0f}"
