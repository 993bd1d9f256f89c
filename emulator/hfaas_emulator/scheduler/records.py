"""What is known of schedules, and who knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from hfaas_emulator.scheduler.expression import Timing


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a delivery that failed is repeated."""

    attempts: int = 185
    age_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Schedule:
    """An enabled schedule, or a rule with a schedule, which has no `group`.

    `made` is when it was made, changed or enabled; `ends` asks for its deletion when it has fired for the last time.
    """

    arn: str
    account: str
    region: str
    name: str
    made: float
    timing: Timing
    targets: tuple[str, ...]
    group: str = ""
    retries: Retries = Retries()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of a schedule that was due at a moment (Unix seconds); `attempt` counts from 1."""

    schedule: Schedule
    due: float
    execution: str
    attempt: int = 1

    @property
    def time(self) -> str:
        """Return when it was due as AWS writes it."""
        return datetime.fromtimestamp(int(self.due), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ControlPlane(Protocol):
    """Keeps the records and reaches the targets."""

    async def schedules(self) -> tuple[Schedule, ...]:
        """Return all schedules that are enabled."""

    async def fire(self, firing: Firing) -> None:
        """Give a target what it gets; AwsError. The targets of a rule have dead letters of their own."""

    async def bury(self, firing: Firing, code: str, message: str, condition: str) -> None:
        """Put a firing that is given up into the schedule's dead-letter queue, if it has one; AwsError."""

    async def delete(self, schedule: Schedule) -> None:
        """Delete a schedule that is over; AwsError."""
