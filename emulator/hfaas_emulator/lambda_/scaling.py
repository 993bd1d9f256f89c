"""When another environment pays: queue first, then scale by the expected wait.

A container for each event is what makes bursts slow: fifty starts take ten seconds, one warm environment answers
fifty short events in a tenth of one. So events queue, and an environment is started only when there is none,
when the queue would take longer than a cold start, or when events have kept waiting for as long as one takes.
"""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN_DURATION_S = 0.2
UNKNOWN_START_S = 0.5
LEAST_START_S = 0.05
"""No start is believed to be faster: the queue is not looked at more often."""

WEIGHT = 0.3
"""Of the newest measurement in an estimate."""

MAX_STARTING = 4
"""Starts of one function at once: an engine gives 5 to 12 a second, more in parallel only slow each other."""


@dataclass(frozen=True, slots=True)
class Load:
    """A pool at one moment; `environments` includes those still starting, `pressed_s` is how long events wait."""

    waiting: int
    environments: int
    starting: int
    duration_s: float
    start_s: float
    pressed_s: float


def starts(load: Load) -> int:
    """Return how many environments to start now."""
    count = 0
    while _another(load, count):
        count += 1
    return count


def _another(load: Load, count: int) -> bool:
    starting = load.starting + count
    if starting >= min(load.waiting, MAX_STARTING):
        return False
    environments = load.environments + count
    if environments == 0:
        return True
    expected_wait = load.waiting * load.duration_s / environments
    # A queue that has lasted for a whole start was expected to be empty by now: more keeps coming.
    return expected_wait > load.start_s * (1 + starting / 2) or load.pressed_s >= load.start_s


class Estimate:
    """A running mean that trusts the newest measurements most."""

    def __init__(self, unknown: float) -> None:
        self.value = unknown
        self._known = False

    def add(self, measured: float) -> None:
        self.value = self.value + WEIGHT * (measured - self.value) if self._known else measured
        self._known = True
