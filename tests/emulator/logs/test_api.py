"""CloudWatch Logs through boto3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from starlette.requests import Request
from starlette.responses import Response

from hfaas_emulator.clock import ManualClock
from hfaas_emulator.lambda_.runtime_api import listen
from hfaas_emulator.logs import api
from hfaas_emulator.logs.store import LogStore

GROUP = "/aws/lambda/f"


class KnownGroups:
    async def exists(self, account: str, region: str, name: str) -> bool:
        return (account, region, name) == ("000000000000", "us-east-1", GROUP)


class Logs:
    """The actions as functions, and the store behind them."""

    def __init__(self, client: Any, store: LogStore) -> None:
        self.client = client
        self.store = store

    async def __call__(self, action: str, **parameters: Any) -> Any:
        call: Callable[..., Any] = getattr(self.client, action)
        return await asyncio.to_thread(call, logGroupName=GROUP, **parameters)

    def append(self, stream: str, *lines: tuple[int, str]) -> None:
        self.store.append("000000000000", "us-east-1", GROUP, stream, lines)


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


@pytest.fixture
async def logs(tmp_path: Path, session: boto3.Session) -> Any:
    store = LogStore(tmp_path, ManualClock())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        action = request.headers["x-amz-target"].partition(".")[2]
        response = await api.handle(request, action, store, KnownGroups())
        response = response or Response('{"moto": true}', media_type="application/x-amz-json-1.1")
        await response(scope, receive, send)

    server = await listen(app, "127.0.0.1")
    endpoint = f"http://127.0.0.1:{server.port}"
    client = session.client("logs", endpoint_url=endpoint)
    yield Logs(client, store)
    client.close()
    store.close()
    server.close()


async def test_what_is_put_is_got(logs: Logs) -> None:
    await logs("create_log_stream", logStreamName="s")
    events = [{"timestamp": 1, "message": "a"}, {"timestamp": 2, "message": "b"}]
    await logs("put_log_events", logStreamName="s", logEvents=events)
    got = await logs("get_log_events", logStreamName="s", startFromHead=True)
    assert [(event["timestamp"], event["message"]) for event in got["events"]] == [(1, "a"), (2, "b")]


async def test_streams_are_described_with_the_time_of_their_last_line(logs: Logs) -> None:
    logs.append("old", (1_000, "x"))
    logs.append("new", (2_000, "x"), (3_000, "y"))
    answer = await logs("describe_log_streams", orderBy="LastEventTime", descending=True)
    names = [(stream["logStreamName"], stream["lastEventTimestamp"]) for stream in answer["logStreams"]]
    assert names == [("new", 3_000), ("old", 1_000)]


async def test_streams_come_in_pages(logs: Logs) -> None:
    for number in range(7):
        logs.append(f"s{number}", (number, "x"))
    paginator = logs.client.get_paginator("describe_log_streams")

    def names() -> list[str]:
        pages = paginator.paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 3})
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    assert await asyncio.to_thread(names) == [f"s{number}" for number in range(7)]


async def test_a_filter_finds_lines_of_all_streams(logs: Logs) -> None:
    logs.append("one", (1, "ERROR a\n"), (3, "fine\n"))
    logs.append("two", (2, "ERROR b\n"))
    answer = await logs("filter_log_events", filterPattern="ERROR")
    assert [event["message"] for event in answer["events"]] == ["ERROR a\n", "ERROR b\n"]
    assert len({event["eventId"] for event in answer["events"]}) == 2


async def test_the_end_of_a_filter_is_inclusive(logs: Logs) -> None:
    logs.append("one", (1, "a"), (2, "b"), (3, "c"))
    answer = await logs("filter_log_events", startTime=1, endTime=2)
    assert [event["message"] for event in answer["events"]] == ["a", "b"]


@pytest.mark.parametrize("action", ["get_log_events", "delete_log_stream"])
async def test_a_stream_that_does_not_exist_is_not_found(logs: Logs, action: str) -> None:
    with pytest.raises(ClientError, match="The specified log stream does not exist"):
        await logs(action, logStreamName="nope")


async def test_a_stream_is_made_once(logs: Logs) -> None:
    await logs("create_log_stream", logStreamName="s")
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        await logs("create_log_stream", logStreamName="s")


async def test_a_group_that_does_not_exist_is_not_found(logs: Logs) -> None:
    with pytest.raises(ClientError, match="The specified log group does not exist"):
        await asyncio.to_thread(logs.client.filter_log_events, logGroupName="other")


async def test_events_out_of_order_are_refused(logs: Logs) -> None:
    await logs("create_log_stream", logStreamName="s")
    events = [{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}]
    with pytest.raises(ClientError, match="chronological order"):
        await logs("put_log_events", logStreamName="s", logEvents=events)


async def test_deleting_a_group_removes_its_lines_and_is_left_to_moto(logs: Logs) -> None:
    logs.append("s", (1, "a"))
    await logs("delete_log_group")
    assert (await logs("describe_log_streams"))["logStreams"] == []


async def test_what_is_not_about_lines_is_left_to_moto(logs: Logs) -> None:
    answer = await logs("put_retention_policy", retentionInDays=7)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
