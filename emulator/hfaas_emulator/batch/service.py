"""Batch's execution plane: jobs are accepted, wait for each other, wait for room, run, and end.

Read this first. A job takes this way: `submit` writes it down (`ledger`) -> `dependencies` say whom it waits for ->
`consequences` makes it RUNNABLE when that is nobody -> `scheduler` gives it a lease of `capacity` when it is its turn ->
`execution` runs one attempt through the `runner` -> back to the scheduler for another attempt (`retry`), or it is final
and `consequences` looks at who waited for it. Every change of state goes through `progress`: row first, then told.
`recovery` finds all of it again after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from hfaas_emulator.batch.capacity import Capacity, Lease, Machine
from hfaas_emulator.batch.consequences import Consequences
from hfaas_emulator.batch.dependencies import Dependencies
from hfaas_emulator.batch.execution import Execution, Reports
from hfaas_emulator.batch.families import members, need
from hfaas_emulator.batch.job import Status, Submission
from hfaas_emulator.batch.ledger import Ledger
from hfaas_emulator.batch.lines import queue_of
from hfaas_emulator.batch.progress import Progress
from hfaas_emulator.batch.queues import Queues
from hfaas_emulator.batch.records import ComputeEnvironment, ControlPlane
from hfaas_emulator.batch.recovery import Found, drop_old, find
from hfaas_emulator.batch.runner import Runner, Running
from hfaas_emulator.batch.scheduler import Scheduler
from hfaas_emulator.batch.state import Current, Job
from hfaas_emulator.clock import Clock
from hfaas_emulator.containers.gpus import GpuPool
from hfaas_emulator.errors import AwsError, EngineError, StateError
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.trace import Trace, What

CHUNK = 200
"""So many children of an array are looked at before others get their turn on the loop."""


class Batch:
    """Runs jobs; `announce` is called with a job after each change of its state."""

    def __init__(
        self,
        runner: Runner,
        control: ControlPlane,
        gpus: GpuPool,
        trace: Trace,
        idle: Idle,
        journal: Journal,
        clock: Clock,
        machine: Machine,
        *,
        scale_down: bool = False,
        announce: Callable[[Job], None] = lambda _job: None,
    ) -> None:
        self._runner = runner
        self._gpus = gpus
        self._trace = trace
        self._clock = clock
        self._background = Background(trace, "batch")
        self._ledger = Ledger(journal)
        self._progress = Progress(self._ledger, trace, idle, announce)
        self._capacity = Capacity(machine, gpus, scale_down=scale_down)
        self._queues = Queues(control)
        self._scheduler = Scheduler(self._capacity, self._queues, self._progress, clock, self._begin)
        reports = Reports(self._scheduler.started, self._ended, self._not_tried)
        self._execution = Execution(runner, self._progress, clock, self._background, reports)
        self._dependencies = Dependencies(self._ledger.find)
        self._consequences = Consequences(self._progress, self._dependencies, clock, self._scheduler.add)
        self._is_refreshing = False
        self._is_stale = False

    async def open(self) -> None:
        """Take on the jobs that an earlier emulator left."""
        self._ledger.load()
        found = await find(self._ledger, await self._adopt())
        for key in {queue_of(job) for job in self._ledger.submitted() if not job.status.is_final}:
            with suppress(AwsError):  # it was deleted, and its jobs are ended below
                await self._queues.learn(key)
        for job in self._ledger.submitted():
            if not job.status.is_final:
                self._progress.resumed(job)
        self._take_over(found)
        await self._end_terminated()
        await self._end_orphans()
        drop_old(self._ledger, self._clock.now())
        self._gpus.on_free.append(self._scheduler.dispatch)
        self._scheduler.dispatch()

    async def _adopt(self) -> Mapping[str, Running]:
        try:
            return await self._runner.adopt()
        except EngineError as error:
            self._trace.hop("batch", What.PROBLEM, message=error.message)
            return {}

    def _take_over(self, found: Found) -> None:
        for job, lease, running in found.adopted:
            self._capacity.claim(lease)
            self._background.start(self._execution.follow(job, lease, running))
        for job in found.lost:
            self._execution.lose(job)
        self._consequences.follow(job for job in found.lost if job.status.is_final)
        for parent in (job for job in self._ledger.submitted() if job.is_array and not job.status.is_final):
            if parent.status is Status.SUBMITTED:
                self._progress.move([parent], Status.PENDING)
            self._consequences.settle(parent)
        for job in (each for each in found.waiting if each.submission.fault):
            self._consequences.fail([job], job.submission.fault)
        self._consequences.evaluate([*found.lost, *found.waiting])

    async def close(self) -> None:
        """Start nothing any more and let go of what runs; the next `open` finds it."""
        self._scheduler.close()
        if self._scheduler.dispatch in self._gpus.on_free:
            self._gpus.on_free.remove(self._scheduler.dispatch)
        await self._background.close()

    async def submit(self, submission: Submission) -> None:
        """Accept a job; it is durable when this returns. AwsError ClientException when it depends on nothing known."""
        self._dependencies.check(submission)
        await self._queues.learn((submission.account, submission.region, submission.queue))
        job = self._ledger.add(submission)
        self._progress.submitted(job)
        try:
            self._advance(job)
        except StateError as error:  # it is accepted, and goes on when the emulator starts anew
            self._progress.problem(job, error.message)

    def _advance(self, job: Job) -> None:
        if job.is_array:
            self._progress.move([job], Status.PENDING, said=job.submission.fault)
        parts = job.children or (job,)
        if job.submission.fault:
            self._consequences.fail(parts, job.submission.fault)
        elif len(parts) > CHUNK:
            self._background.start(self._evaluate(parts))
        else:
            self._consequences.evaluate(parts)
        self._scheduler.dispatch()

    async def _evaluate(self, children: Sequence[Job]) -> None:
        for start in range(0, len(children), CHUNK):
            self._consequences.evaluate(children[start : start + CHUNK])
            self._scheduler.dispatch()
            await asyncio.sleep(0)

    def job(self, id: str) -> Job | None:
        """Return a job, an array's child (`ID:INDEX`) or a node (`ID#INDEX`)."""
        return self._ledger.find(id)

    def jobs(self, account: str, region: str, queue: str = "") -> Iterator[Job]:
        """Yield the jobs that were submitted, of one queue or of all, oldest first, without children and nodes."""
        for job in self._ledger.submitted():
            submission = job.submission
            if (submission.account, submission.region) == (account, region) and queue in ("", submission.queue):
                yield job

    def running(self) -> Iterator[tuple[Job, Running]]:
        """Yield what runs now, of a job with nodes each node."""
        return self._execution.running()

    def holder(self, task: str) -> str:
        """Return the invocation whose second leg a task plays; nothing when there is none."""
        return next(
            (job.submission.invocation for stream, job in self.streams() if stream.endswith(f"/{task}")), ""
        )

    def streams(self) -> Iterator[tuple[str, Job]]:
        """Yield the log streams of attempts, each with its job."""
        for job in self._ledger.all():
            for stream in {job.current.log_stream, *(attempt.log_stream for attempt in job.attempts)} - {""}:
                yield stream, job

    def front(self, account: str, region: str, queue: str) -> list[Job]:
        """Return the RUNNABLE jobs of a queue, next one first."""
        return [job for job in self._scheduler.waiting() if queue_of(job) == (account, region, queue)]

    async def cancel(self, id: str, reason: str) -> None:
        """Fail a job that was not given room yet, and an array's children of that kind; others go on."""
        job, parts = self._parts(id)
        waiting = [part for part in parts if not part.status.holds_room]
        if job and job.is_array and waiting:
            self._progress.mark(job, said=reason, is_cancelled=True)
        with self._leaving(waiting):
            async for some in _slices(waiting):
                still = [part for part in some if not part.status.holds_room]
                self._consequences.fail(still, reason, is_cancelled=True)
        self._scheduler.dispatch()

    async def terminate(self, id: str, reason: str) -> None:
        """Fail a job in whatever state; a container is stopped with its grace."""
        await self._terminate(id, reason)
        self._scheduler.dispatch()

    async def _terminate(self, id: str, reason: str) -> None:
        job, parts = self._parts(id)
        if job and job.is_array and parts:
            self._progress.mark(job, said=reason, is_terminated=True)
        await self._end(parts, reason)

    async def _end(self, parts: Sequence[Job], reason: str) -> None:
        with self._leaving(parts):
            async for some in _slices(parts):
                for part in some:
                    if part.status.holds_room and not part.is_ending:
                        self._execution.doom(part, said=reason, is_terminated=True)
                waiting = [part for part in some if not part.status.holds_room]
                self._consequences.fail(waiting, reason, is_terminated=True)

    @contextmanager
    def _leaving(self, jobs: Sequence[Job]) -> Iterator[None]:
        """Let nobody start of those who are being ended; one whose end could not be written waits on."""
        for job in jobs:
            job.is_leaving = True
        try:
            yield
        finally:
            for job in jobs:
                job.is_leaving = False
                if job.status is Status.RUNNABLE:
                    self._scheduler.add(job)

    async def _end_terminated(self) -> None:
        """Go on with arrays whose termination an earlier emulator did not finish."""
        for job in self._ledger.submitted():
            if job.is_array and job.is_terminated and not job.status.is_final:
                await self._end([part for part in job.children if not part.status.is_final], job.said)

    async def _end_orphans(self) -> None:
        """End the jobs of queues that were deleted."""
        for job in self._ledger.submitted():
            if not job.status.is_final and self._queues.get(queue_of(job)) is None:
                try:
                    await self._terminate(
                        job.id, f"The job queue {job.submission.queue.rpartition('/')[2]} was deleted"
                    )
                except StateError as error:  # the next look at the queues tries again
                    self._progress.problem(job, error.message)

    def _parts(self, id: str) -> tuple[Job | None, list[Job]]:
        """Return a job and what of it is unfinished: its children, or itself."""
        job = self._ledger.find(id)
        if job and job.node is not None:
            job = job.parent
        parts = (job.children or (job,)) if job else ()
        return job, [part for part in parts if not part.status.is_final]

    def wake(self) -> None:
        """Look at the queues again, because records changed."""
        self._is_stale = True
        if not self._is_refreshing:
            self._is_refreshing = True
            self._background.start(self._refresh())

    async def _refresh(self) -> None:
        try:
            while self._is_stale:
                self._is_stale = False
                await self._queues.refresh()
                await self._end_orphans()
            self._scheduler.retry()
        finally:
            self._is_refreshing = False

    def _begin(self, job: Job, lease: Lease, environment: ComputeEnvironment) -> None:
        changes = {"environment": environment.name, "note": self._capacity.note(need(job))}
        try:
            self._progress.move(members(job), Status.STARTING, lease=lease, current=Current(), **changes)
        except StateError as error:
            self._not_tried(job, lease, error.message)
        else:
            self._background.start(self._execution.run(job, lease))

    def _ended(self, job: Job, lease: Lease) -> None:
        try:
            if job.status.is_final:
                self._consequences.follow([job])
            else:
                self._scheduler.add(job)
        finally:
            self._scheduler.give(lease)

    def _not_tried(self, job: Job, lease: Lease, message: str) -> None:
        self._scheduler.failed(job, message)
        self._scheduler.give(lease)


async def _slices(parts: Sequence[Job]) -> AsyncIterator[Sequence[Job]]:
    """Yield jobs some at a time, and let others have their turn on the loop in between; what ended then is left out."""
    for start in range(0, len(parts), CHUNK):
        if start:
            await asyncio.sleep(0)
        yield [part for part in parts[start : start + CHUNK] if not part.status.is_final]
