"""Log groups."""

from __future__ import annotations

from typing import Any

from hfaas_emulator.cloudformation.providers.base import (
    Context,
    Made,
    Props,
    Provider,
    call,
    changed,
    tag_changes,
    tag_map,
    without,
)


def _name(context: Context, properties: Props) -> str:
    return str(properties.get("LogGroupName") or context.short(512))


def _made(context: Context, name: str, applied: Props) -> Made:
    arn = f"arn:aws:logs:{context.region}:{context.account}:log-group:{name}:*"
    return Made(name, {"Arn": arn}, applied)


def _create(context: Context, properties: Props) -> Made:
    first, name = without(properties, "RetentionInDays"), _name(context, properties)
    tags = {"Tags": tag_map(properties)} if properties.get("Tags") else {}
    call(context, "logs", "create_log_group", {**first, **tags, "LogGroupName": name})
    return _made(context, name, first)


def _find(context: Context, properties: Props) -> Made | None:
    name = _name(context, properties)
    found = context.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return _made(context, name, {}) if any(one["logGroupName"] == name for one in found) else None


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    logs: Any = context.client("logs")
    touched = changed(old, new)
    if "RetentionInDays" in touched and "RetentionInDays" in new:
        call(
            context,
            "logs",
            "put_retention_policy",
            {"LogGroupName": made.id, "RetentionInDays": new["RetentionInDays"]},
        )
    elif "RetentionInDays" in touched:
        logs.delete_retention_policy(logGroupName=made.id)
    put, removed = tag_changes(old, new)
    arn = made.attributes["Arn"].removesuffix(":*")
    if put:
        logs.tag_resource(resourceArn=arn, tags=put)
    if removed:
        logs.untag_resource(resourceArn=arn, tagKeys=removed)


def _delete(context: Context, made: Made) -> None:
    context.client("logs").delete_log_group(logGroupName=made.id)


PROVIDERS = {
    "AWS::Logs::LogGroup": Provider(
        ("logs",),
        frozenset({"LogGroupName", "RetentionInDays", "Tags"}),
        _create, _delete, _update, _find, name="LogGroupName",
    ),
}  # fmt: skip
