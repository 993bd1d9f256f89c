"""Invoke through boto3."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.requests import Request

from hfaas_emulator.journal import Table
from hfaas_emulator.lambda_ import api
from hfaas_emulator.lambda_.runtime_api import listen
from hfaas_emulator.trace import What

Invoke = Any


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


@pytest.fixture
async def invoke(world: Any, session: boto3.Session) -> AsyncIterator[Invoke]:
    """Call Invoke of function f with boto3."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        response = await api.invoke(Request(scope, receive), world.plane, world.control)
        await response(scope, receive, send)

    server = await listen(app, "127.0.0.1")
    endpoint = f"http://127.0.0.1:{server.port}"
    client: Any = session.client("lambda", endpoint_url=endpoint, config=Config(retries={"max_attempts": 0}))

    async def call(payload: bytes | None = None, name: str = "f", **more: Any) -> Any:
        given = {} if payload is None else {"Payload": payload}
        return await asyncio.to_thread(lambda: client.invoke(FunctionName=name, **given, **more))

    yield call
    client.close()
    server.close()


async def test_an_answer_says_which_version_gave_it(invoke: Invoke) -> None:
    answer = await invoke(b'{"a": 1}')
    assert json.loads(answer["Payload"].read()) == {"a": 1}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer


async def test_no_payload_is_an_empty_object(invoke: Invoke) -> None:
    assert json.loads((await invoke())["Payload"].read()) == {}


async def test_a_failure_is_unhandled(world: Any, invoke: Invoke) -> None:
    world.change(image="nowhere")
    answer = await invoke(b"{}")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "CodeArtifactUserDeleted"


async def test_the_tail_of_the_log_comes_when_asked_for(world: Any, invoke: Invoke) -> None:
    async def talk(runtime: Any, request: str, event: Any) -> None:
        runtime.print("x" * 99 + "\n" + "".join(f"line {number}\n" for number in range(1_000)))

    world.handler = talk
    answer = await invoke(b"{}", LogType="Tail")
    tail = base64.b64decode(answer["LogResult"])
    assert len(tail) == 4_096
    assert b"line 999\n" in tail
    assert b"REPORT RequestId" in tail


async def test_an_event_is_accepted_and_durable(world: Any, invoke: Invoke) -> None:
    answer = await invoke(b"{}", InvocationType="Event")
    assert answer["StatusCode"] == 202
    assert await world.idle.wait(60)
    assert not list(world.journal.rows(Table.INVOCATION))


@pytest.mark.parametrize(
    ("event", "origin"),
    [
        ({"Key": "/films/in/x", "Records": [{"eventSource": "OneTrigger"}]}, "onetrigger:/films/in/x"),
        ({"Key": 1, "Records": [{"eventSource": "OneTrigger"}]}, "api"),
        (["OneTrigger"], "api"),
        ({"Key": "/films/in/x"}, "api"),
    ],
)
async def test_an_event_of_onetrigger_is_traced_with_its_file(
    world: Any, invoke: Invoke, event: Any, origin: str
) -> None:
    await invoke(json.dumps(event).encode(), InvocationType="Event")
    assert await world.idle.wait(60)
    queued = [hop for hop in world.trace.since(0) if hop.what is What.EVENT_QUEUED]
    assert [hop.detail["origin"] for hop in queued] == [origin]


async def test_a_dry_run_runs_nothing(world: Any, invoke: Invoke) -> None:
    assert (await invoke(b"{}", InvocationType="DryRun"))["StatusCode"] == 204
    assert not world.engine.containers


@pytest.mark.parametrize(
    ("kind", "limit"), [("RequestResponse", api.SYNC_LIMIT), ("Event", api.ASYNC_LIMIT)], ids=["sync", "async"]
)
async def test_a_payload_over_the_limit_is_refused_in_awss_words(invoke: Invoke, kind: str, limit: int) -> None:
    with pytest.raises(ClientError) as refused:
        await invoke(b'"' + b"x" * (limit - 1) + b'"', InvocationType=kind)
    error = refused.value.response["Error"]
    assert error["Code"] == "RequestTooLargeException"
    assert error["Message"] == f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


async def test_a_payload_at_the_limit_passes(world: Any, invoke: Invoke) -> None:
    async def measure(runtime: Any, request: str, event: str) -> int:
        return len(event)

    world.handler = measure
    answer = await invoke(b'"' + b"x" * (api.SYNC_LIMIT - 2) + b'"')
    assert json.loads(answer["Payload"].read()) == api.SYNC_LIMIT - 2


async def test_a_payload_that_is_no_json_is_refused(invoke: Invoke) -> None:
    with pytest.raises(
        ClientError, match=r"InvalidRequestContentException.*Could not parse request body into json"
    ):
        await invoke(b"{nonsense")


async def test_a_throttled_call_gets_429_and_the_reason(world: Any, invoke: Invoke) -> None:
    world.change(reserved_concurrency=0)
    with pytest.raises(ClientError) as refused:
        await invoke(b"{}")
    answer: Any = refused.value.response
    assert answer["Error"] == {"Message": "Rate Exceeded.", "Code": "TooManyRequestsException"}
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429


async def test_an_unknown_function_is_not_found(invoke: Invoke) -> None:
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*Function not found: nope"):
        await invoke(b"{}", name="nope")


async def test_a_function_may_be_named_by_its_arn(world: Any, invoke: Invoke) -> None:
    answer = await invoke(b"1", name=world.function.arn)
    assert answer["Payload"].read() == b"1"


async def test_a_client_context_reaches_the_runtime(world: Any, invoke: Invoke) -> None:
    seen: list[str] = []

    async def look(runtime: Any, request: str, event: Any) -> None:
        seen.append(runtime.headers["lambda-runtime-client-context"])

    world.handler = look
    await invoke(b"{}", ClientContext=base64.b64encode(b'{"a":1}').decode())
    assert seen == ['{"a":1}']
