"""Jobs and queues as Batch tells of them: of AWS and of emulators alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hfaas_tui.jobs import Job, Jobs, short
from hfaas_tui.ui.aws.functions import Clients, hidden
from hfaas_tui.ui.model import Condition, Run, RunDetail

LINES = 200
"""Last lines of a log that the detail of a run shows."""

WHY = "stopped with `hfaas-tui`"
STOPPED_BY_USER = ("stopped with `hfaas", "cancelled with `hfaas")
OVERDUE = "Job attempt duration exceeded timeout"
CAUSED = ("Dependent Job", "Array Child", "CAPACITY:", "MISCONFIGURATION:", "SERVICE:", "Host EC2", "The job queue")
"""How reasons begin for which a job never began, when nobody cancelled it."""

WAITING = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
DESCRIBED_AT_ONCE = 100


def detail(link: Clients, run: Run) -> RunDetail:
    """Return everything about a job; CliError when there is none."""
    from hfaas_tui import job_story

    with link.told(f"job {run.id}"):
        jobs = Jobs(link.client("batch"))
        job = jobs.find(run.id)
        story = tuple(job_story.lines(job, jobs))
        lines = tuple(last_lines(link.client("logs"), *job.log))
    vcpus, gpus = resources(job)
    variables = {name: text for name, text in job.variables.items() if name not in ("EVENT", "FUNCTION_CONFIG")}
    return RunDetail(
        replace(run, vcpus=vcpus, gpus=gpus),
        job.variables.get("EVENT", ""),
        hidden(variables),
        lines=lines,
        story=tuple((label, text) for label, text in story if text),
    )


def last_lines(logs: Any, group: str, stream: str) -> Iterator[str]:
    """Return the last lines of a stream, oldest first; none of one that is not there yet."""
    if not stream:
        return iter(())
    try:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=False, limit=LINES)
    except logs.exceptions.ResourceNotFoundException:  # no container yet, or no log group any more
        return iter(())
    return (each["message"].rstrip("\n") for each in page["events"])


def stop(link: Clients, job: str) -> str:
    """Cancel or terminate a job; returns what was done."""
    with link.told(f"job {job} could not be stopped"):
        jobs = Jobs(link.client("batch"))
        return jobs.stop(jobs.find(job), WHY)


def submit_again(link: Clients, run: Run) -> str:
    """Submit a job like another one; returns its id."""
    with link.told(f"job {run.id} could not be submitted again"):
        batch = link.client("batch")
        document = Jobs(batch).find(run.id.partition(":")[0].partition("#")[0]).document
        made = batch.submit_job(**submission(document))
    return str(made["jobId"])


def resources(job: Job) -> tuple[float, int]:
    """Return the vCPUs and GPUs that a job asks for."""
    asked = {each["type"]: each["value"] for each in job.container.get("resourceRequirements", ())}
    return float(asked.get("VCPU") or job.container.get("vcpus") or 0), int(asked.get("GPU") or 0)


def memory(job: Job) -> int:
    """Return the MiB that a job asks for."""
    asked = {each["type"]: each["value"] for each in job.container.get("resourceRequirements", ())}
    return int(asked.get("MEMORY") or job.container.get("memory") or 0)


def failure(reason: str, *, has_begun: bool) -> Condition:
    """Tell how a job failed that Batch calls FAILED, by the reason of its state."""
    if reason == OVERDUE:
        return Condition.TIMED_OUT
    if reason.startswith(STOPPED_BY_USER) or (not has_begun and reason and not reason.startswith(CAUSED)):
        return Condition.STOPPED
    return Condition.FAILED


def submission(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what submits a job like this one: the same command, variables and resources."""
    asked: dict[str, Any] = {
        "jobName": document["jobName"],
        "jobQueue": document["jobQueue"],
        "jobDefinition": document["jobDefinition"],
    }
    if size := document.get("arrayProperties", {}).get("size"):
        asked["arrayProperties"] = {"size": size}
    if document.get("parameters"):
        asked["parameters"] = document["parameters"]
    if document.get("nodeProperties"):
        return asked
    container = document.get("container", {})
    names = ("command", "environment", "resourceRequirements")
    overrides = {name: container[name] for name in names if container.get(name)}
    for name in ("timeout", "retryStrategy"):
        if document.get(name):
            asked[name] = document[name]
    return {**asked, "containerOverrides": overrides} if overrides else asked


def queues(batch: Any, wanted: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return queues with how many jobs they have and what runs them; all, when none is wanted by name or ARN."""
    asked = {"jobQueues": list(wanted)} if wanted else {}
    pages = batch.get_paginator("describe_job_queues").paginate(**asked)
    known = [each for page in pages for each in page["jobQueues"]]
    orders = {each["computeEnvironment"] for queue in known for each in queue["computeEnvironmentOrder"]}
    environments = _environments(batch, sorted(orders))
    return [_queue(batch, each, environments) for each in known]


def _environments(batch: Any, wanted: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for begin in range(0, len(wanted), DESCRIBED_AT_ONCE):
        some = wanted[begin : begin + DESCRIBED_AT_ONCE]
        for page in batch.get_paginator("describe_compute_environments").paginate(computeEnvironments=some):
            found |= {each["computeEnvironmentArn"]: each for each in page["computeEnvironments"]}
    return found


def _queue(batch: Any, queue: Mapping[str, Any], environments: Mapping[str, Any]) -> dict[str, Any]:
    waiting: Counter[str] = Counter()
    for status in WAITING:
        for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue["jobQueueArn"], jobStatus=status):
            waiting[status] += len(page["jobSummaryList"])
    order = [environments.get(each["computeEnvironment"], {}) for each in queue["computeEnvironmentOrder"]]
    return {
        "name": queue["jobQueueName"],
        "state": queue.get("state", ""),
        "priority": queue.get("priority", 0),
        "jobs": {status: count for status, count in waiting.items() if count},
        "environments": [
            {
                "name": short(str(each.get("computeEnvironmentArn", ""))),
                "state": each.get("state", ""),
                "status": each.get("status", ""),
                "max_vcpus": each.get("computeResources", {}).get("maxvCpus", 0),
            }
            for each in order
        ],
    }
