"""Containers that do what their command says, and gates at which tests hold them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from hfaas_emulator.containers.engine import ContainerSpec, Exit, Gpu, Image, Output
from hfaas_emulator.containers.fake import FakeContainer, FakeEngine
from hfaas_emulator.errors import EngineError

IMAGE = "works:1"


class Gates:
    """Named gates, closed until a test opens them; containers wait on the emulator's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._waiting: list[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def passed(self, name: str) -> None:
        """Wait until a gate is open."""
        event = asyncio.Event()
        with self._lock:
            if name in self._open:
                return
            self._waiting.append((name, asyncio.get_running_loop(), event))
        await event.wait()

    def open(self, name: str) -> None:
        """Open a gate for good."""
        with self._lock:
            self._open.add(name)
            waiting, self._waiting = self._waiting, []
        for each in waiting:
            wanted, loop, event = each
            if wanted == name:
                loop.call_soon_threadsafe(event.set)
            else:
                with self._lock:
                    self._waiting.append(each)


class Stage(FakeEngine):
    """An engine with an image, room for many jobs, and two GPUs unless told otherwise."""

    machine = (32.0, 66_048)

    def __init__(self, gates: Gates, gpus: int = 2) -> None:
        image = Image(IMAGE, "sha256:1", "x86_64", supervised=True)
        cards = tuple(Gpu(f"GPU-{number}", "Test", 16_000) for number in range(gpus))
        super().__init__(self._act, {IMAGE: image}, cards)
        self._gates = gates

    async def run(self, spec: ContainerSpec, output: Output, errors: Output | None = None) -> FakeContainer:
        match spec.command:
            case ("late", gate):
                await self._gates.passed(gate)
            case ("refuse", words):
                raise EngineError(words)
        return await super().run(spec, output, errors)

    async def _act(self, spec: ContainerSpec, output: Output) -> Exit:
        match spec.command:
            case ("say", *words):
                output(f"{' '.join(words)}\n".encode())
            case ("show", *names):
                output("".join(f"{each}={_shown(spec, each)}\n" for each in names).encode())
            case ("lead", gate, *names):
                output("".join(f"{each}={_shown(spec, each)}\n" for each in names).encode())
                await self._gates.passed(gate)
            case ("exit", *codes):
                return Exit(_of_attempt(codes, spec.environment))
            case ("child", index, code) | ("node", index, code):
                return Exit(int(code) if index == _place(spec.environment) else 0)
            case ("wait", gate):
                await self._gates.passed(gate)
            case ("oom",):
                return Exit(137, oom_killed=True)
            case ("sleep",):
                await asyncio.sleep(3600)
        return Exit(0)


def _shown(spec: ContainerSpec, name: str) -> object:
    what = {"memory": spec.memory_mb, "cpus": spec.cpus, "gpus": len(spec.gpus), "user": spec.user}
    return what.get(name, spec.environment.get(name, "-"))


def _of_attempt(codes: list[str], environment: Mapping[str, str]) -> int:
    attempt = int(environment["AWS_BATCH_JOB_ATTEMPT"])
    return int(codes[min(attempt, len(codes)) - 1])


def _place(environment: Mapping[str, str]) -> str | None:
    return environment.get("AWS_BATCH_JOB_ARRAY_INDEX") or environment.get("AWS_BATCH_JOB_NODE_INDEX")
