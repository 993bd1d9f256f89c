"""One attempt from its lease to its end: start the container, wait for its result, decide what that means.

The row is ahead of the container: STARTING is written before there is one, the end is written before it is removed.
So whenever the emulator dies, the next one finds a row with a container (and takes it over) or a row without (and
knows that the attempt is lost), but never an attempt that is done and looks as if it were not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hfaas_emulator.batch import gang, retry
from hfaas_emulator.batch.capacity import Lease
from hfaas_emulator.batch.families import members, works
from hfaas_emulator.batch.gang import Gang
from hfaas_emulator.batch.job import Attempt, Status
from hfaas_emulator.batch.progress import Progress
from hfaas_emulator.batch.reasons import LOST, OVERDUE
from hfaas_emulator.batch.runner import NotStarted, Result, Runner, Running
from hfaas_emulator.batch.state import Current, Job
from hfaas_emulator.clock import Clock
from hfaas_emulator.errors import EngineError, StateError
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.lambda_.timer import Timer

AGAIN_S = 1.0
_BACK: dict[str, Any] = {"lease": None, "wait": None, "started": None, "note": "", "environment": ""}


@dataclass(frozen=True, slots=True)
class Reports:
    """Whom an attempt tells: that the engine works, that a job is final or waits again, that it was not tried."""

    started: Callable[[], None]
    ended: Callable[[Job, Lease], None]
    not_tried: Callable[[Job, Lease, str], None]


class Execution:
    """The attempts under way."""

    def __init__(
        self, runner: Runner, progress: Progress, clock: Clock, background: Background, reports: Reports
    ) -> None:
        self._runner = runner
        self._progress = progress
        self._clock = clock
        self._background = background
        self._reports = reports
        self._running: dict[Job, Running] = {}

    async def run(self, job: Job, lease: Lease) -> None:
        """Run an attempt of a job that is STARTING."""
        submission = job.submission
        try:
            running = await gang.start(self._runner, works(job, lease), submission.main_node, self._clock)
        except NotStarted as error:
            await self._end(job, lease, None, Result(None, error.reason, error.status_reason))
        except EngineError as error:
            await self._not_tried(job, lease, error.message)
        except Exception as error:  # noqa: BLE001 - whatever it was, the job must not stay STARTING for ever
            said = f"CannotStartContainerError: {type(error).__name__}: {error}"
            await self._end(job, lease, None, Result(None, said, "Task failed to start"))
        else:
            self._reports.started()
            await self.follow(job, lease, running)

    async def follow(self, job: Job, lease: Lease, running: Running) -> None:
        """Go on with an attempt whose container runs, or ran."""
        self._running[job] = running
        for member, each in _faces(job, running):
            member.current = Current(each.log_stream, each.task_arn)
        if job.status is not Status.RUNNING:
            await self._move(job, Status.RUNNING, started=running.started)
        timer = self._timer(job)
        if job.is_ending:
            self._stop(job, running)
        try:
            result = await self._result(job, running)
        finally:
            del self._running[job]
            if timer:
                timer.cancel()
        await self._end(job, lease, running, result)

    def running(self) -> Iterator[tuple[Job, Running]]:
        """Yield what runs now, of a job with nodes each node."""
        for job, running in tuple(self._running.items()):
            for each in running.nodes.values() if isinstance(running, Gang) else (running,):
                yield job, each

    async def _result(self, job: Job, running: Running) -> Result:
        try:
            return await running.result()
        except EngineError as error:
            self._progress.problem(job, error.message)
            await gang.finish(running, self._clock)
            return Result(None, "", LOST)
        except Exception as error:  # noqa: BLE001 - whatever it was, the job must not stay RUNNING for ever
            await running.stop(0)
            said = f"CannotInspectContainerError: {type(error).__name__}: {error}"
            return Result(None, said, "Essential container in task exited")

    def _timer(self, job: Job) -> Timer | None:
        if not job.submission.timeout_s or job.started is None:
            return None
        left = job.submission.timeout_s - (self._clock.now() - job.started / 1000)
        return Timer(self._clock, max(0.0, left), lambda: self._overdue(job))

    def _overdue(self, job: Job) -> None:
        if job.is_ending:
            return
        try:
            self.doom(job, said=OVERDUE, is_overdue=True)
        except StateError as error:  # after a restart the time is over again
            self._progress.problem(job, error.message)
            job.said, job.is_overdue = OVERDUE, True
            self._stop(job, self._running[job])

    def doom(self, job: Job, **changes: Any) -> None:
        """Decide that a job that has its container, or is about to, fails; it is stopped with its grace."""
        self._progress.mark(job, **changes)
        if running := self._running.get(job):
            self._stop(job, running)

    def _stop(self, job: Job, running: Running) -> None:
        self._background.start(self._stopped(job, running))

    async def _stopped(self, job: Job, running: Running) -> None:
        """Stop a container, again and again should the engine not do it."""
        while self._running.get(job) is running:
            try:
                await running.stop()
                break
            except EngineError as error:
                self._progress.problem(job, error.message)
                await self._clock.sleep(AGAIN_S)

    async def _end(self, job: Job, lease: Lease, running: Running | None, result: Result) -> None:
        now = int(self._clock.now() * 1000)
        results = running.results if isinstance(running, Gang) else {}
        for member in members(job):
            own = result if member.node is None else results.get(member.node, result)
            _conclude(member, own, now)
        await self._settle(job, result, now)
        self._reports.ended(job, lease)
        if running:
            running.forget()

    async def _settle(self, job: Job, result: Result, now: int) -> None:
        last = job.attempts[-1]
        lost = result.status_reason == LOST
        if job.is_ending:
            await self._move(job, Status.FAILED, stopped=now, lease=None)
        elif result.exit == 0:
            await self._move(job, Status.SUCCEEDED, stopped=now, lease=None, said=result.status_reason)
        elif lost or retry.again(job.submission.retry, len(job.attempts), last):
            await self._move(job, Status.RUNNABLE, **_BACK)
        else:
            await self._move(job, Status.FAILED, stopped=now, lease=None, said=result.status_reason)

    async def _not_tried(self, job: Job, lease: Lease, message: str) -> None:
        if job.is_ending:
            await self._move(job, Status.FAILED, stopped=int(self._clock.now() * 1000), lease=None)
            self._reports.ended(job, lease)
            return
        await self._move(job, Status.RUNNABLE, **_BACK)
        self._reports.not_tried(job, lease, message)

    def lose(self, job: Job) -> None:
        """Count the attempt of a job whose container went with an emulator; the job is FAILED or RUNNABLE after."""
        now = int(self._clock.now() * 1000)
        for member in members(job):
            _conclude(member, Result(None, "", LOST), now)
        if job.is_ending:
            self._progress.move(members(job), Status.FAILED, stopped=now, lease=None)
        else:
            self._progress.move(members(job), Status.RUNNABLE, **_BACK)

    async def _move(self, job: Job, status: Status, **changes: Any) -> None:
        """Write a state down, for as long as it takes: what happened must not be forgotten for want of disk space."""
        while True:
            try:
                self._progress.move(members(job), status, **changes)
            except StateError as error:
                self._progress.problem(job, error.message)
                await self._clock.sleep(AGAIN_S)
            else:
                return


def _faces(job: Job, running: Running) -> list[tuple[Job, Running]]:
    """Return a job's members, each with what runs for it."""
    if not isinstance(running, Gang):
        return [(job, running)]
    nodes = [(node, running.nodes.get(node.node or 0)) for node in job.nodes]
    return [(job, running), *((node, each) for node, each in nodes if each)]


def _conclude(job: Job, result: Result, now: int) -> None:
    """Add an attempt that ended to a job's, in memory; the row is written with the state that follows."""
    was = job.current if job.status is Status.RUNNING else Current()
    job.current = replace(was, exit=result.exit, reason=result.reason, peak_mb=result.peak_mb)
    last = Attempt(job.started, now, result.exit, result.reason, result.status_reason, was.log_stream, was.task_arn)
    job.attempts = (*job.attempts, last)
