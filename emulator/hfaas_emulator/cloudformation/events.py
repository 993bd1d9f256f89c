"""The actions that tell of events: of a stack, of one operation, of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hfaas_emulator.cloudformation.call import Call
from hfaas_emulator.cloudformation.changing import find_change_set
from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.stack import STACK_TYPE, ChangeSet, Event, Kind, Stack, Status
from hfaas_emulator.cloudformation.wire import Moment

Answer = Mapping[str, Any]

PAGE = 100
TYPES = {
    Kind.CREATE: "CREATE_STACK",
    Kind.UPDATE: "UPDATE_STACK",
    Kind.DELETE: "DELETE_STACK",
    Kind.ROLLBACK: "ROLLBACK",
    Kind.CONTINUE: "CONTINUE_ROLLBACK",
    Kind.PLAN: "CREATE_CHANGESET",
}


async def describe_stack_events(call: Call) -> Answer:
    """Newest first; the token counts from the oldest, so events that come in between shift nothing."""
    stack = call.stack()
    page, token = _page(call, stack.events)
    return {"StackEvents": [_stack_event(one, stack) for one in page], "NextToken": token}


async def describe_events(call: Call) -> Answer:
    """Tell of operations, newest first; failures alone when the caller filters for them."""
    if call.text("ChangeSetName"):
        stack, found = find_change_set(call)
        events = _plan_events(stack, found)
    elif call.text("OperationId"):
        events = _operation_events(call, call.text("OperationId"))
    elif call.text("StackName"):
        stack = call.stack()
        events = [*_plans_events(stack), *_stacks_events(stack)]
    else:
        raise invalid("One of ChangeSetName, OperationId or StackName must be specified")
    filters = call.fields.get("Filters")
    if isinstance(filters, Mapping) and str(filters.get("FailedEvents", "")).lower() == "true":
        events = [one for one in events if _is_failure(one)]
    page, token = _page(call, sorted(events, key=lambda one: float(one["Timestamp"])))
    return {"OperationEvents": page, "NextToken": token}


def _page(call: Call, events: Sequence[Any]) -> tuple[list[Any], str | None]:
    token = call.text("NextToken") or str(len(events))
    if not token.isdecimal():
        raise invalid("Invalid NextToken")
    end = min(int(token), len(events))
    start = max(0, end - PAGE)
    return list(reversed(events[start:end])), str(start) if start else None


def _operation_events(call: Call, operation: str) -> list[Answer]:
    for stack in call.engine.stacks(call.account, call.region):
        found = [one for one in _stacks_events(stack) if one["OperationId"] == operation]
        plans = [one for one in stack.change_sets.values() if one.operation == operation]
        if found or plans:
            return [*(event for one in plans for event in _plan_events(stack, one)), *found]
    return []


def _plans_events(stack: Stack) -> Iterator[Answer]:
    for one in stack.change_sets.values():
        yield from _plan_events(stack, one)


# -- one event --


def _stack_event(event: Event, stack: Stack) -> Answer:
    return {"StackName": stack.name, **_what_happened(event, stack)}


def _what_happened(event: Event, stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "EventId": f"{event.logical}-{event.operation[:8]}-{event.seq:06d}",
        "OperationId": event.operation,
        "LogicalResourceId": event.logical,
        "PhysicalResourceId": event.physical,
        "ResourceType": event.type,
        "Timestamp": Moment(event.time),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ClientRequestToken": event.token or None,
    }


def _stacks_events(stack: Stack) -> list[Answer]:
    standings = _standings(stack)
    return [_event(one, stack, standings.get(one.operation, "FAILED")) for one in stack.events]


def _event(event: Event, stack: Stack, standing: str) -> dict[str, Any]:
    own = event.type == STACK_TYPE
    failed = "PROVISIONING_ERROR" if event.status.endswith("_FAILED") else "PROGRESS_EVENT"
    return {
        **_what_happened(event, stack),
        "OperationType": kind_of(event),
        "OperationStatus": standing,
        "EventType": "STACK_EVENT" if own else failed,
    }


def _standings(stack: Stack) -> dict[str, str]:
    """Return how each operation stands; one that went over into a rollback has failed."""
    last = {one.operation: one.status for one in stack.events if one.type == STACK_TYPE}
    return {operation: _standing(status, stack) for operation, status in last.items()}


def _standing(last: str, stack: Stack) -> str:
    if last.endswith("_COMPLETE"):
        return "SUCCEEDED"
    return "IN_PROGRESS" if last.endswith("_IN_PROGRESS") and last == stack.status else "FAILED"


def kind_of(event: Event) -> str | None:
    """Return what the operation of an event does; none for events that an older emulator wrote."""
    return TYPES[Kind(event.kind)] if event.kind else None


def last_operations(stack: Stack) -> list[Answer]:
    """Return the operation that was asked for last, after the rollback it led to, newest first."""
    if stack.operation is None:
        return []
    parts = {stack.operation.part(one)[0] for one in (Status.CREATE_IN_PROGRESS, Status.ROLLBACK_IN_PROGRESS)}
    found = {one.operation: kind_of(one) for one in reversed(stack.events) if one.operation in parts}
    return [{"OperationId": operation, "OperationType": kind} for operation, kind in found.items()]


# -- plans --


def _plan_events(stack: Stack, found: ChangeSet) -> list[Answer]:
    shared = {
        "StackId": stack.id,
        "OperationId": found.operation,
        "OperationType": TYPES[Kind.PLAN],
        "OperationStatus": "FAILED" if found.problems else "SUCCEEDED",
        "Timestamp": Moment(found.created),
        "ClientRequestToken": found.token or None,
    }
    own = {"EventId": found.operation, "EventType": "STACK_EVENT", "LogicalResourceId": stack.name}
    problems = [
        {
            "EventId": f"{found.operation}-{number}",
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": one.logical,
            "ResourceType": one.type,
            "ValidationFailureMode": "FAIL",
            "ValidationName": one.check,
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": one.reason,
            "ValidationPath": one.path,
        }
        for number, one in enumerate(found.problems)
    ]
    return [{**shared, **one} for one in (*problems, {**own, "ResourceType": STACK_TYPE})]


def _is_failure(event: Answer) -> bool:
    return event["EventType"] in ("VALIDATION_ERROR", "PROVISIONING_ERROR")
