"""Log events of functions as CloudWatch Logs gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

JOB_STREAM = "batch/"
"""How the streams of jobs begin that a function delegated to."""


def pages(client: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    """Yield the events of a log group from `start` (ms) on, oldest first."""
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start):
        yield from page["events"]


class RequestFilter:
    """Keeps the lines of one request, however often more come; those of all requests when it is None.

    In the stream of an execution environment they stand between START and REPORT; the stream of a job is one
    request's from the line that names it.
    """

    def __init__(self, request_id: str | None) -> None:
        self._request_id = request_id
        self._inside: set[str] = set()

    def keep(self, events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the events of the request, in the order given."""
        for event in events:
            if self._request_id is None or self._take(event["logStreamName"], event["message"]):
                yield event

    def _take(self, stream: str, text: str) -> bool:
        shared = not stream.startswith(JOB_STREAM)
        if shared and text.startswith("START RequestId: "):
            self._inside.discard(stream)
        if str(self._request_id) in text:
            self._inside.add(stream)
        taken = stream in self._inside
        if shared and text.startswith("REPORT RequestId: "):
            self._inside.discard(stream)
        return taken


def of_request(events: Iterable[dict[str, Any]], request_id: str | None) -> Iterator[dict[str, Any]]:
    """Keep the lines of one request, in both of its legs; all when it is None."""
    return RequestFilter(request_id).keep(events)
