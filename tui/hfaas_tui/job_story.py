"""One job in lines for people: what it is, how far, why, and with what."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from hfaas_tui.delegation import because
from hfaas_tui.jobs import Job, Jobs
from hfaas_tui.output import duration

SHOWN_CHILDREN = 20

Line = tuple[str, str]
"""A label and what it labels."""


def lines(job: Job, jobs: Jobs) -> Iterator[Line]:
    """Yield everything worth knowing of a job, each line with its label."""
    yield "job", job.id
    yield "name", job.name
    yield "status", job.status
    yield ("waits for" if not job.is_final and job.reason and job.started is None else "reason"), job.why
    yield "note", job.note
    yield from _origin(job)
    yield "queue", job.queue
    yield "definition", job.definition
    yield from _times(job)
    yield from _dependencies(job, jobs)
    yield from _task(job)
    yield from _attempts(job)
    yield from _inside(job, jobs)
    yield from _log(job)


def _origin(job: Job) -> Iterator[Line]:
    """Tell who delegated it: the supervisor leaves the request's id and the cause in its environment."""
    request = job.variables.get("AWS_LAMBDA_REQUEST_ID")
    if not request:
        return
    function = job.definition.partition(":")[0]
    cause = _cause(job.variables.get("HFAAS_ORIGIN", ""))
    yield "origin", f"delegated by {function}" + (f" because {cause}" if cause else "")
    yield "request", f"{request}; `hfaas logs {function} --request-id {request}` shows both legs"


def _cause(origin: str) -> str:
    try:
        told = json.loads(origin)
    except ValueError:
        return ""
    return because(str(told.get("cause", "")), told.get("seconds")) if isinstance(told, dict) else ""


def _times(job: Job) -> Iterator[Line]:
    yield "created", _moment(job.created)
    if job.started:
        waited = duration((job.started - job.created) / 1000)
        yield "started", f"{_moment(job.started)}, after {waited}"
    if job.stopped:
        ran = f", ran {duration((job.stopped - job.started) / 1000)}" if job.started else ""
        yield "stopped", _moment(job.stopped) + ran


def _moment(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))


def _dependencies(job: Job, jobs: Jobs) -> Iterator[Line]:
    wanted = job.document.get("dependsOn", ())
    status = {each.id: each.status for each in jobs.describe(each["jobId"] for each in wanted if "jobId" in each)}
    for each in wanted:
        other = each.get("jobId", "its own child before")
        words = [other, each.get("type", ""), status.get(other, "")]
        yield "depends on", " ".join(word for word in words if word)


def _task(job: Job) -> Iterator[Line]:
    yield "resources", _resources(job)
    yield "image", job.container.get("image", "")
    yield "command", " ".join(job.container.get("command", ()))
    if seconds := job.document.get("timeout", {}).get("attemptDurationSeconds"):
        yield "time limit", f"{duration(seconds)} for each attempt"


def _resources(job: Job) -> str:
    asked = {each["type"]: each["value"] for each in job.container.get("resourceRequirements", ())}
    vcpus = asked.get("VCPU") or job.container.get("vcpus")
    memory = asked.get("MEMORY") or job.container.get("memory")
    words = [f"{vcpus} vCPU" if vcpus else "", f"{memory} MB" if memory else ""]
    return ", ".join(word for word in [*words, f"{asked['GPU']} GPU" if "GPU" in asked else ""] if word)


def _attempts(job: Job) -> Iterator[Line]:
    most = job.document.get("retryStrategy", {}).get("attempts", 1)
    ended: Sequence[dict[str, Any]] = job.document.get("attempts", ())
    if job.attempts:
        yield "attempts", f"{job.attempts} of {max(most, job.attempts)}"
    for number, each in enumerate(ended, 1):
        yield f"attempt {number}", _attempt(each)


def _attempt(attempt: dict[str, Any]) -> str:
    container = attempt.get("container", {})
    words = [f"exit {container['exitCode']}"] if "exitCode" in container else []
    words += [each for each in (container.get("reason"), attempt.get("statusReason")) if each]
    if attempt.get("startedAt") and attempt.get("stoppedAt"):
        words.append(f"ran {duration((attempt['stoppedAt'] - attempt['startedAt']) / 1000)}")
    return ", ".join([*words, *([container["logStreamName"]] if container.get("logStreamName") else [])])


def _inside(job: Job, jobs: Jobs) -> Iterator[Line]:
    if job.is_array:
        yield "array", f"{job.document['arrayProperties']['size']} children: {job.counts or 'none yet'}"
    elif job.is_group:
        nodes = job.document["nodeProperties"]
        yield "nodes", f"{nodes.get('numNodes')}, the main one is {nodes.get('mainNode', 0)}"
    else:
        return
    yield from _children(jobs.children(job))


def _children(children: Sequence[Job]) -> Iterator[Line]:
    """Tell of each child, first of those that need a look."""
    urgent = sorted(children, key=lambda child: child.status == "SUCCEEDED")
    for child in urgent[:SHOWN_CHILDREN]:
        yield "", " ".join(word for word in (child.id, child.status, child.why) if word)
    if left := len(urgent) - SHOWN_CHILDREN:
        yield "", f"... and {left} more" if left > 0 else ""


def _log(job: Job) -> Iterator[Line]:
    group, stream = job.log
    if stream:
        yield "log group", group
        yield "log stream", stream
    elif not job.is_array:
        yield "log group", f"{group}, no stream before it runs" if not job.is_final else group
