"""Buckets with their notifications, and the queue of dead letters."""

from __future__ import annotations

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, InputPath, Pipeline
from hfaas_deploy.template.functions import DEAD_LETTERS, arn, permission_id
from hfaas_deploy.template.policies import Json

TWO_WEEKS = 14 * 86_400


def resources(pipeline: Pipeline) -> Json:
    """The dead letters and every bucket that is the pipeline's own."""
    own = [bucket.name for bucket in pipeline.buckets if not bucket.existing]
    return {
        DEAD_LETTERS: _dead_letters(),
        **{names.logical(name, "Bucket"): _bucket(pipeline, name) for name in own},
    }


def outputs(pipeline: Pipeline) -> Json:
    """What a person or a command wants to know of the Stack's storage."""
    own = [bucket.name for bucket in pipeline.buckets if not bucket.existing]
    buckets = {names.logical(name, "Bucket"): {"Value": {"Ref": names.logical(name, "Bucket")}} for name in own}
    return {DEAD_LETTERS: {"Description": "Events that failed for good", "Value": {"Ref": DEAD_LETTERS}}, **buckets}


def _dead_letters() -> Json:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {"MessageRetentionPeriod": TWO_WEEKS},
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def _bucket(pipeline: Pipeline, name: str) -> Json:
    """A bucket waits for the permissions: S3 tries its destinations when it gets the notifications."""
    listeners = [
        (function, source)
        for function in pipeline.functions
        for source in function.triggers
        if source.bucket == name
    ]
    block = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    properties: Json = {"BucketName": name, "PublicAccessBlockConfiguration": dict.fromkeys(block, True)}
    resource: Json = {
        "Type": "AWS::S3::Bucket",
        "Properties": properties,
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }
    if listeners:
        entries = [entry for function, source in listeners for entry in _notifications(function, source)]
        properties["NotificationConfiguration"] = {"LambdaConfigurations": entries}
        resource["DependsOn"] = sorted({permission_id(function, name) for function, _ in listeners})
    return resource


def _notifications(function: Function, source: InputPath) -> list[Json]:
    """One for each suffix: S3 takes a single suffix in a filter."""
    return [_notification(function, source.prefix, suffix) for suffix in source.suffix or ("",)]


def _notification(function: Function, prefix: str, suffix: str) -> Json:
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    notification: Json = {"Event": "s3:ObjectCreated:*", "Function": arn(function)}
    return {**notification, "Filter": {"S3Key": {"Rules": rules}}} if rules else notification
