"""Tells EventBridge of each change of a job's state, in the order in which they happened."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from hfaas_emulator.batch import view
from hfaas_emulator.batch.records import ControlPlane
from hfaas_emulator.batch.state import Job
from hfaas_emulator.clock import Clock
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.trace import Trace, What


class Announcer:
    """Belongs to the event loop; what it is told is published soon after."""

    def __init__(self, control: ControlPlane, trace: Trace, clock: Clock) -> None:
        self._control = control
        self._trace = trace
        self._clock = clock
        self._events: deque[dict[str, Any]] = deque()
        self._task: asyncio.Task[None] | None = None

    def announce(self, job: Job) -> None:
        """Publish how a job stands now."""
        self._events.append(view.event(job, self._clock.now()))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def close(self) -> None:
        """Publish what is left."""
        if self._task:
            await self._task

    async def _publish(self) -> None:
        while self._events:
            event = self._events.popleft()
            try:
                await self._control.publish(event["account"], event["region"], event)
            except (AwsError, EmulatorError) as error:
                said = (
                    f"{event['resources'][0]}: its {event['detail']['status']} was not published: {error.message}"
                )
                self._trace.hop("batch", What.PROBLEM, message=said)
