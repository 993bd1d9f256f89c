"""One container of the Docker engine, from its start to its removal."""

from __future__ import annotations

import asyncio
import math
from typing import Any, Protocol

import requests
from docker.errors import APIError, DockerException, NotFound

from hfaas_emulator.containers import scratch
from hfaas_emulator.containers.attach import Attached
from hfaas_emulator.containers.cgroup import MemoryGroup
from hfaas_emulator.containers.connection import Client, engine_errors
from hfaas_emulator.containers.engine import Exit
from hfaas_emulator.containers.threads import Threads

LAST_WORDS_S = 1.0
"""How long after the end of a container its output and its `die` event may still be under way."""


class Home(Protocol):
    """What a container needs of its engine."""

    threads: Threads

    @property
    def client(self) -> Client:
        """Return the connected client."""

    def forget(self, id: str) -> None:
        """Drop a container that has been removed."""


class DockerContainer:
    """A container that was started, here or by an emulator before."""

    def __init__(
        self,
        home: Home,
        id: str,
        *,
        address: str = "",
        volume: str = "",
        memory_mb: int = 0,
        attached: Attached | None = None,
        sandbox: DockerContainer | None = None,
    ) -> None:
        self.id = id
        self.address = address
        self.volume = volume
        self._home = home
        self._memory_mb = memory_mb
        self._attached = attached
        self._sandbox = sandbox
        self._group = MemoryGroup(id)
        self._reported_kills = 0
        self._ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._removal: asyncio.Task[None] | None = None

    async def wait(self) -> Exit:
        ended = await asyncio.shield(self._ended)
        if self._attached:
            await _at_most(LAST_WORDS_S, self._attached.ended.wait())
        return ended

    async def stop(self, grace_s: float = 0) -> None:
        if self._removal is None:
            self._removal = asyncio.create_task(self._remove(grace_s))
        await asyncio.shield(self._removal)

    async def peak_memory_mb(self) -> int:
        peak = self._group.peak_bytes() or await self._home.threads.call(self._sampled_peak)
        if self.oom_kills():
            return self._memory_mb
        return math.ceil(peak / 2**20)

    def oom_kills(self) -> int:
        return max(self._group.kills(), self._reported_kills)

    def report_kill(self) -> None:
        """Note an `oom` event of the engine."""
        self._reported_kills += 1

    async def end(self, code: int) -> None:
        """Note that it ended; asks the engine about memory only where the code leaves a doubt."""
        killed = self.oom_kills() > 0
        if code == 137 and not killed and self._removal is None:
            killed = await self._home.threads.call(self._inspected_oom)
        if not self._ended.done():
            self._reported_kills = max(self._reported_kills, int(killed))
            self._ended.set_result(Exit(code, killed))

    async def exit_code(self) -> int | None:
        """Ask the engine how it ended; None while it runs."""
        state = await self._home.threads.call(self._state)
        return None if state.get("Running") else int(state.get("ExitCode", 137))

    async def _remove(self, grace_s: float) -> None:
        with engine_errors(f"remove the container {self.id[:12]}"):
            await self._home.threads.call(self._remove_blocking, grace_s)
        if not await _at_most(LAST_WORDS_S, asyncio.shield(self._ended)) and not self._ended.done():
            self._ended.set_result(Exit(137))
        if self._attached:
            self._attached.close()
        self._home.forget(self.id)
        if self._sandbox:
            await self._sandbox.stop()

    def _remove_blocking(self, grace_s: float) -> None:
        client = self._home.client
        try:
            if grace_s:
                client.stop(self.id, timeout=math.ceil(grace_s))
            client.remove_container(self.id, force=True, v=True)
        except NotFound:
            pass
        except APIError as error:
            if error.status_code != 409:  # its removal is under way already
                raise
        if self.volume:
            scratch.remove(client, self.volume)

    def _state(self) -> dict[str, Any]:
        try:
            return dict(self._home.client.inspect_container(self.id)["State"])
        except NotFound:
            return {}

    def _inspected_oom(self) -> bool:
        try:
            return bool(self._state().get("OOMKilled"))
        except (DockerException, requests.RequestException):
            return False  # its end must be told, though the engine does not answer

    def _sampled_peak(self) -> int:
        """Ask a remote engine for one sample."""
        try:
            memory = self._home.client.stats(self.id, stream=False, one_shot=True).get("memory_stats", {})
        except (DockerException, requests.RequestException):
            return 0
        return int(memory.get("max_usage") or memory.get("usage") or 0)


async def _at_most(seconds: float, awaitable: object) -> bool:
    """Wait for something no longer than `seconds`; tell whether it came."""
    try:
        await asyncio.wait_for(awaitable, seconds)  # type: ignore[arg-type]
    except TimeoutError:
        return False
    return True
