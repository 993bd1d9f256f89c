"""One container of the Docker engine, from its start to its removal."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import requests
from docker.errors import APIError, DockerException, NotFound, create_api_error_from_http_exception
from docker.types import CancellableStream

from hfaas_emulator.containers import scratch
from hfaas_emulator.containers.attach import Attached
from hfaas_emulator.containers.cgroup import MemoryGroup
from hfaas_emulator.containers.connection import Client, engine_errors
from hfaas_emulator.containers.engine import Exit, Output
from hfaas_emulator.containers.followed import Followed
from hfaas_emulator.containers.threads import Threads

LAST_WORDS_S = 1.0
"""How long after the end of a container its `die` event may still be under way."""

LATE_OOM_S = 1.0
"""How long after `die` an `oom` event may still be under way; 0.1 is what was seen, on a machine with much to do."""

PIECE = 64 << 10
"""How much of a log is read at once, at most."""

KILLED = 137
"""The exit code of SIGKILL, which is how the kernel takes memory back."""


class Home(Protocol):
    """What a container needs of its engine."""

    threads: Threads

    @property
    def client(self) -> Client:
        """Return the connected client."""

    def known(self, id: str) -> DockerContainer | None:
        """Return a container that has not been removed."""

    def remember(self, container: DockerContainer) -> None:
        """Have events of a container reach it."""

    def forget(self, id: str) -> None:
        """Drop a container that has been removed."""


class Removable(Protocol):
    """Something that goes with a container."""

    async def stop(self) -> None:
        """Remove it."""


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
        attached: Attached | Followed | None = None,
        sandbox: Removable | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.id = id
        self.labels: Mapping[str, str] = labels or {}
        self.address = address
        self.volume = volume
        self._home = home
        self._memory_mb = memory_mb
        self._attached = attached
        self._sandbox = sandbox
        self._group = MemoryGroup(id)
        self._reported_kills = 0
        self._kill_reported = asyncio.Event()
        self._is_killed_here = False
        self._has_run = False
        self._ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._removal: asyncio.Task[None] | None = None

    async def wait(self) -> Exit:
        ended = await asyncio.shield(self._ended)
        await self._last_words()
        return ended

    async def _last_words(self) -> None:
        """Wait for the output that is under way when it has ended."""
        if self._attached:
            await _at_most(self._attached.last_words_s, self._attached.ended.wait())

    async def follow(self, output: Output, since: float = 0, errors: Output | None = None) -> None:
        with engine_errors(f"read the log of the container {self.id[:12]}"):
            stream = await self._home.threads.call(self._log, since)
        if self._attached:
            self._attached.close()
        self._attached = Followed(output, errors, stream)

    def _log(self, since: float) -> Any:
        """Open its log with the frames that tell stdout from stderr: the SDK's own `logs` takes them away."""
        client = self._home.client
        asked = {"stdout": 1, "stderr": 1, "follow": 1, **({"since": since} if since > 0 else {})}
        log = f"{client.base_url}/v{client.api_version}/containers/{self.id}/logs"
        answer = client.get(log, params=asked, stream=True, timeout=None)
        try:
            answer.raise_for_status()
        except requests.HTTPError as error:
            raise create_api_error_from_http_exception(error) from error
        return CancellableStream(answer.raw.stream(PIECE), answer)

    async def stop(self, grace_s: float = 0) -> None:
        if self._removal is None or _failed(self._removal):
            self._removal = asyncio.create_task(self._remove(grace_s))
        await asyncio.shield(self._removal)

    async def peak_memory_mb(self) -> int:
        peak = self._group.peak_bytes() or await self._home.threads.call(self._sampled_peak)
        if self.oom_kills():
            return self._memory_mb
        return math.ceil(peak / 2**20)

    def oom_kills(self) -> int:
        return max(self._group.kills(), self._reported_kills)

    def begin(self) -> None:
        """Start it, for the first time; blocks."""
        self._home.client.start(self.id)
        self._has_run = True
        self._group.watch()

    async def kill(self) -> None:
        """End it at once, and keep it."""
        self._is_killed_here = True
        with contextlib.suppress(APIError):  # it has ended
            await self._home.threads.call(self._home.client.kill, self.id)

    def report_kill(self) -> bool:
        """Note an `oom` event of the engine; False when its end has told so already."""
        is_news = not (self._ended.done() and self._ended.result().oom_killed)
        self._reported_kills += is_news
        self._kill_reported.set()
        return is_news

    async def end(self, code: int) -> bool:
        """Note that it ended; tell whether it is news that the kernel took memory back."""
        killed = await self._lacked_memory(code)
        self._group.close()
        is_news = killed and not self._reported_kills
        if not self._ended.done():
            self._reported_kills = max(self._reported_kills, int(killed))
            self._ended.set_result(Exit(code, killed))
        return is_news

    async def _lacked_memory(self, code: int) -> bool:
        """Ask the engine, and wait for what it says late, only where the code leaves a doubt."""
        is_doubtful = code == KILLED and not self._removal and not self._is_killed_here
        is_certain = is_doubtful and await self._group.settle()
        if self.oom_kills():
            return True
        if is_certain or not is_doubtful:
            return False
        if await self._home.threads.call(self._inspected_oom):
            return True
        if await _at_most(LATE_OOM_S, self._kill_reported.wait()):
            return True
        return await self._home.threads.call(self._past_oom) or self.oom_kills() > 0  # one told while it was asked

    async def exit_code(self) -> int | None:
        """Ask the engine how it ended; None while it runs, or has not begun to."""
        state = await self._home.threads.call(self._state)
        return None if state.get("Running") or _is_new(state) else int(state.get("ExitCode", 137))

    async def recall(self) -> bool:
        """Learn of the engine what somebody else's container is and how it ended; False when it never began."""
        found = await self._home.threads.call(self._inspected)
        state = found.get("State", {})
        if _is_new(state):
            self._ended.set_result(Exit(137))
            return False
        self._has_run = True
        self._memory_mb = int(found.get("HostConfig", {}).get("Memory", 0)) // 2**20
        if state.get("Running"):
            await self._home.threads.call(self._group.watch)
        else:
            self._reported_kills = max(self._reported_kills, int(bool(state.get("OOMKilled"))))
            await self.end(int(state.get("ExitCode", 137)))
        return True

    async def _remove(self, grace_s: float) -> None:
        with engine_errors(f"remove the container {self.id[:12]}"):
            if grace_s and await self._home.threads.call(self._ask_to_end):
                await asyncio.wait([self._ended], timeout=grace_s)
            await self._home.threads.call(self._remove_blocking)
        if not await _at_most(LAST_WORDS_S, asyncio.shield(self._ended)) and not self._ended.done():
            self._ended.set_result(Exit(137))
        if self._has_run:  # the engine never closes the stream of one that was only created
            await self._last_words()
        if self._attached:
            self._attached.close()
        self._group.close()
        self._home.forget(self.id)
        if self._sandbox:
            await self._sandbox.stop()

    def _ask_to_end(self) -> bool:
        """Send SIGTERM; False when it does not run."""
        try:
            self._home.client.kill(self.id, signal="SIGTERM")
        except APIError as error:
            if error.status_code not in {404, 409}:
                raise
            return False
        return True

    def _remove_blocking(self) -> None:
        client = self._home.client
        try:
            client.remove_container(self.id, force=True, v=True)
        except NotFound:
            pass
        except APIError as error:
            if error.status_code != 409:  # its removal is under way already
                raise
        if self.volume:
            scratch.remove(client, self.volume)

    def _state(self) -> dict[str, Any]:
        return dict(self._inspected().get("State", {}))

    def _inspected(self) -> dict[str, Any]:
        try:
            return dict(self._home.client.inspect_container(self.id))
        except NotFound:
            return {}

    def _inspected_oom(self) -> bool:
        try:
            return bool(self._state().get("OOMKilled"))
        except (DockerException, requests.RequestException):
            return False  # its end must be told, though the engine does not answer

    def _past_oom(self) -> bool:
        """Look for an `oom` event that came after the end: the engine keeps no other note of one."""
        try:
            end = datetime.fromisoformat(self._state().get("FinishedAt", "")).timestamp()
            period = {"since": 1, "until": f"{end + LATE_OOM_S:.3f}"}  # by the engine's clock, not ours
            told = self._home.client.events(filters={"container": self.id, "event": "oom"}, **period)
            return bool(list(told))
        except (DockerException, requests.RequestException, ValueError):
            return False

    def _sampled_peak(self) -> int:
        """Ask a remote engine for one sample."""
        try:
            memory = self._home.client.stats(self.id, stream=False, one_shot=True).get("memory_stats", {})
        except (DockerException, requests.RequestException):
            return 0
        return int(memory.get("max_usage") or memory.get("usage") or 0)


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _is_new(state: Mapping[str, Any]) -> bool:
    """Tell whether a container was created and not started: its exit code says 0 and means nothing."""
    return bool(state.get("Status") == "created")


async def _at_most(seconds: float, awaitable: object) -> bool:
    """Wait for something no longer than `seconds`; tell whether it came."""
    try:
        await asyncio.wait_for(awaitable, seconds)  # type: ignore[arg-type]
    except TimeoutError:
        return False
    return True
