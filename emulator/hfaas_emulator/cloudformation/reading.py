"""The actions that only tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hfaas_emulator.cloudformation import parameters
from hfaas_emulator.cloudformation.call import Call
from hfaas_emulator.cloudformation.changing import find_change_set
from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.plan import Change, Detail
from hfaas_emulator.cloudformation.providers import TYPES, capabilities
from hfaas_emulator.cloudformation.stack import ChangeSet, Event, OnFailure, Resource, Stack, Status, Version
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
        "Parameters": _parameters(stack.version),
        **_moments(stack),
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DisableRollback": stops,
        "NotificationARNs": [],
        "Capabilities": stack.version.capabilities,
        "Outputs": _outputs(stack),
        "Tags": _tags(stack.version.tags),
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
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


def _parameters(version: Version) -> list[Answer]:
    shown = parameters.shown(version.template, version.parameters)
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in shown.items()]


def _tags(tags: Mapping[str, str]) -> list[Answer]:
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


async def describe_stack_events(call: Call) -> Answer:
    """Newest first; the token counts from the oldest, so events that come in between shift nothing."""
    stack = call.stack()
    token = call.text("NextToken") or str(len(stack.events))
    if not token.isdecimal():
        raise invalid("Invalid NextToken")
    end = min(int(token), len(stack.events))
    start = max(0, end - 100)
    page = [_event(one, stack) for one in reversed(stack.events[start:end])]
    return {"StackEvents": page, "NextToken": str(start) if start else None}


def _event(event: Event, stack: Stack) -> Answer:
    return {
        "StackId": stack.id,
        "EventId": f"{event.logical}-{event.operation[:8]}-{event.seq:06d}",
        "StackName": stack.name,
        "OperationId": event.operation,
        "LogicalResourceId": event.logical,
        "PhysicalResourceId": event.physical,
        "ResourceType": event.type,
        "Timestamp": Moment(event.time),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ClientRequestToken": event.token or None,
    }


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
    template = call.stack().version.template if call.text("StackName") else call.template()
    return {
        **_described(template, "ParameterType"),
        "ResourceTypes": sorted({one.type for one in template.resources.values()}),
        "Version": template.version or None,
        "ResourceIdentifierSummaries": _identifiers(template),
    }


async def validate_template(call: Call) -> Answer:
    return _described(call.template(), None)


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


async def describe_change_set(call: Call) -> Answer:
    stack, found = find_change_set(call)
    page, token = call.page(found.changes)
    return {
        **_change_set(stack, found),
        "Parameters": _parameters(found.version),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": found.version.capabilities,
        "Tags": _tags(found.version.tags),
        "Changes": [{"Type": "Resource", "ResourceChange": _change(one, stack)} for one in page],
        "NextToken": token,
        "OnStackFailure": found.on_failure,
    }


def _change_set(stack: Stack, found: ChangeSet) -> Answer:
    return {
        "ChangeSetName": found.name,
        "ChangeSetId": found.arn,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": found.description or None,
        "CreationTime": Moment(found.created),
        "ExecutionStatus": found.execution,
        "Status": found.status,
        "StatusReason": found.reason or None,
        "IncludeNestedStacks": False,
        "ImportExistingResources": found.imports_existing,
    }


def _change(change: Change, stack: Stack) -> Answer:
    had = stack.resources.get(change.logical)
    return {
        "Action": change.action,
        "LogicalResourceId": change.logical,
        "PhysicalResourceId": had.physical if had else None,
        "ResourceType": change.type,
        "Replacement": change.replacement or None,
        "Scope": _scopes(change.details),
        "Details": [_detail(one) for one in change.details],
    }


def _scopes(details: Iterable[Detail]) -> list[str]:
    return list(dict.fromkeys(one.scope for one in details))


def _detail(detail: Detail) -> Answer:
    return {
        "Target": {
            "Attribute": detail.scope,
            "Name": detail.name or None,
            "RequiresRecreation": detail.recreation,
        },
        "Evaluation": "Dynamic" if detail.dynamic else "Static",
        "ChangeSource": detail.source,
        "CausingEntity": detail.cause or None,
    }


async def list_change_sets(call: Call) -> Answer:
    stack = call.stack()
    listed = [one for one in stack.change_sets.values() if one.execution != "EXECUTE_COMPLETE"]
    page, token = call.page(listed)
    return {"Summaries": [_change_set(stack, one) for one in page], "NextToken": token}
