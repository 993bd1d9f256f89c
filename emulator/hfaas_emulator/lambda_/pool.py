"""The environments of one function version: who waits, who runs, who is kept warm.

An attempt leases an environment (`async with pool.lease(call) as environment`), so giving it back cannot be
forgotten. Waiting attempts are served in order; `scaling` says when another environment is worth its start.
Nothing here asks the engine anything: a container that ended has already reported itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hfaas_emulator.lambda_.capacity import Capacity
from hfaas_emulator.lambda_.environment import ExecutionEnvironment, State
from hfaas_emulator.lambda_.function import Function
from hfaas_emulator.lambda_.mailbox import InitFailed
from hfaas_emulator.lambda_.outcome import Outcome, not_started
from hfaas_emulator.lambda_.output import Call
from hfaas_emulator.lambda_.platform import Platform
from hfaas_emulator.lambda_.scaling import (
    LEAST_START_S,
    UNKNOWN_DURATION_S,
    UNKNOWN_START_S,
    Estimate,
    Load,
    starts,
)
from hfaas_emulator.lambda_.timer import Timer
from hfaas_emulator.trace import What


class StartFailed(Exception):
    """The environment that was started for this attempt did not come up."""

    def __init__(self, environment: ExecutionEnvironment, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.environment = environment
        self.outcome = outcome


class Expired(Exception):
    """The event became too old while it waited."""


@dataclass(slots=True, eq=False)
class Ticket:
    """An attempt that wants an environment; `counted` tells that it holds a concurrency slot already."""

    call: Call
    counted: bool
    place: asyncio.Future[ExecutionEnvironment]
    given: float = 0.0
    throttled: bool = False

    def expire(self) -> None:
        if not self.place.done():
            self.place.set_exception(Expired())


class Pool:
    """Leases the environments of `function`, whose revision may change under way."""

    def __init__(
        self,
        platform: Platform,
        function: Function,
        capacity: Capacity,
        make_room: Callable[[Function], bool],
        keep_alive_s: float,
    ) -> None:
        self.function = function
        self.idle: list[ExecutionEnvironment] = []
        self.busy: dict[ExecutionEnvironment, Ticket] = {}
        self.starting: set[ExecutionEnvironment] = set()
        self._platform = platform
        self._capacity = capacity
        self._make_room = make_room
        self._keep_alive_s = keep_alive_s
        self._waiting: deque[Ticket] = deque()
        self._counted = 0
        self._pressed_since = 0.0
        self._duration = Estimate(UNKNOWN_DURATION_S)
        self._start = Estimate(UNKNOWN_START_S)
        self._reaper: Timer | None = None
        self._second_look: Timer | None = None

    @asynccontextmanager
    async def lease(
        self, call: Call, *, counted: bool, expires: float | None = None
    ) -> AsyncIterator[ExecutionEnvironment]:
        """Wait for an environment and hold it; Expired when the clock passes `expires` before."""
        ticket = Ticket(call, counted, asyncio.get_running_loop().create_future())
        environment = await self._acquire(ticket, expires)
        try:
            yield environment
        finally:
            self._release(environment, ticket)

    async def _acquire(self, ticket: Ticket, expires: float | None) -> ExecutionEnvironment:
        if not self._waiting:
            self._pressed_since = self._platform.clock.now()
        self._waiting.append(ticket)
        self._counted += ticket.counted
        self.dispatch()
        if ticket.place.done():
            return ticket.place.result()
        timer = (
            Timer(self._platform.clock, expires - self._platform.clock.now(), ticket.expire) if expires else None
        )
        try:
            return await ticket.place
        except asyncio.CancelledError:
            if ticket.place.done() and not ticket.place.cancelled() and not ticket.place.exception():
                self._release(ticket.place.result(), ticket)
            raise
        finally:
            if timer:
                timer.cancel()

    def dispatch(self) -> None:
        """Give idle environments to those who wait, then see whether more are needed."""
        while self.idle and (ticket := self._first()):
            if not ticket.counted and self._capacity.take(self.function):
                break
            self._leave(ticket)
            self._give(ticket, self.idle.pop())
        if self._first():
            self._scale()

    def _first(self) -> Ticket | None:
        """Return who is next: the first, or when the limits hold that one back the first that has its slot."""
        while self._waiting and self._waiting[0].place.done():
            self._leave(self._waiting[0])
        if not self._waiting:
            return None
        first = self._waiting[0]
        if first.counted or not self._counted or not self._capacity.exceeded(self.function):
            return first
        return next((each for each in self._waiting if each.counted and not each.place.done()), first)

    def _leave(self, ticket: Ticket) -> None:
        self._waiting.remove(ticket)
        self._counted -= ticket.counted

    def _give(self, ticket: Ticket, environment: ExecutionEnvironment) -> None:
        self.busy[environment] = ticket
        ticket.given = self._platform.clock.now()
        ticket.place.set_result(environment)
        self._pressed_since = ticket.given if not self._waiting else self._pressed_since
        self._platform.trace.hop(
            "lambda.pool",
            What.ENVIRONMENT_LEASED,
            run=ticket.call.run,
            invocation=ticket.call.id,
            attempt=ticket.call.attempt,
            environment=environment.id,
            function=self.function.name,
            start="warm" if environment.served else "cold",
        )

    def _release(self, environment: ExecutionEnvironment, ticket: Ticket) -> None:
        self.busy.pop(environment, None)
        match environment.state:
            case State.READY:
                self._duration.add(self._platform.clock.now() - ticket.given)
                self._keep(environment)
            case State.BUSY:
                self._stop(environment, "its request was not answered")
        if not ticket.counted:
            self._capacity.release(self.function)
        self.dispatch()

    def _keep(self, environment: ExecutionEnvironment) -> None:
        if environment.function.revision != self.function.revision:
            self._stop(environment, "the function has a newer revision")
            return
        if environment.gpus and self._platform.gpus.is_short and not self._first():
            self._stop(environment, "its GPU is needed elsewhere")
            return
        self.idle.append(environment)
        if self._reaper is None:
            self._reaper = Timer(self._platform.clock, self._keep_alive_s, self._reap)

    def _stop(self, environment: ExecutionEnvironment, reason: str) -> None:
        self._platform.background.start(environment.stop(reason))

    def _reap(self) -> None:
        now = self._platform.clock.now()
        self._reaper = None
        while self.idle and now - self.idle[0].since >= self._keep_alive_s:
            self._stop(self.idle.pop(0), "unused for its keep-alive")
        if self.idle:
            left = self.idle[0].since + self._keep_alive_s - now
            self._reaper = Timer(self._platform.clock, left, self._reap)

    def _scale(self) -> None:
        may_run = self._counted + self._capacity.room(self.function)
        if may_run < len(self._waiting):
            self._throttle()
        if self.idle:
            return
        for _ in range(min(starts(self._load()), may_run - len(self.starting))):
            if not self._make_room(self.function) and (self.busy or self.starting):
                break
            if not self._begin_start():
                break
        self._look_again()

    def _load(self) -> Load:
        now = self._platform.clock.now()
        longest = max((now - ticket.given for ticket in self.busy.values()), default=0.0)
        alive = len(self.busy) + len(self.starting) + len(self.idle)
        return Load(
            waiting=len(self._waiting),
            environments=alive,
            starting=len(self.starting),
            duration_s=max(self._duration.value, longest),
            start_s=self._start.value,
            pressed_s=now - self._pressed_since,
        )

    def _throttle(self) -> None:
        self._capacity.block(self.dispatch)
        limit = self._capacity.exceeded(self.function)
        for ticket in reversed(self._waiting):
            if not limit or ticket.throttled:
                break
            if not ticket.counted:
                ticket.throttled = True
                self._platform.trace.hop(
                    "lambda.pool",
                    What.EVENT_THROTTLED,
                    run=ticket.call.run,
                    invocation=ticket.call.id,
                    attempt=ticket.call.attempt,
                    function=self.function.name,
                    limit=str(limit),
                )

    def _look_again(self) -> None:
        """Look again when the wait has lasted as long as a start takes; nothing else may happen until then."""
        if self._second_look is None:
            self._second_look = Timer(self._platform.clock, self._start.value, self._looked)

    def _looked(self) -> None:
        self._second_look = None
        if self._first():
            self.dispatch()

    def _begin_start(self) -> bool:
        """Start an environment; False when all GPUs are taken: one that comes free wakes this pool."""
        pool, wanted = self._platform.gpus, self.function.gpus
        gpus = pool.take(wanted)
        if gpus is None and pool.can_ever(wanted):
            return False
        environment = ExecutionEnvironment(self._platform, self.function, self._ended, gpus or ())
        self.starting.add(environment)
        self._platform.background.start(self._bring_up(environment))
        return True

    async def _bring_up(self, environment: ExecutionEnvironment) -> None:
        try:
            await environment.start()
        except InitFailed as failed:
            self._failed(environment, failed.outcome)
        except Exception as error:  # noqa: BLE001 - whatever it was, the event that waits must learn of it
            said = f"{type(error).__name__}: {error}"
            self._failed(environment, not_started("Sandbox.StartFailed", environment.id, said))
        else:
            self.starting.discard(environment)
            self._start.add(max(LEAST_START_S, environment.started_ms / 1000))
            self._pressed_since = self._platform.clock.now()
            self._keep(environment)
            self.dispatch()

    def _failed(self, environment: ExecutionEnvironment, outcome: Outcome) -> None:
        self.starting.discard(environment)
        if ticket := self._first():
            self._leave(ticket)
            ticket.place.set_exception(StartFailed(environment, outcome))
        self._stop(environment, outcome.message)
        self.dispatch()

    def _ended(self, environment: ExecutionEnvironment) -> None:
        """An environment can no longer be used."""
        self.busy.pop(environment, None)
        if environment in self.idle:
            self.idle.remove(environment)

    def update(self, function: Function) -> None:
        """Use this record of the function from now on; environments of another revision are drained."""
        changed = function.revision != self.function.revision
        self.function = function
        if changed:
            self.drain("the function has a newer revision")

    def drain(self, reason: str) -> None:
        """Stop what is idle."""
        idle, self.idle = self.idle, []
        for environment in idle:
            self._stop(environment, reason)

    def oldest_idle(self) -> float | None:
        """Return since when the longest unused environment is idle."""
        return self.idle[0].since if self.idle else None

    def shed(self) -> int:
        """Stop the longest unused environment, because memory is short; return the MB this will free."""
        environment = self.idle.pop(0)
        self._stop(environment, "memory is short")
        return environment.peak_mb

    async def close(self) -> None:
        """End everything; those who wait are cancelled."""
        for timer in filter(None, (self._reaper, self._second_look)):
            timer.cancel()
        for ticket in self._waiting:
            ticket.place.cancel()
        everyone = (*self.idle, *self.busy, *self.starting)
        await asyncio.gather(*(environment.stop("the emulator stops") for environment in everyone))
