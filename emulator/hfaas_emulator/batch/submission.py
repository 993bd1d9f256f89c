"""From a SubmitJob to what will be run: checked as AWS checks it, definition and overrides merged, parameters put in.

    definition + overrides + parameters  ->  one Task, or one for each node  ->  Submission

Overrides that are too long are no reason to refuse: AWS takes such a job, and then fails it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.batch import limits, nodes
from hfaas_emulator.batch.job import Dependency, Kind, Resources, Retry, Rule, Submission, Task
from hfaas_emulator.batch.limits import mapping, number, objects, refusal, requirement
from hfaas_emulator.batch.records import JobDefinition, JobQueue

NOT_EMULATED = {
    "eksPropertiesOverride": "jobs on EKS",
    "ecsPropertiesOverride": "jobs of several containers",
    "consumableResourcePropertiesOverride": "consumable resources",
}
LOG_GROUP = "/aws/batch/job"
INVOCATION = "AWS_LAMBDA_REQUEST_ID"
"""The variable with which a function hands a request over to a job."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is settled outside of the request: id, account, region, and the time in Unix ms."""

    id: str
    account: str
    region: str
    created: int


def check(request: Mapping[str, Any]) -> None:
    """Refuse what AWS refuses of a SubmitJob without looking anything up; AwsError ClientException."""
    for name in ("jobQueue", "jobDefinition"):
        if not request.get(name) or not isinstance(request[name], str):
            raise refusal(f"{name} must not be empty")
    limits.check_name(request.get("jobName"), "Job name")
    for name, what in NOT_EMULATED.items():
        if request.get(name):
            raise refusal(f"{name}: {what} are not emulated")
    if (size := limits.kib(request)) > limits.JOB_KIB:
        raise refusal(f"Job size must be less than {limits.JOB_KIB} KiB, got {math.ceil(size)} KiB")
    limits.check_retry(mapping(request, "retryStrategy"))
    limits.check_timeout(mapping(request, "timeout"))
    if mapping(request, "arrayProperties"):
        number(request["arrayProperties"], "size", *limits.ARRAY)
    for name in ("parameters", "tags"):
        if not all(isinstance(value, str) for value in mapping(request, name).values()):
            raise refusal(f"{name} must be a string to string map")


def make(request: Mapping[str, Any], queue: JobQueue, definition: JobDefinition, entry: Entry) -> Submission:
    """Settle a job; AwsError ClientException for what AWS refuses."""
    check(request)
    _check_queue(queue, definition)
    shown = definition.document
    array = int(mapping(request, "arrayProperties").get("size") or 0)
    is_multinode = shown.get("type") == "multinode"
    properties, containers = _containers(request, shown, is_multinode=is_multinode)
    parameters = {**mapping(shown, "parameters"), **mapping(request, "parameters")}
    fargate = _is_fargate(definition)
    if fargate:
        limits.check_fargate_overrides(mapping(request, "containerOverrides"))
    made = {id(each): _task(each, parameters, fargate=fargate) for each in containers}
    tasks = tuple(made[id(each)] for each in containers)
    if array and is_multinode:
        raise refusal("arrayProperties: a multi-node parallel job cannot be an array")
    return Submission(
        id=entry.id,
        name=request["jobName"],
        account=entry.account,
        region=entry.region,
        queue=queue.arn,
        definition=definition.arn,
        definition_name=definition.name,
        created=entry.created,
        tasks=tasks,
        retry=_retry(_chosen(request, shown, "retryStrategy")),
        timeout_s=_chosen(request, shown, "timeout").get("attemptDurationSeconds"),
        dependencies=_dependencies(request, array),
        array=array,
        is_multinode=is_multinode,
        main_node=int(properties.get("mainNode", 0)),
        invocation=tasks[0].environment.get(INVOCATION, ""),
        tags=mapping(request, "tags"),
        document=_document(request, shown, parameters, properties),
        fault=_fault(request),
    )


def _check_queue(queue: JobQueue, definition: JobDefinition) -> None:
    if not queue.enabled:
        raise refusal(f"JobQueue {queue.name} is not in ENABLED state")
    fargate = _is_fargate(definition)
    if queue.environments and all(each.is_fargate is not fargate for each in queue.environments):
        wanted = "FARGATE" if fargate else "EC2"
        raise refusal(
            f"Job Queue is attached to Compute Environment that can not run Jobs with capability {wanted}"
        )


def _is_fargate(definition: JobDefinition) -> bool:
    return "FARGATE" in (definition.document.get("platformCapabilities") or ())


def _chosen(request: Mapping[str, Any], shown: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what the request says, or else the definition."""
    return mapping(request, name) or mapping(shown, name)


def _containers(
    request: Mapping[str, Any], shown: Mapping[str, Any], *, is_multinode: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the node properties, if the job has nodes, and the container of each node, overrides applied."""
    if not is_multinode:
        if request.get("nodeOverrides"):
            raise refusal("nodeOverrides are for multi-node parallel jobs; use containerOverrides")
        return {}, [_overridden(mapping(shown, "containerProperties"), mapping(request, "containerOverrides"))]
    if request.get("containerOverrides"):
        raise refusal("containerOverrides are not for multi-node parallel jobs; use nodeOverrides")
    properties, overrides = mapping(shown, "nodeProperties"), mapping(request, "nodeOverrides")
    count = number(overrides if overrides.get("numNodes") else properties, "numNodes", 1, nodes.NODES)
    number(properties, "mainNode", 0, count - 1)
    containers = _shared(nodes.containers(properties, count), overrides, count)
    return {**properties, "numNodes": count}, containers


def _shared(containers: list[dict[str, Any]], overrides: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Apply overrides node by node; nodes that are alike go on sharing one container."""
    for each in objects(overrides, "nodePropertyOverrides"):
        changed: dict[int, dict[str, Any]] = {}
        for node in nodes.span(each, count):
            before = containers[node]
            if id(before) not in changed:
                changed[id(before)] = _overridden(before, mapping(each, "containerOverrides"))
            containers[node] = changed[id(before)]
    return containers


def _overridden(container: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container with one block of overrides applied."""
    merged = dict(container)
    for name in ("command", "instanceType"):
        if overrides.get(name):
            merged[name] = overrides[name]
    if overrides.get("environment"):
        merged["environment"] = _by("name", objects(container, "environment"), objects(overrides, "environment"))
    wanted = [*_old_style(overrides), *objects(overrides, "resourceRequirements")]
    if wanted:
        merged["resourceRequirements"] = _by("type", objects(container, "resourceRequirements"), wanted)
    for each in wanted:
        merged.pop({"VCPU": "vcpus", "MEMORY": "memory"}.get(each.get("type", ""), ""), None)
    return merged


def _old_style(overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the resources of overrides that are written as `vcpus` and `memory`."""
    kinds = (("VCPU", "vcpus"), ("MEMORY", "memory"))
    return [{"type": kind, "value": str(overrides[name])} for kind, name in kinds if overrides.get(name)]


def _by(key: str, before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({each.get(key): each for each in (*before, *after)}.values())


def _task(container: Mapping[str, Any], parameters: Mapping[str, str], *, fargate: bool) -> Task:
    limits.check_container(container, fargate=fargate)
    command = tuple(_filled(str(each), parameters) for each in container.get("command") or ())
    options = mapping(mapping(container, "logConfiguration"), "options")
    return Task(
        image=container["image"],
        resources=Resources(
            float(requirement(container, "VCPU")),
            int(requirement(container, "MEMORY")),
            int(requirement(container, "GPU") or 0),
        ),
        command=command,
        environment={each["name"]: str(each.get("value", "")) for each in objects(container, "environment")},
        secrets={each["name"]: each["valueFrom"] for each in objects(container, "secrets")},
        job_role=container.get("jobRoleArn") or "",
        user=container.get("user") or "",
        read_only=bool(container.get("readonlyRootFilesystem")),
        fargate=fargate,
        log_group=options.get("awslogs-group") or LOG_GROUP,
        log_prefix=options.get("awslogs-stream-prefix") or "",
        document={**container, "command": list(command)},
    )


def _filled(text: str, parameters: Mapping[str, str]) -> str:
    """Put parameters in for `Ref::name`; the longest name counts where one begins with another."""
    if "Ref::" not in text or not parameters:
        return text
    names = "|".join(re.escape(name) for name in sorted(parameters, key=len, reverse=True))
    return re.sub(f"Ref::({names})", lambda found: parameters[found.group(1)], text)


def _retry(strategy: Mapping[str, Any]) -> Retry:
    rules = tuple(
        Rule(
            str(each["action"]).upper(),
            str(each.get("onExitCode") or ""),
            str(each.get("onReason") or ""),
            str(each.get("onStatusReason") or ""),
        )
        for each in objects(strategy, "evaluateOnExit")
    )
    return Retry(strategy.get("attempts") or 1, rules)


def _dependencies(request: Mapping[str, Any], array: int) -> tuple[Dependency, ...]:
    asked = objects(request, "dependsOn")
    if len(asked) > limits.DEPENDENCIES:
        raise refusal(f"A job can depend on at most {limits.DEPENDENCIES} jobs, not {len(asked)}")
    return tuple(_dependency(each, array) for each in asked)


def _dependency(asked: Mapping[str, Any], array: int) -> Dependency:
    job, kind = str(asked.get("jobId") or ""), str(asked.get("type") or "")
    if kind not in set(Kind):
        raise refusal(f"dependsOn: type {kind} must be one of N_TO_N | SEQUENTIAL")
    if kind and not array:
        raise refusal(f"dependsOn: the type {kind} is for array jobs")
    if kind == Kind.SEQUENTIAL and job:
        raise refusal("dependsOn: the type SEQUENTIAL takes no jobId")
    if kind != Kind.SEQUENTIAL and not job:
        raise refusal("dependsOn: jobId is missing")
    return Dependency(job.rpartition("job/")[2], Kind(kind))


def _document(
    request: Mapping[str, Any], shown: Mapping[str, Any], parameters: Mapping[str, str], properties: dict[str, Any]
) -> dict[str, Any]:
    priority = request.get("schedulingPriorityOverride", shown.get("schedulingPriority"))
    document = {
        "parameters": dict(parameters),
        "dependsOn": objects(request, "dependsOn"),
        "retryStrategy": {"attempts": 1, "evaluateOnExit": [], **_chosen(request, shown, "retryStrategy")},
        "timeout": _chosen(request, shown, "timeout") or None,
        "platformCapabilities": shown.get("platformCapabilities") or ["EC2"],
        "propagateTags": bool(request.get("propagateTags", shown.get("propagateTags"))),
        "shareIdentifier": request.get("shareIdentifier"),
        "schedulingPriority": priority,
        "nodeProperties": properties or None,
    }
    return {name: value for name, value in document.items() if value is not None}


def _fault(request: Mapping[str, Any]) -> str:
    """Return why AWS would fail the job that it took."""
    blocks = [mapping(request, "containerOverrides")]
    blocks += [
        mapping(each, "containerOverrides")
        for each in objects(mapping(request, "nodeOverrides"), "nodePropertyOverrides")
    ]
    longest = max(len(json.dumps(each, separators=(",", ":"), ensure_ascii=False)) for each in blocks)
    if longest > limits.OVERRIDES_LENGTH:
        return f"Container Overrides length must be at most {limits.OVERRIDES_LENGTH}"
    return ""
