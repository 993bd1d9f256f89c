"""What the end of a job means to others: those that depend on it, and the array that it is a child of.

One end can end ten thousand others. They are worked through step by step, all that fail for the same reason in one
transaction, and nothing here calls itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hfaas_emulator.batch.dependencies import Dependencies
from hfaas_emulator.batch.families import members
from hfaas_emulator.batch.job import Status
from hfaas_emulator.batch.progress import Progress
from hfaas_emulator.batch.reasons import CHILD_FAILED, DEPENDENCY_FAILED
from hfaas_emulator.batch.state import Job
from hfaas_emulator.clock import Clock


class Consequences:
    """Ends jobs and lets others go on; `ready` takes a job that became RUNNABLE."""

    def __init__(
        self, progress: Progress, dependencies: Dependencies, clock: Clock, ready: Callable[[Job], None]
    ) -> None:
        self._progress = progress
        self._dependencies = dependencies
        self._clock = clock
        self._ready = ready

    def fail(self, jobs: Sequence[Job], said: str, **changes: Any) -> None:
        """Fail jobs that have no container, with all that follows."""
        self.follow(self._failed(jobs, said, **changes))

    def _failed(self, jobs: Sequence[Job], said: str, **changes: Any) -> list[Job]:
        alive = [each for job in jobs for each in members(job) if not each.status.is_final]
        now = int(self._clock.now() * 1000)
        if alive:
            self._progress.move(alive, Status.FAILED, stopped=now, said=said, **changes)
        return [job for job in alive if job.node is None]

    def follow(self, ended: Iterable[Job]) -> None:
        """Do what follows from jobs that are final."""
        final = deque(ended)
        while final:
            doomed: dict[Job, None] = {}
            ready: list[Job] = []
            while final:
                job = final.popleft()
                released = self._dependencies.ended(job)
                doomed.update(dict.fromkeys(released.doomed))
                ready.extend(released.ready)
                if job.parent and self._is_complete(job.parent):
                    final.append(self._complete(job.parent))
            self.release([job for job in ready if job not in doomed])
            if doomed:
                final.extend(self._failed(tuple(doomed), DEPENDENCY_FAILED))

    def settle(self, parent: Job) -> None:
        """End an array whose children have all ended."""
        if self._is_complete(parent):
            self.follow([self._complete(parent)])

    def _is_complete(self, parent: Job) -> bool:
        summary = parent.summary
        ended = summary[Status.SUCCEEDED] + summary[Status.FAILED]
        return parent.is_array and not parent.status.is_final and ended == parent.submission.array

    def _complete(self, parent: Job) -> Job:
        began = [child.started for child in parent.children if child.started is not None]
        times = {"started": min(began, default=None), "stopped": int(self._clock.now() * 1000)}
        if parent.summary[Status.FAILED]:
            self._progress.move([parent], Status.FAILED, said=parent.said or CHILD_FAILED, **times)
        else:
            self._progress.move([parent], Status.SUCCEEDED, **times)
        return parent

    def release(self, jobs: Sequence[Job]) -> None:
        """Make jobs that wait for nobody RUNNABLE."""
        free = [each for job in jobs for each in members(job) if not each.status.is_final]
        fresh = [job for job in free if job.status is not Status.RUNNABLE]
        if fresh:
            self._progress.move(fresh, Status.RUNNABLE)
        for job in free:
            if job.node is None:
                self._ready(job)

    def evaluate(self, jobs: Sequence[Job]) -> None:
        """Look at what submitted jobs depend on, and put them where they belong."""
        sorts: dict[Status, list[Job]] = {Status.PENDING: [], Status.RUNNABLE: [], Status.FAILED: []}
        for job in (each for each in jobs if not each.status.is_final):
            sorts[self._dependencies.enter(job)].append(job)
        pending = [each for job in sorts[Status.PENDING] for each in members(job)]
        fresh = [each for each in pending if each.status is Status.SUBMITTED]
        if fresh:
            self._progress.move(fresh, Status.PENDING)
        self.release(sorts[Status.RUNNABLE])
        if sorts[Status.FAILED]:
            self.fail(sorts[Status.FAILED], DEPENDENCY_FAILED)
