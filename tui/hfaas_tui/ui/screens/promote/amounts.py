"""Bytes that are pushed, as bars and in words; of what nobody knows neither a share nor an end is told."""

from __future__ import annotations

from hfaas_tui import units
from hfaas_tui.ui import safe
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.pushes import Amount
from hfaas_tui.ui.project.step import Step

PARTS = " ▏▎▍▌▋▊▉"
"""A cell that is full by so many eighths."""

CELLS = 8
SLIDER = 3
PER_S = 2
"""Cells that the slider of an unknown total goes on each second."""


def bar(share: float, cells: int) -> str:
    """Draw a share 0..1, to an eighth of a cell."""
    eighths = int(8 * cells * max(0.0, min(1.0, share)))
    full, part = divmod(eighths, 8)
    return "█" * full + (PARTS[part] if part else "") + "░" * (cells - full - bool(part))


def sliding(share: float, cells: int, now: float) -> str:
    """Draw what is done for sure, and that more is under way of which nobody knows how much."""
    done = bar(share, cells).rstrip("░")
    room = cells - len(done)
    at = int(now * PER_S) % room if room else 0
    rest = ["▒" if (cell - at) % room < SLIDER else "░" for cell in range(room)]
    return done + "".join(rest)


def told(amount: Amount) -> str:
    """Return how much of how much, how fast, and how long the rest may take."""
    parts = [units.size(amount.done) + (f" of {units.size(amount.total)}" if amount.total else " so far")]
    if amount.rate is not None:
        parts.append(f"{units.size(amount.rate)}/s")
    if amount.left_s is not None:
        parts.append(f"~{_about(amount.left_s)} left")
    return "  ".join(parts)


def _about(seconds: float) -> str:
    """Return a duration that is only estimated, without what nobody can know of it."""
    return safe.duration(max(1.0, seconds)) if seconds >= 100 else f"{max(1.0, seconds):.0f}s"


def about(step: Step, now: float, *, is_narrow: bool) -> str:
    """Return what is said of a step: of a push that moves, how far it is."""
    amount = step.moved
    if step.state is Condition.PENDING and amount.total and not step.is_part:
        return units.size(amount.total)
    if step.state is not Condition.RUNNING or not amount.done:
        return step.about
    if amount.share is None:
        drawn, far = sliding(0.0, CELLS, now), f" {units.size(amount.done)} so far"
    else:
        drawn = bar(amount.share, CELLS)
        far = f" {amount.share:>4.0%}" + ("" if is_narrow else f" of {units.size(amount.total)}")
    return f"{drawn}{far}" + (f"  {more}" if (more := _more(step, is_narrow=is_narrow)) else "")


def _more(step: Step, *, is_narrow: bool) -> str:
    """Return how fast a push is and when it ends; where nobody knows, what else is known of it."""
    amount = step.moved
    if amount.rate is None:
        return step.about
    left = f"~{_about(amount.left_s)}" if amount.left_s is not None else step.about
    return left if is_narrow else f"{units.size(amount.rate)}/s  {left}"
