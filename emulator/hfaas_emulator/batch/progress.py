"""Moves jobs from state to state: first on disk, then told to the trace, the ledger of idleness and EventBridge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hfaas_emulator.batch.families import members
from hfaas_emulator.batch.job import Status
from hfaas_emulator.batch.ledger import Ledger
from hfaas_emulator.batch.state import Job
from hfaas_emulator.idle import Idle
from hfaas_emulator.trace import Trace, What

Announce = Callable[[Job], None]


class Progress:
    """The only one that changes a job's state."""

    def __init__(self, ledger: Ledger, trace: Trace, idle: Idle, announce: Announce) -> None:
        self._ledger = ledger
        self._trace = trace
        self._idle = idle
        self._announce = announce

    def submitted(self, job: Job) -> None:
        """Tell of a job whose row was just written."""
        self._enter(job)
        self._tell([job])

    def resumed(self, job: Job) -> None:
        """Tell of an unfinished job that an earlier emulator left."""
        self._enter(job)
        for each in (job, *job.nodes, *job.children):
            if not each.status.is_final:
                self._hop(each, What.JOB_STATE, **_state(each))

    def _enter(self, job: Job) -> None:
        self._hop(job, What.JOB_SUBMITTED)
        self._idle.begin("job", job.id, _sentence(job))

    def move(self, jobs: Sequence[Job], status: Status, **changes: Any) -> None:
        """Move jobs to a state, all in one transaction; StateError, and nothing has changed, when that fails."""
        before = [{name: getattr(job, name) for name in ("status", *changes)} for job in jobs]
        self._set(jobs, [{"status": status, **changes}] * len(jobs))
        try:
            self._ledger.write(jobs)
        except BaseException:
            self._set(jobs, before)
            raise
        self._tell(jobs)

    def mark(self, job: Job, **changes: Any) -> None:
        """Write down what was decided about a job whose state stays."""
        before = {name: getattr(job, name) for name in changes}
        self._set([job], [changes])
        try:
            self._ledger.write([job])
        except BaseException:
            self._set([job], [before])
            raise

    def _set(self, jobs: Sequence[Job], changes: Sequence[dict[str, Any]]) -> None:
        for job, each in zip(jobs, changes, strict=True):
            if job.index is not None and job.parent and "status" in each:
                job.parent.summary[job.status] -= 1
                job.parent.summary[each["status"]] += 1
            for name, value in each.items():
                setattr(job, name, value)

    def waits(self, jobs: Sequence[Job]) -> None:
        """Tell why jobs wait, and of the arrays that can do nothing else than wait with them."""
        arrays = {job.parent: job for job in jobs if job.parent}
        for member in (each for job in jobs for each in members(job)):
            self._hop(member, What.JOB_STATE, **_state(member))
        for parent, child in arrays.items():
            parent.wait = child.wait
            if parent.is_stuck and parent.told != child.told:
                parent.told = child.told
                self._hop(parent, What.JOB_STATE, **_state(parent))
        self._enter_idle(jobs)

    def _tell(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._hop(job, What.JOB_STATE, **_state(job))
            if job.node is None:
                self._announce(job)
        self._enter_idle(jobs)

    def _enter_idle(self, jobs: Sequence[Job]) -> None:
        for top in {job.parent or job for job in jobs}:
            if top.status.is_final:
                self._idle.end("job", top.id)
            else:
                self._idle.begin("job", top.id, _sentence(top))

    def _hop(self, job: Job, what: What, **detail: Any) -> None:
        submission = job.submission
        own = submission.invocation or submission.id
        named = {"job": job.id, "name": job.name, "queue": submission.queue.rpartition("/")[2]}
        if function := _function(job):
            named["function"] = function
        self._trace.hop(
            "batch",
            what,
            run=submission.run or submission.id,
            invocation=own,
            attempt=job.attempt,
            **named,
            **detail,
        )

    def problem(self, job: Job, message: str) -> None:
        """Tell of something that should not happen."""
        self._hop(job, What.PROBLEM, message=message)


def _function(job: Job) -> str:
    """Return the function that a job does the work of, or nothing."""
    name = job.submission.definition_name
    is_function = job.submission.invocation or job.task.log_group == f"/aws/lambda/{name}"
    return name if is_function else ""


def _state(job: Job) -> dict[str, Any]:
    return {
        "status": str(job.status),
        "reason": job.reason,
        "container_reason": job.current.reason,
        "exit": job.current.exit,
        "log_group": job.task.log_group,
        "log_stream": job.current.log_stream,
        "peak_mb": job.current.peak_mb,
        "memory_mb": job.lease.memory_mb if job.lease else job.task.resources.memory_mb,
        "started": job.started,
        "stopped": job.stopped,
        "note": job.note,
        "stuck": job.is_stuck,
    }


def _sentence(job: Job) -> str:
    parts = [job.name, str(job.status)]
    if job.is_array:
        parts.append(", ".join(f"{count} {status}" for status in Status if (count := job.summary[status])))
    elif job.status is Status.PENDING:
        parts.append("waits for other jobs")
    if job.reason:
        parts.append(job.reason)
    return ": ".join(parts)
