"""The actions that tell of change sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hfaas_emulator.cloudformation.call import Call
from hfaas_emulator.cloudformation.changing import find_change_set
from hfaas_emulator.cloudformation.plan import Change, Detail
from hfaas_emulator.cloudformation.property_values import Values
from hfaas_emulator.cloudformation.reading import shown_parameters, shown_tags
from hfaas_emulator.cloudformation.stack import ChangeSet, Stack
from hfaas_emulator.cloudformation.wire import Moment

Answer = Mapping[str, Any]


async def describe_change_set(call: Call) -> Answer:
    stack, found = find_change_set(call)
    page, token = call.page(found.changes)
    asked = call.flag("IncludePropertyValues") and found.execution in ("AVAILABLE", "UNAVAILABLE")
    values = Values(stack, found) if asked else None
    return {
        **_change_set(stack, found),
        "Parameters": shown_parameters(found.version),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": found.version.capabilities,
        "Tags": shown_tags(found.version.tags),
        "Changes": [{"Type": "Resource", "ResourceChange": _change(one, stack, values)} for one in page],
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
        "IncludeNestedStacks": found.nested,
        "ImportExistingResources": found.imports_existing,
    }


def _change(change: Change, stack: Stack, values: Values | None) -> Answer:
    had = stack.resources.get(change.logical)
    return {
        "Action": change.action,
        "LogicalResourceId": change.logical,
        "PhysicalResourceId": had.physical if had else None,
        "ResourceType": change.type,
        "Replacement": change.replacement or None,
        "Scope": _scopes(change.details),
        "Details": [_detail(one, values.target(change, one) if values else {}) for one in change.details],
        **(values.contexts(change) if values else {}),
    }


def _scopes(details: Iterable[Detail]) -> list[str]:
    return list(dict.fromkeys(one.scope for one in details))


def _detail(detail: Detail, values: Answer) -> Answer:
    return {
        "Target": {
            "Attribute": detail.scope,
            "Name": detail.name or None,
            "RequiresRecreation": detail.recreation,
            **values,
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
