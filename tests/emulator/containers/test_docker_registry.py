"""The Docker engine fetches images of the registry that stands for ECR, when they are asked for."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from tests.registry import Registry, running

from hfaas_emulator.containers.docker import DockerEngine

pytestmark = pytest.mark.docker

Fetch = Callable[[str, str], Awaitable[tuple[str, str] | None]]


@pytest_asyncio.fixture
async def fetched(docker_ready: None, tmp_path: Path) -> AsyncIterator[Fetch]:
    """Look an image up with an engine that knows a registry; what came is removed afterwards."""
    engines: list[DockerEngine] = []
    came: list[str] = []

    async def fetch(registry: str, ref: str) -> tuple[str, str] | None:
        engine = DockerEngine(tmp_path / "state", registry)
        engines.append(engine)
        await engine.connect()
        image = await engine.image(ref)
        if image is None:
            return None
        came.append(ref)
        return image.id, image.architecture

    yield fetch
    for ref in set(came):
        engines[0].client.remove_image(ref)
    for engine in engines:
        await engine.close()


async def test_an_image_that_is_only_in_the_registry_is_fetched_once(fetched: Fetch, tmp_path: Path) -> None:
    with running(tmp_path) as registry:
        pushed = registry.push("hfaas/fetched", "one", text=uuid.uuid4().hex)
        address, ref = registry.address, f"{registry.address}/hfaas/fetched@{pushed}"
        first = await fetched(address, ref)
    assert first is not None
    assert first[1] == "x86_64"
    assert await fetched(address, ref) == first, "the registry has stopped, the image is here"


async def test_what_the_registry_does_not_have_is_none(fetched: Fetch, registry: Registry) -> None:
    registry.push("hfaas/fetched", "one")
    assert await fetched(registry.address, f"{registry.address}/hfaas/fetched@sha256:{'0' * 64}") is None
    assert await fetched(registry.address, f"{registry.address}/hfaas/never:one") is None


async def test_an_image_of_a_registry_that_stopped_is_none(fetched: Fetch, tmp_path: Path) -> None:
    with running(tmp_path) as registry:
        address = registry.address
    assert await fetched(address, f"{address}/hfaas/fetched:one") is None


async def test_images_of_other_registries_are_not_fetched(fetched: Fetch, registry: Registry) -> None:
    pushed = registry.push("hfaas/fetched", "one", text=uuid.uuid4().hex)
    assert await fetched("127.0.0.1:1", f"{registry.address}/hfaas/fetched@{pushed}") is None
