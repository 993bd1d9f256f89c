"""Who waits in a queue: jobs that want the same things stand in one line, and only its first is looked at."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from hfaas_emulator.batch.capacity import Blocked
from hfaas_emulator.batch.families import members, need
from hfaas_emulator.batch.job import Resources, Status
from hfaas_emulator.batch.state import Job, Wait

QueueKey = tuple[str, str, str]


class Line:
    """RUNNABLE jobs of one queue with equal needs, in the order in which they were submitted."""

    def __init__(self, queue: QueueKey, need: Resources) -> None:
        self.queue = queue
        self.need = need
        self._wait = Wait()
        self._heap: list[tuple[tuple[int, int], Job]] = []
        self._untold: list[Job] = []
        self._told: set[str] = set()

    def add(self, job: Job) -> None:
        """Let a job wait; one that was here before gets its old place."""
        for member in members(job):
            member.wait = self._wait
        heapq.heappush(self._heap, (job.order, job))
        self._untold.append(job)

    def first(self) -> Job | None:
        """Return who is next, if anybody."""
        while self._heap and not _may_start(self._heap[0][1]):
            heapq.heappop(self._heap)
        return self._heap[0][1] if self._heap else None

    def leave(self) -> None:
        """Let the first go: it starts."""
        heapq.heappop(self._heap)
        self._wait.stuck = False

    def block(self, blocked: Blocked) -> list[Job]:
        """Note why nobody here can start; return those who have not been told so before."""
        wait = self._wait
        if wait.stuck != blocked.stuck:
            self._told.clear()
        wait.reason, wait.stuck, wait.cause = blocked.reason, blocked.stuck, blocked.cause
        untold, self._untold = self._untold, []
        if blocked.cause not in self._told:
            self._told.add(blocked.cause)
            untold = [job for _, job in self._heap]
        untold = [job for job in untold if job.status is Status.RUNNABLE]
        for job in untold:
            job.told = blocked.cause
        return untold

    def __iter__(self) -> Iterator[Job]:
        return iter(job for _, job in sorted(self._heap) if job.status is Status.RUNNABLE)


class Lines:
    """The lines of all queues."""

    def __init__(self) -> None:
        self._lines: dict[tuple[QueueKey, Resources], Line] = {}

    def add(self, job: Job) -> None:
        """Put a RUNNABLE job into its line."""
        key = queue_of(job), need(job)
        if key not in self._lines:
            self._lines[key] = Line(*key)
        self._lines[key].add(job)

    def waiting(self) -> list[Line]:
        """Return the lines in which somebody waits, and forget the others."""
        self._lines = {key: line for key, line in self._lines.items() if line.first()}
        return list(self._lines.values())


def _may_start(job: Job) -> bool:
    return job.status is Status.RUNNABLE and not job.is_leaving


def queue_of(job: Job) -> QueueKey:
    """Return what names a job's queue."""
    submission = job.submission
    return submission.account, submission.region, submission.queue
