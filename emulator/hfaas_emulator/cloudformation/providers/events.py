"""Rules of EventBridge and their targets."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    AlreadyExists,
    Context,
    Made,
    Props,
    Provider,
    ResourceError,
    call,
    changed,
    is_absent,
    tag_changes,
    without,
)

APART = ("Tags", "Targets")
"""Properties that calls of their own set; a rule that is put again keeps neither or both."""


def _name(context: Context, properties: Props) -> str:
    return str(properties.get("Name") or context.short(64))


def _bus(properties: Props) -> dict[str, str]:
    return {"EventBusName": str(properties["EventBusName"])} if "EventBusName" in properties else {}


def _create(context: Context, properties: Props) -> Made:
    """Look first: EventBridge would replace a rule of that name."""
    name, first = _name(context, properties), without(properties, "Targets")
    if _find(context, properties) is not None:
        raise AlreadyExists("AWS::Events::Rule", name)
    arn = call(context, "events", "put_rule", {"State": "ENABLED", **first, "Name": name})["RuleArn"]
    return _made(name, arn, properties, first)


def _made(name: str, arn: str, properties: Props, applied: Props) -> Made:
    bus = str(properties.get("EventBusName", "default")).rpartition("/")[2]
    return Made(name if bus == "default" else f"{bus}|{name}", {"Arn": arn, "RuleName": name}, applied)


def _find(context: Context, properties: Props) -> Made | None:
    name = _name(context, properties)
    try:
        found = context.client("events").describe_rule(Name=name, **_bus(properties))
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return _made(name, found["Arn"], properties, {})


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    name = made.attributes["RuleName"]
    if "EventBusName" in changed(old, new) and old:
        raise ResourceError("A rule cannot move to another event bus: rename the resource in the template")
    if changed(old, new) - set(APART):
        call(context, "events", "put_rule", {"State": "ENABLED", **without(new, *APART), "Name": name})
    _update_targets(context, name, old, new)
    put, removed = tag_changes(old, new)
    events: Any = context.client("events")
    if put:
        tags = [{"Key": key, "Value": value} for key, value in put.items()]
        events.tag_resource(ResourceARN=made.attributes["Arn"], Tags=tags)
    if removed:
        events.untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=removed)


def _update_targets(context: Context, name: str, old: Props, new: Props) -> None:
    had = {one["Id"]: one for one in old.get("Targets", [])}
    wanted = {one["Id"]: one for one in new.get("Targets", [])}
    where = {"Rule": name, **_bus(new)}
    if put := [wanted[key] for key in sorted(changed(had, wanted)) if key in wanted]:
        _check(call(context, "events", "put_targets", {**where, "Targets": put}))
    if gone := sorted(set(had) - set(wanted)):
        _check(context.client("events").remove_targets(**where, Ids=gone))


def _check(answer: Any) -> None:
    """EventBridge answers 200 to targets that it refuses."""
    for one in answer.get("FailedEntries", []):
        raise ResourceError(f"Target {one.get('TargetId')}: {one.get('ErrorMessage')}")


def _delete(context: Context, made: Made) -> None:
    """Ask for the targets: a rule that has any would not go."""
    events = context.client("events")
    where = _bus(made.properties)
    name = made.attributes["RuleName"]
    found = events.list_targets_by_rule(Rule=name, **where)["Targets"]
    if found:
        events.remove_targets(Rule=name, Ids=[one["Id"] for one in found], **where)
    events.delete_rule(Name=name, **where)


PROVIDERS = {
    "AWS::Events::Rule": Provider(
        ("events",),
        frozenset(
            {
                "Description", "EventBusName", "EventPattern", "Name", "RoleArn", "ScheduleExpression", "State",
                *APART,
            }
        ),
        _create, _delete, _update, _find, name="Name",
    ),
}  # fmt: skip
