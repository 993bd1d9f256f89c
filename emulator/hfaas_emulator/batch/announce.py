"""Tells EventBridge of each change of a job's state, in the order in which they happened.

Events are long, an array of 10,000 has 50,000 of them, and mostly nobody listens: so how a job stood is kept, and
made into an event only when there is a rule.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Protocol

from hfaas_emulator.batch import view
from hfaas_emulator.batch.state import Job
from hfaas_emulator.clock import Clock
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.trace import Trace, What


class Bus(Protocol):
    """The default event bus of each account."""

    async def is_watched(self, account: str, region: str) -> bool:
        """Tell whether the bus has any rule."""

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None:
        """Put an event of AWS itself (source `aws.batch`) on the bus."""


class Announcer:
    """Belongs to the event loop; what it is told is published soon after."""

    def __init__(self, bus: Bus, trace: Trace, clock: Clock) -> None:
        self._bus = bus
        self._trace = trace
        self._clock = clock
        self._told: deque[tuple[Job, float]] = deque()
        self._task: asyncio.Task[None] | None = None

    def announce(self, job: Job) -> None:
        """Publish how a job stands now."""
        stands = dataclasses.replace(job, said=job.reason, wait=None, summary=Counter(job.summary))
        self._told.append((stands, self._clock.now()))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def close(self) -> None:
        """Publish what is left."""
        if self._task:
            await self._task

    async def _publish(self) -> None:
        while self._told:
            job, when = self._told.popleft()
            account, region = job.submission.account, job.submission.region
            try:
                if await self._bus.is_watched(account, region):
                    await self._bus.publish(account, region, view.event(job, when))
            except (AwsError, EmulatorError) as error:
                said = f"{job.arn}: its {job.status} was not published: {error.message}"
                self._trace.hop("batch", What.PROBLEM, message=said)
