"""CloudWatch Logs: what concerns lines and streams is answered here, groups and the rest are moto's."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from hfaas_emulator.errors import AwsError
from hfaas_emulator.logs.pattern import compile_pattern
from hfaas_emulator.logs.store import Group, LogStore, Window
from hfaas_emulator.logs.stream import Line, Stream
from hfaas_emulator.wire import errors
from hfaas_emulator.wire.caller import caller

LIMIT = 10_000
BATCH_BYTES = 1_048_576
BATCH_OVERHEAD = 26
"""Bytes that AWS counts for each event of a batch besides its message."""


class Groups(Protocol):
    """The log groups that the control plane knows."""

    async def exists(self, account: str, region: str, name: str) -> bool:
        """Tell whether there is such a group."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: its parameters, whose group it is about, and the store."""

    data: dict[str, Any]
    group: Group
    store: LogStore

    @property
    def stream(self) -> str:
        """Return the stream's name."""
        name = self.data.get("logStreamName")
        if not name:
            raise _invalid("logStreamName is missing")
        return str(name)

    @property
    def limit(self) -> int:
        """Return how many events are wanted at most."""
        wanted = int(self.data.get("limit") or LIMIT)
        if not 1 <= wanted <= LIMIT:
            raise _invalid(f"Value '{wanted}' at 'limit' must be between 1 and {LIMIT}")
        return wanted

    def window(self, after_end: int = 0) -> Window:
        """Return the time asked for; `after_end` 1 makes the end inclusive."""
        start, end = self.data.get("startTime"), self.data.get("endTime")
        return Window(start, None if end is None else end + after_end)


async def handle(request: Request, action: str, store: LogStore, groups: Groups) -> Response | None:
    """Answer an action, or None where moto does."""
    answer = ACTIONS.get(action)
    if answer is None and action != "DeleteLogGroup":
        return None
    try:
        ask = await _read(request, store)
        if answer is None:
            store.remove_group(ask.group)
            return None
        if not await groups.exists(ask.group.account, ask.group.region, ask.group.name):
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        body = await answer(ask)
    except AwsError as error:
        return errors.render(error, errors.Protocol.JSON)
    return Response(json.dumps(body), media_type="application/x-amz-json-1.1")


async def _read(request: Request, store: LogStore) -> Ask:
    try:
        data = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The request is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise AwsError("SerializationException", "The request is no JSON object")
    who = caller(request.headers, request.url.query)
    return Ask(data, _group(data, who.account, who.region), store)


def _group(data: dict[str, Any], account: str, region: str) -> Group:
    name = str(data.get("logGroupName") or data.get("logGroupIdentifier") or "")
    if name.startswith("arn:"):
        _, _, _, region, account, _, name = name.removesuffix(":*").split(":", 6)
    if not name:
        raise _invalid("logGroupName is missing")
    return Group(account, region, name)


async def _get(ask: Ask) -> dict[str, Any]:
    token = str(ask.data.get("nextToken") or "")
    from_head = bool(ask.data.get("startFromHead"))
    page = await ask.store.page(ask.group, ask.stream, ask.window(), ask.limit, token, from_head=from_head)
    return {
        "events": [_event(line) for line in page.lines],
        "nextForwardToken": page.forward,
        "nextBackwardToken": page.backward,
    }


def _event(line: Line) -> dict[str, Any]:
    return {"timestamp": line.timestamp, "message": line.message, "ingestionTime": line.ingested}


async def _filter(ask: Ask) -> dict[str, Any]:
    test = compile_pattern(str(ask.data.get("filterPattern") or ""))
    token = str(ask.data.get("nextToken") or "")
    found = await ask.store.find(ask.group, _names(ask), ask.window(after_end=1), ask.limit, token, test)
    events = [
        {"logStreamName": name, **_event(line), "eventId": _event_id(name, line)} for name, line in found.lines
    ]
    return {"events": events, "searchedLogStreams": [], **({"nextToken": found.token} if found.token else {})}


def _names(ask: Ask) -> Callable[[str], bool]:
    names, prefix = ask.data.get("logStreamNames"), ask.data.get("logStreamNamePrefix")
    if names and prefix:
        raise _invalid("logStreamNames and logStreamNamePrefix cannot be given together")
    if names:
        for name in names:
            if not ask.store.has(ask.group, name):
                raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        return set(names).__contains__
    return lambda name: name.startswith(prefix or "")


def _event_id(stream: str, line: Line) -> str:
    return f"{line.timestamp:020d}{zlib.crc32(stream.encode()):016d}{line.position:020d}"


async def _put(ask: Ask) -> dict[str, Any]:
    if not ask.store.has(ask.group, ask.stream):
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
    lines = [(int(event["timestamp"]), str(event["message"])) for event in ask.data.get("logEvents", ())]
    _check_batch(lines)
    group = ask.group
    ask.store.append(group.account, group.region, group.name, ask.stream, lines)
    return {"nextSequenceToken": str(time.time_ns())}


def _check_batch(lines: list[tuple[int, str]]) -> None:
    if not 1 <= len(lines) <= LIMIT:
        raise _invalid(f"logEvents must hold 1 to {LIMIT} events")
    if any(later[0] < earlier[0] for earlier, later in pairwise(lines)):
        raise _invalid("Log events in a single PutLogEvents request must be in chronological order.")
    size = sum(len(message.encode()) + BATCH_OVERHEAD for _, message in lines)
    if size > BATCH_BYTES:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES}")


async def _create(ask: Ask) -> dict[str, Any]:
    if not ask.store.create(ask.group, ask.stream):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    return {}


async def _delete(ask: Ask) -> dict[str, Any]:
    if not ask.store.remove(ask.group, ask.stream):
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
    return {}


async def _describe(ask: Ask) -> dict[str, Any]:
    by_time = ask.data.get("orderBy") == "LastEventTime"
    prefix = str(ask.data.get("logStreamNamePrefix") or "")
    if by_time and prefix:
        raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = [each for each in ask.store.streams(ask.group) if each.name.startswith(prefix)]
    if by_time:
        streams.sort(key=lambda each: (each.last or 0, each.name))
    if ask.data.get("descending"):
        streams.reverse()
    first = _offset(ask.data.get("nextToken"))
    limit = min(int(ask.data.get("limit") or 50), 50)
    page = [_described(ask.group, each) for each in streams[first : first + limit]]
    more = {"nextToken": f"{first + limit}"} if first + limit < len(streams) else {}
    return {"logStreams": page, **more}


def _offset(token: object) -> int:
    if not token:
        return 0
    if not str(token).isdigit():
        raise _invalid("The specified nextToken is invalid.")
    return int(str(token))


def _described(group: Group, stream: Stream) -> dict[str, Any]:
    times = {
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
    }
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": f"arn:aws:logs:{group.region}:{group.account}:log-group:{group.name}:log-stream:{stream.name}",
        "storedBytes": 0,
        **{name: value for name, value in times.items() if value is not None},
    }


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


ACTIONS: dict[str, Callable[[Ask], Awaitable[dict[str, Any]]]] = {
    "GetLogEvents": _get,
    "FilterLogEvents": _filter,
    "PutLogEvents": _put,
    "CreateLogStream": _create,
    "DeleteLogStream": _delete,
    "DescribeLogStreams": _describe,
}
