"""A scheduler on a clock that the test moves, with records and targets of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hfaas_emulator.clock import ManualClock
from hfaas_emulator.errors import AwsError
from hfaas_emulator.idle import Idle
from hfaas_emulator.scheduler.expression import Rate, Timing, read_schedule
from hfaas_emulator.scheduler.records import Firing, Schedule
from hfaas_emulator.scheduler.service import Scheduler
from hfaas_emulator.trace import Trace, What

START = 1_700_000_000.0


class Control:
    """Records in a dictionary; keeps what was fired, buried and deleted."""

    def __init__(self) -> None:
        self.kept: dict[str, Schedule] = {}
        self.fired: list[Firing] = []
        self.buried: list[tuple[str, str, int]] = []
        self.deleted: list[str] = []
        self.trouble: Callable[[Firing], AwsError | None] = lambda _firing: None
        self.reads = 0

    async def schedules(self) -> tuple[Schedule, ...]:
        self.reads += 1
        return tuple(self.kept.values())

    async def fire(self, firing: Firing) -> None:
        self.fired.append(firing)
        if error := self.trouble(firing):
            raise error

    async def bury(self, firing: Firing, code: str, message: str, condition: str) -> None:
        self.buried.append((code, condition, firing.attempt))

    async def delete(self, schedule: Schedule) -> None:
        self.deleted.append(schedule.name)


class Lab:
    """What a test moves and looks at."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.control = Control()
        self.trace, self.idle = Trace(self.clock), Idle()
        self.scheduler = Scheduler(self.control, self.trace, self.idle, self.clock)

    def put(self, name: str, expression: str, **more: Any) -> Schedule:
        """Keep a schedule, as made now, and say so."""
        read = read_schedule(expression)
        settings = {key: more.pop(key) for key in ("start", "end", "window_s") if key in more}
        anchor = more.pop("anchor", self.clock.now()) if isinstance(read, Rate) else 0.0
        made = more.pop("made", self.clock.now())
        timing = Timing(read, anchor, more.pop("zone", "UTC"), **settings)
        one = Schedule(f"arn:{name}", "1", "r", name, made, timing, (f"arn:target:{name}",), "default", **more)
        self.control.kept[name] = one
        self.scheduler.wake()
        return one

    def drop(self, name: str) -> None:
        del self.control.kept[name]
        self.scheduler.wake()

    async def pass_(self, seconds: float, step: float = 0) -> None:
        """Let time pass, in steps as small as sleeps are long, and what follows of it happen."""
        left = seconds
        while left > 0:
            self.clock.advance(min(step or 300, left))
            left -= min(step or 300, left)
            await settled()

    @property
    def fired(self) -> list[tuple[str, float]]:
        return [(one.schedule.name, one.due - START) for one in self.control.fired]

    def hops(self, what: What) -> list[Any]:
        return [hop for hop in self.trace.since(0) if hop.what is what]


async def settled() -> None:
    """Let everything run that does not wait for the clock."""
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    lab = Lab()
    lab.scheduler.open()
    await settled()
    yield lab
    await lab.scheduler.close()
