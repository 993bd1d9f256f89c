"""Fires what is due: rules of EventBridge with a schedule, and schedules of EventBridge Scheduler.

    records change   -> `wake`, after the commit         moto_services/{scheduler,schedule_rules}.py
    read the records -> when each is due next            expression.py
    sleep            -> until the first of them          one timer
    fire             -> an invocation, a message, a job  delivery.py

A schedule that waits is not pending: only its firings are. Nothing is caught up: what was due while the emulator
was not running, or while the machine slept for minutes, is left out, and the next firing is computed from now on.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

from hfaas_emulator.clock import Clock
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.idle import Idle
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.lambda_.timer import Timer
from hfaas_emulator.scheduler.delivery import Delivery
from hfaas_emulator.scheduler.records import ControlPlane, Firing, Schedule
from hfaas_emulator.trace import Trace, What

LATE_S = 300
"""Longest sleep, because timers stand still while a machine sleeps; what is later than that is left out."""

MOMENT_S = 0.001


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A schedule, and the moment at which it is due next."""

    schedule: Schedule
    due: float | None

    @property
    def fires(self) -> float | None:
        return None if self.due is None else self.schedule.timing.fires(self.due)


class Scheduler:
    """Belongs to the event loop."""

    def __init__(self, control: ControlPlane, trace: Trace, idle: Idle, clock: Clock) -> None:
        self._control = control
        self._trace = trace
        self._clock = clock
        self._delivery = Delivery(control, trace, idle, clock)
        self._background = Background(trace, "scheduler")
        self._waiting: dict[str, _Waiting] = {}
        self._stale = True
        self._stir = asyncio.Event()
        self._floor = clock.now()
        """What was due before is left out; it is of no account for what is made later on."""
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Read the records and begin to wait."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Fire nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._background.close()

    def wake(self) -> None:
        """Look at the records again: some have changed."""
        self._stale = True
        self._stir.set()

    async def _run(self) -> None:
        while True:
            self._stir.clear()
            if self._stale:
                await self._look()
            self._fire_due()
            await self._sleep()

    async def _look(self) -> None:
        self._stale = False
        try:
            found = await self._control.schedules()
        except (AwsError, EmulatorError) as error:
            self._trace.hop("scheduler", What.PROBLEM, message=f"schedules cannot be read: {error.message}")
            return
        self._waiting = {one.arn: self._entered(one) for one in found}
        self._floor = 0.0

    def _entered(self, schedule: Schedule) -> _Waiting:
        """Keep a moment that still holds; a new schedule is due from its beginning on."""
        known = self._waiting.get(schedule.arn)
        if known is not None and known.schedule.timing == schedule.timing:
            return _Waiting(schedule, known.due)
        return _Waiting(schedule, schedule.timing.after(max(self._floor, schedule.made - MOMENT_S)))

    def _fire_due(self) -> None:
        now = self._clock.now()
        for arn, waiting in self._waiting.items():
            due, fires = waiting.due, waiting.fires
            if due is None or fires is None or fires > now:
                continue
            schedule = waiting.schedule
            following = schedule.timing.after(max(due, now - schedule.timing.window_s))
            self._waiting[arn] = _Waiting(schedule, following)
            if now - fires <= LATE_S:
                firing = Firing(schedule, due, str(uuid.uuid4()))
                self._background.start(self._delivery.deliver(firing, last=following is None))

    async def _sleep(self) -> None:
        moments = [each.fires for each in self._waiting.values()]
        coming = [moment for moment in moments if moment is not None]
        if not coming:
            await self._stir.wait()
            return
        timer = Timer(self._clock, min(max(min(coming) - self._clock.now(), 0), LATE_S), self._stir.set)
        try:
            await self._stir.wait()
        finally:
            timer.cancel()
