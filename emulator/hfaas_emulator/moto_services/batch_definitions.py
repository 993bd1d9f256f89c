"""Job definitions: every registration is a new revision of its own; a deregistered one stays, inactive."""

from __future__ import annotations

import json
from typing import Any

from hfaas_emulator.batch import limits, nodes
from hfaas_emulator.batch.limits import refusal
from hfaas_emulator.moto_services.batch import BatchBackend, BatchResponse, JobDefinition, body, changed, page
from hfaas_emulator.moto_services.patch import patch

NOT_EMULATED = {
    "eksProperties": "jobs on EKS",
    "ecsProperties": "jobs of several containers",
    "consumableResourceProperties": "consumable resources",
}
PLATFORMS = ("EC2", "FARGATE")


@patch(
    "moto.batch.responses:BatchResponse.registerjobdefinition",
    sha="8ba67a28b9a57fb4",
    reason="takes over what an earlier revision had, checks no names, sizes, Fargate's pairs or nodes",
)
def register(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    check(request)
    definition = _made(backend, request)
    definition.scheduling_priority = request.get("schedulingPriority")
    backend._job_definitions[definition.arn] = definition  # noqa: SLF001
    changed()
    answer = {
        "jobDefinitionArn": definition.arn,
        "jobDefinitionName": definition.name,
        "revision": definition.revision,
    }
    return json.dumps(answer)


def check(request: dict[str, Any]) -> None:
    """Refuse a RegisterJobDefinition that AWS would refuse, or whose jobs could never run here."""
    limits.check_name(request.get("jobDefinitionName"), "jobDefinitionName")
    for name, what in NOT_EMULATED.items():
        if request.get(name):
            raise refusal(f"{name}: {what} are not emulated")
    if limits.kib(request) > limits.DEFINITION_KIB:
        raise refusal(f"Job definition size must be less than {limits.DEFINITION_KIB} KiB")
    platforms = request.get("platformCapabilities") or []
    if set(platforms) - set(PLATFORMS) or len(platforms) > 1:
        raise refusal(f"platformCapabilities must be one of {' | '.join(PLATFORMS)}")
    limits.check_retry(limits.mapping(request, "retryStrategy"))
    limits.check_timeout(limits.mapping(request, "timeout"))
    _check_parameters(limits.mapping(request, "parameters"))
    _check_kind(request, fargate="FARGATE" in platforms)


def _check_parameters(parameters: dict[str, Any]) -> None:
    if not all(isinstance(value, str) for value in parameters.values()):
        raise refusal("parameters must be a string to string map")


def _check_kind(request: dict[str, Any], *, fargate: bool) -> None:
    match request.get("type"):
        case "container":
            if request.get("nodeProperties"):
                raise refusal("nodeProperties belong to the type multinode")
            limits.check_container(limits.mapping(request, "containerProperties"), fargate=fargate)
        case "multinode":
            if fargate:
                raise refusal("Multi-node parallel jobs are not applicable for Fargate.")
            if request.get("containerProperties"):
                raise refusal("containerProperties belong to the type container")
            nodes.check(limits.mapping(request, "nodeProperties"))
        case other:
            raise refusal(f"type {other} must be one of container | multinode")


def _made(backend: BatchBackend, request: dict[str, Any]) -> JobDefinition:
    before = backend.get_job_definition_by_name(request["jobDefinitionName"])
    return JobDefinition(
        request["jobDefinitionName"],
        request.get("parameters"),
        request["type"],
        request.get("containerProperties"),
        request.get("nodeProperties"),
        None,
        request.get("tags") or {},
        request.get("retryStrategy"),
        request.get("timeout"),
        backend,
        request.get("platformCapabilities") or ["EC2"],
        bool(request.get("propagateTags")),
        before.revision if before else 0,
    )


@patch(
    "moto.batch.models:JobDefinition.describe",
    sha="0ab3584a50e5a4f1",
    reason="shows no node properties",
)
def described(original: Any, self: JobDefinition) -> dict[str, Any]:
    more = {
        "nodeProperties": self.node_properties,
        "schedulingPriority": self.scheduling_priority,
        "containerOrchestrationType": "ECS",
    }
    return {name: value for name, value in {**original(self), **more}.items() if value is not None}


@patch(
    "moto.batch.responses:BatchResponse.describejobdefinitions",
    sha="cbfbd120014bdf93",
    reason="has no pages, knows no name:revision",
)
def describe(_original: Any, self: BatchResponse) -> str:
    request, backend = body(self), self.batch_backend
    status, name, listed = (request.get(key) for key in ("status", "jobDefinitionName", "jobDefinitions"))
    found = [
        each.describe()
        for each in backend._job_definitions.values()  # noqa: SLF001
        if (not status or each.status == status)
        and (not name or each.name == name)
        and (not listed or {each.arn, f"{each.name}:{each.revision}", each.name} & set(listed))
    ]
    return page("jobDefinitions", found, request)


@patch(
    "moto.batch.responses:BatchResponse.deregisterjobdefinition",
    sha="dad8dfe07102aa49",
    reason="takes a name without revision for a number",
)
def deregister(_original: Any, self: BatchResponse) -> str:
    wanted, backend = str(body(self).get("jobDefinition", "")), self.batch_backend
    name, _, revision = wanted.rpartition("/")[2].rpartition(":")
    if not revision.isdecimal():
        raise refusal(f"{wanted} names no revision; it must be an ARN or name:revision")
    definition = backend.get_job_definition_by_name_revision(name, revision)
    if definition is not None:
        definition.deregister()
        changed()
    return "{}"
