from __future__ import annotations

import asyncio

import pytest

from hfaas_emulator.containers.engine import ContainerSpec, Engine, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.errors import ImageNotFound

IMAGES = {"app": Image("app", "sha256:1", "x86_64", supervised=True)}


def ignore(data: bytes) -> None:
    """Drop output."""


async def says_hello(spec: ContainerSpec, output: Output) -> Exit:
    output(f"hello from {spec.name}\n".encode())
    return Exit(0)


async def hangs(spec: ContainerSpec, output: Output) -> Exit:
    await asyncio.Event().wait()
    return Exit(0)


async def test_a_container_runs_the_behaviour_and_its_output_arrives() -> None:
    lines: list[bytes] = []
    engine: Engine = FakeEngine(says_hello, IMAGES)
    container = await engine.run(ContainerSpec("a", "app"), lines.append)
    assert await container.wait() == Exit(0)
    assert lines == [b"hello from a\n"]


async def test_stopping_ends_a_hanging_container_as_killed() -> None:
    engine = FakeEngine(hangs, IMAGES)
    container = await engine.run(ContainerSpec("a", "app"), ignore)
    await container.stop()
    assert await container.wait() == Exit(137)
    assert not engine.running


async def test_an_exception_of_the_behaviour_is_exit_1_with_a_line_of_output() -> None:
    async def breaks(spec: ContainerSpec, output: Output) -> Exit:
        raise ValueError("no")

    lines: list[bytes] = []
    container = await FakeEngine(breaks, IMAGES).run(ContainerSpec("a", "app"), lines.append)
    assert await container.wait() == Exit(1)
    assert lines == [b"ValueError: no\n"]


async def test_an_unknown_image_is_refused() -> None:
    with pytest.raises(ImageNotFound, match="there is no image other"):
        await FakeEngine(hangs, IMAGES).run(ContainerSpec("a", "other"), ignore)


async def test_memory_kills_and_ends_are_events() -> None:
    async def bursts(spec: ContainerSpec, output: Output) -> Exit:
        return Exit(137, oom_killed=True)

    engine = FakeEngine(bursts, IMAGES)
    events = engine.events()
    container = await engine.run(ContainerSpec("a", "app"), ignore)
    assert [await anext(events), await anext(events)] == [(container.id, "oom"), (container.id, "die")]
    assert container.oom_kills() == 1


async def test_closing_stops_everything_and_ends_the_events() -> None:
    engine = FakeEngine(hangs, IMAGES)
    events = engine.events()
    container = await engine.run(ContainerSpec("a", "app"), ignore)
    await engine.close()
    assert [event async for event in events] == [(container.id, "die")]


async def test_what_a_killed_emulator_left_goes_on_and_is_heard_from_the_asked_time_on() -> None:
    heard = asyncio.Event()

    async def talks(spec: ContainerSpec, output: Output) -> Exit:
        output(b"one\n")
        await heard.wait()
        output(b"three\n")
        return Exit(3)

    engine = FakeEngine(talks, IMAGES)
    engine.now = lambda: 5.0
    lines: list[bytes] = []
    await engine.run(ContainerSpec("a", "app", labels={"kind": "job"}), lines.append)
    await asyncio.sleep(0)
    engine.abandon()
    assert await engine.leftovers({"kind": "other"}) == []
    (left,) = await engine.leftovers({"kind": "job"})
    again: list[bytes] = []
    await left.follow(again.append, since=5.0)
    heard.set()
    assert await left.wait() == Exit(3)
    assert (lines, again, left.labels) == ([b"one\n"], [b"one\n", b"three\n"], {"kind": "job"})
