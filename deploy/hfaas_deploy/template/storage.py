"""Buckets with their notifications, and the queue of dead letters."""

from __future__ import annotations

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, InputPath, Pipeline
from hfaas_deploy.template.functions import DEAD_LETTERS, arn, permission_id
from hfaas_deploy.template.policies import Json

TWO_WEEKS = 14 * 86_400
LISTENED = "ExistingBuckets"
"""The output that names the buckets of others that Functions listen to; their notifications are merged in afterwards."""


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
    others = [one.name for one in pipeline.buckets if one.existing and listeners(pipeline, one.name)]
    listened = {LISTENED: {"Value": ",".join(others)}} if others else {}
    letters = {"Description": "Events that failed for good", "Value": {"Ref": DEAD_LETTERS}}
    return {DEAD_LETTERS: letters, **listened, **buckets}


def listeners(pipeline: Pipeline, bucket: str) -> list[tuple[Function, InputPath]]:
    """The Functions that a bucket is to call, each with the input that says so."""
    return [
        (function, source)
        for function in pipeline.functions
        for source in function.triggers
        if source.bucket == bucket
    ]


def rules(prefix: str, suffix: str) -> list[Json]:
    """The filter of a notification; nothing where it takes all."""
    return [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]


def _dead_letters() -> Json:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {"MessageRetentionPeriod": TWO_WEEKS},
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def _bucket(pipeline: Pipeline, name: str) -> Json:
    """A bucket waits for the permissions: S3 tries its destinations when it gets the notifications."""
    told = listeners(pipeline, name)
    block = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    properties: Json = {"BucketName": name, "PublicAccessBlockConfiguration": dict.fromkeys(block, True)}
    resource: Json = {
        "Type": "AWS::S3::Bucket",
        "Properties": properties,
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }
    if told:
        entries = [entry for function, source in told for entry in _notifications(function, source)]
        properties["NotificationConfiguration"] = {"LambdaConfigurations": entries}
        resource["DependsOn"] = sorted({permission_id(function, name) for function, _ in told})
    return resource


def _notifications(function: Function, source: InputPath) -> list[Json]:
    """One for each suffix: S3 takes a single suffix in a filter."""
    return [_notification(function, source.prefix, suffix) for suffix in source.suffix or ("",)]


def _notification(function: Function, prefix: str, suffix: str) -> Json:
    ends = rules(prefix, suffix)
    notification: Json = {"Event": "s3:ObjectCreated:*", "Function": arn(function)}
    return {**notification, "Filter": {"S3Key": {"Rules": ends}}} if ends else notification
