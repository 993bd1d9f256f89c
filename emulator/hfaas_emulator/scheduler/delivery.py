"""One firing on its way: attempted, repeated where that can help, or put with the dead letters.

A target that is missing or refuses stays so: its firing is given up at once, as on AWS. Anything else is tried
again, after seconds that double up to five minutes. A stop of the emulator gives up what waits for its next attempt.
"""

from __future__ import annotations

from dataclasses import replace

from hfaas_emulator.clock import Clock
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.idle import Idle
from hfaas_emulator.scheduler.records import ControlPlane, Firing
from hfaas_emulator.trace import Trace, What

LONGEST_S = 300
THROTTLED = 429


class Delivery:
    """Delivers firings; belongs to the event loop."""

    def __init__(self, control: ControlPlane, trace: Trace, idle: Idle, clock: Clock) -> None:
        self._control = control
        self._trace = trace
        self._idle = idle
        self._clock = clock

    async def deliver(self, firing: Firing, *, last: bool) -> None:
        """Bring one firing to its end; the schedule goes with its `last` one if it asks for that."""
        schedule = firing.schedule
        with self._idle.during("schedule", firing.execution, f"schedule {schedule.name} fires"):
            for target in schedule.targets:
                self._trace.hop(
                    "scheduler", What.SCHEDULE_FIRED, run=firing.execution, schedule=schedule.arn, target=target
                )
            await self._attempts(firing)
            if last and schedule.ends:
                try:
                    await self._control.delete(schedule)
                except (AwsError, EmulatorError) as error:
                    self._problem(firing, f"it is over, but was not deleted: {error.message}")

    async def _attempts(self, firing: Firing) -> None:
        began = self._clock.now()
        while True:
            try:
                await self._control.fire(firing)
            except (AwsError, EmulatorError) as error:
                condition = self._condition(firing, error, began)
                if condition is not None:
                    await self._give_up(firing, error, condition)
                    return
                await self._clock.sleep(min(2.0**firing.attempt, LONGEST_S))
                firing = replace(firing, attempt=firing.attempt + 1)
            else:
                return

    def _condition(self, firing: Firing, error: AwsError | EmulatorError, began: float) -> str | None:
        """Return what ends the attempts, empty when another one could not help; None when there is another one."""
        if isinstance(error, AwsError) and error.status < 500 and error.status != THROTTLED:
            return ""
        retries = firing.schedule.retries
        if firing.attempt > retries.attempts:
            return "MaximumRetryAttempts"
        return "MaximumEventAgeInSeconds" if self._clock.now() - began >= retries.age_s else None

    async def _give_up(self, firing: Firing, error: AwsError | EmulatorError, condition: str) -> None:
        self._problem(firing, error.message)
        code = error.code if isinstance(error, AwsError) else "ServiceUnavailable"
        try:
            await self._control.bury(firing, code, error.message, condition)
        except (AwsError, EmulatorError) as second:
            self._problem(firing, f"its dead-letter queue refused it: {second.message}")

    def _problem(self, firing: Firing, message: str) -> None:
        schedule = firing.schedule
        said = f"schedule {schedule.arn}: {', '.join(schedule.targets)}: {message}"
        self._trace.hop("scheduler", What.PROBLEM, run=firing.execution, message=said)
