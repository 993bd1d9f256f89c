"""Compute environments: no instance and no ECS cluster is made for them; they say how much may run at once."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import SERVICE_NAME_CONVERSION
from moto.moto_api._internal import mock_random

from hfaas_emulator.batch import limits
from hfaas_emulator.batch.limits import refusal
from hfaas_emulator.moto_services import batch_checks
from hfaas_emulator.moto_services.batch import BatchBackend, BatchResponse, ComputeEnvironment, body, changed, page
from hfaas_emulator.moto_services.patch import patch

SERVICE = "batch.amazonaws.com"
SERVICE_NAME_CONVERSION["batch"] = "Batch"  # of the service-linked role, which moto calls ...Forbatch
KEPT = ("unmanagedvCpus", "updatePolicy", "context", "ecsSettings")


@patch(
    "moto.batch.responses:BatchResponse.createcomputeenvironment",
    sha="4a0745449162a993",
    reason="starts EC2 instances, demands a service role, looks subnets up, refuses names of one or two letters",
)
def create(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    name = request.get("computeEnvironmentName", "")
    limits.check_name(name, "computeEnvironmentName")
    batch_checks.check_state(request.get("state", "ENABLED"))
    batch_checks.check_environment(request)
    if backend.get_compute_environment_by_name(name) is not None:
        raise refusal("Object already exists")
    resources = _with_defaults(request["computeResources"])
    _check_profile(backend, resources)
    environment = ComputeEnvironment(
        name,
        request["type"],
        request.get("state", "ENABLED"),
        resources,
        _service_role(backend, request.get("serviceRole", "")),
        backend.account_id,
        backend.region_name,
    )
    environment.extra = {key: request[key] for key in KEPT if key in request}
    environment.extra["uuid"] = str(mock_random.uuid4())
    backend._compute_environments[environment.arn] = environment  # noqa: SLF001
    backend.tag_resource(environment.arn, request.get("tags") or {})
    changed()
    return _named(environment)


def _named(environment: ComputeEnvironment) -> str:
    return json.dumps({"computeEnvironmentArn": environment.arn, "computeEnvironmentName": environment.name})


def _with_defaults(resources: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in resources.items() if value is not None}
    if kept["type"] in ("EC2", "SPOT"):
        kept.setdefault("minvCpus", 0)
        kept.setdefault("desiredvCpus", kept["minvCpus"])
    return kept


def _check_profile(backend: BatchBackend, resources: dict[str, Any]) -> None:
    wanted = resources.get("instanceRole")
    profiles = backend.iam_backend.get_instance_profiles() if wanted else ()
    if wanted and not any(wanted in (each.arn, each.name) for each in profiles):
        raise refusal(f"could not find instanceRole {wanted}: it is no instance profile of this account")


def _service_role(backend: BatchBackend, role: str) -> str:
    """Return the role that acts for an environment; without one named, the account's own for Batch, made when needed."""
    iam = backend.iam_backend
    linked = f"arn:aws:iam::{backend.account_id}:role/aws-service-role/{SERVICE}/AWSServiceRoleForBatch"
    try:
        iam.get_role_by_arn(role or linked)
    except NotFoundException:
        if role and role != linked:
            raise refusal(f"Could not find IAM role {role}") from None
        iam.create_service_linked_role(SERVICE, "", "")
    return role or linked


@patch(
    "moto.batch.responses:BatchResponse.describecomputeenvironments",
    sha="bf642f4ab6f5ffb8",
    reason="has no pages, and names an ECS cluster that is not there",
)
def describe(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    wanted = request.get("computeEnvironments") or ()
    found = [
        _described(backend, each)
        for each in backend._compute_environments.values()  # noqa: SLF001
        if not wanted or each.arn in wanted or each.name in wanted
    ]
    return page("computeEnvironments", found, request)


def _described(backend: BatchBackend, environment: ComputeEnvironment) -> dict[str, Any]:
    return {
        **environment.extra,
        "computeEnvironmentArn": environment.arn,
        "computeEnvironmentName": environment.name,
        "type": environment.env_type,
        "state": environment.state,
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "computeResources": environment.compute_resources,
        "serviceRole": environment.service_role,
        "containerOrchestrationType": "ECS",
        "tags": backend.list_tags_for_resource(environment.arn),
    }


@patch(
    "moto.batch.responses:BatchResponse.updatecomputeenvironment",
    sha="041c844a31a8c8bb",
    reason="changes state and role only",
)
def update(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    environment = _existing(backend, request.get("computeEnvironment", ""))
    batch_checks.check_state(request.get("state", environment.state))
    resources = _merged(environment, request.get("computeResources") or {})
    _check_profile(backend, resources)
    if "serviceRole" in request:
        environment.service_role = _service_role(backend, request["serviceRole"])
    environment.state = request.get("state", environment.state)
    environment.compute_resources = resources
    environment.extra = {**environment.extra, **{key: request[key] for key in KEPT if key in request}}
    changed()
    return _named(environment)


def _existing(backend: BatchBackend, name: str) -> ComputeEnvironment:
    environment = backend.get_compute_environment(name)
    if environment is None:
        raise refusal(f"{name} does not exist")
    return environment


def _merged(environment: ComputeEnvironment, changes: dict[str, Any]) -> dict[str, Any]:
    before = environment.compute_resources
    merged = {**before, **{name: value for name, value in changes.items() if value is not None}}
    if before["type"].startswith("FARGATE") != str(merged["type"]).startswith("FARGATE"):
        raise refusal("An environment cannot change between Fargate and EC2; make a new one")
    if merged["type"] in ("EC2", "SPOT") and "desiredvCpus" not in changes:
        merged["desiredvCpus"] = max(merged.get("minvCpus", 0), min(before["desiredvCpus"], merged["maxvCpus"]))
    batch_checks.check_resources(merged)
    return merged


@patch(
    "moto.batch.responses:BatchResponse.deletecomputeenvironment",
    sha="b991659462625469",
    reason="deletes what is enabled or in use, and looks for an ECS cluster",
)
def delete(_original: Any, self: BatchResponse) -> str:
    backend = self.batch_backend
    environment = backend.get_compute_environment(body(self).get("computeEnvironment", ""))
    if environment is None:
        return "{}"
    if environment.state != "DISABLED":
        raise refusal("Cannot delete, resource must be DISABLED")
    if any(environment in queue.environments for queue in backend._job_queues.values()):  # noqa: SLF001
        raise refusal("Cannot delete, found existing JobQueue relationship")
    del backend._compute_environments[environment.arn]  # noqa: SLF001
    backend.tagger.delete_all_tags_for_resource(environment.arn)
    changed()
    return "{}"
