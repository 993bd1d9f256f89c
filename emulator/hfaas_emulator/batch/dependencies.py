"""Who waits for whom: `dependsOn` as a count of unmet jobs, kept from their ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hfaas_emulator.batch.job import Dependency, Kind, Status, Submission
from hfaas_emulator.batch.state import Job
from hfaas_emulator.errors import AwsError


@dataclass(slots=True)
class Released:
    """Whom the end of a job set free, and whom it takes with it."""

    ready: list[Job] = field(default_factory=list)
    doomed: list[Job] = field(default_factory=list)


class Dependencies:
    """Unmet dependencies of jobs and children; `find` looks a job up."""

    def __init__(self, find: Callable[[str], Job | None]) -> None:
        self._find = find
        self._unmet: dict[str, int] = {}
        self._waiting: dict[str, list[Job]] = {}

    def check(self, submission: Submission) -> None:
        """Refuse dependencies that cannot be met: AwsError ClientException."""
        for dependency in submission.dependencies:
            if said := self._objection(submission, dependency):
                raise AwsError("ClientException", said)

    def _objection(self, submission: Submission, dependency: Dependency) -> str:
        if dependency.kind is Kind.SEQUENTIAL:
            return "" if submission.array else "A SEQUENTIAL dependency is only valid for array jobs"
        other = self._find(dependency.job)
        mine = submission.account, submission.region
        if other is None or (other.submission.account, other.submission.region) != mine:
            return f"Job {dependency.job} that the job depends on does not exist"
        if dependency.kind is not Kind.N_TO_N:
            return ""
        if not submission.array or not other.is_array:
            return "A N_TO_N dependency is only valid between array jobs"
        size = other.submission.array
        same = f"the array of {dependency.job} has {size} children, this one {submission.array}"
        return "" if size == submission.array else f"A N_TO_N dependency is only valid between equal sizes: {same}"

    def enter(self, job: Job) -> Status:
        """Note what a job waits for: RUNNABLE when that is nothing, FAILED when it failed already, else PENDING."""
        unmet = []
        for name in _prerequisites(job):
            other = self._find(name)
            if other and other.status is Status.FAILED:
                return Status.FAILED
            if other and not other.status.is_final:  # one that is forgotten has succeeded: its failure fails others
                unmet.append(name)
        for name in unmet:
            self._waiting.setdefault(name, []).append(job)
        if unmet:
            self._unmet[job.id] = len(unmet)
        return Status.PENDING if unmet else Status.RUNNABLE

    def ended(self, job: Job) -> Released:
        """Tell who may go on and who fails, now that a job is final."""
        released = Released()
        for waiting in self._waiting.pop(job.id, ()):
            unmet = self._unmet.pop(waiting.id, 0)
            if not unmet or waiting.status.is_final:
                continue
            if job.status is Status.FAILED:
                released.doomed.append(waiting)
            elif unmet == 1:
                released.ready.append(waiting)
            else:
                self._unmet[waiting.id] = unmet - 1
        return released


def _prerequisites(job: Job) -> Iterator[str]:
    """Yield the jobs and children that must succeed before this one, each once."""
    names = (_prerequisite(job, each) for each in job.submission.dependencies)
    yield from dict.fromkeys(filter(None, names))


def _prerequisite(job: Job, dependency: Dependency) -> str:
    match dependency.kind:
        case Kind.N_TO_N:
            return f"{dependency.job}:{job.index}"
        case Kind.SEQUENTIAL:
            return f"{job.submission.id}:{job.index - 1}" if job.index else ""
    return dependency.job
