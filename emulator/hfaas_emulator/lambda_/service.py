"""The execution plane: synchronous and asynchronous invocations, their pools, their limits.

Read this first. A call takes the same way whoever made it: `invoke` (somebody waits) or `queue` (nobody does) -> `pool` (lease an
environment) -> `environment` (hand over the event, wait for the answer) -> `closing` (log, trace, figures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hfaas_emulator.clock import Clock
from hfaas_emulator.containers.engine import Engine
from hfaas_emulator.containers.gpus import GpuPool
from hfaas_emulator.errors import AwsError, EngineError, StateError
from hfaas_emulator.file_systems import nowhere
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.lambda_.capacity import Capacity, Limit, TooManyRequests
from hfaas_emulator.lambda_.closing import Closing
from hfaas_emulator.lambda_.destinations import Verdict
from hfaas_emulator.lambda_.environment import EnvironmentLost
from hfaas_emulator.lambda_.function import ControlPlane, Function
from hfaas_emulator.lambda_.invocation import Invocation, new_id
from hfaas_emulator.lambda_.lineage import FRESH, Lineage, Lineages, explain
from hfaas_emulator.lambda_.memory import Memory
from hfaas_emulator.lambda_.outcome import Outcome
from hfaas_emulator.lambda_.output import Call
from hfaas_emulator.lambda_.past import Past
from hfaas_emulator.lambda_.platform import LogSink, Platform
from hfaas_emulator.lambda_.pool import Pool, StartFailed
from hfaas_emulator.lambda_.queue import RETRY_S, AsyncQueue
from hfaas_emulator.lambda_.runtime_api import RuntimeApi
from hfaas_emulator.load import Box
from hfaas_emulator.onedata.trust import Trust
from hfaas_emulator.trace import Trace, What

KEEP_ALIVE_S = 600


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of a synchronous invocation; `error` is `Unhandled` or empty, `log_tail` only when asked for."""

    payload: bytes
    error: str
    log_tail: bytes
    version: str
    request: str


class Lambda:
    """Runs functions; `endpoint` is the edge's URL as containers reach it."""

    def __init__(
        self,
        engine: Engine,
        control: ControlPlane,
        logs: LogSink,
        trace: Trace,
        idle: Idle,
        journal: Journal,
        clock: Clock,
        endpoint: str,
        concurrency: int,
        *,
        emulator: str = "local",
        gpus: GpuPool | None = None,
        keep_alive_s: float = KEEP_ALIVE_S,
        memory: Memory | None = None,
        retry_s: float = RETRY_S,
        lineages: Lineages | None = None,
        trust: Callable[[], Trust] = Trust,
        folder: Callable[[str], Path] = nowhere,
    ) -> None:
        self.concurrency = concurrency
        self.runtime = RuntimeApi(endpoint.partition("://")[2].rstrip("/"), engine.host)
        self._background = Background(trace)
        gpus = gpus or GpuPool()
        self.past = Past(journal, clock.now)
        self._journal = journal
        self._platform = Platform(
            engine,
            control,
            logs,
            trace,
            idle,
            clock,
            self.runtime,
            self._background,
            endpoint,
            emulator,
            gpus,
            trust,
            self.past,
            folder,
        )
        gpus.on_short.append(self._let_gpus_go)
        gpus.on_free.append(self._gpus_came_free)
        self._memory = memory or Memory()
        self._keep_alive_s = keep_alive_s
        self._lineages = lineages or Lineages()
        self._capacity = Capacity(concurrency)
        self._pools: dict[tuple[str, str], Pool] = {}
        self._queue = AsyncQueue(self._platform, journal, self._attempt_async, retry_s)

    async def open(self) -> None:
        """Remove the containers that an emulator with this id left behind."""
        labels = {"hfaas.emulator": self._platform.emulator, "hfaas.kind": "environment"}
        for container in await self._platform.engine.leftovers(labels):
            with suppress(EngineError):
                await container.stop()

    async def close(self) -> None:
        """End all environments; events that are not done stay in the journal."""
        await self._background.close()
        for pool in self._pools.values():
            await pool.close()
        await self._background.close()
        self.runtime.close()

    async def recover(self) -> int:
        """Take the events on again that an earlier emulator accepted; return how many."""
        self.past.load()
        return self._queue.recover()

    async def submit(
        self, function_arn: str, payload: bytes, origin: str, run: str = "", lineage: Lineage = FRESH
    ) -> Invocation:
        """Accept an event for a function; it is durable when this returns."""
        return self._queue.submit(function_arn, payload, origin, run, lineage)

    async def verdict(self, invocation: Invocation) -> Verdict | None:
        """Wait for what an event that was just submitted comes to, retries and all; None when nothing any more."""
        return await self._queue.verdict(invocation)

    def accept(self, invocation: Invocation) -> None:
        """Take on an event whose row somebody else has written."""
        self._queue.accept(invocation)

    async def invoke(
        self,
        function: Function,
        payload: bytes,
        *,
        origin: str,
        tail: bool = False,
        run: str = "",
        client_context: str = "",
        lineage: Lineage = FRESH,
    ) -> Result:
        """Run a function and wait for its answer; TooManyRequests over a limit, AwsError in a recursive loop."""
        request = new_id()
        lineage = lineage.through(function.arn)
        call = Call(request, payload, run or request, client_context=client_context, lineage=lineage)
        self.past.keep(request, function.arn, origin, payload)
        if lineage.exceeded(function.arn):
            raise self._looped(function, call)
        if limit := self._capacity.take(function):
            self._throttled(function, call, limit, origin)
            raise TooManyRequests(limit)
        try:
            outcome, closing = await self._attempt(function, call, counted=True)
        finally:
            self._capacity.release(function)
        if outcome.failed:
            self._remember(request)
        log = await closing.done if tail else b""
        return Result(outcome.payload, outcome.function_error, log, function.version, request)

    def _remember(self, request: str) -> None:
        """Write down what failed, unless the disk is full: nobody was promised that it is kept."""
        with suppress(StateError):
            self._journal.write(tuple(self.past.failed(request)))

    def boxes(self) -> Iterator[Box]:
        """Yield the containers that run now."""
        for pool in self._pools.values():
            for environment in (*pool.busy, *pool.idle, *pool.starting):
                if box := environment.box:
                    yield box

    def holder(self, access_key: str) -> str:
        """Return the invocation whose environment has these credentials, nothing when there is none."""
        environments = (
            environment for pool in self._pools.values() for environment in (*pool.busy, *pool.idle, *pool.starting)
        )
        return next((environment.request for environment in environments if environment.holds(access_key)), "")

    def _looped(self, function: Function, call: Call) -> AwsError:
        self._platform.trace.hop(
            "lambda",
            What.EVENT_DISCARDED,
            run=call.run,
            invocation=call.id,
            function=function.name,
            reason=explain(function.name),
        )
        return AwsError(
            "RecursiveInvocationException",
            "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services "
            "resources and stopped your function's invocation.",
        )

    def _throttled(self, function: Function, call: Call, limit: Limit, origin: str) -> None:
        self._platform.trace.hop(
            "lambda",
            What.EVENT_THROTTLED,
            run=call.run,
            invocation=call.id,
            function=function.name,
            limit=str(limit),
            origin=origin,
        )

    async def _attempt_async(self, function: Function, call: Call, *, expires: float) -> Outcome:
        outcome, _ = await self._attempt(function, call, counted=False, expires=expires)
        return outcome

    async def _attempt(
        self, function: Function, call: Call, *, counted: bool, expires: float | None = None
    ) -> tuple[Outcome, Closing]:
        self._lineages.remember(call.id, call.lineage)
        idle = self._platform.idle
        idle.begin("attempt", call.key, f"{function.name}: attempt {call.attempt}")
        try:
            return await self._lease_and_run(function, call, counted=counted, expires=expires)
        except BaseException:
            idle.end("attempt", call.key)
            raise

    async def _lease_and_run(
        self, function: Function, call: Call, *, counted: bool, expires: float | None
    ) -> tuple[Outcome, Closing]:
        pool = self._pool(function)
        while True:
            try:
                async with pool.lease(call, counted=counted, expires=expires) as environment:
                    return await environment.invoke(call)
            except EnvironmentLost:
                continue
            except StartFailed as failed:
                closing = failed.environment.reject(call, failed.outcome)
                return closing.outcome, closing

    def _pool(self, function: Function) -> Pool:
        key = function.arn, function.version
        pool = self._pools.get(key)
        if pool is None:
            pool = Pool(self._platform, function, self._capacity, self._make_room, self._keep_alive_s)
            self._pools[key] = pool
        pool.update(function)
        return pool

    def _make_room(self, function: Function) -> bool:
        """Stop what idles elsewhere while memory is short; False when it still is."""
        freed = 0
        while self._memory.short(function.memory_mb - freed):
            pools = [(since, pool) for pool in self._pools.values() if (since := pool.oldest_idle()) is not None]
            if not pools:
                return False
            freed += min(pools, key=lambda each: each[0])[1].shed()
        return True

    def _let_gpus_go(self) -> None:
        """Somebody lacks a GPU: stop what holds one and idles."""
        for pool in self._pools.values():
            if pool.function.gpus:
                pool.drain("its GPU is needed elsewhere")

    def _gpus_came_free(self) -> None:
        for pool in list(self._pools.values()):
            if pool.function.gpus:
                pool.dispatch()

    def forget(self, account: str, region: str, name: str) -> None:
        """A function was deleted: stop its idle environments."""
        for pool in self._pools.values():
            if (pool.function.account, pool.function.region, pool.function.name) == (account, region, name):
                pool.drain("the function was deleted")
