"""The log of a job as it grows: that of its current attempt, and those of everything inside an array or a group.

Each look asks Batch which streams there are by now, then CloudWatch Logs what is new in each. The emulator's Batch
calls a job ended when its output is in the log, so the look after its end is the last; AWS delivers late, and is given
a moment before that look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hfaas_tui.jobs import Job, Jobs, flat

POLL_S = 0.3
POLL_AWS_S = 2.0
LATE_S = 5.0
"""Seconds in which CloudWatch Logs nearly always has what was written."""


class JobLog:
    """Reads the streams of a job; `logs` is boto3's client, `start` the Unix ms of the first line wanted.

    `poll` are the seconds between two looks, `late` those that the last lines may be late.
    """

    def __init__(
        self, jobs: Jobs, logs: Any, id: str, start: int = 0, poll: float = POLL_S, late: float = 0
    ) -> None:
        self._jobs, self._logs, self._id, self._start = jobs, logs, id, start
        self._poll, self._late = poll, late
        self._read_to: dict[tuple[str, str], str] = {}

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield what is there now, oldest first."""
        yield from self._look()[1]

    def follow(self, changed: Callable[[Job], None]) -> Iterator[dict[str, Any]]:
        """Yield lines until the job has ended; `changed` is told of the job whenever its state is another."""
        state = ("", "")
        while True:
            job, events = self._look()
            if (job.status, job.why) != state:
                state = (job.status, job.why)
                changed(job)
            yield from events
            if job.is_final:
                if self._late:
                    time.sleep(self._late)
                    yield from self._look()[1]
                return
            time.sleep(self._poll)

    def _look(self) -> tuple[Job, list[dict[str, Any]]]:
        job = self._jobs.find(self._id)
        events = [event for each in flat(self._jobs, [job]) for event in self._news(each)]
        return job, sorted(events, key=lambda event: event["timestamp"])

    def _news(self, job: Job) -> Iterator[dict[str, Any]]:
        """Yield what its stream has got since the last look."""
        place = group, stream = job.log
        if not stream:
            return
        while True:
            token = self._read_to.get(place)
            events, after = stream_page(self._logs, group, stream, self._start, token)
            yield from ({**event, "logStreamName": stream, "jobId": job.id} for event in events)
            if after in {token, ""}:
                return
            self._read_to[place] = after


def stream_page(
    logs: Any, group: str, stream: str, start: int = 0, token: str | None = None
) -> tuple[Sequence[dict[str, Any]], str]:
    """Return a page of a stream and the token of the next, which is the same again at its end; empty when it is gone."""
    more = {"nextToken": token} if token else {}
    try:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startTime=start, startFromHead=True, **more
        )
    except logs.exceptions.ResourceNotFoundException:  # no container yet, or no log group any more
        return [], ""
    shown = [{name: event[name] for name in ("timestamp", "message")} for event in page["events"]]
    return shown, page["nextForwardToken"]


def stream_lines(logs: Any, group: str, stream: str) -> Iterator[str]:
    """Yield the lines of a whole stream."""
    token: str | None = None
    while True:
        events, after = stream_page(logs, group, stream, token=token)
        yield from (event["message"].rstrip("\n") for event in events)
        if after in {token, ""}:
            return
        token = after
