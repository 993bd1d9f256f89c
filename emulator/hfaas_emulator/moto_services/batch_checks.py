"""What AWS Batch refuses of compute environments, queues and definitions, where moto is stricter, looser or silent.

Subnets and security groups must be named but need not exist: no machine is ever put there.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import botocore

from hfaas_emulator.batch.limits import number, refusal

KINDS = ("EC2", "SPOT", "FARGATE", "FARGATE_SPOT")
STATES = ("ENABLED", "DISABLED")
ANY_INSTANCE = frozenset({"optimal", "default_x86_64", "default_arm64"})
NOT_FARGATE = (
    "allocationStrategy", "minvCpus", "desiredvCpus", "instanceTypes", "imageId", "ec2KeyPair", "instanceRole", "tags",
    "placementGroup", "bidPercentage", "spotIamFleetRole", "launchTemplate", "ec2Configuration",
)  # fmt: skip
ENVIRONMENTS_OF_A_QUEUE = 3
_TYPES = re.compile(rb'"InstanceType":\{\s*"type":"string",\s*"enum":(\[[^\]]*\])')


def check_state(state: object) -> None:
    """Refuse what is no state of an environment or a queue."""
    if state not in STATES:
        raise refusal(f"state {state} must be one of {' | '.join(STATES)}")


def check_environment(request: Mapping[str, Any]) -> None:
    """Refuse a CreateComputeEnvironment that AWS would refuse, or that could never run a job here."""
    if request.get("type") != "MANAGED":
        raise refusal(
            f"type {request.get('type')} must be MANAGED: an unmanaged environment waits for instances of yours, "
            "which nothing here could start"
        )
    if request.get("eksConfiguration"):
        raise refusal("eksConfiguration: environments on EKS are not emulated")
    resources = request.get("computeResources")
    if not isinstance(resources, dict):
        raise refusal("computeResources must be specified when creating a MANAGED environment")
    check_resources(resources)


def check_resources(resources: Mapping[str, Any]) -> None:
    """Refuse `computeResources` that AWS would refuse."""
    kind = resources.get("type")
    if kind not in KINDS:
        raise refusal(f"computeResources.type {kind} must be one of {' | '.join(KINDS)}")
    number(resources, "maxvCpus", 1)
    for name, what in (("subnets", "subnet"), ("securityGroupIds", "security group")):
        if not resources.get(name) and not (name == "securityGroupIds" and resources.get("launchTemplate")):
            raise refusal(f"At least 1 {what} must be provided")
    if str(kind).startswith("FARGATE"):
        _check_fargate(resources)
    else:
        _check_instances(resources)


def _check_fargate(resources: Mapping[str, Any]) -> None:
    named = [name for name in NOT_FARGATE if resources.get(name) is not None]
    if named:
        raise refusal(f"{', '.join(named)} not applicable to Fargate compute environments")


def _check_instances(resources: Mapping[str, Any]) -> None:
    if not resources.get("instanceRole"):
        raise refusal("Instance role is required.")
    most = number(resources, "maxvCpus", 1)
    least = number(resources, "minvCpus", 0) if "minvCpus" in resources else 0
    if least > most:
        raise refusal("minvCpus must not exceed maxvCpus")
    if "desiredvCpus" in resources:
        number(resources, "desiredvCpus", least, most)
    _check_instance_types(resources.get("instanceTypes") or ())
    if resources["type"] == "SPOT":
        _check_spot(resources)


def _check_instance_types(wanted: Sequence[str]) -> None:
    if not wanted:
        raise refusal("At least 1 instance type must be provided")
    unknown = [each for each in wanted if each not in ANY_INSTANCE and each not in instance_types()]
    if unknown:
        raise refusal(f"Instance type {unknown[0]} does not exist")


def _check_spot(resources: Mapping[str, Any]) -> None:
    if "bidPercentage" in resources:
        number(resources, "bidPercentage", 0, 100)
    if resources.get("allocationStrategy", "BEST_FIT") == "BEST_FIT" and not resources.get("spotIamFleetRole"):
        raise refusal("spotIamFleetRole is required for SPOT with the allocation strategy BEST_FIT, the default")


@cache
def instance_types() -> frozenset[str]:
    """Return EC2's instance types and their families, read out of botocore without parsing all of EC2."""
    for path in sorted(Path(botocore.__file__).parent.glob("data/ec2/*/service-2.json*"), reverse=True):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if found := _TYPES.search(content):
            types = json.loads(found.group(1))
            return frozenset(types) | {each.partition(".")[0] for each in types}
    return frozenset()


def check_queue(request: Mapping[str, Any]) -> None:
    """Refuse what is wrong with the parts that CreateJobQueue and UpdateJobQueue share, as far as they are there."""
    if "state" in request:
        check_state(request["state"])
    if "priority" in request:
        number(request, "priority", 0)
    if "serviceEnvironmentOrder" in request:
        raise refusal("serviceEnvironmentOrder: queues of SageMaker jobs are not emulated")
    if "computeEnvironmentOrder" in request:
        _check_order(request["computeEnvironmentOrder"])


def _check_order(order: Any) -> None:
    if not order:
        raise refusal("At least 1 compute environment must be provided")
    if len(order) > ENVIRONMENTS_OF_A_QUEUE:
        raise refusal(f"A job queue takes at most {ENVIRONMENTS_OF_A_QUEUE} compute environments, not {len(order)}")
    for each in order:
        number(each, "order", 0)
    if len({each["order"] for each in order}) < len(order):
        raise refusal("computeEnvironmentOrder: two compute environments have the same order")
