"""Roles and policies."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    Context,
    Made,
    Props,
    Provider,
    call,
    changed,
    is_absent,
    tag_changes,
    without,
)

LATER = ("Policies", "ManagedPolicyArns")
"""Properties of a role that are calls of their own."""


def _role_name(context: Context, properties: Props) -> str:
    return str(properties.get("RoleName") or context.short(64))


def _create_role(context: Context, properties: Props) -> Made:
    first = without(properties, *LATER)
    answer = call(context, "iam", "create_role", {**first, "RoleName": _role_name(context, properties)})
    return _role(answer["Role"], first)


def _find_role(context: Context, properties: Props) -> Made | None:
    try:
        answer = context.client("iam").get_role(RoleName=_role_name(context, properties))
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return _role(answer["Role"], {})


def _role(role: Any, applied: Props) -> Made:
    return Made(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]}, applied)


def _update_role(context: Context, made: Made, old: Props, new: Props) -> None:
    iam, role, touched = context.client("iam"), made.id, changed(old, new)
    if "AssumeRolePolicyDocument" in touched:
        document = _document(new["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    if touched & {"Description", "MaxSessionDuration"}:
        wanted = {
            "Description": new.get("Description", ""),
            "MaxSessionDuration": new.get("MaxSessionDuration", 3600),
        }
        call(context, "iam", "update_role", {"RoleName": role, **wanted})
    if "PermissionsBoundary" in touched:
        _set_boundary(iam, role, new.get("PermissionsBoundary"))
    _update_inline(iam, role, old, new)
    _update_attached(iam, role, old, new)
    put, removed = tag_changes(old, new)
    if put:
        iam.tag_role(RoleName=role, Tags=[{"Key": key, "Value": value} for key, value in put.items()])
    if removed:
        iam.untag_role(RoleName=role, TagKeys=removed)


def _set_boundary(iam: Any, role: str, arn: str | None) -> None:
    if arn:
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
    else:
        iam.delete_role_permissions_boundary(RoleName=role)


def _update_inline(iam: Any, role: str, old: Props, new: Props) -> None:
    had = {one["PolicyName"]: one["PolicyDocument"] for one in old.get("Policies", [])}
    wanted = {one["PolicyName"]: one["PolicyDocument"] for one in new.get("Policies", [])}
    for name in sorted(changed(had, wanted)):
        if name in wanted:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_document(wanted[name]))
        else:
            with _absent_is_fine(iam):
                iam.delete_role_policy(RoleName=role, PolicyName=name)


def _update_attached(iam: Any, role: str, old: Props, new: Props) -> None:
    had, wanted = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
    for arn in sorted(wanted - had):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    for arn in sorted(had - wanted):
        with _absent_is_fine(iam):
            iam.detach_role_policy(RoleName=role, PolicyArn=arn)


def _delete_role(context: Context, made: Made) -> None:
    """Ask for the policies: an update that broke off may have left others than the template names."""
    iam = context.client("iam")
    for name in iam.list_role_policies(RoleName=made.id)["PolicyNames"]:
        iam.delete_role_policy(RoleName=made.id, PolicyName=name)
    for one in iam.list_attached_role_policies(RoleName=made.id)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=made.id, PolicyArn=one["PolicyArn"])
    iam.delete_role(RoleName=made.id)


def _absent_is_fine(iam: Any) -> suppress:
    return suppress(iam.exceptions.NoSuchEntityException)


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _create_policy(context: Context, _: Props) -> Made:
    return Made(context.name, {"Id": context.name}, {})


def _update_policy(context: Context, _: Made, old: Props, new: Props) -> None:
    iam = context.client("iam")
    kept = set(new["Roles"]) if old.get("PolicyName") == new["PolicyName"] else set()
    for role in new["Roles"]:
        iam.put_role_policy(
            RoleName=role, PolicyName=new["PolicyName"], PolicyDocument=_document(new["PolicyDocument"])
        )
    _remove_policy(iam, old, set(old.get("Roles", [])) - kept)


def _remove_policy(iam: Any, properties: Props, roles: set[str]) -> None:
    for role in sorted(roles):
        with _absent_is_fine(iam):
            iam.delete_role_policy(RoleName=role, PolicyName=properties["PolicyName"])


def _delete_policy(context: Context, made: Made) -> None:
    _remove_policy(context.client("iam"), made.properties, set(made.properties.get("Roles", [])))


def _create_managed(context: Context, properties: Props) -> Made:
    first = without(properties, "Roles", "ManagedPolicyName")
    name = properties.get("ManagedPolicyName") or context.short(128)
    answer = call(context, "iam", "create_policy", {**first, "PolicyName": name})
    arn = answer["Policy"]["Arn"]
    return Made(arn, {"PolicyArn": arn, "PolicyId": answer["Policy"]["PolicyId"]}, without(properties, "Roles"))


def _update_managed(context: Context, made: Made, old: Props, new: Props) -> None:
    iam = context.client("iam")
    if "PolicyDocument" in changed(old, new):
        _new_version(iam, made.id, _document(new["PolicyDocument"]))
    had, wanted = set(old.get("Roles", [])), set(new.get("Roles", []))
    for role in sorted(wanted - had):
        iam.attach_role_policy(RoleName=role, PolicyArn=made.id)
    for role in sorted(had - wanted):
        with _absent_is_fine(iam):
            iam.detach_role_policy(RoleName=role, PolicyArn=made.id)


def _new_version(iam: Any, arn: str, document: str) -> None:
    """A policy holds five versions at most, so the ones that nobody uses go."""
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    _drop_versions(iam, arn)


def _drop_versions(iam: Any, arn: str) -> None:
    for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not one["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=one["VersionId"])


def _delete_managed(context: Context, made: Made) -> None:
    iam = context.client("iam")
    for one in iam.list_entities_for_policy(PolicyArn=made.id)["PolicyRoles"]:
        iam.detach_role_policy(RoleName=one["RoleName"], PolicyArn=made.id)
    _drop_versions(iam, made.id)
    iam.delete_policy(PolicyArn=made.id)


def _profile_name(context: Context, properties: Props) -> str:
    return str(properties.get("InstanceProfileName") or context.short(128))


def _create_profile(context: Context, properties: Props) -> Made:
    first = without(properties, "Roles")
    wanted = {**first, "InstanceProfileName": _profile_name(context, properties)}
    return _profile(call(context, "iam", "create_instance_profile", wanted)["InstanceProfile"], first)


def _find_profile(context: Context, properties: Props) -> Made | None:
    name = _profile_name(context, properties)
    try:
        found = context.client("iam").get_instance_profile(InstanceProfileName=name)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return _profile(found["InstanceProfile"], {})


def _profile(found: Any, applied: Props) -> Made:
    return Made(found["InstanceProfileName"], {"Arn": found["Arn"]}, applied)


def _update_profile(context: Context, made: Made, _: Props, new: Props) -> None:
    """A profile has one role at most, so the old one goes first."""
    iam, name = context.client("iam"), made.id
    had, wanted = _roles_of(iam, name), set(new["Roles"])
    for role in sorted(had - wanted):
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    for role in sorted(wanted - had):
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)


def _roles_of(iam: Any, profile: str) -> set[str]:
    found = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    return {one["RoleName"] for one in found["Roles"]}


def _delete_profile(context: Context, made: Made) -> None:
    iam = context.client("iam")
    for role in sorted(_roles_of(iam, made.id)):
        iam.remove_role_from_instance_profile(InstanceProfileName=made.id, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=made.id)


PROVIDERS = {
    "AWS::IAM::InstanceProfile": Provider(
        ("iam",),
        frozenset({"InstanceProfileName", "Path", "Roles"}),
        _create_profile, _delete_profile, _update_profile, _find_profile, name="InstanceProfileName",
    ),
    "AWS::IAM::Role": Provider(
        ("iam",),
        frozenset(
            {
                "AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "Path",
                "PermissionsBoundary", "Policies", "RoleName", "Tags",
            }
        ),
        _create_role, _delete_role, _update_role, _find_role, name="RoleName",
    ),
    "AWS::IAM::Policy": Provider(
        ("iam",),
        frozenset({"PolicyDocument", "PolicyName", "Roles"}),
        _create_policy, _delete_policy, _update_policy,
    ),
    "AWS::IAM::ManagedPolicy": Provider(
        ("iam",),
        frozenset({"Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"}),
        _create_managed, _delete_managed, _update_managed, name="ManagedPolicyName",
    ),
}  # fmt: skip
