"""Log events of functions as CloudWatch Logs gives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.logs.whose import INIT_START, START
from hfaas_tui import aws

JOB_STREAM = "batch/"
"""How the streams of jobs begin that a function delegated to."""

NEXT = START, INIT_START
"""How lines begin that are no more the last request's."""


def pages(client: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    """Yield the events of a log group from `start` (ms) on, oldest first."""
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start):
        yield from page["events"]


class RequestFilter:
    """Keeps the lines of one request, however often more come; those of all requests when it is None.

    In the stream of an execution environment they stand between one START and the next, since what was printed before
    the answer may be written after REPORT; the stream of a job is one request's from the line that names it.
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
        if shared and text.startswith(NEXT):
            self._inside.discard(stream)
        if str(self._request_id) in text:
            self._inside.add(stream)
        return stream in self._inside


def of_request(events: Iterable[dict[str, Any]], request_id: str | None) -> Iterator[dict[str, Any]]:
    """Keep the lines of one request, in both of its legs; all when it is None."""
    return RequestFilter(request_id).keep(events)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a log is followed: seconds between looks while lines come and when none do, and ms a line may be late."""

    busy: float
    quiet: float
    late: int = 0


LOCAL = Pace(0.3, 0.3)
AWS = Pace(1, 5, late=60_000)
"""FilterLogEvents may be called 5 times a second by all of an account, and tells a line up to a minute late."""

SLOWER = 1.5
THROTTLED_S = 15.0


def follow(
    client: Any, group: str, start: int, pace: Pace, pause: Callable[[float], None] = time.sleep
) -> Iterator[list[dict[str, Any]]]:
    """Yield the events that each look finds new, for ever; each event is told once.

    A look begins where the newest known event was, less what may come late. It is made more seldom while nothing
    comes, and when AWS asks for fewer requests.
    """
    known: dict[str, int] = {}
    wait = pace.busy
    while True:
        try:
            news = [event for event in pages(client, group, start) if event["eventId"] not in known]
        except client.exceptions.ClientError as error:
            if aws.code(error) not in aws.THROTTLED:
                raise
            pause(wait := min(2 * wait, THROTTLED_S))
            continue
        known |= {event["eventId"]: event["timestamp"] for event in news}
        start = max([start, *(event["timestamp"] - pace.late for event in news)])
        known = {event: at for event, at in known.items() if at >= start}
        yield news
        wait = pace.busy if news else min(SLOWER * wait, pace.quiet)
        pause(wait)
