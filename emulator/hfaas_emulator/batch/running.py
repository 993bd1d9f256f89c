"""One attempt whose container runs, or ended a moment ago."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hfaas_emulator.batch.identity import Identity
from hfaas_emulator.batch.output import JobOutput
from hfaas_emulator.batch.reasons import LOST
from hfaas_emulator.batch.runner import Result
from hfaas_emulator.clock import Clock
from hfaas_emulator.containers.engine import Container, Exit
from hfaas_emulator.errors import EngineError
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.load import Box

FIRST_LOOK_S = 0.1
LATER_LOOKS_S = 3.2
"""How often a job's memory use is looked at: the kernel forgets it when the container ends."""

ENDED = "Essential container in task exited"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


class RunningTask:
    """A started attempt; its container stays until it is forgotten. `was_over` when it ended without an emulator."""

    def __init__(
        self,
        identity: Identity,
        started: int,
        container: Container,
        output: JobOutput,
        clock: Clock,
        background: Background,
        *,
        was_over: bool = False,
    ) -> None:
        self.identity = identity
        self.started = started
        self._container = container
        self._output = output
        self._clock = clock
        self._background = background
        self._was_over = was_over
        self._peak_mb = 0
        self._result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        background.start(self._follow())
        self._result.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may ask any more

    @property
    def log_stream(self) -> str:
        return self.identity.stream

    @property
    def task_arn(self) -> str:
        return self.identity.arn

    @property
    def address(self) -> str:
        return self._container.address

    @property
    def box(self) -> Box:
        """Return its container as the figures of the machine show it."""
        who = self.identity
        return Box(self._container, who.container, "job", who.function, (), self.started / 1000)

    async def result(self) -> Result:
        """Wait until it ended and its output is in the log; EngineError when the engine lost it.

        The container stays, so that a restart finds it again.
        """
        return await asyncio.shield(self._result)

    async def stop(self, grace_s: float = 30) -> None:
        """Have it end: SIGTERM, then SIGKILL after `grace_s`; EngineError when the engine does not do it."""
        await self._container.stop(grace_s)

    def forget(self) -> None:
        """Its end is written down: have the container removed, without anybody waiting for that."""
        self._background.start(removed(self._container))

    async def _follow(self) -> None:
        try:
            self._result.set_result(await self._ended())
        except Exception as error:  # noqa: BLE001 - whoever waits for the result must learn of it
            self._result.set_exception(error)

    async def _ended(self) -> Result:
        watching = asyncio.create_task(self._watch_memory())
        try:
            ended = await self._container.wait()
        finally:
            watching.cancel()
        self._output.finish()
        await self._measure()
        return Result(ended.code, OUT_OF_MEMORY if ended.oom_killed else "", self._said(ended), self._peak_mb)

    def _said(self, ended: Exit) -> str:
        """A failure while there was no emulator is the emulator's: neither S3 nor anything else answered the job."""
        lost = self._was_over and ended.code != 0 and not ended.oom_killed
        return LOST if lost else ENDED

    async def _watch_memory(self) -> None:
        pause = FIRST_LOOK_S
        while True:
            await self._measure()
            await self._clock.sleep(pause)
            pause = min(2 * pause, LATER_LOOKS_S)

    async def _measure(self) -> None:
        with suppress(EngineError):  # the figure is a courtesy
            self._peak_mb = max(self._peak_mb, await self._container.peak_memory_mb())


async def removed(container: Container) -> None:
    """Remove a container, ending it where it still runs; what the engine does not do now the next start does."""
    with suppress(EngineError):
        await container.stop()


async def has_ended(container: Container) -> bool:
    """Tell whether a container that nobody follows yet has ended."""
    waiting = asyncio.ensure_future(container.wait())
    done, _ = await asyncio.wait([waiting], timeout=0)
    waiting.cancel()
    return bool(done)
