"""Engines under test, and programs that run inside their containers."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tarfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from docker.errors import DockerException

from hfaas_emulator.containers.connection import connect
from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.engine import Container, ContainerSpec, Engine, Output
from hfaas_emulator.containers.process import ProcessEngine
from hfaas_emulator.errors import EngineError

BASE = "hfaas/base:bookworm"


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar archive of regular files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    """Yield bytes in small pieces, as a network does."""
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


async def stored(engine: ProcessEngine, script: bytes) -> str:
    """Store a layer of one script; return its reference."""
    layer = tar({"script": script})
    digest = hashlib.sha256(layer).hexdigest()
    await engine.layers.receive(digest, chunks(layer))
    return f"hfaas-layer/app:{digest}"


@dataclass
class Room:
    """An open engine, and a way to run shell code in one of its containers."""

    engine: Engine
    image: str
    shell: Callable[[str], tuple[str, ...]]
    output: list[bytes] = field(default_factory=list)
    started: list[Container] = field(default_factory=list)

    async def start(self, code: str, errors: Output | None = None, **spec: object) -> Container:
        name = f"hfaas-test-{os.getpid()}-{time.time_ns()}"
        given = ContainerSpec(name, self.image, command=self.shell(code), **spec)  # type: ignore[arg-type]
        container = await self.engine.run(given, self.output.append, errors)
        self.started.append(container)
        return container

    async def leave(self) -> None:
        """Stop what the test started."""
        await asyncio.gather(*(each.stop() for each in self.started))

    async def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for a condition, with a deadline."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"it did not come true in time; output: {self.text}"
            await asyncio.sleep(0.01)

    @property
    def text(self) -> str:
        return b"".join(self.output).decode()


@pytest.fixture(scope="session")
def docker_ready() -> None:
    """Skip without an engine, fail where the environment demands one."""
    try:
        client = connect()
        client.inspect_image(BASE)
        client.close()
    except (EngineError, DockerException) as error:
        if os.environ.get("HFAAS_REQUIRE_DOCKER"):
            raise
        pytest.skip(f"no Docker engine with {BASE}: {error}")


@pytest.fixture
def store() -> Callable[[ProcessEngine, bytes], Awaitable[str]]:
    """Stores a layer of one script."""
    return stored


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_docker(
    docker_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DockerEngine]:
    engine = DockerEngine(tmp_path_factory.mktemp("shared"))
    await engine.open()
    yield engine
    await engine.close()


@pytest_asyncio.fixture(loop_scope="module")
async def docker_room(shared_docker: DockerEngine) -> AsyncIterator[Room]:
    """A room in the module's engine."""
    room = docker_room_of(shared_docker)
    yield room
    await room.leave()


@pytest_asyncio.fixture(loop_scope="module")
async def own_docker_room(docker_ready: None, state: Path) -> AsyncIterator[Room]:
    """A room in an engine that the test may close."""
    engine = DockerEngine(state)
    await engine.open()
    yield docker_room_of(engine)
    await engine.close()


def docker_room_of(engine: Engine) -> Room:
    return Room(engine, BASE, lambda code: ("/bin/sh", "-c", code))


@pytest_asyncio.fixture(loop_scope="module")
async def process_room(state: Path, tmp_path: Path) -> AsyncIterator[Room]:
    program = tmp_path / "program.py"
    program.write_text("import os, sys\nos.execv('/bin/sh', ['sh', '-c', sys.argv[1]])\n")
    engine = ProcessEngine(state, program=program)
    await engine.open()
    image = await stored(engine, b"true\n")
    yield Room(engine, image, lambda code: (code,))
    await engine.close()


@pytest.fixture(params=["process_room", pytest.param("own_docker_room", marks=pytest.mark.docker)])
def own_room(request: pytest.FixtureRequest) -> Room:
    """A room in an engine that the test may close."""
    found: Room = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def room(request: pytest.FixtureRequest) -> Room:
    """One room for each engine that promises the same."""
    found: Room = request.getfixturevalue(f"{request.param}_room")
    return found
