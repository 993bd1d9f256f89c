"""One running container of a function, and the states it goes through.

    STARTING -> READY <-> BUSY          READY, BUSY, STARTING -> STOPPING -> DEAD
                                        (a container that ends by itself goes to DEAD directly)

It is READY again the moment it has *answered*, not when it asks for the next event. Closing a request (last
lines, memory figure, END and REPORT) happens beside the next one and never holds it up.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any

from hfaas_emulator.containers.engine import Container, ContainerSpec, Exit, Image, Mount, Network
from hfaas_emulator.errors import AwsError, EngineError, ImageNotFound
from hfaas_emulator.lambda_.closing import Closing
from hfaas_emulator.lambda_.function import Function
from hfaas_emulator.lambda_.mailbox import Event, InitFailed, Mailbox
from hfaas_emulator.lambda_.outcome import Outcome, exited, not_started, timed_out
from hfaas_emulator.lambda_.output import Call, Output
from hfaas_emulator.lambda_.platform import Platform
from hfaas_emulator.lambda_.report import init_report, start_line
from hfaas_emulator.lambda_.runtime_api import Door
from hfaas_emulator.lambda_.timer import Timer
from hfaas_emulator.lambda_.variables import variables
from hfaas_emulator.load import Box
from hfaas_emulator.trace import What

INIT_LIMIT_S = 10
"""AWS's limit of the first initialization; a second one may take the function's whole time."""


class State(StrEnum):
    """Where an environment is in its life."""

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    STOPPING = "stopping"
    DEAD = "dead"


NEXT = {
    State.STARTING: {State.READY, State.STOPPING, State.DEAD},
    State.READY: {State.BUSY, State.STOPPING, State.DEAD},
    State.BUSY: {State.READY, State.STOPPING, State.DEAD},
    State.STOPPING: {State.DEAD},
    State.DEAD: set(),
}


class EnvironmentLost(Exception):
    """The container had ended before it took the event: the event may go to another one."""


class ExecutionEnvironment:
    """A container of one revision of a function; `on_end` is called once, when it can no longer be used."""

    def __init__(
        self,
        platform: Platform,
        function: Function,
        on_end: Callable[[ExecutionEnvironment], None],
        gpus: tuple[str, ...] = (),
    ) -> None:
        now = platform.clock.now()
        self.id = secrets.token_hex(16)
        self.function = function
        self.gpus = gpus
        self.state = State.STARTING
        self.since = now
        self.started_ms = 0.0
        self.init_ms = 0.0
        self.peak_mb = 0
        self.served = 0
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime(now))}/[{function.version}]{self.id}"
        self.output = Output(platform, function, stream)
        self._platform = platform
        self._on_end = on_end
        self._box = Mailbox()
        self._caller: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._door: Door | None = None
        self._container: Container | None = None
        self._closing: Closing | None = None
        self._out_of_memory = 0
        self._request = ""
        self._variables: Mapping[str, str] = {}
        self._ended = False
        self._running = now

    def __repr__(self) -> str:
        return f"<ExecutionEnvironment {self.function.name} {self.id[:8]} {self.state}>"

    @property
    def container_id(self) -> str:
        return self._container.id if self._container else ""

    @property
    def request(self) -> str:
        """Return the request that it works at, or was the last one to."""
        return self._request

    def holds(self, access_key: str) -> bool:
        """Tell whether these are its role's credentials."""
        return self._variables.get("AWS_ACCESS_KEY_ID") == access_key

    @property
    def box(self) -> Box | None:
        """Return its container as the figures of the machine show it, None before there is one."""
        if self._container is None:
            return None
        return Box(self._container, self.name, "lambda", self.function.name, self.gpus, self._running)

    @property
    def name(self) -> str:
        """Return the name of its container."""
        return f"hfaas-{self.function.name}-{self.id[:8]}"

    def _enter(self, state: State) -> None:
        if state not in NEXT[self.state]:
            raise RuntimeError(f"an execution environment cannot go from {self.state} to {state}")
        self.state = state
        self.since = self._platform.clock.now()

    async def start(self) -> None:
        """Run the container and wait until its runtime asks for an event; InitFailed when it does not."""
        began = self._running = self._platform.clock.now()
        try:
            note = self._accelerated()
            await self._run()
            await self._ready()
        except InitFailed as failed:
            self._measure_start(began)
            self.output.write([init_report(self.init_ms, failed.outcome)])
            raise
        self._enter(State.READY)
        self._measure_start(began)
        figures = {"init_ms": round(self.init_ms, 2), "start_ms": round(self.started_ms, 2)}
        self._hop(What.ENVIRONMENT_STARTED, **figures, **note)

    def _accelerated(self) -> dict[str, str]:
        """See that it has its GPUs, InitFailed when there are none; say so where the CPU does instead."""
        wanted, pool = self.function.gpus, self._platform.gpus
        if len(self.gpus) >= wanted:
            return {}
        if not pool.falls_back:
            raise InitFailed(not_started("Sandbox.GpuNotAvailable", self.id, pool.refusal(wanted)))
        note = pool.fallback_note(wanted)
        self.output.write([f"hfaas: {note} ({pool.detail})\n"])
        return {"note": note}

    def _measure_start(self, began: float) -> None:
        """Tell the initialization, which AWS bills, from the whole start, which somebody waited for."""
        now = self._platform.clock.now()
        self.started_ms = (now - began) * 1000
        self.init_ms = (now - self._running) * 1000

    async def _run(self) -> None:
        engine = self._platform.engine
        try:
            image = await engine.image(self.function.image)
            if image is None:
                raise ImageNotFound(f"there is no image {self.function.image} on this machine", "build or load it")
            self._container = await engine.run(await self._spec(image), self.output.feed, self.output.feed_errors)
        except EngineError as error:
            raise InitFailed(_refused(error, self.id)) from error
        except AwsError as error:
            raise InitFailed(not_started(error.code, self.id, error.message)) from error
        self._platform.trace.hop("lambda.environment", What.IMAGE_RAN, image=image.ref, id=image.id)
        self._running = self._platform.clock.now()
        self._caller.set_result(self._container.address)
        self._platform.background.start(self._watch(self._container))

    async def _spec(self, image: Image) -> ContainerSpec:
        platform, function = self._platform, self.function
        runtime = platform.runtime
        supervised = image.supervised
        self._door = (
            runtime.open_path(self._box) if supervised else await runtime.open_port(self._box, self._caller)
        )
        trust = platform.trust()
        environment = variables(
            function,
            runtime_api=self._door.address,
            endpoint=platform.endpoint,
            stream=self.output.stream,
            credentials=await platform.control.credentials(function.role, function.name),
            trust=trust.variables,
        )
        self._variables = environment
        return ContainerSpec(
            name=self.name,
            image=function.image,
            labels={
                "hfaas.emulator": platform.emulator,
                "hfaas.kind": "environment",
                "hfaas.function": function.name,
                "hfaas.environment": self.id,
            },
            environment=environment,
            entrypoint=function.entry_point,
            command=function.command,
            working_directory=function.working_directory,
            memory_mb=function.memory_mb,
            storage_mb=function.storage_mb,
            gpus=self.gpus,
            network=Network.SHARED if supervised else Network.OWN,
            files=trust.files,
            mounts={path: Mount(platform.folder(point)) for path, point in function.file_systems.items()},
        )

    async def _ready(self) -> None:
        limit = INIT_LIMIT_S + self.function.timeout_s
        timer = Timer(self._platform.clock, limit, lambda: self._box.fail_init(timed_out(self.id, limit)))
        try:
            await self._box.ready
        finally:
            timer.cancel()

    async def _watch(self, container: Container) -> None:
        ended = await container.wait()
        self.output.finish()
        if self.state not in {State.STOPPING, State.DEAD}:
            self._ended_by_itself(ended)
            await self._discard()

    def _ended_by_itself(self, ended: Exit) -> None:
        idle = self.state is State.READY
        ended = Exit(ended.code, ended.oom_killed or self._killed_for_memory())
        self._enter(State.DEAD)
        self._ended = True
        reason = "out of memory" if ended.oom_killed else f"its runtime ended with exit code {ended.code}"
        self._hop(What.ENVIRONMENT_STOPPED, reason=f"{reason} while idle" if idle else reason)
        self._box.end(exited(self._request or self.id, ended, self.function.memory_mb))
        self._on_end(self)

    def _killed_for_memory(self) -> bool:
        return self._container is not None and self._container.oom_kills() > self._out_of_memory

    async def _discard(self) -> None:
        await self.measure()
        if self._door:
            self._platform.runtime.shut(self._door)
        if self._container:
            with suppress(EngineError):  # it is gone already, or the next start sweeps it
                await self._container.stop()
        gpus, self.gpus = self.gpus, ()
        self._platform.gpus.give(gpus)

    async def invoke(self, call: Call) -> tuple[Outcome, Closing]:
        """Give the event to the runtime and wait for the answer, the end of the time or of the container."""
        if self.state is not State.READY:
            raise EnvironmentLost
        self._enter(State.BUSY)
        self._request = call.id
        began = self._begin(call)
        answer = self._box.offer(self._event(call, began))
        timer = Timer(self._platform.clock, self.function.timeout_s, self._expire)
        try:
            outcome = await answer
        finally:
            timer.cancel()
        if outcome.crashed and not self._box.fetched and self._ended:
            raise EnvironmentLost
        return outcome, self._answered(call, outcome, began)

    def reject(self, call: Call, outcome: Outcome) -> Closing:
        """Answer a call for which this environment was started in vain."""
        self._begin(call)
        self._closing = Closing(
            self, self._platform, call, outcome.of(call.id, self.id), duration_ms=0, init_ms=self.init_ms
        )
        return self._closing

    def _begin(self, call: Call) -> float:
        if self._closing:
            self._closing.finish()
        self._out_of_memory = self._container.oom_kills() if self._container else 0
        self._platform.past.ran(call.id, self._variables)
        self.output.begin(call)
        self.output.write([start_line(call.id, self.function.version)])
        self._platform.trace.hop(
            "lambda.environment",
            What.INVOCATION_STARTED,
            run=call.run,
            invocation=call.id,
            attempt=call.attempt,
            function=self.function.name,
            environment=self.id,
        )
        return self._platform.clock.now()

    def _event(self, call: Call, began: float) -> Event:
        root = f"Root=1-{int(began):08x}-{secrets.token_hex(12)}"
        trace = f"{root};Parent={secrets.token_hex(8)};Sampled=0;Lineage={call.lineage}"
        deadline = int((began + self.function.timeout_s) * 1000)
        return Event(call.id, call.payload, deadline, self.function.arn, trace, call.client_context)

    def _expire(self) -> None:
        self._box.answer(self._request, timed_out(self._request, self.function.timeout_s))

    def _answered(self, call: Call, outcome: Outcome, began: float) -> Closing:
        duration = (self._platform.clock.now() - began) * 1000
        init = self.init_ms if self.served == 0 else None
        self.served += 1
        self._closing = Closing(self, self._platform, call, outcome, duration_ms=duration, init_ms=init)
        if self.state is State.BUSY and not outcome.crashed:
            self._enter(State.READY)
        return self._closing

    async def measure(self) -> int:
        """Return the largest memory use so far, as far as the engine tells."""
        if self._container:
            with suppress(EngineError):
                self.peak_mb = max(self.peak_mb, await self._container.peak_memory_mb())
        return self.peak_mb

    async def stop(self, reason: str) -> None:
        """End the container; what already ended stays so."""
        if self.state in {State.STOPPING, State.DEAD}:
            return
        self._enter(State.STOPPING)
        self._hop(What.ENVIRONMENT_STOPPED, reason=reason)
        self._box.end(not_started("Sandbox.Stopped", self._request or self.id, reason))
        self._on_end(self)
        await self._discard()
        self._enter(State.DEAD)

    def _hop(self, what: What, **detail: Any) -> None:
        self._platform.trace.hop(
            "lambda.environment", what, environment=self.id, function=self.function.name, **detail
        )


def _refused(error: EngineError, id: str) -> Outcome:
    said = f"{error.message}: {error.hint}" if error.hint else error.message
    if isinstance(error, ImageNotFound):
        return not_started("CodeArtifactUserDeleted", id, said)
    unstartable = ("no such file", "not found", "exec format", "permission denied")
    if any(words in said.lower() for words in unstartable):
        return not_started("Runtime.InvalidEntrypoint", id, said)
    return not_started("Sandbox.StartFailed", id, said)
