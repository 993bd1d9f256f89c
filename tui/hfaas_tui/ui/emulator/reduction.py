"""Hops of the emulator's trace made into what the views show: runs, their steps, and who wrote which object.

An invocation that was delegated points to its job and the job to it; both are rows. A row that is over may come
back to life: a retry, or an event that the next emulator finds in its journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui.changes import LOOK, ORIGIN
from hfaas_tui.legs import FINAL, reason
from hfaas_tui.ui.aws.batch import failure
from hfaas_tui.ui.backend import News
from hfaas_tui.ui.emulator.steps import function_of, step
from hfaas_tui.ui.model import Condition, Run, Step
from hfaas_tui.ui.state import RUNS_KEPT

TIMED_OUT = "Sandbox.Timedout"
ORIGINS = {"api": "invoke", "scheduler": "schedule", "events": "schedule"}


@dataclass(slots=True)
class Row:
    """A run that still changes: the fields of `Run`."""

    id: str
    function: str
    kind: str = "invocation"
    state: Condition = Condition.QUEUED
    origin: str = ""
    queued: float = 0
    started: float | None = None
    ended: float | None = None
    attempt: int = 0
    is_cold: bool = False
    init_ms: float = 0
    billed_ms: float = 0
    memory_mb: int = 0
    peak_mb: int = 0
    exit: int | None = None
    error_type: str = ""
    message: str = ""
    cause: str = ""
    job: str = ""
    invocation: str = ""
    queue: str = ""
    vcpus: float = 0
    gpus: int = 0
    outputs: tuple[str, ...] = ()
    sent: int = 0
    log_group: str = ""
    log_stream: str = ""
    is_stuck: bool = False
    retried: int = 0
    """The attempt after which another one comes; its failure may be told after that was decided."""

    again: float = 0
    """When that one comes."""

    steps: list[Step] = field(default_factory=list)

    def freeze(self) -> Run:
        return Run(**dict(zip(_NAMES, _VALUES(self), strict=True)))


_NAMES = [each.name for each in fields(Row) if each.name not in {"retried", "again", "steps"}]
_VALUES = attrgetter(*_NAMES)


class Reduction:
    """Fed with hops in order; knows every run that it has not had to forget."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._changed: dict[str, Row] = {}
        self._starts: dict[str, float] = {}
        self._writers: dict[str, tuple[str, str]] | None = None
        self._handlers: Mapping[What, Callable[[Hop], Row | None]] = {
            What.OBJECT_CREATED: self._object_created,
            What.OBJECT_REMOVED: self._object_removed,
            What.SPACE_CHANGED: self._object_removed,
            What.PERMISSION_GRANTED: self._granted,
            What.EVENT_QUEUED: self._queued,
            What.EVENT_THROTTLED: self._throttled,
            What.EVENT_RETRY: self._retry,
            What.EVENT_DISCARDED: self._discarded,
            What.ENVIRONMENT_STARTED: self._environment_started,
            What.ENVIRONMENT_LEASED: self._leased,
            What.INVOCATION_STARTED: self._began,
            What.INVOCATION_SUCCEEDED: self._ended,
            What.INVOCATION_FAILED: self._ended,
            What.SCRIPT_ENDED: self._script_ended,
            What.SCRIPT_STARTED: self._working,
            What.OUTPUT_UPLOADED: self._uploaded,
            What.INVOCATION_DELEGATED: self._delegated,
            What.JOB_SUBMITTED: self._job,
            What.JOB_STATE: self._job,
            What.ENDPOINT_CALLED: self._called,
        }

    def take(self, hops: Iterable[Hop]) -> News:
        """Take more of the trace and return what that changed."""
        steps = []
        for hop in hops:
            handler = self._handlers.get(hop.what)
            row = handler(hop) if handler else self._rows.get(hop.invocation)
            made = step(hop, row.id if row else "")
            steps.append(made)
            if row:
                row.steps.append(made)
        return self._told(steps)

    def interrupted(self, when: float) -> News:
        """Note that the emulator ended: what was going on is over, unless the next one takes it up again."""
        for row in self._rows.values():
            if row.ended is None:
                row.state, row.ended = Condition.STOPPED, when
                row.message = "the emulator ended before it did"
                self._changed[row.id] = row
        return self._told([])

    def run(self, name: str) -> Run | None:
        """Return what is known of a run."""
        row = self._rows.get(name)
        return row.freeze() if row else None

    def steps(self, name: str) -> tuple[Step, ...]:
        """Return what a run went through."""
        row = self._rows.get(name)
        return tuple(row.steps) if row else ()

    def _told(self, steps: list[Step]) -> News:
        runs = tuple(row.freeze() for row in self._changed.values())
        self._changed = {}
        writers, self._writers = self._writers, None
        self._forget()
        return News(runs, tuple(steps), writers)

    def _forget(self) -> None:
        excess = len(self._rows) - RUNS_KEPT
        if excess > RUNS_KEPT // 10:
            for old in [row.id for row in self._rows.values() if row.ended is not None][:excess]:
                del self._rows[old]
        if len(self._starts) > RUNS_KEPT:
            self._starts.clear()

    # --- rows

    def _row(self, hop: Hop) -> Row | None:
        """Return the row of an invocation, changed by this hop."""
        name = hop.invocation
        if not name:
            return None
        row = self._rows.get(name)
        if row is None:
            function = function_of(str(hop.detail.get("function") or "?"))
            row = Row(name, function, queued=hop.time, log_group=f"/aws/lambda/{function}")
            self._rows[name] = row
        self._changed[name] = row
        return row

    def _worker(self, hop: Hop) -> Row | None:
        """Return the row of whoever does the work now: of an invocation that was handed over, its job's."""
        row = self._rows.get(hop.invocation)
        if row is None:
            return None
        if row.job and row.ended is not None:
            row = self._rows.get(row.job, row)
        self._changed[row.id] = row
        return row

    # --- objects

    def _object_created(self, hop: Hop) -> Row | None:
        row = self._worker(hop) if hop.invocation else None
        uri = f"s3://{hop.detail.get('bucket')}/{hop.detail.get('key')}"
        self._wrote(uri, (row.function, row.id) if row else ("", ""))
        return row

    def _object_removed(self, hop: Hop) -> Row | None:
        self._writers = self._writers or {}
        return self._rows.get(hop.invocation)

    def _uploaded(self, hop: Hop) -> Row | None:
        row = self._worker(hop)
        if row:
            uri = str(hop.detail.get("url"))
            if uri not in row.outputs[-1:]:
                row.outputs = (*row.outputs, uri)
                row.sent += int(hop.detail.get("bytes") or 0) if uri.startswith("onedata://") else 0
            self._wrote(uri, (row.function, row.id))
        return row

    def _wrote(self, uri: str, who: tuple[str, str]) -> None:
        if self._writers is None:
            self._writers = {}
        self._writers[uri] = who

    # --- invocations

    def _granted(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            row.origin = f"s3://{hop.detail.get('bucket')}/{hop.detail.get('key')}"
        return row

    def _queued(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            row.state, row.started, row.ended, row.message = Condition.QUEUED, None, None, ""
            row.origin = row.origin or _origin(str(hop.detail.get("origin") or ""))
        return row

    def _throttled(self, hop: Hop) -> Row | None:
        row = self._row(hop)
        if row and hop.where == "lambda":  # somebody waited for the answer, and this is it
            row.state, row.ended = Condition.FAILED, hop.time
            row.error_type, row.message = "TooManyRequestsException", f"throttled: {hop.detail.get('limit')}"
            row.origin = row.origin or "invoke"
        elif row:
            row.message = f"waits for room: {hop.detail.get('limit')}"
        return row

    def _retry(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            failure = row.message if row.state in (Condition.FAILED, Condition.TIMED_OUT) else ""
            row.state, row.started, row.ended, row.retried = Condition.RETRYING, None, None, hop.attempt
            row.again = hop.time + float(hop.detail.get("after_s") or 0)
            row.message = _after(row.again, str(hop.detail.get("reason") or ""), failure)
        return row

    def _discarded(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            if row.state is not Condition.TIMED_OUT:
                row.state = Condition.FAILED
            row.ended = row.ended or hop.time
            row.message = row.message or str(hop.detail.get("reason") or "")
        return row

    def _environment_started(self, hop: Hop) -> Row | None:
        self._starts[str(hop.detail.get("environment"))] = float(hop.detail.get("init_ms") or 0)
        return None

    def _leased(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            row.is_cold = hop.detail.get("start") == "cold"
            row.init_ms = self._starts.pop(str(hop.detail.get("environment")), 0) if row.is_cold else 0
        return row

    def _began(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            row.state, row.started, row.ended, row.attempt = Condition.RUNNING, hop.time, None, hop.attempt
            row.error_type, row.message = "", ""
            row.origin = row.origin or "invoke"
        return row

    def _ended(self, hop: Hop) -> Row | None:
        row = self._row(hop)
        if row is None:
            return None
        detail = hop.detail
        row.billed_ms = float(detail.get("billed_ms") or 0)
        row.memory_mb = int(detail.get("memory_mb") or 0) or row.memory_mb
        row.peak_mb = max(row.peak_mb, int(detail.get("peak_mb") or 0))
        row.log_group = str(detail.get("log_group") or row.log_group)
        row.log_stream = str(detail.get("log_stream") or row.log_stream)
        row.error_type = str(detail.get("error_type") or "")
        if row.retried and row.retried >= hop.attempt:
            if row.state is Condition.RETRYING:
                row.message = _after(row.again, row.error_type, str(detail.get("message") or ""))
            return row
        row.ended = hop.time
        if hop.what is What.INVOCATION_FAILED:
            row.state = Condition.TIMED_OUT if row.error_type == TIMED_OUT else Condition.FAILED
            row.message = str(detail.get("message") or "")
        else:
            row.state = Condition.TIMED_OUT if row.cause == "time" else Condition.OK
        return row

    def _working(self, hop: Hop) -> Row | None:
        return self._worker(hop)

    def _script_ended(self, hop: Hop) -> Row | None:
        row = self._worker(hop)
        if row and hop.detail.get("exit") is not None:
            row.exit = int(hop.detail["exit"])
        return row

    def _delegated(self, hop: Hop) -> Row | None:
        if row := self._row(hop):
            row.job = str(hop.detail.get("job") or row.job)
            row.cause = str(hop.detail.get("cause") or "").partition(" ")[0]
            if row.state is Condition.OK and row.cause == "time":
                row.state = Condition.TIMED_OUT
            if job := self._rows.get(row.job):
                job.cause = row.cause
                self._changed[job.id] = job
        return row

    def _called(self, hop: Hop) -> Row | None:
        row = self._rows.get(hop.invocation)
        if row:
            row.origin = "api"
            self._changed[row.id] = row
        return row

    # --- jobs

    def _job(self, hop: Hop) -> Row | None:
        name = str(hop.detail.get("job") or hop.invocation)
        row = self._rows.get(name) or self._new_job(name, hop)
        self._changed[name] = row
        row.attempt = max(hop.attempt, row.attempt)
        if hop.what is What.JOB_STATE:
            self._enter(row, hop, str(hop.detail.get("status") or ""))
        return row

    def _new_job(self, name: str, hop: Hop) -> Row:
        function = str(hop.detail.get("function") or hop.detail.get("name") or "?")
        row = Row(name, function, "job", queued=hop.time, queue=str(hop.detail.get("queue") or ""))
        self._rows[name] = row
        parent = _parent(name)
        row.origin = "submitted"
        if hop.invocation != parent:
            row.invocation = hop.invocation
            if first := self._rows.get(hop.invocation):
                row.origin, row.cause = first.origin, first.cause
                if parent == name:
                    first.job = name
                    self._changed[first.id] = first
        return row

    def _enter(self, row: Row, hop: Hop, status: str) -> None:
        detail = hop.detail
        row.message = reason(detail, status) or str(detail.get("note") or "")
        row.memory_mb = int(detail.get("memory_mb") or 0) or row.memory_mb
        row.peak_mb = max(row.peak_mb, int(detail.get("peak_mb") or 0))
        row.log_group = str(detail.get("log_group") or row.log_group)
        row.log_stream = str(detail.get("log_stream") or row.log_stream)
        row.is_stuck = bool(detail.get("stuck")) and status not in FINAL
        row.exit = detail.get("exit") if detail.get("exit") is not None else row.exit
        if status in FINAL:
            row.started = _seconds(detail.get("started")) or row.started
            row.ended = _seconds(detail.get("stopped")) or hop.time
            row.state = (
                Condition.OK
                if status == "SUCCEEDED"
                else failure(str(detail.get("reason") or ""), has_begun=row.started is not None)
            )
            row.error_type = "" if row.state is Condition.OK else "JobFailed"
            return
        row.ended = None
        if status == "RUNNING":
            row.state, row.started = Condition.RUNNING, _seconds(detail.get("started")) or hop.time
            self._wake_parent(row)
        elif row.kind == "job" and not (row.state is Condition.RUNNING and status == "PENDING"):
            row.state, row.started = Condition.QUEUED, None
            row.message = row.message or ("" if status == "SUBMITTED" else status)

    def _wake_parent(self, row: Row) -> None:
        """Let an array run while its children do: its own state says no more than that it waits for them."""
        parent = self._rows.get(_parent(row.id))
        if parent and parent is not row and parent.state is Condition.QUEUED:
            parent.state, parent.started, parent.message = Condition.RUNNING, row.started, ""
            self._changed[parent.id] = parent


def _after(again: float, reason: str, failure: str) -> str:
    """Say when a failed event is tried again, and what failed."""
    at = time.strftime("%H:%M:%S", time.localtime(again))
    first = failure.partition("\n")[0]
    return f"tried again at {at}, after {reason}" + (f": {first}" if first else "")


def _origin(told: str) -> str:
    if told.startswith(ORIGIN):
        return f"onedata:/{told.removeprefix(ORIGIN)}"
    if told.startswith(LOOK):
        return f"onedata://{told.removeprefix(LOOK)}"
    if told.startswith("s3:"):
        return f"s3://{told.removeprefix('s3:')}"
    return ORIGINS.get(told, told)


def _parent(job: str) -> str:
    return job.partition(":")[0].partition("#")[0]


def _seconds(ms: Any) -> float | None:
    return float(ms) / 1000 if ms else None
