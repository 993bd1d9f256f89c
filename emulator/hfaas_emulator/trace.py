"""Every hop of every event, kept in a bounded ring and published to watchers.

A hop is written where something is decided: the store, the filter, the queue, the environment. From the hops
alone `hfaas why` explains an object, `hfaas run` sums up a run, and the terminal UI draws a pipeline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hfaas_emulator.clock import Clock, SystemClock

BATCH = 1_000
GATHER_S = 0.01
"""Who follows from outside gets so many hops at once: each by itself costs as much as the hop."""

RING = 200_000
"""Hops kept; older ones are dropped and the gap is visible in their numbers."""


class What(StrEnum):
    """What happened at a hop; the comment names the keys of its detail."""

    OBJECT_CREATED = "object.created"  # bucket, key, size, etag, event
    OBJECT_REMOVED = "object.removed"  # bucket, key, event
    TRIGGER_NONE = "trigger.none"  # bucket, key: the bucket notifies nobody
    FILTER_MATCHED = "filter.matched"  # bucket, key, rule, target
    FILTER_REJECTED = "filter.rejected"  # bucket, key, rule, target, reason
    PERMISSION_GRANTED = "permission.granted"  # bucket, key, function
    PERMISSION_DENIED = "permission.denied"  # bucket, key, function, reason
    ROLE_DENIED = "role.denied"  # role, action, resource, reason: a role's policies do not let it
    EVENT_QUEUED = "event.queued"  # function, origin
    EVENT_THROTTLED = "event.throttled"  # function, limit
    EVENT_RETRY = "event.retry"  # function, after_s, reason
    EVENT_DISCARDED = "event.discarded"  # function, reason
    EVENT_DELIVERED = "event.delivered"  # function, destination, condition
    IMAGE_RAN = (
        "image.ran"  # image, id: a container of it was started; told once of a job's image, however many ran it
    )
    ENVIRONMENT_STARTED = "environment.started"  # environment, function, init_ms
    ENVIRONMENT_LEASED = "environment.leased"  # environment, function, start: cold | warm
    ENVIRONMENT_STOPPED = "environment.stopped"  # environment, function, reason
    INVOCATION_STARTED = "invocation.started"  # function, environment
    INVOCATION_SUCCEEDED = "invocation.succeeded"  # function, duration_ms, billed_ms, memory_mb, peak_mb
    INVOCATION_FAILED = "invocation.failed"  # the same, error_type, message, log_group, log_stream
    SCRIPT_STARTED = "script.started"  # function, item
    SCRIPT_ENDED = "script.ended"  # function, item, exit, duration_ms
    OUTPUT_UPLOADED = "output.uploaded"  # function, url, bytes
    INVOCATION_DELEGATED = "invocation.delegated"  # function, job, cause, seconds
    JOB_SUBMITTED = "job.submitted"  # job, name, queue, function: what its log lines are grouped by
    # job, name, queue, status, reason, container_reason, exit, log_group, log_stream, peak_mb, memory_mb,
    # started, stopped (Unix ms), note, stuck
    JOB_STATE = "job.state"
    SPACE_CHANGED = "space.changed"  # space, path, change: created | written | finished | removed
    # endpoint, kind, method, path, status, function, reason: why the answer is none of the function's
    ENDPOINT_CALLED = "endpoint.called"
    SCHEDULE_FIRED = "schedule.fired"  # schedule, target
    PROBLEM = "problem"  # message


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of one event; `where` is the module's noun (`s3`, `lambda.queue`), ids are empty when unknown."""

    seq: int
    time: float
    where: str
    what: What
    run: str = ""
    invocation: str = ""
    attempt: int = 0
    detail: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def to_json(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "time": self.time,
            "where": self.where,
            "what": str(self.what),
            "run": self.run,
            "invocation": self.invocation,
            "attempt": self.attempt,
            "detail": dict(self.detail),
        }

    @classmethod
    def load(cls, hop: Mapping[str, Any]) -> Hop:
        """Read back what `to_json` made."""
        return cls(**{**hop, "what": What(hop["what"])})


class Trace:
    """The ring of hops; belongs to the event loop, other threads go through `call_soon_threadsafe`."""

    def __init__(self, clock: Clock | None = None, ring: int = RING) -> None:
        self._clock = clock or SystemClock()
        self._hops: deque[Hop] = deque(maxlen=ring)
        self._ring = ring
        self._seq = 0
        self._changed = asyncio.Event()
        self._runs: dict[str, str] = {}

    def hop(
        self, where: str, what: What, *, run: str = "", invocation: str = "", attempt: int = 0, **detail: Any
    ) -> Hop:
        """Append a hop; a hop of an invocation whose run is known inherits that run."""
        if invocation and run:
            self._remember(invocation, run)
        run = run or self._runs.get(invocation, "")
        self._seq += 1
        hop = Hop(self._seq, self._clock.now(), where, what, run, invocation, attempt, MappingProxyType(detail))
        self._hops.append(hop)
        self._changed.set()
        self._changed = asyncio.Event()
        return hop

    def _remember(self, invocation: str, run: str) -> None:
        self._runs[invocation] = run
        if len(self._runs) > self._ring:  # as bounded as the hops
            del self._runs[next(iter(self._runs))]

    def run_of(self, invocation: str) -> str:
        """Return the run an invocation belongs to, or an empty string."""
        return self._runs.get(invocation, "")

    def since(self, seq: int) -> Iterable[Hop]:
        """Return the kept hops numbered above `seq`, oldest first."""
        behind = self._seq - seq
        if behind <= 0:
            return ()
        if behind >= len(self._hops):
            return tuple(self._hops)
        return tuple(self._hops[index] for index in range(len(self._hops) - behind, len(self._hops)))

    async def batches(self, seq: int) -> AsyncIterator[Sequence[Hop]]:
        """Yield hops above `seq`, those together that happened within a hundredth of a second; waits for ever."""
        while True:
            changed = self._changed
            hops = tuple(self.since(seq))
            for first in range(0, len(hops), BATCH):
                yield hops[first : first + BATCH]
            seq = hops[-1].seq if hops else seq
            if seq >= self._seq:
                await changed.wait()
                await asyncio.sleep(GATHER_S)
