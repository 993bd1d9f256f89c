"""Gives room to those who wait: a round after each event that could let somebody start, never by the clock.

A round looks at the first of each line, queues of higher priority first, then in the order of submission. Who fits
starts and its line's next is looked at; who does not claims what it waits for, so nobody behind it can take that
away. A round thus costs what it starts plus the number of lines, however many jobs wait.

When the container engine fails, starting pauses for everybody, longer each time; the job it failed for waits twice as
long, so that another one tries first.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from hfaas_emulator.batch.capacity import Blocked, Capacity, Lease
from hfaas_emulator.batch.job import Status
from hfaas_emulator.batch.lines import Line, Lines
from hfaas_emulator.batch.progress import Progress
from hfaas_emulator.batch.queues import Queues
from hfaas_emulator.batch.reasons import ENGINE, QUEUE
from hfaas_emulator.batch.records import ComputeEnvironment
from hfaas_emulator.batch.state import Job, Wait
from hfaas_emulator.clock import Clock
from hfaas_emulator.lambda_.timer import Timer

PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
PATIENCE_S = 8.0
"""After a longer pause those who wait for the engine count as stuck."""

Begin = Callable[[Job, Lease, ComputeEnvironment], None]


class Scheduler:
    """Decides who starts; `begin` starts a job that was given a lease, and raises nothing."""

    def __init__(self, capacity: Capacity, queues: Queues, progress: Progress, clock: Clock, begin: Begin) -> None:
        self._capacity = capacity
        self._queues = queues
        self._progress = progress
        self._clock = clock
        self._begin = begin
        self._lines = Lines()
        self._in_round = False
        self._again = False
        self._closed = False
        self._pause: Timer | None = None
        self._pause_s = PAUSE_S
        self._trouble = Blocked("", "")
        self._held: dict[Job, Timer] = {}

    def add(self, job: Job) -> None:
        """Let a RUNNABLE job wait for room; the next round sees it."""
        self._lines.add(job)

    def waiting(self) -> list[Job]:
        """Return who waits, those first who are looked at first."""
        jobs = [(-self._priority(line), job) for line in self._lines.waiting() for job in line]
        return [job for _, job in sorted(jobs, key=lambda each: (each[0], each[1].order))]

    def give(self, lease: Lease) -> None:
        """Take a lease back and give it away at once."""
        self._capacity.give(lease)
        self.dispatch()

    def dispatch(self) -> None:
        """Hold a round; one that is asked for within a round follows it."""
        self._again = True
        if self._in_round or self._closed:
            return
        self._in_round = True
        try:
            while self._again:
                self._again = False
                self._round()
        finally:
            self._in_round = False

    def _round(self) -> None:
        claims: set[str] = set()
        heads = [head for line in self._lines.waiting() if (head := self._head(line))]
        heapq.heapify(heads)
        while heads:
            *_, line = heapq.heappop(heads)
            if blocked := self._try(line, claims):
                claims |= blocked.claims
                self._progress.waits(line.block(blocked))
            elif head := self._head(line):
                heapq.heappush(heads, head)

    def _head(self, line: Line) -> tuple[int, tuple[int, int], int, Line] | None:
        job = line.first()
        return (-self._priority(line), job.order, id(line), line) if job else None

    def _priority(self, line: Line) -> int:
        queue = self._queues.get(line.queue)
        return queue.priority if queue else 0

    def _try(self, line: Line, claims: set[str]) -> Blocked | None:
        """Start the first of a line, or say why it waits."""
        if self._pause:
            return self._trouble
        queue, job = self._queues.get(line.queue), line.first()
        if not queue or not job:
            said = f"{QUEUE} - the job queue {line.queue[2].rpartition('/')[2]} is gone"
            return Blocked(said, said, stuck=True)
        found = self._capacity.find(queue, line.need, claims)
        if isinstance(found, Blocked):
            return found
        line.leave()
        self._begin(job, self._capacity.take(found, line.need), found)
        return None

    def failed(self, job: Job, message: str) -> None:
        """Pause, because a job could not be started for no fault of its own; it waits longer than the others."""
        if not self._pause:
            self._pause = Timer(self._clock, self._pause_s, self._resume)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._trouble = Blocked(f"{ENGINE} - {message}", ENGINE, stuck=self._pause_s > PATIENCE_S)
        self._hold(job)
        self.dispatch()

    def _hold(self, job: Job) -> None:
        job.wait = Wait(self._trouble.reason, self._trouble.stuck, self._trouble.cause)
        self._progress.waits([job])
        self._held[job] = Timer(self._clock, 2 * self._pause_s, lambda: self._let_go(job))

    def _let_go(self, job: Job) -> None:
        self._held.pop(job).cancel()
        if job.status is Status.RUNNABLE:
            self._lines.add(job)
            self.dispatch()

    def _resume(self) -> None:
        self._pause = None
        self.dispatch()

    def started(self) -> None:
        """The engine works: forget that it ever failed."""
        self._pause_s = PAUSE_S

    def retry(self) -> None:
        """End a pause: something changed."""
        if self._pause:
            self._pause.cancel()
            self._pause = None
        for job in tuple(self._held):
            self._let_go(job)
        self.dispatch()

    def close(self) -> None:
        """Start nobody any more."""
        self._closed = True
        for timer in filter(None, (self._pause, *self._held.values())):
            timer.cancel()
