"""Log events and jobs made into what the views show: runs, their steps, log lines, and who wrote which object.

AWS keeps no trace. What an invocation did stands in its log: Lambda's START and REPORT lines, and those in which our
supervisor says what it uploads and to which job it hands over. Batch tells the rest of a job.

    START, REPORT, Task timed out     begin, end, figures
    SCRIPT, UPLOAD, DELEGATED         steps, outputs, the other leg
    ERROR                             why it failed
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hfaas_emulator.logs.whose import START, Whose, level
from hfaas_tui.delegation import because
from hfaas_tui.jobs import Job
from hfaas_tui.ui.aws import batch
from hfaas_tui.ui.aws.tails import Event
from hfaas_tui.ui.backend import News
from hfaas_tui.ui.model import Condition, LogLine, Run, Step
from hfaas_tui.ui.safe import duration
from hfaas_tui.ui.state import RUNS_KEPT
from hfaas_tui.units import size

FIGURE = re.compile(r"(Billed Duration|Init Duration|Duration|Memory Size|Max Memory Used): ([\d.]+) (?:ms|MB)")
STATUS = re.compile(r"\tStatus: (\w+)")
ERROR_TYPE = re.compile(r"\tError Type: (\S+)")
OVERTIME = re.compile(r"Task timed out after [\d.]+ seconds")
SCRIPT = re.compile(r"SCRIPT RequestId: \S+ Item: (\d+) (?:Start|Exit: (-?\d+) Duration: ([\d.]+) ms)")
UPLOAD = re.compile(r"UPLOAD RequestId: \S+ Url: (\S.*) Bytes: (\d+)")
DELEGATED = re.compile(r"DELEGATED RequestId: \S+ JobId: (\S+) Cause: (\w+)(?: after ([\d.]+) s)?")
OURS = re.compile(r"[\d:,. -]{8,40} - supervisor - (ERROR|DEBUG) - (.*)", re.DOTALL)
FAILED = re.compile(r"(?:\[ERROR\] )?([A-Z][\w.]*): (.*)", re.DOTALL)
FETCHING = "fetching "
CRASH = re.compile(r"RequestId: \S+ Error: (.*)", re.DOTALL)

REPORT = "REPORT RequestId: "

JOB_STATES = {
    "SUBMITTED": Condition.QUEUED,
    "PENDING": Condition.QUEUED,
    "RUNNABLE": Condition.QUEUED,
    "STARTING": Condition.QUEUED,
    "RUNNING": Condition.RUNNING,
    "SUCCEEDED": Condition.OK,
}
BAD = {Condition.FAILED, Condition.TIMED_OUT}
STEPS_OF_A_RUN = 500
JOB_FAILED = "JobFailed"
LONGEST_S, LATE_S = 900, 300
"""How long an invocation may take on AWS, and how late its last line may come."""

CAN_NEVER_START = "MISCONFIGURATION:"

EARLY_LOOKS, EARLY_LINES = 10, 10_000
"""How often Batch is awaited to tell of a job whose log is there, and how many lines wait for that at most."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event of a function's log group, and the run or job that it belongs to."""

    function: str
    group: str
    request: str
    event: Event
    looks: int = 0
    """Times that Batch was asked since, and did not tell of the job."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the supervisor left in the variables of a job that it submitted."""

    request: str = ""
    cause: str = ""

    @classmethod
    def of(cls, job: Job) -> Origin:
        """Read them; empty for a job that somebody else submitted."""
        variables = job.variables
        try:
            told = json.loads(variables.get("HFAAS_ORIGIN", "") or "{}")
        except ValueError:
            told = {}
        cause = str(told.get("cause", "")) if isinstance(told, dict) else ""
        return cls(variables.get("AWS_LAMBDA_REQUEST_ID", ""), cause)


class Reading:
    """Fed with what a look found; `told` gives what that changed. Belongs to one thread, but for `run` and `steps`."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._steps: dict[str, tuple[Step, ...]] = {}
        self._whose: dict[tuple[str, str], Whose] = {}
        self._streams: dict[tuple[str, str], tuple[str, str]] = {}
        self._changed: dict[str, None] = {}
        self._new_steps: list[Step] = []
        self._lines: list[LogLine] = []
        self._writers: dict[str, tuple[str, str]] = {}
        self._early: deque[Line] = deque(maxlen=EARLY_LINES)
        self._seq = 0

    def run(self, name: str) -> Run | None:
        """Return what is known of a run."""
        return self._runs.get(name)

    def runs(self) -> list[Run]:
        """Return all runs, in the order they were met."""
        return list(self._runs.values())

    def steps(self, name: str) -> tuple[Step, ...]:
        """Return what a run went through."""
        return self._steps.get(name, ())

    @property
    def is_busy(self) -> bool:
        """Tell whether something is under way."""
        return any(not run.is_over for run in self._runs.values())

    def told(self) -> tuple[News | None, list[LogLine]]:
        """Return what was learnt since the last time; None for no news."""
        runs = tuple(self._runs[name] for name in self._changed)
        news = News(runs, tuple(self._new_steps), dict(self._writers) or None)
        lines = sorted(self._lines, key=lambda line: line.time)  # of several groups
        has_news = bool(runs or self._new_steps)
        self._changed, self._new_steps, self._lines, self._writers = {}, [], [], {}
        self._forget()
        return (news if has_news else None), lines

    def _forget(self) -> None:
        if (excess := len(self._runs) - RUNS_KEPT) > RUNS_KEPT // 10:
            for old in [run.id for run in self._runs.values() if run.is_over][:excess]:
                del self._runs[old]
                self._steps.pop(old, None)

    def overdue(self, now: float) -> None:
        """Give up invocations whose end nobody logged, though Lambda's own limit is over."""
        for run in [run for run in self._runs.values() if run.kind == "invocation" and not run.is_over]:
            began = run.started or run.queued
            if now - began > LONGEST_S + LATE_S:
                message = "its REPORT line never came"
                self._put(replace(run, state=Condition.STOPPED, ended=began + LONGEST_S, message=message))

    # --- rows

    def _put(self, run: Run) -> None:
        if self._runs.get(run.id) != run:
            self._runs[run.id] = run
            self._changed[run.id] = None

    def _step(self, run: Run, at: float, what: str, text: str, state: Condition = Condition.NONE) -> None:
        self._seq += 1
        step = Step(at, what, text, state, run.id, self._seq)
        self._steps[run.id] = (*self._steps.get(run.id, ()), step)[-STEPS_OF_A_RUN:]
        self._new_steps.append(step)

    # --- logs

    def take(self, function: str, group: str, events: Iterable[Event]) -> None:
        """Take what a function's log group has got."""
        for event in events:
            whose = self._whose_line(group, event.stream)
            request = whose.take(event.message)
            if (
                not request and not whose.is_job and event.message.startswith(REPORT)
            ):  # it began before our first look
                request = event.message[len(REPORT) :].partition("\t")[0]
            text = event.message.rstrip("\n")
            told = level(text) or ("ERROR" if OVERTIME.search(text) else "")
            self._lines += [
                LogLine(event.time, function, request, told, line.encode(errors="replace"))
                for line in text.split("\n")
            ]
            if request:
                self._learn(Line(function, group, request, event))

    def _whose_line(self, group: str, stream: str) -> Whose:
        at = (group, stream)
        whose = self._whose.get(at)
        if whose is None or (whose.is_job and not whose.request and at in self._streams):
            whose = self._whose[at] = Whose(group, stream, self._streams.get(at))
        return whose

    def _learn(self, line: Line) -> None:
        name, event = line.request.removeprefix("job:"), line.event
        run = self._runs.get(name)
        if run is None:
            if line.request != name:  # a job that began after Batch was asked: the next look tells of it
                if line.looks < EARLY_LOOKS:
                    self._early.append(line)
                return
            run = Run(name, line.function, "invocation", Condition.RUNNING, queued=event.time, started=event.time)
        if not run.log_stream:
            run = replace(run, log_group=line.group, log_stream=event.stream)
        self._put(self._changed_by(run, event, event.message.rstrip("\n")))

    def _changed_by(self, run: Run, event: Event, text: str) -> Run:
        """Return a run as one more line of its log makes it."""
        if run.kind == "invocation":
            if text.startswith(START):
                return self._began(run, event)
            if text.startswith(REPORT):
                return self._reported(run, event.time, text)
            if found := OVERTIME.search(text):
                return replace(run, state=Condition.TIMED_OUT, error_type="Sandbox.Timedout", message=found[0])
        if found := UPLOAD.match(text):
            return self._uploaded(run, event.time, found[1], int(found[2]))
        if found := SCRIPT.match(text):
            return self._ran(run, event.time, found)
        if found := DELEGATED.match(text):
            return self._delegated(run, event.time, found)
        return self._said(run, text)

    def _began(self, run: Run, event: Event) -> Run:
        if run.attempt:  # the same request once more: Lambda tries again what failed
            run = replace(run, error_type="", message="", outputs=())
        run = replace(
            run,
            state=Condition.RUNNING,
            started=event.time,
            ended=None,
            attempt=run.attempt + 1,
            log_stream=event.stream,
            origin=run.origin,
        )
        self._step(run, event.time, "invocation.started", f"in {run.function}", Condition.RUNNING)
        return run

    def _reported(self, run: Run, at: float, text: str) -> Run:
        figures = {name: float(value) for name, value in FIGURE.findall(text)}
        status, kind = STATUS.search(text), ERROR_TYPE.search(text)
        state = Condition.FAILED if run.error_type or (status and status[1] == "error") else Condition.OK
        if (status and status[1] == "timeout") or run.state is Condition.TIMED_OUT or run.cause == "time":
            state = Condition.TIMED_OUT
        took = figures.get("Duration", 0.0)
        run = replace(
            run,
            state=state,
            started=run.started if run.attempt else at - took / 1000,
            queued=run.queued if run.attempt else at - took / 1000,
            ended=at,
            attempt=run.attempt or 1,
            billed_ms=figures.get("Billed Duration", 0.0),
            memory_mb=int(figures.get("Memory Size", 0)),
            peak_mb=int(figures.get("Max Memory Used", 0)),
            init_ms=figures.get("Init Duration", 0.0),
            is_cold="Init Duration" in figures,
            error_type=kind[1] if kind and not run.error_type else run.error_type,
        )
        if state in BAD and not run.job:
            what, said = "invocation.failed", f"{run.error_type}: {run.message}  " if run.error_type else ""
        else:
            what, said = "invocation.succeeded", ""
        memory = f"{run.peak_mb} of {run.memory_mb} MB"
        self._step(run, at, what, f"{said}{duration(took / 1000)}, {memory}", state)
        return run

    def _uploaded(self, run: Run, at: float, uri: str, count: int) -> Run:
        self._writers[uri] = run.function, run.id
        self._step(run, at, "output.uploaded", f"{uri}  {size(count)}", Condition.OK)
        if uri in run.outputs[-1:]:
            return run
        sent = count if uri.startswith("onedata://") else 0
        return replace(run, outputs=(*run.outputs, uri), sent=run.sent + sent)

    def _ran(self, run: Run, at: float, found: re.Match[str]) -> Run:
        item, code, ms = found.groups()
        if code is None:
            self._step(run, at, "script.started", f"item {item}")
            return run
        took = duration(float(ms) / 1000)
        self._step(run, at, "script.ended", f"item {item}, exit {code}, {took}")
        return replace(run, exit=int(code))

    def _delegated(self, run: Run, at: float, found: re.Match[str]) -> Run:
        job, cause, seconds = found.groups()
        self._step(run, at, "invocation.delegated", f"to job {job}: {because(cause, seconds)}")
        if leg := self._runs.get(job):
            self._put(replace(leg, cause=cause, invocation=run.id))
        return replace(run, job=job, cause=cause)

    def _said(self, run: Run, text: str) -> Run:
        """Take over why it failed, and what it reads, from what supervisor, runtime and Lambda say of it."""
        if found := OURS.match(text):
            if found[1] == "DEBUG":
                uri = found[2].removeprefix(FETCHING) if found[2].startswith(FETCHING) else ""
                return replace(run, origin=uri) if "://" in uri and not run.origin else run
            text = found[2]
        elif crash := CRASH.match(text):
            return replace(
                run, error_type=run.error_type or "Runtime.ExitError", message=crash[1].partition("\n")[0]
            )
        elif not text.startswith("[ERROR] "):
            return run
        if run.error_type not in {"", JOB_FAILED} or not (error := FAILED.match(text)):
            return run
        return replace(run, error_type=error[1], message=error[2])

    # --- jobs

    def jobs(self, jobs: Iterable[Job]) -> None:
        """Take what Batch tells of jobs, and what those of them have logged whose lines came first."""
        for job in jobs:
            self._take_job(job)
        early = [*self._early]
        self._early.clear()
        for line in early:
            self._learn(replace(line, looks=line.looks + 1))

    def _take_job(self, job: Job) -> None:
        function = job.definition.partition(":")[0]
        for group, stream in _streams(job):
            self._streams[group, stream] = job.id, function
        before = self._runs.get(job.id)
        run = _of_job(before or Run(job.id, function, "job"), job, Origin.of(job))
        first = self._runs.get(run.invocation)
        if first is not None:
            run = replace(run, origin=run.origin or first.origin, cause=run.cause or first.cause)
            if first.job != run.id:
                self._put(replace(first, job=run.id, cause=first.cause or run.cause))
        if before is None or before.state is not run.state:
            self._step(
                run, _moment(job), "job.state", f"job {job.id} {job.status}: {job.why}".rstrip(": "), run.state
            )
        self._put(run)

    def unfinished(self) -> list[str]:
        """Return the jobs that are not over."""
        return [run.id for run in self._runs.values() if run.kind == "job" and not run.is_over]

    def note(self, name: str, changes: Mapping[str, str]) -> None:
        """Add to a run what this window knows of it."""
        if run := self._runs.get(name):
            self._put(replace(run, origin=changes.get("origin", run.origin)))


def _moment(job: Job) -> float:
    return (job.stopped or job.started or job.created) / 1000


def _of_job(run: Run, job: Job, origin: Origin) -> Run:
    """Return a run as Batch tells of its job."""
    state = JOB_STATES.get(job.status) or batch.failure(job.reason, has_begun=job.started is not None)
    vcpus, gpus = batch.resources(job)
    group, stream = job.log
    return replace(
        run,
        state=state,
        queued=job.created / 1000,
        started=job.started / 1000 if job.started else None,
        ended=(job.stopped or job.started or job.created) / 1000 if job.is_final else None,
        attempt=max(job.attempts, run.attempt),
        exit=job.exit if job.exit is not None else run.exit,
        error_type="" if state is not Condition.FAILED else (run.error_type or JOB_FAILED),
        message=_message(run, job, state),
        cause=run.cause or origin.cause,
        invocation=run.invocation or origin.request,
        origin=run.origin or ("" if origin.request else "submitted"),
        queue=job.queue,
        vcpus=vcpus,
        gpus=gpus,
        memory_mb=batch.memory(job),
        log_group=group,
        log_stream=stream or run.log_stream,
        is_stuck=job.reason.startswith(CAN_NEVER_START) and not job.is_final,
    )


def _message(run: Run, job: Job, state: Condition) -> str:
    if state in BAD or state is Condition.STOPPED:
        return run.message if run.error_type not in {"", JOB_FAILED} else job.why
    if state is Condition.QUEUED:
        return job.reason or ("" if job.status == "SUBMITTED" else job.status)
    return job.note


def _streams(job: Job) -> Iterable[tuple[str, str]]:
    """Yield the log streams of all attempts of a job."""
    group, current = job.log
    attempts = (each.get("container", {}).get("logStreamName", "") for each in job.document.get("attempts", ()))
    return [(group, stream) for stream in {current, *attempts} if stream]
