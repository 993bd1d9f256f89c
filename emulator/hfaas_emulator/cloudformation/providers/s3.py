"""Buckets: made by one call, then configured by one call for each setting the template gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    AlreadyExists,
    Context,
    Made,
    Props,
    Provider,
    call,
    changed,
    tag_map,
    text,
    without,
)
from hfaas_emulator.s3.addressing import MADE_AGAIN


def _rename(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): one for key, one in value.items()}


TARGETS = {
    "LambdaConfigurations": ("LambdaFunctionConfigurations", {"Function": "LambdaFunctionArn"}),
    "QueueConfigurations": ("QueueConfigurations", {"Queue": "QueueArn"}),
    "TopicConfigurations": ("TopicConfigurations", {"Topic": "TopicArn"}),
}


def _notifications(value: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = without(value, *TARGETS, "EventBridgeConfiguration")
    for key, (spelled, names) in TARGETS.items():
        if key in value:
            wanted[spelled] = [_notification(one, names) for one in value[key]]
    if text(value.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", False)) == "true":
        wanted["EventBridgeConfiguration"] = {}
    return wanted


def _notification(one: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    wanted = _rename(without(one, "Event", "Filter"), names)
    wanted["Events"] = [one["Event"]]
    if rules := one.get("Filter", {}).get("S3Key", {}).get("Rules"):
        lower = [{**rule, "Name": str(rule["Name"]).lower()} for rule in rules]
        wanted["Filter"] = {"Key": {"FilterRules": lower}}
    return wanted


def _lifecycle(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(rule) for rule in value.get("Rules", [])]}


MOVED = (
    "Id", "Prefix", "ExpirationInDays", "ExpirationDate", "ExpiredObjectDeleteMarker", "Transition", "Transitions",
    "NoncurrentVersionExpirationInDays",
)  # fmt: skip


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = without(rule, *MOVED)
    wanted["Filter"] = {"Prefix": rule.get("Prefix", "")}
    expiration = {
        "ExpirationInDays": "Days",
        "ExpirationDate": "Date",
        "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
    }
    if given := {spelled: rule[key] for key, spelled in expiration.items() if key in rule}:
        wanted["Expiration"] = given
    if "Id" in rule:
        wanted["ID"] = rule["Id"]
    if "NoncurrentVersionExpirationInDays" in rule:
        wanted["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    transitions = [*rule.get("Transitions", []), *([rule["Transition"]] if "Transition" in rule else [])]
    if transitions:
        names = {"TransitionInDays": "Days", "TransitionDate": "Date"}
        wanted["Transitions"] = [_rename(one, names) for one in transitions]
    return wanted


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [_rename(one, names) for one in value["ServerSideEncryptionConfiguration"]]}


def _cors(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [_rename(one, names) for one in value["CorsRules"]]}


@dataclass(frozen=True, slots=True)
class Setting:
    """One property of a bucket: the call that sets it, and the call (or the value) that clears it."""

    put: str
    parameter: str
    convert: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    clear: str = ""
    cleared: Mapping[str, Any] | None = None

    def apply(self, context: Context, bucket: str, value: Mapping[str, Any] | None) -> None:
        wanted = self.cleared if value is None else self.convert(value)
        if wanted is None:
            getattr(context.client("s3"), self.clear)(Bucket=bucket)
        else:
            call(context, "s3", self.put, {"Bucket": bucket, self.parameter: wanted})


SETTINGS = {
    "BucketEncryption": Setting(
        "put_bucket_encryption", "ServerSideEncryptionConfiguration", _encryption, "delete_bucket_encryption"
    ),
    "CorsConfiguration": Setting("put_bucket_cors", "CORSConfiguration", _cors, "delete_bucket_cors"),
    "LifecycleConfiguration": Setting(
        "put_bucket_lifecycle_configuration", "LifecycleConfiguration", _lifecycle, "delete_bucket_lifecycle"
    ),
    "OwnershipControls": Setting(
        "put_bucket_ownership_controls", "OwnershipControls", clear="delete_bucket_ownership_controls"
    ),
    "PublicAccessBlockConfiguration": Setting(
        "put_public_access_block", "PublicAccessBlockConfiguration", clear="delete_public_access_block"
    ),
    "VersioningConfiguration": Setting(
        "put_bucket_versioning", "VersioningConfiguration", cleared={"Status": "Suspended"}
    ),
    # Last: S3 asks the destinations, and a refusal should find the rest in place.
    "NotificationConfiguration": Setting(
        "put_bucket_notification_configuration", "NotificationConfiguration", _notifications, cleared={}
    ),
}


def _name(context: Context, properties: Props) -> str:
    return str(properties.get("BucketName") or context.short(63).lower())


def _create(context: Context, properties: Props) -> Made:
    """Look first: in us-east-1 S3 accepts a second CreateBucket of the owner, which would adopt in silence."""
    name = _name(context, properties)
    if _find(context, properties) is None:
        here = context.region
        where = {} if here == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": here}}
        context.client("s3").create_bucket(Bucket=name, **where)
    elif not _taken_over(context.client("s3"), name):
        raise AlreadyExists("AWS::S3::Bucket", name)
    return _made(context, name, {key: one for key, one in properties.items() if key == "BucketName"})


def _taken_over(s3: Any, name: str) -> bool:
    """Take a bucket that was made again for objects whose bucket was lost: the stack that had it is lost, too."""
    try:
        tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    except ClientError:
        return False
    if MADE_AGAIN not in (tag["Key"] for tag in tags):
        return False
    s3.delete_bucket_tagging(Bucket=name)
    return True


def _find(context: Context, properties: Props) -> Made | None:
    """Return the caller's bucket of that name; AlreadyExists when it is somebody else's."""
    name, s3 = _name(context, properties), context.client("s3")
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "403":
            raise AlreadyExists("AWS::S3::Bucket", name) from error
        return None
    if name not in (one["Name"] for one in s3.list_buckets(Prefix=name)["Buckets"]):
        raise AlreadyExists("AWS::S3::Bucket", name)
    return _made(context, name, {})


def _made(context: Context, name: str, applied: Props) -> Made:
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{context.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{context.region}.amazonaws.com",
    }
    return Made(name, attributes, applied)


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    touched = changed(old, new)
    for key, setting in SETTINGS.items():
        if key in touched:
            setting.apply(context, made.id, new.get(key))
    if "Tags" in touched:
        _tag(context.client("s3"), made.id, tag_map(new))


def _tag(s3: Any, bucket: str, tags: Mapping[str, str]) -> None:
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": listed})
    else:
        s3.delete_bucket_tagging(Bucket=bucket)


def _delete(context: Context, made: Made) -> None:
    context.client("s3").delete_bucket(Bucket=made.id)


PROVIDERS = {
    "AWS::S3::Bucket": Provider(
        ("s3",), frozenset({"BucketName", "Tags", *SETTINGS}), _create, _delete, _update, _find, name="BucketName"
    ),
}
