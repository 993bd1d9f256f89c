"""Leases: queueing, scaling, warm reuse, keep-alive, revisions, memory."""

from __future__ import annotations

import asyncio
from typing import Any

from hfaas_emulator.trace import What


def gate(world: Any) -> asyncio.Event:
    """Make every invocation wait for one event."""
    event = asyncio.Event()

    async def wait(runtime: Any, request: str, payload: Any) -> Any:
        await event.wait()
        return payload

    world.handler = wait
    return event


async def test_calls_at_once_are_answered_by_few_environments(world: Any) -> None:
    answers = await asyncio.gather(*(world.invoke(number) for number in range(10)))
    assert answers == list(range(10))
    assert len(world.engine.containers) < 10


async def test_a_call_longer_than_a_start_gets_company(world: Any) -> None:
    go = gate(world)
    world.change(timeout_s=900)
    calls = [asyncio.create_task(world.invoke(number)) for number in range(2)]
    await world.pass_until(lambda: len(world.hops(What.INVOCATION_STARTED)) == 2)
    go.set()
    await asyncio.gather(*calls)
    assert len(world.engine.containers) == 2


async def test_the_environment_used_last_is_used_next(world: Any) -> None:
    go = gate(world)
    world.change(timeout_s=900)
    calls = [asyncio.create_task(world.invoke(number)) for number in range(2)]
    await world.pass_until(lambda: len(world.hops(What.INVOCATION_STARTED)) == 2)
    go.set()
    await asyncio.gather(*calls)
    for _ in range(3):
        await world.invoke()
    leased = [hop.detail["environment"] for hop in world.hops(What.ENVIRONMENT_LEASED)][2:]
    assert len(set(leased)) == 1


async def test_an_unused_environment_is_stopped_after_its_keep_alive(world: Any) -> None:
    await world.invoke()
    await world.advance(600)
    await world.until(lambda: not world.engine.running)
    (stopped,) = world.hops(What.ENVIRONMENT_STOPPED)
    assert stopped.detail["reason"] == "unused for its keep-alive"


async def test_use_prolongs_the_keep_alive(world: Any) -> None:
    await world.invoke()
    world.clock.advance(500)
    await world.invoke()
    await world.advance(100)
    await world.invoke()
    assert len(world.engine.containers) == 1
    await world.advance(600)
    await world.until(lambda: not world.engine.running)


async def test_a_new_revision_drains_the_old_environments(world: Any) -> None:
    await world.invoke()
    world.change(revision="revision-2", memory_mb=512)
    await world.invoke()
    old, new = world.engine.containers
    await world.until(lambda: old.stopped)
    assert (new.spec.memory_mb, new.stopped) == (512, False)


async def test_a_busy_environment_of_an_old_revision_ends_after_its_answer(world: Any) -> None:
    go = gate(world)
    call = asyncio.create_task(world.invoke(1))
    await world.until(lambda: world.hops(What.INVOCATION_STARTED))
    world.change(revision="revision-2")
    other = asyncio.create_task(world.invoke(2))
    go.set()
    assert [await call, await other] == [1, 2]
    await world.until(lambda: world.engine.containers[0].stopped)
    assert not world.engine.containers[1].stopped


async def test_idle_environments_make_way_when_memory_is_short(world: Any) -> None:
    await world.invoke()
    world.free_mb = 50
    world.control.functions["g"] = world.function.__class__(
        "000000000000", "us-east-1", "g", "$LATEST", "arn:aws:lambda:us-east-1:0:function:g", "ours", "1"
    )
    await world.plane.invoke(world.control.functions["g"], b"{}", origin="test")
    await world.until(lambda: world.engine.containers[0].stopped)
    assert world.hops(What.ENVIRONMENT_STOPPED)[0].detail["reason"] == "memory is short"


async def test_short_memory_never_stops_the_first_environment_from_starting(world: Any) -> None:
    world.free_mb = 0
    assert await world.invoke(1) == 1


async def test_no_more_environments_start_than_the_account_may_run(open_world: Any) -> None:
    async with open_world(concurrency=2) as world:
        go = gate(world)
        world.change(timeout_s=900)
        for number in range(10):
            await world.submit(number)
        await world.pass_until(lambda: len(world.hops(What.INVOCATION_STARTED)) == 2)
        later = world.clock.now() + 5
        await world.pass_until(lambda: world.clock.now() > later)
        go.set()
        assert await world.idle.wait(60)
        assert len(world.engine.containers) == 2
        assert len(world.hops(What.INVOCATION_SUCCEEDED)) == 10


async def test_a_slot_that_one_function_frees_serves_another(open_world: Any) -> None:
    async with open_world(concurrency=1) as world:
        go = gate(world)
        world.control.functions["g"] = world.function.__class__(
            "000000000000", "us-east-1", "g", "$LATEST", "arn:aws:lambda:us-east-1:0:function:g", "ours", "1"
        )
        await world.submit(1)
        await world.until(lambda: world.hops(What.INVOCATION_STARTED))
        await world.plane.submit("arn:aws:lambda:us-east-1:000000000000:function:g", b"2", "test")
        await world.until(lambda: world.hops(What.EVENT_THROTTLED))
        go.set()
        assert await world.idle.wait(60)
        assert {hop.detail["function"] for hop in world.hops(What.INVOCATION_SUCCEEDED)} == {"f", "g"}


async def test_every_failing_start_fails_one_call(world: Any) -> None:
    world.change(image="nowhere")
    answers = await asyncio.gather(*(world.invoke() for _ in range(3)))
    assert {answer["errorType"] for answer in answers} == {"CodeArtifactUserDeleted"}


async def test_a_deleted_functions_environments_are_stopped(world: Any) -> None:
    await world.invoke()
    world.plane.forget("000000000000", "us-east-1", "f")
    await world.until(lambda: not world.engine.running)
