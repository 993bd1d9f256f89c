"""An engine for tests: its containers are asyncio tasks that run a Python function."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from hfaas_emulator.containers.engine import Container, ContainerSpec, Exit, Gpu, Image, Output
from hfaas_emulator.containers.feed import Feed
from hfaas_emulator.errors import EngineError, ImageNotFound

Behaviour = Callable[[ContainerSpec, Output], Awaitable[Exit]]
"""What runs inside: gets the specification and a place for its output, answers how it ended."""


class FakeContainer:
    """A running behaviour; ends when the function returns, raises (exit 1) or is stopped."""

    def __init__(
        self,
        id: str,
        spec: ContainerSpec,
        behave: Behaviour,
        output: Output,
        errors: Output | None,
        feed: Feed,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.id = id
        self.spec = spec
        self.address = "127.0.0.1"
        self.labels = spec.labels
        self.stopped = False
        self.peak_mb = 0
        self._now = now
        self._said: list[tuple[float, bool, bytes]] = []
        self._output, self._errors = output, errors or output
        self._feed = feed
        self._oom_kills = 0
        self._signal = 9
        self._ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(behave))

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ended)

    async def follow(self, output: Output, since: float = 0, errors: Output | None = None) -> None:
        self._output, self._errors = output, errors or output
        for at, is_error, data in self._said:
            if at >= since:
                (self._errors if is_error else self._output)(data)

    def detach(self) -> None:
        """Let what it says reach nobody until somebody follows it."""
        self._output = self._errors = lambda _: None

    def _say(self, data: bytes) -> None:
        self._said.append((self._now(), False, data))
        self._output(data)

    def say_error(self, data: bytes) -> None:
        """Say something on stderr."""
        self._said.append((self._now(), True, data))
        self._errors(data)

    async def stop(self, grace_s: float = 0) -> None:
        self.stopped = True
        self._signal = 15 if grace_s else 9
        self._task.cancel()
        await asyncio.wait([self._task])
        self._end(Exit(128 + self._signal))  # a task cancelled before its first step never ran

    async def peak_memory_mb(self) -> int:
        return self.peak_mb

    def oom_kills(self) -> int:
        return self._oom_kills

    def kill_for_memory(self) -> None:
        """Act as if the kernel had killed a process inside while the container lives on."""
        self._oom_kills += 1
        self._feed.publish(self.id, "oom")

    async def _run(self, behave: Behaviour) -> None:
        try:
            ended = await behave(self.spec, self._say)
        except asyncio.CancelledError:
            ended = Exit(128 + self._signal)
        except Exception as error:  # noqa: BLE001 - as a program that crashes: a line and exit code 1
            self._say(f"{type(error).__name__}: {error}\n".encode())
            ended = Exit(1)
        self._end(ended)

    def _end(self, exit: Exit) -> None:
        if self._ended.done():
            return
        if exit.oom_killed:
            self.kill_for_memory()
        self._ended.set_result(exit)
        self._feed.publish(self.id, "die")


class FakeEngine:
    """Keeps a record of all containers it ran; images are what the test says there are."""

    name = "fake"
    runs_images = True
    detail = "containers are functions of a test"
    host = "127.0.0.1"
    machine = (4.0, 8192)

    def __init__(
        self, behave: Behaviour, images: Mapping[str, Image] | None = None, gpus: Sequence[Gpu] = ()
    ) -> None:
        self.behave = behave
        self.images = dict(images or {})
        self.gpus: Sequence[Gpu] = tuple(gpus)
        self.containers: list[FakeContainer] = []
        self.left: list[FakeContainer] = []
        self.refusal: EngineError | None = None
        self.now: Callable[[], float] = time.time
        self._feed = Feed()
        self._ids = itertools.count(1)

    @property
    def gpu_detail(self) -> str:
        return ", ".join(each.name for each in self.gpus) or "the test has no GPU"

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Stop what still runs."""
        for container in (*self.containers, *self.left):
            await container.stop()
        self._feed.end()

    async def image(self, ref: str) -> Image | None:
        return self.images.get(ref)

    async def run(self, spec: ContainerSpec, output: Output, errors: Output | None = None) -> FakeContainer:
        if self.refusal:
            raise self.refusal
        if spec.image not in self.images:
            raise ImageNotFound(f"there is no image {spec.image}")
        name = f"fake-{next(self._ids)}"
        container = FakeContainer(name, spec, self.behave, output, errors, self._feed, self.now)
        self.containers.append(container)
        return container

    def abandon(self) -> None:
        """Act as if the emulator had been killed: what it ran, ended or not, is left behind."""
        for container in self.containers:
            container.detach()
        self.left += [each for each in self.containers if not each.stopped]
        self.containers = []

    async def leftovers(self, labels: Mapping[str, str]) -> Sequence[Container]:
        return [each for each in self.left if labels.items() <= each.labels.items() and not each.stopped]

    def events(self) -> AsyncIterator[tuple[str, str]]:
        return self._feed.listen()

    @property
    def running(self) -> list[FakeContainer]:
        """Return the containers that have not ended."""
        return [each for each in self.containers if not each._ended.done()]  # noqa: SLF001 - same module
