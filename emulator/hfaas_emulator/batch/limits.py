"""What AWS Batch refuses of containers, retries and time limits, in definitions as in submitted jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hfaas_emulator.errors import AwsError
from hfaas_emulator.file_systems import ACCESS_POINT

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
DEFINITION_KIB = 24
JOB_KIB = 30
OVERRIDES_LENGTH = 8192
ATTEMPTS = 10
RULES = 5
SHORTEST_TIMEOUT_S = 60
ARRAY = (2, 10_000)
DEPENDENCIES = 20
LEAST_MEMORY_MB = 4
FARGATE: Mapping[float, Sequence[int]] = {
    0.25: (512, 1024, 2048),
    0.5: range(1024, 4097, 1024),
    1: range(2048, 8193, 1024),
    2: range(4096, 16_385, 1024),
    4: range(8192, 30_721, 1024),
    8: range(16_384, 61_441, 4096),
    16: range(32_768, 122_881, 8192),
    32: (61_440, 122_880, 249_856),
}
"""The memory in MB that Fargate has with a number of vCPUs."""

RESOURCES = ("GPU", "VCPU", "MEMORY")
NOT_FARGATE = ("vcpus", "memory", "instanceType", "ulimits", "privileged")
_RULE_KEYS = ("onExitCode", "onReason", "onStatusReason")


def refusal(message: str) -> AwsError:
    """Return the error that Batch answers whatever is wrong with a request."""
    return AwsError("ClientException", message)


def mapping(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object of a request, empty where it is left out."""
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        raise refusal(f"{name} must be an object, not {json.dumps(value)}")
    return value or {}


def objects(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects of a request, empty where it is left out."""
    value = holder.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(each, dict) for each in value)):
        raise refusal(f"{name} must be a list of objects")
    return value or []


def number(holder: Mapping[str, Any], name: str, least: int, most: int | None = None) -> int:
    """Return a whole number of a request, which must be there and within bounds."""
    value = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal(f"{name} must be an integer, not {json.dumps(value)}")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"between {least} and {most}"
        raise refusal(f"{name} must be {bounds}, not {value}")
    return value


def check_name(name: object, what: str) -> None:
    """Refuse what cannot name a definition, a job, a queue or an environment."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise refusal(
            f"{what} {json.dumps(name)} must be 1 to 128 letters, digits, hyphens and underscores, "
            "the first a letter or digit"
        )


def kib(document: Mapping[str, Any]) -> float:
    """Return the size of a document as compact JSON."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()) / 1024


def requirement(container: Mapping[str, Any], kind: str) -> str:
    """Return how much VCPU, MEMORY or GPU a container asks for, empty when it does not say."""
    for each in objects(container, "resourceRequirements"):
        if each.get("type") == kind:
            return str(each.get("value", ""))
    old = container.get({"VCPU": "vcpus", "MEMORY": "memory"}.get(kind, ""))
    return "" if old is None else str(old)


def check_container(container: Mapping[str, Any], *, fargate: bool) -> None:
    """Refuse a container that AWS would not take: `containerProperties`, alone or with a job's overrides."""
    if not container:
        raise refusal("Container properties should not be empty")
    if not container.get("image"):
        raise refusal("Container image must be provided")
    for each in objects(container, "resourceRequirements"):
        if each.get("type") not in RESOURCES:
            raise refusal(
                f"The type of a resource requirement, {each.get('type')}, is none of {' | '.join(RESOURCES)}"
            )
    for kind, name in (("VCPU", "vCPU"), ("MEMORY", "Memory")):
        if not requirement(container, kind):
            raise refusal(f"Error executing request, Exception : {name} is not provided.")
    _check_command(container)
    _check_variables(container)
    _check_volumes(container)
    if fargate:
        _check_fargate(container)
    else:
        _whole(container, "VCPU", 1)
    _whole(container, "MEMORY", LEAST_MEMORY_MB)
    if requirement(container, "GPU"):
        _whole(container, "GPU", 1)


def _check_command(container: Mapping[str, Any]) -> None:
    command = container.get("command") or []
    if not isinstance(command, list) or not all(isinstance(each, str) for each in command):
        raise refusal(f"command must be a list of strings, not {json.dumps(command)}")


def _whole(container: Mapping[str, Any], kind: str, least: int) -> None:
    value = requirement(container, kind)
    if not value.isdecimal() or int(value) < least:
        raise refusal(f"The resource requirement {kind} must be a whole number from {least}, not {value}")


def _check_variables(container: Mapping[str, Any]) -> None:
    for each in (*objects(container, "environment"), *objects(container, "secrets")):
        name = each.get("name")
        if not name or not isinstance(name, str):
            raise refusal("A variable of the environment has no name")
        if name.startswith("AWS_BATCH"):
            raise refusal(f"The variable {name} starts with AWS_BATCH, which AWS Batch keeps for its own variables")
    if any(not each.get("valueFrom") for each in objects(container, "secrets")):
        raise refusal("A secret of the container has no valueFrom")


def _check_volumes(container: Mapping[str, Any]) -> None:
    """Refuse file systems of EFS that could not be mounted."""
    for each in objects(container, "volumes"):
        if efs := mapping(each, "efsVolumeConfiguration"):
            _check_efs(efs, container)


def _check_efs(efs: Mapping[str, Any], container: Mapping[str, Any]) -> None:
    asked = mapping(efs, "authorizationConfig")
    point, by_role = asked.get("accessPointId") or "", asked.get("iam") == "ENABLED"
    if not efs.get("fileSystemId"):
        raise refusal("efsVolumeConfiguration: fileSystemId must not be empty")
    if point and not (isinstance(point, str) and ACCESS_POINT.fullmatch(point)):
        raise refusal(f"efsVolumeConfiguration: accessPointId {json.dumps(point)} is no access point")
    if point and efs.get("rootDirectory") not in (None, "", "/"):
        raise refusal(
            "efsVolumeConfiguration: rootDirectory must be omitted or / when an access point is specified"
        )
    if (point or by_role) and efs.get("transitEncryption") != "ENABLED":
        raise refusal("efsVolumeConfiguration: transitEncryption must be ENABLED with authorizationConfig")
    if by_role and not container.get("jobRoleArn"):
        raise refusal("efsVolumeConfiguration: iam needs a jobRoleArn")


def _check_fargate(container: Mapping[str, Any]) -> None:
    check_fargate_overrides(container)
    if requirement(container, "GPU"):
        raise refusal("GPU is not applicable for Fargate.")
    if not container.get("executionRoleArn"):
        raise refusal("executionRoleArn is required for Fargate.")
    vcpus, memory = _decimal(requirement(container, "VCPU")), _decimal(requirement(container, "MEMORY"))
    if memory not in FARGATE.get(vcpus, ()):
        raise refusal(f"Fargate resource requirements ({vcpus:.2f} vCPU, {memory:.0f} MiB) not valid.")


def check_fargate_overrides(container: Mapping[str, Any]) -> None:
    """Refuse what a container on Fargate cannot have, be it in the definition or in a job's overrides."""
    for name in NOT_FARGATE:
        if container.get(name):
            more = " Use resource requirements instead." if name in ("vcpus", "memory") else ""
            raise refusal(f"{name} is not applicable for Fargate.{more}")


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise refusal(f"A resource requirement must be a number, not {text}") from error


def check_retry(strategy: Mapping[str, Any]) -> None:
    """Refuse a `retryStrategy` that AWS would not take."""
    if strategy.get("attempts") is not None:
        number(strategy, "attempts", 1, ATTEMPTS)
    rules = objects(strategy, "evaluateOnExit")
    if len(rules) > RULES:
        raise refusal(f"evaluateOnExit takes at most {RULES} entries, not {len(rules)}")
    for rule in rules:
        if str(rule.get("action", "")).upper() not in ("RETRY", "EXIT"):
            raise refusal(f"evaluateOnExit: action {json.dumps(rule.get('action'))} must be RETRY or EXIT")
        if not any(rule.get(key) for key in _RULE_KEYS):
            raise refusal(f"evaluateOnExit: an entry needs one of {', '.join(_RULE_KEYS)}")
    if rules and strategy.get("attempts") is None:
        raise refusal("attempts must be specified with evaluateOnExit")


def check_timeout(timeout: Mapping[str, Any]) -> None:
    """Refuse a `timeout` that AWS would not take."""
    if timeout:
        number(timeout, "attemptDurationSeconds", SHORTEST_TIMEOUT_S)
