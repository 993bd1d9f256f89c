"""What a linter lets pass and AWS refuses, or lets wait for ever: judged on the rendered template, not on the file.

A checked pipeline renders to a template without these faults, so each of them is a defect of ours; `hfaas check`
looks all the same, because AWS would tell of it only in the middle of a deploy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hfaas_deploy.checks import jobs
from hfaas_deploy.errors import TemplateUnsound
from hfaas_deploy.template import batch

Resources = Mapping[str, Mapping[str, Any]]

MOST_MEMORY = 10_240  # the schema allows 32,768
IMAGE_TYPES = ("ECS_AL2023", "ECS_AL2023_NVIDIA")  # new environments of Amazon Linux 2 are refused since June 2026
USUAL_INSTANCES = frozenset({*batch.GPU_INSTANCES, *batch.BEST_INSTANCES.values()})
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")


def faults(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a template, in words."""
    return [fault for judge in JUDGES for fault in judge(document["Resources"])]


def prove(document: Mapping[str, Any]) -> None:
    """TemplateUnsound when something is wrong with a template."""
    if found := faults(document):
        hint = "the pipeline file is right, hfaas is not; please report it"
        raise TemplateUnsound(f"AWS would refuse the template: {'; '.join(found)}", hint)


def _of_type(resources: Resources, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, one["Properties"]) for name, one in resources.items() if one["Type"] == f"AWS::{kind}")


def _memory(resources: Resources) -> Iterator[str]:
    for name, properties in _of_type(resources, "Lambda::Function"):
        if properties.get("MemorySize", 128) > MOST_MEMORY:
            yield f"{name}: MemorySize {properties['MemorySize']} is above {MOST_MEMORY}"


def _rates(resources: Resources) -> Iterator[str]:
    for name, properties in _of_type(resources, "Scheduler::Schedule"):
        expression = properties["ScheduleExpression"]
        if expression.startswith("rate") and not RATE.fullmatch(expression):
            yield f"{name}: {expression} is no rate; it is 1 minute, 2 minutes, ..."


def _jobs(resources: Resources) -> Iterator[str]:
    for name, properties in _of_type(resources, "Batch::JobDefinition"):
        needs = properties.get("ContainerProperties", {}).get("ResourceRequirements", [])
        wants_gpu = any(need["Type"] == "GPU" for need in needs)
        if wants_gpu and "FARGATE" in properties.get("PlatformCapabilities", ()):
            yield f"{name}: Fargate has no GPUs"


def _machines(resources: Resources) -> Iterator[str]:
    for name, properties in _of_type(resources, "Batch::ComputeEnvironment"):
        compute = properties["ComputeResources"]
        for image in compute.get("Ec2Configuration", []):
            if image["ImageType"] not in IMAGE_TYPES:
                yield f"{name}: ImageType {image['ImageType']} is none of {', '.join(IMAGE_TYPES)}"
        for asked in compute.get("InstanceTypes", []):
            if asked not in USUAL_INSTANCES and asked not in jobs.instance_names():
                yield f"{name}: EC2 has no instance type or family {asked}"


def _order(resources: Resources) -> Iterator[str]:
    """S3 tries its destinations when it gets the notifications: each function's permission must be there."""
    for name, properties in _of_type(resources, "S3::Bucket"):
        entries = properties.get("NotificationConfiguration", {}).get("LambdaConfigurations", [])
        waits = resources[name].get("DependsOn", [])
        granted = {resources[one]["Properties"]["FunctionName"]["Ref"] for one in waits if one in resources}
        for function in sorted({entry["Function"]["Fn::GetAtt"][0] for entry in entries} - granted):
            yield f"{name}: DependsOn has no permission for {function}"


def _policies(resources: Resources) -> Iterator[str]:
    """A queue keeps one policy document: the last writer wins."""
    taken: dict[str, str] = {}
    for name, properties in _of_type(resources, "SQS::QueuePolicy"):
        for queue in map(str, properties["Queues"]):
            if taken.setdefault(queue, name) != name:
                yield f"{name}: {taken[queue]} is a policy of that queue already"


def _rights(resources: Resources) -> Iterator[str]:
    for name, properties in _of_type(resources, "IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if any("*" in action for action in _list(statement["Action"])):
                    yield f"{name}: may do {statement['Action']}"
                if "*" in _list(statement["Resource"]):
                    yield f"{name}: may do {', '.join(_list(statement['Action']))} with everything"


def _mounts(resources: Resources) -> Iterator[str]:
    """EFS is reached from a VPC, encrypted, by a role that may; a job's volumes are found by name."""
    for name, properties in _of_type(resources, "Lambda::Function"):
        if properties.get("FileSystemConfigs"):
            if "VpcConfig" not in properties:
                yield f"{name}: FileSystemConfigs needs VpcConfig"
            if not _may_mount(resources, properties["Role"]):
                yield f"{name}: its role may not mount the file system"
    for name, properties in _of_type(resources, "Batch::JobDefinition"):
        for container in _containers(properties):
            yield from (f"{name}: {fault}" for fault in _volumes(resources, container))


def _containers(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nodes = properties.get("NodeProperties", {}).get("NodeRangeProperties", [])
    return [one for one in (properties.get("ContainerProperties"), *(each["Container"] for each in nodes)) if one]


def _volumes(resources: Resources, container: Mapping[str, Any]) -> Iterator[str]:
    volumes = {one["Name"]: one.get("EfsVolumeConfiguration", {}) for one in container.get("Volumes", [])}
    for point in container.get("MountPoints", []):
        if point["SourceVolume"] not in volumes:
            yield f"there is no volume {point['SourceVolume']} for {point['ContainerPath']}"
    for volume, efs in volumes.items():
        if efs.get("AuthorizationConfig") and efs.get("TransitEncryption") != "ENABLED":
            yield f"volume {volume} with an access point must be encrypted on its way"
        if efs and not _may_mount(resources, container["JobRoleArn"]):
            yield f"its role may not mount volume {volume}"


def _may_mount(resources: Resources, role: Mapping[str, Any]) -> bool:
    policies = resources[role["Fn::GetAtt"][0]]["Properties"].get("Policies", [])
    statements = (one for policy in policies for one in policy["PolicyDocument"]["Statement"])
    return any("elasticfilesystem:ClientMount" in _list(one["Action"]) for one in statements)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


JUDGES: tuple[Callable[[Resources], Iterator[str]], ...] = (
    _memory,
    _rates,
    _jobs,
    _machines,
    _order,
    _policies,
    _rights,
    _mounts,
)
