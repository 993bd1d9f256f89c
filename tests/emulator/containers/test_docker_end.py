"""How a container learns at its end that the kernel took memory back, with an engine that is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hfaas_emulator.containers import docker_container
from hfaas_emulator.containers.docker_container import DockerContainer
from hfaas_emulator.containers.engine import Exit
from hfaas_emulator.containers.threads import Threads


class Client:
    """Knows of one ended container what the engine would say of it, and counts what it is asked."""

    def __init__(self) -> None:
        self.oom_killed = False
        self.past: list[bytes] = []
        self.asked: list[str] = []
        self.tells: Callable[[], object] = bool

    def inspect_container(self, id: str) -> dict[str, Any]:
        self.asked.append(id)
        return {"State": {"OOMKilled": self.oom_killed, "FinishedAt": "2026-01-02T03:04:05.123456789Z"}}

    def events(self, *, since: int, until: str, filters: dict[str, str]) -> list[bytes]:
        assert (since, until) == (1, "1767323046.123")
        assert filters == {"container": "abc", "event": "oom"}
        self.tells()
        return self.past

    def kill(self, id: str) -> None:
        self.asked.append(f"kill {id}")


class World:
    """The engine of one container, on a machine that shows no control groups."""

    def __init__(self) -> None:
        self.threads = Threads()
        self.client = Client()
        self.container = DockerContainer(self, "abc")

    def known(self, id: str) -> DockerContainer | None:
        return self.container if id == self.container.id else None

    def remember(self, container: DockerContainer) -> None:
        """Nothing happens here."""

    def forget(self, id: str) -> None:
        """Nothing happens here."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.threads.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    real = docker_container._at_most

    async def at_most(_: float, awaitable: object) -> bool:
        return await real(0.02, awaitable)

    monkeypatch.setattr(docker_container, "_at_most", at_most)


@pytest.mark.parametrize("code", [0, 1, 143])
async def test_other_codes_neither_wait_nor_ask(world: World, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_container, "_at_most", None)  # who waits all the same fails
    assert not await world.container.end(code)
    assert (await world.container.wait(), world.client.asked) == (Exit(code), [])


async def test_an_oom_event_before_the_end_is_believed_at_once(world: World) -> None:
    assert world.container.report_kill()
    assert not await world.container.end(137)
    assert (await world.container.wait(), world.client.asked) == (Exit(137, oom_killed=True), [])


async def test_an_oom_event_that_comes_late_is_waited_for(world: World) -> None:
    ending = asyncio.create_task(world.container.end(137))
    await asyncio.sleep(0.05)
    assert world.container.report_kill()
    assert not await ending
    assert await world.container.wait() == Exit(137, oom_killed=True)


async def test_an_oom_event_after_the_engine_had_told_is_no_news(world: World) -> None:
    world.client.oom_killed = True
    assert await world.container.end(137)
    assert not world.container.report_kill()
    assert world.container.oom_kills() == 1


@pytest.mark.usefixtures("impatient")
async def test_an_oom_event_that_only_the_engine_saw_is_found(world: World) -> None:
    world.client.past = [b"{}"]
    assert await world.container.end(137)
    assert await world.container.wait() == Exit(137, oom_killed=True)


@pytest.mark.usefixtures("impatient")
async def test_an_oom_event_that_comes_while_the_engine_is_asked_is_believed(world: World) -> None:
    world.client.tells = world.container.report_kill
    assert not await world.container.end(137)
    assert await world.container.wait() == Exit(137, oom_killed=True)


@pytest.mark.usefixtures("impatient")
async def test_one_that_somebody_killed_did_not_lack_memory(world: World) -> None:
    assert not await world.container.end(137)
    assert await world.container.wait() == Exit(137)


async def test_one_that_was_killed_here_is_not_asked_about(world: World) -> None:
    await world.container.kill()
    assert not await world.container.end(137)
    assert (await world.container.wait(), world.client.asked) == (Exit(137), ["kill abc"])
