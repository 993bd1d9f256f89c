"""Log events of functions as CloudWatch Logs gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def pages(client: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    """Yield the events of a log group from `start` (ms) on, oldest first."""
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start):
        yield from page["events"]


def of_request(events: Iterable[dict[str, Any]], request_id: str | None) -> Iterator[dict[str, Any]]:
    """Keep what stands between START and REPORT of one request, stream by stream; all when it is None."""
    inside: set[str] = set()
    for event in events:
        stream, text = event["logStreamName"], event["message"]
        if text.startswith("START RequestId: "):
            inside.discard(stream)
        if request_id is None or request_id in text:
            inside.add(stream)
        if stream in inside:
            yield event
        if text.startswith("REPORT RequestId: "):
            inside.discard(stream)
