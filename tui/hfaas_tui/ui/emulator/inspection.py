"""What there is to know of one run of the emulator, and what can be done about it; and of the emulator itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from hfaas_tui.errors import CliError
from hfaas_tui.jobs import Job, Jobs, short
from hfaas_tui.ui.emulator.deployed import hidden
from hfaas_tui.ui.emulator.link import Link, told
from hfaas_tui.ui.emulator.reduction import Reduction
from hfaas_tui.ui.model import Run, RunDetail

LINES = 200
"""Last lines of a log that the detail of a run shows."""

EVENTS = 10_000
START_S = 2.0
"""The first line of an invocation is written before its start is told."""

WHY = "stopped with `hfaas-tui`"


class Inspection:
    """Asks Batch, CloudWatch Logs and the emulator's own interface."""

    def __init__(self, link: Link, reduction: Reduction) -> None:
        self._link = link
        self._reduction = reduction

    # --- one run

    def detail(self, run: Run) -> RunDetail:
        """Return everything about a run; what cannot be had is left out."""
        steps = self._reduction.steps(run.id)
        if run.kind == "job":
            return replace(self._job_detail(run), steps=steps)
        try:
            about = self.event(run)
        except CliError:
            about = {}
        with told(run.id):
            lines = tuple(self._lines(run))
        return RunDetail(run, str(about.get("event") or ""), hidden(about.get("environment") or {}), steps, lines)

    def event(self, run: Run) -> dict[str, Any]:
        """Return what the emulator keeps of an invocation; CliError when that is nothing."""
        return self._link.document(f"/_hfaas/invocations/{quote(run.id, safe='')}")

    def _job_detail(self, run: Run) -> RunDetail:
        from hfaas_tui import job_story

        with told(f"job {run.id}"):
            jobs = Jobs(self._link.client("batch"))
            job = jobs.find(run.id)
            story = tuple(job_story.lines(job, jobs))
            lines = tuple(self._lines(replace(run, log_group=job.log[0], log_stream=job.log[1])))
        vcpus, gpus = _resources(job)
        event = job.variables.get("EVENT", "")
        return RunDetail(
            replace(run, vcpus=vcpus, gpus=gpus),
            event,
            hidden(
                {name: text for name, text in job.variables.items() if name not in ("EVENT", "FUNCTION_CONFIG")}
            ),
            lines=lines,
            story=tuple((label, text) for label, text in story if text),
        )

    def _lines(self, run: Run) -> Iterator[str]:
        """Return the last lines that a run wrote, oldest first."""
        if not run.log_stream:
            return iter(())
        logs = self._link.client("logs")
        start = {} if run.kind == "job" else {"startTime": int(((run.started or run.queued) - START_S) * 1000)}
        try:
            page = logs.get_log_events(
                logGroupName=run.log_group,
                logStreamName=run.log_stream,
                startFromHead=run.kind != "job",
                limit=LINES if run.kind == "job" else EVENTS,
                **start,
            )
        except logs.exceptions.ResourceNotFoundException:  # its first line makes the stream
            return iter(())
        events = [{**each, "logStreamName": run.log_stream} for each in page["events"]]
        if run.kind != "job":
            from hfaas_tui.log import of_request

            events = [*of_request(events, run.id)]
        return (each["message"].rstrip("\n") for each in events[-LINES:])

    # --- doing something about it

    def stop(self, run: Run) -> str:
        """Cancel or terminate a job, or the one an invocation was delegated to; CliError for any other."""
        name = run.id if run.kind == "job" else run.job
        if not name:
            raise CliError("an invocation cannot be stopped", "it ends at its time limit, on AWS too")
        with told(f"job {name} could not be stopped"):
            jobs = Jobs(self._link.client("batch"))
            return jobs.stop(jobs.find(name), WHY)

    def submit_again(self, run: Run) -> str:
        """Submit a job like another one; returns its id."""
        with told(f"job {run.id} could not be submitted again"):
            batch = self._link.client("batch")
            document = Jobs(batch).find(run.id.partition(":")[0].partition("#")[0]).document
            made = batch.submit_job(**_submission(document))
        return str(made["jobId"])

    # --- the emulator

    def system(self) -> Mapping[str, Any]:
        """Return status, with `services`, `queues`, `load` (the machine), `containers` and `requests` besides."""
        status = self._link.document("/_hfaas/status")
        services = self._link.document("/_localstack/health").get("services", {})
        try:
            load = self._link.document("/_hfaas/machine")
        except CliError:
            load = {}
        with told("the queues cannot be listed"):
            queues = self._queues()
        return {
            **status,
            "services": services,
            "load": load,
            "containers": load.get("containers", []),
            "requests": load.get("requests", {}),
            "queues": queues,
        }

    def _queues(self) -> list[dict[str, Any]]:
        batch = self._link.client("batch")
        pages = batch.get_paginator("describe_job_queues").paginate()
        known = [each for page in pages for each in page["jobQueues"]]
        environments: dict[str, Any] = {}
        if known:
            for page in batch.get_paginator("describe_compute_environments").paginate():
                environments |= {each["computeEnvironmentArn"]: each for each in page["computeEnvironments"]}
        return [self._queue(each, environments) for each in known]

    def _queue(self, queue: Mapping[str, Any], environments: Mapping[str, Any]) -> dict[str, Any]:
        batch = self._link.client("batch")
        waiting: Counter[str] = Counter()
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
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
                    "max_vcpus": each.get("computeResources", {}).get("maxvCpus", 0),
                }
                for each in order
            ],
        }


def _resources(job: Job) -> tuple[float, int]:
    asked = {each["type"]: each["value"] for each in job.container.get("resourceRequirements", ())}
    return float(asked.get("VCPU") or job.container.get("vcpus") or 0), int(asked.get("GPU") or 0)


def _submission(document: Mapping[str, Any]) -> dict[str, Any]:
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
