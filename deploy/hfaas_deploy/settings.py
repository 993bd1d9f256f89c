"""What a resource of a template is set to, as a flat list in the words of the pipeline file, and how two differ."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_deploy import secret_variables
from hfaas_deploy.aws.standing import Standing

WORDS: Mapping[str, str] = {
    "MemorySize": "memory",
    "Timeout": "timeout",
    "EphemeralStorage.Size": "tmp",
    "ReservedConcurrentExecutions": "concurrency",
    "Description": "description",
    "Architectures": "architectures",
    "Code.ImageUri": "image",
    "RetentionInDays": "log retention",
    "MaximumRetryAttempts": "retries",
    "MaximumEventAgeInSeconds": "max_age",
    "ScheduleExpression": "poll",
    "ContainerProperties.Image": "image",
    "FileSystemConfigs": "file_system",
    "ContainerProperties.Volumes": "file_system",
    "ContainerProperties.MountPoints": "mounted at",
    "Timeout.AttemptDurationSeconds": "job_timeout",
    "ResourceRequirements.VCPU": "vcpus",
    "ResourceRequirements.MEMORY": "memory",
    "ResourceRequirements.GPU": "gpu",
    "State": "state",
    "ComputeResources.Type": "machines",
    "ComputeResources.MaxvCpus": "max_v_cpus",
    "ComputeResources.MinvCpus": "min_v_cpus",
    "ComputeResources.InstanceTypes": "instance_types",
    "AuthType": "access",
    "RouteKey": "route",
    "AuthorizationType": "access",
    "StageName": "stage",
    "config.batch.enable_gpu": "gpu",
    "config.batch.multi_node_parallel.number_nodes": "nodes",
    "config.container.timeout_threshold": "timeout_threshold",
    "config.container.image": "container.image",
    "config.hfaas.on_failure": "on_failure",
    "config.hfaas.delegate": "delegate",
    "config.hfaas.invoke_script": "invoke_script",
    "config.hfaas.extra_payload": "extra_payload",
}
"""Settings whose place in a template is no word of the pipeline file."""

DEFAULTS: Mapping[str, str] = {
    "execution_mode": "lambda",
    "log_level": "INFO",
    "gpu": "0",
    "file_stage_in": "false",
    "timeout_threshold": "10",
    "on_failure": "discard",
}
"""What holds where the configuration says nothing."""

RIGHTS = ("Policies", "ManagedPolicyArns", "AssumeRolePolicyDocument")
PLUMBING = (
    "NotificationConfiguration",  # triggers tell of it
    "SourceArn",
    "FunctionName",
    "ImageType",
    "Tags.createdby",
)
HIDDEN = "(hidden)"
PARAMETER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that changes; empty where there was none, or will be none."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Side:
    """The Stack as it stands, or as it will."""

    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, standing: Standing) -> Side:
        return cls(standing.template.get("Resources", {}), standing.parameters)

    def of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give the resources of a type, with their properties."""
        for logical, resource in self.resources.items():
            if resource["Type"] == kind:
                yield logical, resource.get("Properties", {})

    def settings(self, logical: str) -> dict[str, str]:
        """What a resource is set to, by name."""
        found = self.resources.get(logical, {}).get("Properties", {})
        return {_word(path): _shown(path, value, self.parameters) for path, value in _flat("", found)}


def compare(logical: str, old: Side, new: Side, kind: str) -> Iterator[Setting]:
    """Give the settings of a resource that change."""
    before, after = old.settings(logical), new.settings(logical)
    for name in dict.fromkeys([*before, *after]):
        was, will = (side.get(name, DEFAULTS.get(name, "")) for side in (before, after))
        if was == will or any(part in name for part in PLUMBING):
            continue
        if name == "configuration" and kind == "job def":
            yield Setting(name, "", "as of the function")
        elif secret_variables.NAME.fullmatch(name):
            yield Setting(name, was and HIDDEN, will and HIDDEN)
        else:
            yield Setting(name, was, will)


def triggers(side: Side, functions: Mapping[str, str]) -> set[str]:
    """The folders whose new files are events, in words; `functions` gives names by logical id."""
    found = set()
    for _, properties in side.of_type("AWS::S3::Bucket"):
        for one in properties.get("NotificationConfiguration", {}).get("LambdaConfigurations", []):
            rules = one.get("Filter", {}).get("S3Key", {}).get("Rules", [])
            ends = {rule["Name"]: rule["Value"] for rule in rules}
            logical = one["Function"]["Fn::GetAtt"][0]
            where = f"s3://{properties['BucketName']}/{ends.get('prefix', '')}{'*' + ends['suffix'] if 'suffix' in ends else ''}"
            found.add(f"{where.rstrip('/')} → {functions.get(logical, logical)}")
    return found


def _word(path: str) -> str:
    if path.partition(".")[0] in RIGHTS:
        return "rights"
    for end, word in WORDS.items():
        if path == end or path.endswith(f".{end}"):
            return word
    return path.removeprefix("Environment.Variables.").removeprefix("config.").rpartition("Environment.")[2]


def _shown(path: str, value: Any, parameters: Mapping[str, str]) -> str:
    match value:
        case {"Ref": str(name)} if name in parameters:
            return parameters[name]
        case bool():
            return str(int(value)) if path.endswith("enable_gpu") else str(value).lower()
        case str() | int() | float():
            return str(value)
        case [*entries] if all(isinstance(one, dict) and "storage_provider" in one for one in entries):
            return ", ".join(f"{one['storage_provider']}:{one.get('path', '')}" for one in entries)
        case [*entries] if all(isinstance(one, str) for one in entries):
            return ", ".join(entries)
        case [{"Arn": {"Fn::Sub": str(arn)}, "LocalMountPath": str(mount)}]:
            return f"{PARAMETER.sub(lambda found: parameters.get(found[1], found[1]), arn).rpartition('/')[2]} at {mount}"
        case [{"EfsVolumeConfiguration": {"AuthorizationConfig": {"AccessPointId": {"Ref": str(point)}}}}]:
            return parameters.get(point, point)
        case [{"ContainerPath": str(mount)}]:
            return mount
        case _:
            return json.dumps(value, sort_keys=True)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Give the single values in a tree; lists of names and values count as maps, and one text for all rights."""
    if path in RIGHTS:
        yield path, value
    elif path.endswith("FUNCTION_CONFIG") and (config := _configuration(value)) is not None:
        if path.startswith("Environment.Variables"):
            yield from _flat("config", config)
        else:
            yield "configuration", config
    elif isinstance(value, Mapping) and not _is_intrinsic(value):
        for name, one in value.items():
            yield from _flat(f"{path}.{name}" if path else name, one)
    elif (named := _named(value)) is not None:
        yield from _flat(path, named)
    else:
        yield path, value


def _is_intrinsic(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _named(value: Any) -> dict[str, Any] | None:
    """A list of names and values as a map."""
    if not isinstance(value, list) or not value:
        return None
    for key in ("Name", "Key", "Type"):
        if all(isinstance(one, Mapping) and set(one) == {key, "Value"} for one in value):
            return {str(one[key]): one["Value"] for one in value}
    return None


def _configuration(text: Any) -> Any:
    """What FUNCTION_CONFIG says; None when it is not ours."""
    try:
        return json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError):
        return None
