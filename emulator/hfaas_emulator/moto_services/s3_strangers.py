"""What somebody without a signature may change: what the bucket's policy or its ACL gives to everybody."""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import ALL_USERS_GRANTEE, PERMISSION_FULL_CONTROL, PERMISSION_WRITE

from hfaas_emulator.errors import AwsError
from hfaas_emulator.s3.request import Call

WRITES = frozenset({"s3:PutObject", "s3:DeleteObject"})
"""What the ACL of a bucket can allow."""

APART = {"acl": "Acl", "tagging": "Tagging", "retention": "Retention", "legal-hold": "LegalHold"}


def admit(bucket: Any, call: Call) -> None:
    """Refuse a change of a bucket or its objects unless everybody may make it; AwsError."""
    for_all = call.method == "POST" and "delete" in call.query
    key = "*" if for_all else call.key
    if bucket is None or not key or not may(bucket, "s3:DeleteObject" if for_all else _action(call), key):
        raise AwsError("AccessDenied", "Access Denied", 403)


def may(bucket: Any, action: str, key: str) -> bool:
    """Tell whether everybody may do this to an object."""
    decided = bucket.get_permission(action, f"{bucket.arn}/{key}")
    if decided == PermissionResult.NEUTRAL:
        return action in WRITES and _is_writable(bucket)
    return bool(decided == PermissionResult.PERMITTED)


def _action(call: Call) -> str:
    if call.upload_id and call.method == "DELETE":
        return "s3:AbortMultipartUpload"
    if "restore" in call.query:
        return "s3:RestoreObject"
    verb = "Delete" if call.method == "DELETE" else "Put"
    return f"s3:{verb}Object" + next((APART[name] for name in APART if name in call.query), "")


def _is_writable(bucket: Any) -> bool:
    wanted = {PERMISSION_WRITE, PERMISSION_FULL_CONTROL}
    grants = bucket.acl.grants if bucket.acl else ()
    return any(ALL_USERS_GRANTEE in grant.grantees and wanted & set(grant.permissions) for grant in grants)
