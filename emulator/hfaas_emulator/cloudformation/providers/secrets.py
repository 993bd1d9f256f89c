"""Secrets of Secrets Manager: empty, with a value of the template, or with one made up here."""

from __future__ import annotations

import json
from typing import Any

from hfaas_emulator.cloudformation.providers.base import (
    Context,
    Made,
    PropertyError,
    Props,
    Provider,
    absent_is_none,
    call,
    changed,
    tag_changes,
    without,
)

TEMPLATE = ("SecretStringTemplate", "GenerateStringKey")


def _name(context: Context, properties: Props) -> str:
    return str(properties.get("Name") or context.short(64))


def _create(context: Context, properties: Props) -> Made:
    wanted = {**without(properties, "GenerateSecretString"), **_value(context, properties)}
    answer = call(context, "secretsmanager", "create_secret", {**wanted, "Name": _name(context, properties)})
    return _made(answer["ARN"], properties)


def _made(arn: str, applied: Props) -> Made:
    return Made(arn, {"Id": arn}, applied)


def _value(context: Context, properties: Props) -> dict[str, str]:
    """Return what the secret holds, if anything."""
    if "GenerateSecretString" not in properties:
        return {"SecretString": properties["SecretString"]} if "SecretString" in properties else {}
    if "SecretString" in properties:
        raise PropertyError("#: SecretString and GenerateSecretString exclude each other")
    wish = properties["GenerateSecretString"]
    if len(set(TEMPLATE) & set(wish)) == 1:
        raise PropertyError(f"#/GenerateSecretString: {' and '.join(TEMPLATE)} need each other")
    made = call(context, "secretsmanager", "get_random_password", without(wish, *TEMPLATE))["RandomPassword"]
    return {"SecretString": _filled(wish, made) if TEMPLATE[0] in wish else made}


def _filled(wish: Props, made: str) -> str:
    try:
        return json.dumps({**json.loads(wish[TEMPLATE[0]]), wish[TEMPLATE[1]]: made})
    except (ValueError, TypeError) as error:
        raise PropertyError(f"#/GenerateSecretString/{TEMPLATE[0]}: is no JSON object") from error


@absent_is_none
def _find(context: Context, properties: Props) -> Made:
    found = context.client("secretsmanager").describe_secret(SecretId=_name(context, properties))
    return _made(found["ARN"], {})


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    """Leave a value alone that the template says nothing about: somebody put it there."""
    client: Any = context.client("secretsmanager")
    touched = changed(old, new)
    wanted = {key: new.get(key, "") for key in touched & {"Description", "KmsKeyId"}}
    if touched & {"SecretString", "GenerateSecretString"}:
        wanted |= _value(context, new)
    if wanted:
        call(context, "secretsmanager", "update_secret", {**wanted, "SecretId": made.id})
    put, removed = tag_changes(old, new)
    if put:
        client.tag_resource(SecretId=made.id, Tags=[{"Key": key, "Value": value} for key, value in put.items()])
    if removed:
        client.untag_resource(SecretId=made.id, TagKeys=removed)


def _delete(context: Context, made: Made) -> None:
    """Delete for good, as CloudFormation does: its name is free at once."""
    context.client("secretsmanager").delete_secret(SecretId=made.id, ForceDeleteWithoutRecovery=True)


PROVIDERS = {
    "AWS::SecretsManager::Secret": Provider(
        ("secretsmanager",),
        frozenset({"Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString", "Tags"}),
        _create, _delete, _update, _find, name="Name",
    ),
}  # fmt: skip
