"""One child of the process engine, with all processes it starts."""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from hfaas_emulator.containers import process_tree
from hfaas_emulator.containers.engine import Exit, Output
from hfaas_emulator.containers.threads import Threads

LAST_WORDS_S = 1.0
"""How long after the end its output may still be under way."""


class Piped(asyncio.SubprocessProtocol):
    """Passes output on and knows when it ended."""

    def __init__(self, output: Output, ended: Callable[[], None]) -> None:
        self._output = output
        self._ended = ended
        self.drained = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - asyncio's signature
        self._output(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.drained.set()

    def process_exited(self) -> None:
        self._ended()


class ProcessContainer:
    """A running supervisor, its folder, and what became of it."""

    address = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        memory_mb: int,
        labels: Mapping[str, str],
        threads: Threads,
        report: Callable[[str, str], None],
        forget: Callable[[str], None],
    ) -> None:
        self.id = folder.name
        self.labels = labels
        self._folder = folder
        self._memory_mb = memory_mb
        self._threads = threads
        self._report = report
        self._forget = forget
        self._peak = 0
        self._kills = 0
        self._transport: asyncio.SubprocessTransport | None = None
        self._piped: Piped | None = None
        self._ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._ending: asyncio.Task[None] | None = None
        self._removal: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Return the process that all others in it come from, 0 when there is none."""
        running = self._transport is not None and self._transport.get_returncode() is None
        return self._transport.get_pid() if self._transport and running else 0

    async def start(self, argv: list[str], environment: dict[str, str], output: Output) -> None:
        """Start the child; stdout and stderr share one pipe, so that their order is kept."""
        loop = asyncio.get_running_loop()
        transport, piped = await loop.subprocess_exec(
            lambda: Piped(output, self._exited),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._folder,
            env=environment,
            start_new_session=True,
        )
        self._transport, self._piped = transport, piped
        if transport.get_returncode() is not None:
            self._exited()

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ended)

    async def follow(self, output: Output, since: float = 0, errors: Output | None = None) -> None:
        """Pass nothing on: what it says is passed on as it comes and kept nowhere."""

    async def stop(self, grace_s: float = 0) -> None:
        if self._removal is None:
            self._removal = asyncio.create_task(self._remove(grace_s))
        await asyncio.shield(self._removal)

    async def peak_memory_mb(self) -> int:
        if not self._ended.done():
            await self._threads.call(self.measure)
        if self._kills:
            return self._memory_mb
        return min(math.ceil(self._peak / 2**20), self._memory_mb)

    def oom_kills(self) -> int:
        return self._kills

    def measure(self) -> process_tree.Usage | None:
        """Add up the memory of the tree; return the largest process when the limit is exceeded."""
        if self._transport is None or self._transport.get_returncode() is not None:
            return None
        used = [process_tree.usage(pid) for pid in process_tree.tree(self._transport.get_pid())]
        self._peak = max(self._peak, sum(each.peak for each in used))
        if sum(each.held for each in used) <= self._memory_mb * 2**20:
            return None
        script = (
            used[1:] or used
        )  # as in a container, where the supervisor makes the script the kernel's first choice
        return max(script, key=lambda each: each.held)

    def kill_for_memory(self, victim: process_tree.Usage) -> None:
        """Do what the kernel does in a container that is out of memory."""
        self._kills += 1
        process_tree.kill([victim.pid])
        self._report(self.id, "oom")

    def kill(self) -> None:
        """End the whole tree at once."""
        if self._transport and self._transport.get_returncode() is None:
            process_tree.kill(process_tree.tree(self._transport.get_pid()))

    def _exited(self) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        """End what outlived the supervisor, as a container does, then tell the exit."""
        assert self._transport and self._piped  # noqa: PT018 - both are there once it ran
        await self._threads.call(process_tree.kill_mentioning, self._folder)
        with contextlib.suppress(TimeoutError):  # somebody outside may hold the pipe
            await asyncio.wait_for(self._piped.drained.wait(), LAST_WORDS_S)
        self._transport.close()
        code = self._transport.get_returncode() or 0
        self._ended.set_result(Exit(code if code >= 0 else 128 - code, oom_killed=self._kills > 0))
        self._report(self.id, "die")

    async def _remove(self, grace_s: float) -> None:
        if grace_s and self._transport and self._transport.get_returncode() is None:
            self._transport.send_signal(signal.SIGTERM)
            await asyncio.wait([self._ended], timeout=grace_s)
        self.kill()
        await asyncio.shield(self._ended)
        await self._threads.call(shutil.rmtree, self._folder, ignore_errors=True)
        self._forget(self.id)


def remove_left(folder: Path) -> None:
    """End what an emulator that died left in a folder, and remove the folder."""
    process_tree.kill_mentioning(folder)
    shutil.rmtree(folder, ignore_errors=True)
