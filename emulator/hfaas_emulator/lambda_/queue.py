"""Asynchronous invocations: accepted, attempted, retried, and done only when their last consequence is.

An event is a row of the journal from before its acceptance is answered until its result is delivered. Over a
concurrency limit it waits in the pool's queue and is never dropped; an attempt that fails is repeated after one
and two minutes of the clock; the row goes last, so after a crash an event may run again but is never lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from hfaas_emulator.errors import AwsError
from hfaas_emulator.journal import Journal, Table
from hfaas_emulator.lambda_.destinations import Condition, Verdict, dead_letter_attributes, record
from hfaas_emulator.lambda_.function import AsyncConfig, Function, parse_arn
from hfaas_emulator.lambda_.invocation import Invocation, new_id
from hfaas_emulator.lambda_.lineage import FRESH, Lineage, explain
from hfaas_emulator.lambda_.outcome import Outcome
from hfaas_emulator.lambda_.output import Call
from hfaas_emulator.lambda_.platform import Platform
from hfaas_emulator.lambda_.pool import Expired
from hfaas_emulator.trace import What

RETRY_S = 60
"""Before the first retry; each later one waits that much longer."""


class Attempt(Protocol):
    """Runs one attempt in an environment; Expired when none was free before `expires`."""

    def __call__(self, function: Function, call: Call, *, expires: float) -> Awaitable[Outcome]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """The function an event is for, and how its asynchronous events are treated, as of this attempt."""

    function: Function
    config: AsyncConfig


class AsyncQueue:
    """Every accepted event is one running story here."""

    def __init__(self, platform: Platform, journal: Journal, attempt: Attempt, retry_s: float = RETRY_S) -> None:
        self._platform = platform
        self._journal = journal
        self._attempt = attempt
        self._retry_s = retry_s
        self._active: set[str] = set()
        self._awaited: dict[str, asyncio.Future[Verdict | None]] = {}

    def submit(self, function: str, payload: bytes, origin: str, run: str, lineage: Lineage = FRESH) -> Invocation:
        """Write an event down and accept it."""
        request, now = new_id(), self._platform.clock.now()
        invocation = Invocation(request, function, payload, origin, now, run or request, lineage)
        self._journal.write([invocation.put()])
        self.accept(invocation)
        return invocation

    async def verdict(self, invocation: Invocation) -> Verdict | None:
        """Wait until an accepted event is done with, or has come to nothing."""
        if invocation.id not in self._active:
            return None
        self._awaited[invocation.id] = asyncio.get_running_loop().create_future()
        return await self._awaited[invocation.id]

    def _tell(self, invocation: Invocation, verdict: Verdict | None) -> None:
        awaited = self._awaited.pop(invocation.id, None)
        if awaited and not awaited.done():
            awaited.set_result(verdict)

    def recover(self) -> int:
        """Accept the events that an earlier emulator left; return how many."""
        rows = [Invocation.load(key, row) for key, row in self._journal.rows(Table.INVOCATION)]
        for invocation in sorted(rows, key=lambda each: each.accepted):
            self.accept(invocation)
        return len(rows)

    def accept(self, invocation: Invocation) -> None:
        """Take on an event whose row is written; one that is taken on already stays as it is."""
        if invocation.id in self._active:
            return
        self._platform.past.keep(invocation.id, invocation.function, invocation.origin, invocation.payload)
        self._active.add(invocation.id)
        name = parse_arn(invocation.function)[2]
        self._platform.idle.begin("event", invocation.id, f"{name}: accepted from {invocation.origin}")
        self._hop(invocation, What.EVENT_QUEUED, 0, origin=invocation.origin)
        self._platform.background.start(self._run(invocation))

    async def _run(self, invocation: Invocation) -> None:
        try:
            await self._story(invocation)
        finally:
            self._active.discard(invocation.id)
            self._tell(invocation, None)
            self._platform.idle.end("event", invocation.id)

    async def _story(self, invocation: Invocation) -> None:
        target, verdict = await self._attempts(invocation)
        failed = verdict.condition is not Condition.SUCCESS
        if failed:
            self._discarded(invocation, verdict)
        if target:
            await self._deliver(invocation, target, verdict)
        self._journal.write([invocation.delete(), *(self._platform.past.failed(invocation.id) if failed else ())])
        self._tell(invocation, verdict)

    async def _attempts(self, invocation: Invocation) -> tuple[Target | None, Verdict]:
        attempts = 0
        outcome: Outcome | None = None
        while True:
            try:
                target = await self._look_up(invocation)
            except AwsError:
                return None, Verdict(Condition.NO_FUNCTION, attempts, outcome)
            if target.function.reserved_concurrency == 0:
                return target, Verdict(Condition.ZERO_CONCURRENCY, attempts, outcome)
            lineage = invocation.lineage.through(invocation.function)
            if lineage.exceeded(invocation.function):
                return target, Verdict(Condition.RECURSION, attempts, outcome)
            expires = invocation.accepted + target.config.max_age_s
            call = Call(invocation.id, invocation.payload, invocation.run, attempts + 1, lineage=lineage)
            try:
                outcome = await self._attempt(target.function, call, expires=expires)
            except Expired:
                return target, Verdict(Condition.TOO_OLD, attempts, outcome)
            attempts += 1
            if not outcome.failed:
                return target, Verdict(Condition.SUCCESS, attempts, outcome)
            if attempts > target.config.retries:
                return target, Verdict(Condition.EXHAUSTED, attempts, outcome)
            if self._platform.clock.now() + self._retry_s * attempts > expires:
                return target, Verdict(Condition.TOO_OLD, attempts, outcome)
            await self._pause(invocation, attempts, outcome)

    async def _look_up(self, invocation: Invocation) -> Target:
        account, region, name, qualifier = parse_arn(invocation.function)
        control = self._platform.control
        function = await control.function(account, region, name, qualifier)
        return Target(function, await control.async_config(function))

    async def _pause(self, invocation: Invocation, attempts: int, outcome: Outcome) -> None:
        name, delay = parse_arn(invocation.function)[2], self._retry_s * attempts
        said = f"{name}: retry {attempts} comes {delay:g} s after {outcome.error_type}"
        self._platform.idle.begin("event", invocation.id, said)
        self._hop(invocation, What.EVENT_RETRY, attempts, after_s=delay, reason=outcome.error_type)
        await self._platform.clock.sleep(delay)

    def _discarded(self, invocation: Invocation, verdict: Verdict) -> None:
        looped = verdict.condition is Condition.RECURSION
        reason = explain(parse_arn(invocation.function)[2]) if looped else str(verdict.condition)
        self._hop(invocation, What.EVENT_DISCARDED, verdict.attempts, reason=reason)

    async def _deliver(self, invocation: Invocation, target: Target, verdict: Verdict) -> None:
        """Send the record to the destination and, when the event failed, the event to the dead-letter target."""
        failed = verdict.condition is not Condition.SUCCESS
        now = self._platform.clock.now()
        if arn := target.config.on_failure if failed else target.config.on_success:
            await self._send(invocation, verdict, arn, record(target.function, invocation, verdict, now), {})
        if failed and (arn := target.function.dead_letter):
            body = invocation.payload.decode(errors="replace")
            await self._send(invocation, verdict, arn, body, dead_letter_attributes(invocation, verdict))

    async def _send(
        self, invocation: Invocation, verdict: Verdict, arn: str, body: str, attributes: dict[str, str]
    ) -> None:
        try:
            if arn.split(":")[2:3] == ["lambda"]:
                name = parse_arn(invocation.function)[2]
                lineage = invocation.lineage.through(invocation.function)
                self.submit(arn, body.encode(), f"destination:{name}", invocation.run, lineage)
            else:
                await self._platform.control.deliver(arn, body, attributes)
        except AwsError as error:
            said = f"the result of {invocation.function} could not be delivered to {arn}: {error}"
            self._hop(invocation, What.PROBLEM, verdict.attempts, message=said)
            return
        condition = str(verdict.condition)
        self._hop(invocation, What.EVENT_DELIVERED, verdict.attempts, destination=arn, condition=condition)

    def _hop(self, invocation: Invocation, what: What, attempt: int, **detail: str | float) -> None:
        self._platform.trace.hop(
            "lambda.queue",
            what,
            run=invocation.run,
            invocation=invocation.id,
            attempt=attempt,
            function=parse_arn(invocation.function)[2],
            **detail,
        )
