"""A whole execution plane on a fake engine: real HTTP for the Runtime API, a clock that tests move."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hfaas_emulator.clock import ManualClock
from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.containers.gpus import GpuPool
from hfaas_emulator.errors import AwsError
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_.function import AsyncConfig, Function, RoleCredentials
from hfaas_emulator.lambda_.memory import Memory
from hfaas_emulator.lambda_.runtime_api import listen
from hfaas_emulator.lambda_.service import Lambda
from hfaas_emulator.trace import Hop, Trace, What

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
Handler = Callable[["Runtime", str, Any], Awaitable[Any]]


def make_function(**changes: Any) -> Function:
    base = Function(
        "000000000000", "us-east-1", "f", "$LATEST", ARN, "ours", "revision-1", timeout_s=3, role="role"
    )
    return dataclasses.replace(base, **changes)


class Control:
    """Functions by name, and a record of what was delivered."""

    def __init__(self) -> None:
        self.functions = {"f": make_function()}
        self.config = AsyncConfig()
        self.delivered: list[tuple[str, str, Mapping[str, str]]] = []
        self.refuses_delivery = False

    async def function(self, account: str, region: str, name: str, qualifier: str = "") -> Function:
        name = name.rpartition(":")[2]
        if name not in self.functions:
            raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)
        return self.functions[name]

    async def async_config(self, function: Function) -> AsyncConfig:
        return self.config

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        return RoleCredentials("AKIA", "secret", f"token of {role}")

    async def deliver(self, arn: str, body: str, attributes: Mapping[str, str]) -> None:
        if self.refuses_delivery:
            raise AwsError("QueueDoesNotExist", "there is no such queue")
        self.delivered.append((arn, body, attributes))


class Lines:
    """A log sink that keeps everything."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[str]] = {}

    def append(self, account: str, region: str, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.streams.setdefault((group, stream), []).extend(line for _, line in lines)

    @property
    def all(self) -> list[str]:
        return [line for lines in self.streams.values() for line in lines]


class Runtime:
    """What runs in a container: a client of the Runtime API over one kept connection."""

    def __init__(self, spec: ContainerSpec, output: Output) -> None:
        self.spec = spec
        self.output = output
        self.address, _, prefix = spec.environment["AWS_LAMBDA_RUNTIME_API"].partition("/")
        self.base = f"/{prefix}/2018-06-01/runtime" if prefix else "/2018-06-01/runtime"
        self.headers: dict[str, str] = {}
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        if self._stream is None:
            host, _, port = self.address.partition(":")
            self._stream = await asyncio.open_connection(host, int(port))
        reader, writer = self._stream
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {self.base}/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        writer.write(head.encode() + body)
        status = int((await reader.readline()).split()[1])
        self.headers = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        return status, await reader.readexactly(int(self.headers["content-length"]))

    async def next(self) -> tuple[str, Any]:
        _, body = await self.call("GET", "invocation/next")
        return self.headers["lambda-runtime-aws-request-id"], json.loads(body)

    async def respond(self, request: str, answer: bytes) -> int:
        status, _ = await self.call("POST", f"invocation/{request}/response", answer)
        return status

    def print(self, text: str) -> None:
        self.output(text.encode())

    def close(self) -> None:
        if self._stream:
            self._stream[1].close()


class World:
    """The plane and everything around it; `handler` is what the function does with an event."""

    def __init__(self, journal: Journal, clock: ManualClock) -> None:
        self.journal = journal
        self.clock = clock
        self.control = Control()
        self.lines = Lines()
        self.idle = Idle()
        self.trace = Trace(clock)
        self.handler: Handler = echo
        self.before_init: Callable[[Runtime], Awaitable[Exit | None]] | None = None
        self.free_mb = 100_000
        self.engine = FakeEngine(
            self._behave,
            {"ours": Image("ours", "1", "amd64", True), "foreign": Image("foreign", "2", "amd64", False)},
        )
        self.plane: Lambda

    @property
    def function(self) -> Function:
        return self.control.functions["f"]

    def change(self, **changes: Any) -> None:
        self.control.functions["f"] = dataclasses.replace(self.function, **changes)

    async def invoke(self, payload: Any = None, **named: Any) -> Any:
        result = await self.plane.invoke(self.function, json.dumps(payload).encode(), origin="test", **named)
        return json.loads(result.payload)

    async def submit(self, payload: Any = None) -> str:
        return (await self.plane.submit(ARN, json.dumps(payload).encode(), "test")).id

    def hops(self, what: What) -> list[Hop]:
        return [hop for hop in self.trace.since(0) if hop.what is what]

    async def until(self, condition: Callable[[], object], deadline_s: float = 60) -> None:
        async with asyncio.timeout(deadline_s):
            while not condition():
                await asyncio.sleep(0.001)

    async def advance(self, seconds: float) -> None:
        """Move the clock once somebody waits for the very moment: others may wait for an earlier one before him."""
        then = self.clock.now() + seconds

        def meant() -> list[float]:
            waiting = (when for when, _, woken in self.clock._sleepers if not woken.done())
            return [when for when in waiting if abs(when - then) < 1e-6]

        await self.until(meant)
        self.clock.advance(max(meant()) - self.clock.now())

    async def pass_until(self, condition: Callable[[], object]) -> None:
        """Let time pass in small steps until something is so."""
        while not condition():
            self.clock.advance(0.01)
            await asyncio.sleep(0.001)

    async def _behave(self, spec: ContainerSpec, output: Output) -> Exit:
        runtime = Runtime(spec, output)
        try:
            if self.before_init and (ended := await self.before_init(runtime)):
                return ended
            while True:
                request, event = await runtime.next()
                answer = await self.handler(runtime, request, event)
                if isinstance(answer, Exit):
                    return answer
                if answer is not ANSWERED:
                    await runtime.respond(request, json.dumps(answer).encode())
        finally:
            runtime.close()


ANSWERED = object()
"""What a handler returns when it has answered by itself."""


async def echo(runtime: Runtime, request: str, event: Any) -> Any:
    return event


@asynccontextmanager
async def opened(
    journal: Journal, clock: ManualClock, concurrency: int = 10, gpus: GpuPool | None = None
) -> AsyncIterator[World]:
    world = World(journal, clock)

    async def edge(scope: Any, receive: Any, send: Any) -> None:
        await world.plane.runtime(scope, receive, send)

    server = await listen(edge, "127.0.0.1")
    endpoint = f"http://127.0.0.1:{server.port}"
    memory = Memory(lambda: world.free_mb, 1_000)
    world.plane = Lambda(
        world.engine,
        world.control,
        world.lines,
        world.trace,
        world.idle,
        journal,
        clock,
        endpoint,
        concurrency,
        emulator="tests",
        gpus=gpus,
        keep_alive_s=600,
        memory=memory,
    )
    await world.plane.open()
    try:
        yield world
    finally:
        await world.plane.close()
        await world.engine.close()
        server.close()


@pytest.fixture
def journal() -> Any:
    journal = Journal(None)
    yield journal
    journal.close()


@pytest.fixture
async def world(journal: Journal) -> AsyncIterator[World]:
    async with opened(journal, ManualClock()) as world:
        yield world


@pytest.fixture
def open_world(journal: Journal) -> Any:
    """Open a world of one's own: `async with open_world(concurrency=1) as world`."""

    def open_one(concurrency: int = 10, gpus: GpuPool | None = None) -> Any:
        return opened(journal, ManualClock(), concurrency, gpus)

    return open_one


@pytest.fixture
def answered() -> object:
    return ANSWERED
