"""A job as DescribeJobs, ListJobs and the events of EventBridge show it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hfaas_emulator.batch.job import Attempt, Status
from hfaas_emulator.batch.state import Job

NOTE = "hfaas:note"
"""The tag that says what a job had to do without."""


def detail(job: Job) -> dict[str, Any]:
    """Return a job as DescribeJobs shows it."""
    submission = job.submission
    shown: dict[str, Any] = {
        **_state(job),
        "jobQueue": submission.queue,
        "attempts": [_attempt(each) for each in job.attempts],
        "retryStrategy": submission.document.get("retryStrategy"),
        "dependsOn": submission.document.get("dependsOn", []),
        "parameters": submission.document.get("parameters", {}),
        "timeout": submission.document.get("timeout"),
        "tags": {**submission.tags, **({NOTE: job.note} if job.note else {})},
        "propagateTags": submission.document.get("propagateTags", False),
        "platformCapabilities": submission.document.get("platformCapabilities", ["EC2"]),
        "shareIdentifier": submission.document.get("shareIdentifier"),
        "schedulingPriority": submission.document.get("schedulingPriority"),
        "isCancelled": job.is_cancelled,
        "isTerminated": job.is_terminated,
        "container": _container(job),
        "arrayProperties": _array(job),
        **_nodes(job),
    }
    return _said(shown)


def summary(job: Job) -> dict[str, Any]:
    """Return a job as ListJobs shows it."""
    array = _array(job)
    ended = {"exitCode": job.current.exit, "reason": job.current.reason or None}
    more = {
        "container": _said(ended) or None,
        "arrayProperties": {name: array[name] for name in ("size", "index") if name in array} if array else None,
        "nodeProperties": _node_summary(job),
        "isCancelled": job.is_cancelled or None,
        "isTerminated": job.is_terminated or None,
    }
    return _said({**_state(job), **more})


def event(job: Job, now: float) -> dict[str, Any]:
    """Return what EventBridge is told when a job's state changes; `now` in Unix seconds."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": job.submission.account,
        "time": datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z"),
        "region": job.submission.region,
        "resources": [job.arn],
        "detail": detail(job),
    }


def status_reason(job: Job) -> str:
    """Return why a job is where it is; of a running one, what it has to do without."""
    return job.reason or (job.note if job.status is Status.RUNNING else "")


def _said(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not known (yet)."""
    return {name: value for name, value in document.items() if value is not None}


def _state(job: Job) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "jobId": job.id,
        "jobName": job.name,
        "jobDefinition": job.submission.definition,
        "status": str(job.status),
        "statusReason": status_reason(job) or None,
        "createdAt": job.submission.created,
        "startedAt": job.started,
        "stoppedAt": job.stopped,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    container: dict[str, Any] = {
        "exitCode": attempt.exit,
        "reason": attempt.reason or None,
        "logStreamName": attempt.log_stream or None,
        "taskArn": attempt.task_arn or None,
        "networkInterfaces": [],
    }
    return _said(
        {
            "container": _said(container),
            "startedAt": attempt.started,
            "stoppedAt": attempt.stopped,
            "statusReason": attempt.status_reason or None,
        }
    )


def _container(job: Job) -> dict[str, Any] | None:
    if job.nodes:  # what its nodes run is in the node properties
        return None
    current = job.current
    defaults: dict[str, Any] = {
        name: [] for name in ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets")
    }
    latest: dict[str, Any] = {
        "exitCode": current.exit,
        "reason": current.reason or None,
        "logStreamName": current.log_stream or None,
        "taskArn": current.task_arn or None,
        "networkInterfaces": [],
    }
    return {**defaults, **job.task.document, **_said(latest)}


def _array(job: Job) -> dict[str, Any] | None:
    size = job.submission.array
    if not size:
        return None
    if job.index is not None:
        return {"statusSummary": {}, "size": size, "index": job.index}
    return {"statusSummary": {str(status): job.summary[status] for status in Status}, "size": size}


def _nodes(job: Job) -> dict[str, Any]:
    if job.node is not None:
        return {"nodeDetails": {"nodeIndex": job.node, "isMainNode": job.node == job.submission.main_node}}
    return {"nodeProperties": job.submission.document.get("nodeProperties")}


def _node_summary(job: Job) -> dict[str, Any] | None:
    count = len(job.submission.tasks)
    if job.node is not None:
        is_main = job.node == job.submission.main_node
        return {"isMainNode": is_main, "numNodes": count, "nodeIndex": job.node}
    return {"numNodes": count} if job.submission.is_multinode else None
