"""The actions that only tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfaas_emulator.cloudformation import parameters
from hfaas_emulator.cloudformation.call import Call
from hfaas_emulator.cloudformation.changing import find_change_set
from hfaas_emulator.cloudformation.events import last_operations
from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.providers import TYPES, capabilities
from hfaas_emulator.cloudformation.stack import OnFailure, Resource, Stack, Status, Version
from hfaas_emulator.cloudformation.template import Template
from hfaas_emulator.cloudformation.wire import Moment

Answer = Mapping[str, Any]

STILL = {"DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"}}


async def describe_stacks(call: Call) -> Answer:
    if call.text("StackName"):
        found = [call.stack()]
    else:
        own = call.engine.stacks(call.account, call.region)
        found = [one for one in own if one.status is not Status.DELETE_COMPLETE]
    page, token = call.page(found)
    return {"Stacks": [_stack(one) for one in page], "NextToken": token}


def _stack(stack: Stack) -> Answer:
    stops = stack.operation is not None and stack.operation.on_failure is OnFailure.DO_NOTHING
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set or None,
        "Description": stack.version.template.description or None,
        "Parameters": shown_parameters(stack.version),
        **_moments(stack),
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DisableRollback": stops,
        "NotificationARNs": [],
        "Capabilities": stack.version.capabilities,
        "Outputs": _outputs(stack),
        "Tags": shown_tags(stack.version.tags),
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        "LastOperations": last_operations(stack),
    }


def _moments(stack: Stack) -> Answer:
    return {
        "CreationTime": Moment(stack.created),
        "LastUpdatedTime": Moment(stack.updated) if stack.updated else None,
        "DeletionTime": Moment(stack.deleted) if stack.deleted else None,
    }


def _outputs(stack: Stack) -> list[Answer]:
    declared = stack.version.template.outputs
    return [
        {
            "OutputKey": key,
            "OutputValue": value,
            "Description": declared.get(key, {}).get("Description"),
            "ExportName": None,
        }
        for key, value in stack.outputs.items()
    ]


def shown_parameters(version: Version) -> list[Answer]:
    """Return the parameters of a version, secrets hidden."""
    shown = parameters.shown(version.template, version.parameters)
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in shown.items()]


def shown_tags(tags: Mapping[str, str]) -> list[Answer]:
    """Return tags as a list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


async def list_stacks(call: Call) -> Answer:
    wanted = set(call.listed("StackStatusFilter"))
    own = call.engine.stacks(call.account, call.region)
    page, token = call.page([one for one in own if not wanted or one.status in wanted])
    summaries = [
        {
            "StackId": one.id,
            "StackName": one.name,
            "TemplateDescription": one.version.template.description or None,
            **_moments(one),
            "StackStatus": one.status,
            "StackStatusReason": one.reason or None,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
        for one in page
    ]
    return {"StackSummaries": summaries, "NextToken": token}


async def describe_stack_resources(call: Call) -> Answer:
    stack = _stack_of(call)
    logical, physical = call.text("LogicalResourceId"), call.text("PhysicalResourceId")
    if logical:
        found = [_one(stack, logical)]
    else:
        found = [one for one in stack.resources.values() if call.text("StackName") or one.physical == physical]
    return {"StackResources": [{"StackName": stack.name, "StackId": stack.id, **_resource(one)} for one in found]}


def _stack_of(call: Call) -> Stack:
    physical = call.text("PhysicalResourceId")
    if call.text("StackName") or not physical:
        return call.stack()
    for stack in call.engine.stacks(call.account, call.region):
        if any(one.physical == physical for one in stack.resources.values()):
            return stack
    raise invalid(f"Stack for {physical} does not exist")


def _one(stack: Stack, logical: str) -> Resource:
    if logical not in stack.resources:
        raise invalid(f"Resource {logical} does not exist for stack {stack.name}")
    return stack.resources[logical]


def _resource(resource: Resource, moment: str = "Timestamp") -> Answer:
    return {
        "LogicalResourceId": resource.logical,
        "PhysicalResourceId": resource.physical or None,
        "ResourceType": resource.type,
        moment: Moment(resource.changed),
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        **STILL,
    }


async def describe_stack_resource(call: Call) -> Answer:
    stack = call.stack()
    found = _resource(_one(stack, call.required("LogicalResourceId")), "LastUpdatedTimestamp")
    return {"StackResourceDetail": {"StackName": stack.name, "StackId": stack.id, **found}}


async def list_stack_resources(call: Call) -> Answer:
    page, token = call.page(list(call.stack().resources.values()))
    summaries = [_resource(one, "LastUpdatedTimestamp") for one in page]
    return {"StackResourceSummaries": summaries, "NextToken": token}


async def get_template(call: Call) -> Answer:
    stack = call.stack() if call.text("StackName") else None
    if call.text("ChangeSetName"):
        body = find_change_set(call)[1].version.body
    elif stack is None:
        raise invalid("StackName is required if ChangeSetName is not specified.")
    else:
        body = stack.version.body
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


async def get_template_summary(call: Call) -> Answer:
    template = call.stack().version.template if call.text("StackName") else await call.template()
    return {
        **_described(template, "ParameterType"),
        "ResourceTypes": sorted({one.type for one in template.resources.values()}),
        "Version": template.version or None,
        "ResourceIdentifierSummaries": _identifiers(template),
    }


async def validate_template(call: Call) -> Answer:
    return _described(await call.template(), None)


def _described(template: Template, type_key: str | None) -> dict[str, Any]:
    needed = capabilities(template)
    types = sorted({one.type for one in template.resources.values() if one.type.startswith("AWS::IAM::")})
    return {
        "Parameters": [_declared(name, one, type_key) for name, one in template.parameters.items()],
        "Description": template.description or None,
        "Capabilities": needed,
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{', '.join(types)}]"
        if needed
        else None,
    }


def _declared(name: str, declared: Mapping[str, Any], type_key: str | None) -> Answer:
    hidden = str(declared.get("NoEcho", "")).lower() == "true"
    return {
        "ParameterKey": name,
        "DefaultValue": declared.get("Default"),
        **({type_key: declared["Type"]} if type_key else {}),
        "NoEcho": hidden,
        "Description": declared.get("Description"),
    }


def _identifiers(template: Template) -> list[Answer]:
    """Say by which property each importable type is known."""
    found: dict[str, list[str]] = {}
    for one in template.resources.values():
        if TYPES[one.type].find is not None:
            found.setdefault(one.type, []).append(one.logical)
    return [
        {"ResourceType": kind, "LogicalResourceIds": names, "ResourceIdentifiers": [TYPES[kind].name]}
        for kind, names in found.items()
    ]
