"""Repositories of ECR, with their policies; deleted with their images only where `EmptyOnDelete` says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    Context,
    Made,
    Props,
    Provider,
    absent_is_none,
    call,
    changed,
    is_absent,
    tag_changes,
    text,
)

MUTABLE = "MUTABLE"
MADE_WITH = (
    "RepositoryName",
    "ImageTagMutability",
    "ImageScanningConfiguration",
    "EncryptionConfiguration",
    "Tags",
)
"""What a creation takes; the policies have calls of their own."""


def _name(context: Context, properties: Props) -> str:
    return str(properties.get("RepositoryName") or context.short(256).lower())


def _create(context: Context, properties: Props) -> Made:
    first = {key: value for key, value in properties.items() if key in MADE_WITH}
    wanted = {**first, "RepositoryName": _name(context, properties)}
    return _made(call(context, "ecr", "create_repository", wanted)["repository"], first)


def _made(repository: Props, applied: Props) -> Made:
    attributes = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
    return Made(repository["repositoryName"], attributes, applied)


@absent_is_none
def _find(context: Context, properties: Props) -> Made:
    name = _name(context, properties)
    (found,) = context.client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    return _made(found, {})


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    ecr: Any = context.client("ecr")
    touched, which = changed(old, new), {"repositoryName": made.id}
    if "ImageTagMutability" in touched:
        ecr.put_image_tag_mutability(**which, imageTagMutability=new.get("ImageTagMutability", MUTABLE))
    if "ImageScanningConfiguration" in touched:
        scanning = {"ImageScanningConfiguration": new.get("ImageScanningConfiguration", {"ScanOnPush": False})}
        call(context, "ecr", "put_image_scanning_configuration", {"RepositoryName": made.id, **scanning})
    if "LifecyclePolicy" in touched:
        _apply_lifecycle(ecr, which, new.get("LifecyclePolicy"))
    if "RepositoryPolicyText" in touched:
        _apply_policy(context, made.id, new.get("RepositoryPolicyText"))
    _tag(ecr, made.attributes["Arn"], old, new)


def _apply_lifecycle(ecr: Any, which: Props, policy: Props | None) -> None:
    if policy:
        ecr.put_lifecycle_policy(**which, lifecyclePolicyText=text(policy["LifecyclePolicyText"]))
    else:
        _gone(ecr.delete_lifecycle_policy, **which)


def _apply_policy(context: Context, name: str, policy: Any) -> None:
    if policy:
        call(context, "ecr", "set_repository_policy", {"RepositoryName": name, "PolicyText": policy})
    else:
        _gone(context.client("ecr").delete_repository_policy, repositoryName=name)


def _gone(delete: Callable[..., Any], **which: Any) -> None:
    """Take something away that an interrupted update may have taken away before."""
    try:
        delete(**which)
    except ClientError as error:
        if not is_absent(error):
            raise


def _tag(ecr: Any, arn: str, old: Props, new: Props) -> None:
    put, removed = tag_changes(old, new)
    if put:
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": key, "Value": value} for key, value in put.items()])
    if removed:
        ecr.untag_resource(resourceArn=arn, tagKeys=removed)


def _delete(context: Context, made: Made) -> None:
    empties = text(made.properties.get("EmptyOnDelete", False)) == "true"
    context.client("ecr").delete_repository(repositoryName=made.id, force=empties)


PROVIDERS = {
    "AWS::ECR::Repository": Provider(
        ("ecr",),
        frozenset({*MADE_WITH, "EmptyOnDelete", "LifecyclePolicy", "RepositoryPolicyText"}),
        _create, _delete, _update, _find, name="RepositoryName",
    ),
}  # fmt: skip
