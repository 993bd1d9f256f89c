"""Compute environments, queues, job definitions and scheduling policies.

A changed job definition is a new revision under the same name: CloudFormation calls it an update, yet Ref and
`JobDefinitionArn` lead to the new revision from then on, and the one before it is deregistered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfaas_emulator.cloudformation.providers.base import (
    AlreadyExists,
    Context,
    Made,
    Props,
    Provider,
    ResourceError,
    Tagging,
    call,
    changed,
    text,
    without,
)

ONCE = ("ReplaceComputeEnvironment", "UpdatePolicy")
"""Properties that say how a compute environment is updated; creating one knows them not."""

REPLACED = frozenset({
    "AllocationStrategy", "BidPercentage", "Ec2Configuration", "Ec2KeyPair", "ImageId", "InstanceRole",
    "InstanceTypes", "LaunchTemplate", "PlacementGroup", "ScalingPolicy", "SecurityGroupIds", "Subnets", "Tags", "Type",
})  # fmt: skip
"""What of its resources asks for another compute environment, unless ReplaceComputeEnvironment is false."""

CLEARED: Mapping[str, Any] = {
    "BidPercentage": 100, "Ec2KeyPair": "", "ImageId": "", "MinvCpus": 0, "PlacementGroup": "", "Tags": {},
}  # fmt: skip
"""What a property of the resources that left the template goes back to."""


def _environment_name(context: Context, properties: Props) -> str:
    return str(properties.get("ComputeEnvironmentName") or context.short(128))


def _create_environment(context: Context, properties: Props) -> Made:
    first = without(properties, *ONCE)
    wanted = {**first, "ComputeEnvironmentName": _environment_name(context, properties)}
    if "ComputeResources" in first:
        wanted["ComputeResources"] = without(first["ComputeResources"], "UpdateToLatestImageVersion")
    answer = call(context, "batch", "create_compute_environment", wanted)
    return _environment(answer["computeEnvironmentArn"], first)


def _environment(arn: str, applied: Props) -> Made:
    return Made(arn, {"ComputeEnvironmentArn": arn}, applied)


def _described_environment(context: Context, name: str) -> Any:
    batch = context.client("batch")
    return batch.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"]


def _find_environment(context: Context, properties: Props) -> Made | None:
    found = _described_environment(context, _environment_name(context, properties))
    return _environment(found[0]["computeEnvironmentArn"], {}) if found else None


def _update_environment(context: Context, made: Made, old: Props, new: Props) -> None:
    touched = changed(old, new) - {"ReplaceComputeEnvironment", "Tags", "Type", "ComputeEnvironmentName"}
    wanted = {key: new[key] for key in touched if key in new}
    if "State" in touched:
        wanted["State"] = new.get("State", "ENABLED")
    if "ComputeResources" in touched:
        wanted["ComputeResources"] = _resources(old, new)
    if wanted:
        call(context, "batch", "update_compute_environment", {**wanted, "ComputeEnvironment": made.id})


def _resources(old: Props, new: Props) -> dict[str, Any]:
    had, wants = old.get("ComputeResources", {}), new.get("ComputeResources", {})
    touched = changed(had, wants)
    lasting = touched & {"SpotIamFleetRole"}
    if had and text(new.get("ReplaceComputeEnvironment", True)) != "false":
        lasting |= touched & REPLACED
    if lasting:
        raise ResourceError(
            f"{', '.join(sorted(lasting))} of ComputeResources need another compute environment, which this "
            "emulator does not make in place of the first: set ReplaceComputeEnvironment to false, or rename "
            "the resource in the template"
        )
    return {key: wants.get(key, CLEARED.get(key)) for key in touched if key in wants or key in CLEARED}


def _delete_environment(context: Context, made: Made) -> None:
    batch = context.client("batch")
    if _described_environment(context, made.id):
        batch.update_compute_environment(computeEnvironment=made.id, state="DISABLED")
        batch.delete_compute_environment(computeEnvironment=made.id)


def _queue_name(context: Context, properties: Props) -> str:
    return str(properties.get("JobQueueName") or context.short(128))


def _create_queue(context: Context, properties: Props) -> Made:
    wanted = {"State": "ENABLED", **properties, "JobQueueName": _queue_name(context, properties)}
    return _queue(call(context, "batch", "create_job_queue", wanted)["jobQueueArn"], properties)


def _queue(arn: str, applied: Props) -> Made:
    return Made(arn, {"JobQueueArn": arn}, applied)


def _described_queue(context: Context, name: str) -> Any:
    return context.client("batch").describe_job_queues(jobQueues=[name])["jobQueues"]


def _find_queue(context: Context, properties: Props) -> Made | None:
    found = _described_queue(context, _queue_name(context, properties))
    return _queue(found[0]["jobQueueArn"], {}) if found else None


def _update_queue(context: Context, made: Made, old: Props, new: Props) -> None:
    touched = changed(old, new) - {"Tags", "JobQueueName", "JobQueueType"}
    wanted = {key: new[key] for key in touched if key in new}
    if "State" in touched:
        wanted["State"] = new.get("State", "ENABLED")
    if "JobStateTimeLimitActions" in touched:
        wanted["JobStateTimeLimitActions"] = new.get("JobStateTimeLimitActions", [])
    if wanted:
        call(context, "batch", "update_job_queue", {**wanted, "JobQueue": made.id})
    _tag(context, made.id, old, new)


def _delete_queue(context: Context, made: Made) -> None:
    batch = context.client("batch")
    if _described_queue(context, made.id):
        batch.update_job_queue(jobQueue=made.id, state="DISABLED")
        batch.delete_job_queue(jobQueue=made.id)


def _tag(context: Context, arn: str, old: Props, new: Props) -> None:
    had, wanted = old.get("Tags", {}), new.get("Tags", {})
    put = {key: text(value) for key, value in wanted.items() if had.get(key) != value}
    if put:
        context.client("batch").tag_resource(resourceArn=arn, tags=put)
    if removed := sorted(set(had) - set(wanted)):
        context.client("batch").untag_resource(resourceArn=arn, tagKeys=removed)


def _definition_name(context: Context, properties: Props) -> str:
    return str(properties.get("JobDefinitionName") or context.short(128))


def _create_definition(context: Context, properties: Props) -> Made:
    """Look first: Batch would take the definition for the next revision of somebody else's."""
    name = _definition_name(context, properties)
    if _revisions(context, name):
        raise AlreadyExists("AWS::Batch::JobDefinition", name)
    return _register(context, name, properties)


def _register(context: Context, name: str, properties: Props) -> Made:
    wanted = {**without(properties, "ResourceRetentionPolicy"), "JobDefinitionName": name}
    return _definition(call(context, "batch", "register_job_definition", wanted)["jobDefinitionArn"], properties)


def _definition(arn: str, applied: Props) -> Made:
    return Made(arn, {"JobDefinitionArn": arn}, applied)


def _revisions(context: Context, name: str) -> list[str]:
    """Return the active revisions, the newest last."""
    asked = {"jobDefinitionName": name, "status": "ACTIVE"}
    pages = context.client("batch").get_paginator("describe_job_definitions").paginate(**asked)
    found = [one for page in pages for one in page["jobDefinitions"]]
    return [one["jobDefinitionArn"] for one in sorted(found, key=lambda one: int(one["revision"]))]


def _find_definition(context: Context, properties: Props) -> Made | None:
    found = _revisions(context, _definition_name(context, properties))
    return _definition(found[-1], {}) if found else None


def _update_definition(context: Context, made: Made, old: Props, new: Props) -> Made | None:
    """Register the next revision; one that a crash left behind is deregistered with the old one."""
    if not changed(old, new) - {"Tags", "ResourceRetentionPolicy"}:
        _tag(context, made.id, old, new)
        return None
    name = _name_of(made.id)
    newest = _register(context, name, new)
    if text(new.get("ResourceRetentionPolicy", {}).get("SkipDeregisterOnUpdate", False)) != "true":
        _deregister(context, [arn for arn in _revisions(context, name) if arn != newest.id])
    return newest


def _name_of(arn: str) -> str:
    return arn.partition("/")[2].rpartition(":")[0]


def _deregister(context: Context, revisions: list[str]) -> None:
    for arn in revisions:
        context.client("batch").deregister_job_definition(jobDefinition=arn)


def _delete_definition(context: Context, made: Made) -> None:
    _deregister(context, _revisions(context, _name_of(made.id)))


def _create_policy(context: Context, properties: Props) -> Made:
    wanted = {**properties, "Name": properties.get("Name") or context.short(128)}
    arn = call(context, "batch", "create_scheduling_policy", wanted)["arn"]
    return Made(arn, {"Arn": arn}, properties)


def _update_policy(context: Context, made: Made, old: Props, new: Props) -> None:
    wanted = {"Arn": made.id, "FairsharePolicy": new.get("FairsharePolicy", {})}
    call(context, "batch", "update_scheduling_policy", wanted)
    _tag(context, made.id, old, new)


def _delete_policy(context: Context, made: Made) -> None:
    context.client("batch").delete_scheduling_policy(arn=made.id)


PROVIDERS = {
    "AWS::Batch::ComputeEnvironment": Provider(
        ("batch",),
        frozenset(
            {
                "ComputeEnvironmentName", "ComputeResources", "Context", "ServiceRole", "State", "Tags", "Type",
                "UnmanagedvCpus", *ONCE,
            }
        ),
        _create_environment, _delete_environment, _update_environment, _find_environment,
        name="ComputeEnvironmentName", tagging=Tagging.FIXED,
    ),
    "AWS::Batch::JobQueue": Provider(
        ("batch",),
        frozenset(
            {
                "ComputeEnvironmentOrder", "JobQueueName", "JobQueueType", "JobStateTimeLimitActions", "Priority",
                "SchedulingPolicyArn", "State", "Tags",
            }
        ),
        _create_queue, _delete_queue, _update_queue, _find_queue, name="JobQueueName", tagging=Tagging.MAP,
    ),
    "AWS::Batch::JobDefinition": Provider(
        ("batch",),
        frozenset(
            {
                "ContainerProperties", "JobDefinitionName", "NodeProperties", "Parameters", "PlatformCapabilities",
                "PropagateTags", "ResourceRetentionPolicy", "RetryStrategy", "SchedulingPriority", "Tags", "Timeout",
                "Type",
            }
        ),
        _create_definition, _delete_definition, _update_definition, _find_definition,
        name="JobDefinitionName", tagging=Tagging.MAP,
    ),
    "AWS::Batch::SchedulingPolicy": Provider(
        ("batch",), frozenset({"FairsharePolicy", "Name", "Tags"}),
        _create_policy, _delete_policy, _update_policy, name="Name", tagging=Tagging.MAP,
    ),
}  # fmt: skip
