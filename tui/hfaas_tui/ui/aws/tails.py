"""Log groups, read on from where they were: CloudWatch Logs has no stream that stays open at no cost.

Events may come late, so each read begins a little before the newest event that is known, and now and then much before;
what was read is known by its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hfaas_tui.ui.aws.batch import LINES
from hfaas_tui.ui.model import Run

USUALLY_LATE_MS, VERY_LATE_MS = 15_000, 120_000
PAGES = 10
"""Pages of one read; the rest of a flood is read by the next one."""

EVENTS = 10_000
START_S = 2.0
"""The first line of an invocation is written before its start is told."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a log group: `time` in Unix seconds."""

    stream: str
    time: float
    message: str


class Tail:
    """One log group, from a moment on (Unix ms); one that is not there yet has no events."""

    def __init__(self, group: str, since: int) -> None:
        self.group = group
        self._since = since
        self._newest = since
        self._seen: dict[str, int] = {}
        self._rest: dict[str, Any] = {}

    def read(self, logs: Any, *, far: bool = False) -> list[Event]:
        """Return what came since, oldest first; with `far`, what came very late, too. `logs` is a client."""
        asked = self._rest or {"startTime": self._start(far=far)}
        found: list[Event] = []
        for _ in range(PAGES):
            try:
                page = logs.filter_log_events(logGroupName=self.group, **asked)
            except logs.exceptions.ResourceNotFoundException:
                self._rest = {}
                return []
            found += self._new(page["events"])
            asked = {**asked, "nextToken": page.get("nextToken")}
            if not asked["nextToken"]:
                break
        self._rest = asked if asked["nextToken"] else {}
        if not self._rest:
            self._forget()
        return sorted(found, key=lambda event: event.time)

    def _start(self, *, far: bool) -> int:
        return max(self._since, self._newest - (VERY_LATE_MS if far else USUALLY_LATE_MS))

    def _new(self, events: list[dict[str, Any]]) -> Iterator[Event]:
        for each in events:
            name, at = str(each["eventId"]), int(each["timestamp"])
            if name not in self._seen:
                self._seen[name] = at
                self._newest = max(self._newest, at)
                yield Event(str(each["logStreamName"]), at / 1000, str(each["message"]))

    def _forget(self) -> None:
        oldest = self._newest - VERY_LATE_MS
        self._seen = {name: at for name, at in self._seen.items() if at >= oldest}


def lines_of(logs: Any, run: Run) -> tuple[str, ...]:
    """Return the last lines that an invocation wrote, oldest first; none when its stream is not there."""
    from hfaas_tui.log import of_request

    if not run.log_stream:
        return ()
    try:
        page = logs.get_log_events(
            logGroupName=run.log_group,
            logStreamName=run.log_stream,
            startFromHead=True,
            limit=EVENTS,
            startTime=int(((run.started or run.queued) - START_S) * 1000),
        )
    except logs.exceptions.ResourceNotFoundException:  # its first line makes the stream
        return ()
    events = [*of_request(({**each, "logStreamName": run.log_stream} for each in page["events"]), run.id)]
    return tuple(each["message"].rstrip("\n") for each in events[-LINES:])
