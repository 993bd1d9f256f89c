"""Job queues: which environments they try, in which order, and how they rank among themselves."""

from __future__ import annotations

import json
from typing import Any

from hfaas_emulator.batch import limits
from hfaas_emulator.batch.limits import refusal
from hfaas_emulator.moto_services import batch_checks
from hfaas_emulator.moto_services.batch import (
    BatchBackend,
    BatchResponse,
    ComputeEnvironment,
    JobQueue,
    body,
    changed,
    page,
)
from hfaas_emulator.moto_services.patch import patch

LIMITS = "jobStateTimeLimitActions"


@patch(
    "moto.batch.responses:BatchResponse.createjobqueue",
    sha="5b3c4a37d14dbf87",
    reason="demands a state, keeps names for ARNs, mixes Fargate with EC2, calls every mistake malformed",
)
def create(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    name = request.get("jobQueueName", "")
    limits.check_name(name, "jobQueueName")
    if backend.get_job_queue_by_name(name) is not None:
        raise refusal("Object already exists")
    batch_checks.check_queue({"priority": None, "computeEnvironmentOrder": None, **request})
    environments = _environments(backend, request["computeEnvironmentOrder"])
    queue = JobQueue(
        name,
        request["priority"],
        request.get("state", "ENABLED"),
        environments,
        _order(request["computeEnvironmentOrder"], environments),
        _policy(backend, request.get("schedulingPolicyArn")),
        backend,
        request.get("tags"),
    )
    queue.limits = request.get(LIMITS) or []
    backend._job_queues[queue.arn] = queue  # noqa: SLF001
    changed()
    return json.dumps({"jobQueueArn": queue.arn, "jobQueueName": queue.name})


def _environments(backend: BatchBackend, order: list[dict[str, Any]]) -> list[ComputeEnvironment]:
    """Return the environments of an order, the first to try first."""
    found: list[ComputeEnvironment] = []
    for each in sorted(order, key=lambda each: int(each["order"])):
        environment = backend.get_compute_environment(each.get("computeEnvironment", ""))
        if environment is None:
            raise refusal(f"{each.get('computeEnvironment')} does not exist")
        found.append(environment)
    if len({each.compute_resources["type"].startswith("FARGATE") for each in found}) > 1:
        raise refusal("A job queue takes either EC2 or Fargate compute environments, not both")
    return found


def _order(order: list[dict[str, Any]], environments: list[ComputeEnvironment]) -> list[dict[str, Any]]:
    numbers = sorted(int(each["order"]) for each in order)
    return [
        {"order": number, "computeEnvironment": environment.arn}
        for number, environment in zip(numbers, environments, strict=True)
    ]


def _policy(backend: BatchBackend, arn: str | None) -> str | None:
    if arn and not backend.describe_scheduling_policies([arn]):
        raise refusal(f"{arn} does not exist")
    return arn


@patch(
    "moto.batch.responses:BatchResponse.describejobqueues",
    sha="3e11bd6d27d4c68f",
    reason="has no pages, and shows an empty scheduling policy",
)
def describe(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    wanted = request.get("jobQueues") or ()
    found = [
        _described(each)
        for each in backend._job_queues.values()  # noqa: SLF001
        if not wanted or each.arn in wanted or each.name in wanted
    ]
    return page("jobQueues", found, request)


def _described(queue: JobQueue) -> dict[str, Any]:
    shown: dict[str, Any] = queue.describe()
    fargate = any(each.compute_resources["type"].startswith("FARGATE") for each in queue.environments)
    more = {
        "statusReason": "JobQueue Healthy",
        "jobQueueType": "ECS_FARGATE" if fargate else "ECS",
        LIMITS: queue.limits,
    }
    return {name: value for name, value in {**shown, **more}.items() if value is not None}


@patch(
    "moto.batch.responses:BatchResponse.updatejobqueue",
    sha="5f562177df2e7857",
    reason="looks environments up by ARN only, and answers with whatever it was asked by",
)
def update(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    queue = backend.get_job_queue(request.get("jobQueue", ""))
    if queue is None:
        raise refusal(f"{request.get('jobQueue')} does not exist")
    batch_checks.check_queue(request)
    policy = _policy(backend, request.get("schedulingPolicyArn"))
    if "computeEnvironmentOrder" in request:
        environments = _environments(backend, request["computeEnvironmentOrder"])
        queue.env_order_json = _order(request["computeEnvironmentOrder"], environments)
        queue.environments = environments
    queue.schedule_policy = policy or queue.schedule_policy
    queue.state = request.get("state", queue.state)
    queue.priority = request.get("priority", queue.priority)
    queue.limits = request.get(LIMITS, queue.limits)
    changed()
    return json.dumps({"jobQueueArn": queue.arn, "jobQueueName": queue.name})


@patch(
    "moto.batch.responses:BatchResponse.deletejobqueue",
    sha="fa6c97dd2d4d387d",
    reason="deletes what is enabled",
)
def delete(_original: Any, self: BatchResponse) -> str:
    backend = self.batch_backend
    queue = backend.get_job_queue(body(self).get("jobQueue", ""))
    if queue is None:
        return "{}"
    if queue.state != "DISABLED":
        raise refusal("Cannot delete, resource must be DISABLED")
    del backend._job_queues[queue.arn]  # noqa: SLF001
    backend.tagger.delete_all_tags_for_resource(queue.arn)
    changed()
    return "{}"
