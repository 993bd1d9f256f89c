"""All jobs by their ids, and their rows in the journal.

A job has two rows: `ID/`, written once, holds what was submitted; `ID` holds how it stands and is written before a
change is told to anybody. Children (`ID:3`) and nodes (`ID#1`) have only the second, and none before it says more
than that they were submitted.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hfaas_emulator.batch.capacity import Lease
from hfaas_emulator.batch.families import grow
from hfaas_emulator.batch.job import (
    Attempt,
    Dependency,
    Kind,
    Resources,
    Retry,
    Rule,
    Status,
    Submission,
    Task,
)
from hfaas_emulator.batch.state import Current, Job
from hfaas_emulator.journal import Change, Delete, Journal, Put, Table

FRESH = Current()


class Ledger:
    """Jobs that are not done, and those that AWS would still remember."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._jobs: dict[str, Job] = {}
        self._submitted: dict[str, Job] = {}
        self._number = 0

    def add(self, submission: Submission) -> Job:
        """Enter a job and write it down with its children and nodes."""
        job = grow(submission, self._number + 1)
        self._journal.write([Put(Table.JOB, f"{job.id}/", _dump_submission(job)), _put(job)])
        self._enter(job)
        return job

    def _enter(self, job: Job) -> None:
        self._number = max(self._number, job.order[0])
        self._submitted[job.id] = job
        for each in (job, *job.children, *job.nodes):
            self._jobs[each.id] = each

    def write(self, jobs: Iterable[Job]) -> None:
        """Write down how jobs stand, all or none."""
        self._journal.write([_put(job) for job in jobs])

    def find(self, id: str) -> Job | None:
        """Return a job, child or node."""
        return self._jobs.get(id)

    def all(self) -> Iterator[Job]:
        """Yield all jobs, children and nodes."""
        yield from tuple(self._jobs.values())

    def submitted(self) -> Iterator[Job]:
        """Yield the jobs that were submitted, oldest first, without their children and nodes."""
        yield from tuple(self._submitted.values())

    def load(self) -> None:
        """Read what an earlier emulator wrote."""
        rows = dict(self._journal.rows(Table.JOB))
        jobs = [_load_submission(row) for key, row in rows.items() if key.endswith("/")]
        for job in sorted(jobs, key=lambda each: each.order):
            self._enter(job)
        for key, row in rows.items():
            if known := self._jobs.get(key):
                _load_state(known, json.loads(row))
        for job in self._submitted.values():
            job.summary.clear()
            job.summary.update(child.status for child in job.children)

    def drop(self, job: Job) -> None:
        """Forget a submitted job with its children and nodes."""
        family = (job, *job.children, *job.nodes)
        changes: list[Change] = [Delete(Table.JOB, f"{job.id}/")]
        self._journal.write(changes + [Delete(Table.JOB, each.id) for each in family])
        del self._submitted[job.id]
        for each in family:
            del self._jobs[each.id]


def _put(job: Job) -> Put:
    return Put(Table.JOB, job.id, json.dumps(_state(job), separators=(",", ":")).encode())


def _state(job: Job) -> dict[str, Any]:
    """Return what a row says; what is as it was at the start is left out, because there may be 10,000 children."""
    state = {
        "status": str(job.status),
        "said": job.said,
        "note": job.note,
        "environment": job.environment,
        "attempts": [_fields(each) for each in job.attempts],
        "started": job.started,
        "stopped": job.stopped,
        "current": _fields(job.current) if job.current != FRESH else (),
        "lease": _fields(job.lease) if job.lease else (),
        "is_cancelled": job.is_cancelled,
        "is_terminated": job.is_terminated,
        "is_overdue": job.is_overdue,
    }
    return {key: value for key, value in state.items() if value or (value == 0 and value is not False)}


def _fields(data: Attempt | Current | Lease) -> list[Any]:
    """Return the values of a dataclass in their order; `astuple` takes 20 times as long, for copies of everything."""
    return [getattr(data, name) for name in data.__slots__]


def _load_state(job: Job, state: Mapping[str, Any]) -> None:
    simple = ("said", "note", "environment", "started", "stopped", "is_cancelled", "is_terminated", "is_overdue")
    for name in simple:
        setattr(job, name, state.get(name, getattr(job, name)))
    job.status = Status(state["status"])
    job.attempts = tuple(Attempt(*each) for each in state.get("attempts", ()))
    job.current = Current(*state.get("current", ()))
    if lease := state.get("lease"):
        *rest, gpus = lease
        job.lease = Lease(*[*rest, tuple(gpus)])


def _dump_submission(job: Job) -> bytes:
    return json.dumps({"number": job.order[0], "submission": dataclasses.asdict(job.submission)}).encode()


def _load_submission(row: bytes) -> Job:
    told = json.loads(row)
    fields = told["submission"]
    fields["tasks"] = tuple(_load_task(each) for each in fields["tasks"])
    fields["retry"] = Retry(fields["retry"]["attempts"], tuple(Rule(**each) for each in fields["retry"]["rules"]))
    waits = fields["dependencies"]
    fields["dependencies"] = tuple(Dependency(each["job"], Kind(each["kind"])) for each in waits)
    return grow(Submission(**fields), told["number"])


def _load_task(task: dict[str, Any]) -> Task:
    return Task(**{**task, "resources": Resources(**task["resources"]), "command": tuple(task["command"])})
