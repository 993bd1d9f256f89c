"""The Runtime API as a runtime sees it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hfaas_emulator.lambda_.mailbox import Event, Mailbox
from hfaas_emulator.lambda_.outcome import Outcome
from hfaas_emulator.lambda_.runtime_api import RuntimeApi, listen


async def test_an_event_comes_with_all_headers(world: Any) -> None:
    seen: dict[str, str] = {}

    async def look(runtime: Any, request: str, event: Any) -> None:
        seen.update(runtime.headers)

    world.handler = look
    result = await world.plane.invoke(world.function, b"{}", origin="test", client_context='{"a":1}')
    assert seen["content-type"] == "application/json"
    assert seen["lambda-runtime-aws-request-id"] == result.request
    assert seen["lambda-runtime-deadline-ms"] == "1700000003000"
    assert seen["lambda-runtime-invoked-function-arn"] == world.function.arn
    assert seen["lambda-runtime-trace-id"].startswith("Root=1-6553f100-")
    assert seen["lambda-runtime-client-context"] == '{"a":1}'


async def test_a_wrong_secret_opens_nothing(world: Any) -> None:
    statuses: list[int] = []

    async def pry(runtime: Any, request: str, event: Any) -> None:
        runtime.base = "/_hfaas/runtime/guess/2018-06-01/runtime"
        statuses.append((await runtime.call("GET", "invocation/next"))[0])
        runtime.base = (
            "/" + runtime.spec.environment["AWS_LAMBDA_RUNTIME_API"].partition("/")[2] + "/2018-06-01/runtime"
        )

    world.handler = pry
    await world.invoke()
    assert statuses == [404]


async def test_an_unknown_path_is_not_found(world: Any) -> None:
    statuses: list[int] = []

    async def ask(runtime: Any, request: str, event: Any) -> None:
        statuses.append((await runtime.call("GET", "nothing"))[0])

    world.handler = ask
    await world.invoke()
    assert statuses == [404]


async def test_a_port_answers_only_its_container() -> None:
    api = RuntimeApi("127.0.0.1:1", "127.0.0.1")
    box, owner = Mailbox(), asyncio.get_running_loop().create_future()
    owner.set_result("10.0.0.9")
    door = await api.open_port(box, owner)
    host, _, port = door.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 403 " in await reader.readline()
    assert not box.ready.done()
    writer.close()
    api.shut(door)


async def test_an_empty_address_is_refused() -> None:
    with pytest.raises(ValueError, match="every address"):
        await listen(RuntimeApi("", ""), "")


def event(request: str) -> Event:
    return Event(request, b"{}", 0, "arn", "Root=1")


async def test_an_event_offered_before_the_question_waits_for_it() -> None:
    box = Mailbox()
    answer = box.offer(event("1"))
    assert (await box.ask()).id == "1"
    assert box.answer("1", Outcome(b"x"))
    assert (await answer).payload == b"x"


async def test_a_question_whose_connection_is_gone_gets_no_event() -> None:
    box = Mailbox()
    gone = box.ask()
    gone.cancel()
    box.offer(event("1"))
    assert not box.fetched
    assert (await box.ask()).id == "1"


async def test_an_answer_is_taken_once() -> None:
    box = Mailbox()
    box.offer(event("1"))
    assert box.answer("1", Outcome(b"x"))
    assert not box.answer("1", Outcome(b"y"))


async def test_a_runtime_that_hangs_up_while_it_waits_is_forgotten(world: Any) -> None:
    await world.invoke()
    api = world.plane.runtime
    (box,) = api._boxes.values()
    await world.until(lambda: box._reader and not box._reader.done())
    world.engine.containers[0]._task.cancel()
    await world.until(box._reader.cancelled)
