"""Chains of invocations: how they are counted, handed on, and broken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfaas_emulator.errors import AwsError
from hfaas_emulator.lambda_.function import AsyncConfig
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.lambda_.lineage import FRESH, LIMIT, Lineage, Lineages
from hfaas_emulator.trace import What

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
OTHER = ARN + "-other"


def ran(times: int, function: str = ARN) -> Lineage:
    lineage = FRESH
    for _ in range(times):
        lineage = lineage.through(function)
    return lineage


def test_a_function_may_run_sixteen_times_in_one_chain() -> None:
    assert not ran(LIMIT).exceeded(ARN)
    assert ran(LIMIT + 1).exceeded(ARN)


def test_functions_of_a_chain_are_counted_each_for_itself() -> None:
    assert not ran(LIMIT).through(OTHER).exceeded(OTHER)


def test_a_version_counts_as_its_function() -> None:
    assert ran(LIMIT).through(f"{ARN}:7").exceeded(ARN)


def test_a_lineage_survives_its_text() -> None:
    lineage = ran(3).through(OTHER)
    assert Lineage.read(str(lineage)) == lineage


@pytest.mark.parametrize("text", ["Root=1-5-6;Lineage={};Sampled=0", "Lineage={}", "Root=1; Lineage={}"])
def test_a_lineage_is_read_from_a_trace_header(text: str) -> None:
    assert Lineage.of({"x-amzn-trace-id": text.format(ran(2))}) == ran(2)


@pytest.mark.parametrize("text", ["", "Root=1-5-6", "Lineage=", "Lineage=nonsense", "Lineage=a87bd80c:-1"])
def test_a_header_without_a_lineage_begins_a_chain(text: str) -> None:
    assert Lineage.of({"x-amzn-trace-id": text}) == FRESH


def test_what_has_two_causes_has_the_longer_chain_of_each_function() -> None:
    merged = ran(2).merged(ran(1).through(OTHER))
    assert merged == Lineage({**ran(2).counts, **ran(1, OTHER).counts})


def test_a_request_that_nobody_knows_begins_a_chain() -> None:
    known = Lineages()
    known.remember("r", ran(1))
    assert (known.of("r"), known.of("other")) == (ran(1), FRESH)


def test_a_queued_event_keeps_its_lineage() -> None:
    invocation = Invocation("id", ARN, b"{}", "s3:b", 1.0, "run", ran(4))
    assert Invocation.load("id", invocation.put().value) == invocation


async def test_a_function_is_told_its_lineage(world: Any) -> None:
    seen: list[str] = []

    async def look(runtime: Any, _request: str, _event: Any) -> None:
        seen.append(runtime.headers["lambda-runtime-trace-id"])

    world.handler = look
    await world.invoke(lineage=ran(4))
    assert Lineage.of({"x-amzn-trace-id": seen[0]}) == ran(5)


async def test_a_call_in_a_loop_is_refused(world: Any) -> None:
    with pytest.raises(AwsError) as refused:
        await world.invoke(lineage=ran(LIMIT))
    assert refused.value.code == "RecursiveInvocationException"
    assert not world.engine.containers


async def test_an_event_in_a_loop_goes_to_the_destination_and_the_dead_letter_queue(world: Any) -> None:
    world.control.config = AsyncConfig(on_failure="arn:aws:sqs:us-east-1:000000000000:failed")
    world.change(dead_letter="arn:aws:sqs:us-east-1:000000000000:dead")
    await world.plane.submit(ARN, b"[1]", "s3:b", lineage=ran(LIMIT))
    assert await world.idle.wait(60)
    assert not world.engine.containers
    (discarded,) = world.hops(What.EVENT_DISCARDED)
    assert "f ran 16 times in one chain of events" in discarded.detail["reason"]
    (failed, record, _), (dead, body, _) = world.control.delivered
    assert (failed[-6:], dead[-4:], body) == ("failed", "dead", "[1]")
    assert json.loads(record)["requestContext"]["condition"] == "RecursiveInvocationException"


async def test_a_retry_is_no_further_link(world: Any, answered: object) -> None:
    seen: list[Lineage] = []

    async def fail_once(runtime: Any, request: str, _event: Any) -> object:
        seen.append(Lineage.of({"x-amzn-trace-id": runtime.headers["lambda-runtime-trace-id"]}))
        if len(seen) == 1:
            await runtime.call("POST", f"invocation/{request}/error", b"{}")
        return answered if len(seen) == 1 else None

    world.handler = fail_once
    await world.submit()
    await world.until(lambda: world.hops(What.EVENT_RETRY))
    await world.advance(60)
    assert await world.idle.wait(60)
    assert seen == [ran(1), ran(1)]


async def test_what_a_function_sends_to_its_destination_is_of_its_chain(world: Any) -> None:
    async def answer_little(_runtime: Any, _request: str, _event: Any) -> None: ...

    world.handler = answer_little
    world.control.config = AsyncConfig(on_success=ARN)
    await world.submit()
    assert await world.idle.wait(60)
    assert len(world.hops(What.INVOCATION_SUCCEEDED)) == LIMIT
    assert len(world.hops(What.EVENT_DISCARDED)) == 1
