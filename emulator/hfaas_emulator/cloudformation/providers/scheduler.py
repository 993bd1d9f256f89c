"""Schedules of EventBridge Scheduler and their groups."""

from __future__ import annotations

from typing import Any

from hfaas_emulator.cloudformation.providers.base import (
    Context,
    Made,
    Props,
    Provider,
    ResourceError,
    absent_is_none,
    call,
    changed,
    tag_changes,
)


def _name(context: Context, properties: Props) -> str:
    return str(properties.get("Name") or context.short(64))


def _group(properties: Props) -> dict[str, str]:
    return {"GroupName": str(properties["GroupName"])} if "GroupName" in properties else {}


def _create(context: Context, properties: Props) -> Made:
    name = _name(context, properties)
    arn = call(context, "scheduler", "create_schedule", {**properties, "Name": name})["ScheduleArn"]
    return Made(name, {"Arn": arn}, properties)


@absent_is_none
def _find(context: Context, properties: Props) -> Made:
    name = _name(context, properties)
    found = context.client("scheduler").get_schedule(Name=name, **_group(properties))
    return Made(name, {"Arn": found["Arn"]}, {})


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    """Say everything: Scheduler puts what is left out back to its default."""
    if old and "GroupName" in changed(old, new):
        raise ResourceError("A schedule cannot move to another group: rename the resource in the template")
    call(context, "scheduler", "update_schedule", {**new, "Name": made.id})


def _delete(context: Context, made: Made) -> None:
    context.client("scheduler").delete_schedule(Name=made.id, **_group(made.properties))


def _create_group(context: Context, properties: Props) -> Made:
    name = _name(context, properties)
    call(context, "scheduler", "create_schedule_group", {**properties, "Name": name})
    return _group_made(context, name, properties)


def _group_made(context: Context, name: str, applied: Props) -> Made:
    found: Any = context.client("scheduler").get_schedule_group(Name=name)
    dates = {key: found[key].isoformat() for key in ("CreationDate", "LastModificationDate")}
    return Made(name, {"Arn": found["Arn"], "State": found["State"], **dates}, applied)


@absent_is_none
def _find_group(context: Context, properties: Props) -> Made:
    return _group_made(context, _name(context, properties), {})


def _update_group(context: Context, made: Made, old: Props, new: Props) -> None:
    scheduler, arn = context.client("scheduler"), made.attributes["Arn"]
    put, removed = tag_changes(old, new)
    if put:
        tags = [{"Key": key, "Value": value} for key, value in put.items()]
        scheduler.tag_resource(ResourceArn=arn, Tags=tags)
    if removed:
        scheduler.untag_resource(ResourceArn=arn, TagKeys=removed)


def _delete_group(context: Context, made: Made) -> None:
    context.client("scheduler").delete_schedule_group(Name=made.id)


PROVIDERS = {
    "AWS::Scheduler::Schedule": Provider(
        ("scheduler",),
        frozenset(
            {
                "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name",
                "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "State", "Target",
            }
        ),
        _create, _delete, _update, _find, name="Name",
    ),
    "AWS::Scheduler::ScheduleGroup": Provider(
        ("scheduler",), frozenset({"Name", "Tags"}),
        _create_group, _delete_group, _update_group, _find_group, name="Name",
    ),
}  # fmt: skip
