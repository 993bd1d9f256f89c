"""Asynchronous invocations: retries, ages, destinations, restarts."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

from hfaas_emulator.journal import Table
from hfaas_emulator.trace import What

QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"
OTHER = "arn:aws:lambda:us-east-1:000000000000:function:other"


def failing(answered: object, times: int) -> Any:
    left = [times]

    async def handler(runtime: Any, request: str, event: Any) -> object:
        if not left[0]:
            return event
        left[0] -= 1
        await runtime.call("POST", f"invocation/{request}/error", b'{"errorType":"Bad","errorMessage":"no"}')
        return answered

    return handler


def configure(world: Any, **changes: Any) -> None:
    world.control.config = dataclasses.replace(world.control.config, **changes)


async def test_an_event_is_done_when_idle(world: Any) -> None:
    await world.submit("x")
    assert await world.idle.wait(60)
    assert len(world.hops(What.INVOCATION_SUCCEEDED)) == 1
    assert not list(world.journal.rows(Table.INVOCATION))


async def test_an_accepted_event_is_in_the_journal(world: Any) -> None:
    request = await world.submit("x")
    assert [key for key, _ in world.journal.rows(Table.INVOCATION)] == [request]


async def test_a_pending_event_is_named(world: Any) -> None:
    await world.submit("x")
    assert [(each.kind, each.what) for each in world.idle.pending()] == [("event", "f: accepted from test")]


async def test_a_failure_is_repeated_after_one_and_two_minutes_with_the_same_id(
    world: Any, answered: object
) -> None:
    world.handler = failing(answered, 2)
    request = await world.submit("x")
    await world.until(lambda: len(world.hops(What.EVENT_RETRY)) == 1)
    world.clock.advance(59)
    assert len(world.hops(What.INVOCATION_STARTED)) == 1
    await world.advance(1)
    await world.until(lambda: len(world.hops(What.EVENT_RETRY)) == 2)
    await world.advance(120)
    assert await world.idle.wait(60)
    started = world.hops(What.INVOCATION_STARTED)
    assert [(hop.invocation, hop.attempt) for hop in started] == [(request, 1), (request, 2), (request, 3)]
    assert [hop.detail["after_s"] for hop in world.hops(What.EVENT_RETRY)] == [60, 120]


async def test_an_event_without_retries_fails_at_once_and_goes_to_the_dead_letters(
    world: Any, answered: object
) -> None:
    configure(world, retries=0)
    world.change(dead_letter=QUEUE)
    world.handler = failing(answered, 1)
    request = await world.submit({"a": 1})
    assert await world.idle.wait(60)
    ((arn, body, attributes),) = world.control.delivered
    assert (arn, json.loads(body)) == (QUEUE, {"a": 1})
    assert attributes == {"RequestID": request, "ErrorCode": "200", "ErrorMessage": "no"}
    (discarded,) = world.hops(What.EVENT_DISCARDED)
    assert discarded.detail["reason"] == "RetriesExhausted"


async def test_a_failure_is_told_to_its_destination_in_awss_record(world: Any, answered: object) -> None:
    configure(world, retries=0, on_failure=QUEUE)
    world.handler = failing(answered, 1)
    request = await world.submit({"a": 1})
    assert await world.idle.wait(60)
    ((_, body, _),) = world.control.delivered
    assert json.loads(body) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "requestContext": {
            "requestId": request,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "Bad", "errorMessage": "no"},
    }


async def test_a_success_is_told_to_its_destination(world: Any) -> None:
    configure(world, on_success=QUEUE)
    await world.submit([1])
    assert await world.idle.wait(60)
    ((_, body, _),) = world.control.delivered
    assert json.loads(body)["requestContext"]["condition"] == "Success"
    assert json.loads(body)["responsePayload"] == [1]


async def test_a_destination_may_be_a_function_of_the_same_run(world: Any) -> None:
    configure(world, on_success=OTHER)
    world.control.functions["other"] = dataclasses.replace(world.function, name="other", arn=OTHER)
    seen: list[Any] = []

    async def note(runtime: Any, request: str, event: Any) -> None:
        seen.append(event)
        configure(world, on_success="")

    world.handler = note
    request = await world.submit("x")
    assert await world.idle.wait(60)
    assert seen[0] == "x"
    assert seen[1]["requestContext"]["requestId"] == request
    assert {hop.run for hop in world.hops(What.INVOCATION_SUCCEEDED)} == {request}


async def test_a_destination_that_refuses_is_a_problem_on_the_trace(world: Any) -> None:
    configure(world, on_success=QUEUE)
    world.control.refuses_delivery = True
    await world.submit("x")
    assert await world.idle.wait(60)
    (problem,) = world.hops(What.PROBLEM)
    assert QUEUE in problem.detail["message"]
    assert not list(world.journal.rows(Table.INVOCATION))


async def test_a_retry_that_would_come_too_late_is_not_made(world: Any, answered: object) -> None:
    configure(world, max_age_s=60)
    world.handler = failing(answered, 9)
    await world.submit("x")
    await world.until(lambda: world.hops(What.EVENT_RETRY))
    await world.advance(60)
    assert await world.idle.wait(60)
    (discarded,) = world.hops(What.EVENT_DISCARDED)
    assert (discarded.attempt, discarded.detail["reason"]) == (2, "EventAgeExceeded")


async def test_an_event_that_never_finds_room_is_discarded_by_age(open_world: Any) -> None:
    async with open_world(concurrency=1) as world:
        configure(world, max_age_s=60)
        hold = asyncio.Event()

        async def wait(runtime: Any, request: str, event: Any) -> None:
            await hold.wait()

        world.handler = wait
        world.change(timeout_s=900)
        first = asyncio.create_task(world.invoke())
        await world.until(lambda: world.hops(What.INVOCATION_STARTED))
        await world.submit("x")
        await world.until(lambda: world.hops(What.EVENT_THROTTLED))
        await world.advance(60)
        await world.until(lambda: world.hops(What.EVENT_DISCARDED))
        (discarded,) = world.hops(What.EVENT_DISCARDED)
        assert (discarded.attempt, discarded.detail["reason"]) == (0, "EventAgeExceeded")
        hold.set()
        await first


async def test_an_event_over_the_limit_waits_and_runs(open_world: Any) -> None:
    async with open_world(concurrency=1) as world:
        for number in range(20):
            await world.submit(number)
        assert await world.idle.wait(60)
        assert len(world.hops(What.INVOCATION_SUCCEEDED)) == 20
        assert len(world.engine.containers) == 1


async def test_reserved_concurrency_of_zero_discards(world: Any) -> None:
    configure(world, on_failure=QUEUE)
    world.change(reserved_concurrency=0)
    await world.submit("x")
    assert await world.idle.wait(60)
    ((_, body, _),) = world.control.delivered
    assert json.loads(body)["requestContext"]["condition"] == "ZeroReservedConcurrency"


async def test_an_event_for_a_function_that_is_gone_is_discarded(world: Any) -> None:
    await world.submit("x")
    world.control.functions.clear()
    assert await world.idle.wait(60)
    (discarded,) = world.hops(What.EVENT_DISCARDED)
    assert discarded.detail["reason"] == "FunctionNotFound"


async def test_events_of_an_emulator_that_was_killed_run_after_the_restart(open_world: Any) -> None:
    async with open_world() as world:
        hold = asyncio.Event()

        async def wait(runtime: Any, request: str, event: Any) -> None:
            await hold.wait()

        world.handler = wait
        requests = {await world.submit(number) for number in range(5)}
        await world.until(lambda: world.hops(What.INVOCATION_STARTED))
    async with open_world() as world:
        assert await world.plane.recover() == 5
        assert await world.idle.wait(60)
        assert {hop.invocation for hop in world.hops(What.INVOCATION_SUCCEEDED)} == requests
        assert not list(world.journal.rows(Table.INVOCATION))


async def test_an_event_is_taken_on_only_once(world: Any) -> None:
    invocation = await world.plane.submit(world.function.arn, b"1", "test")
    world.plane.accept(invocation)
    assert await world.idle.wait(60)
    assert len(world.hops(What.INVOCATION_SUCCEEDED)) == 1
