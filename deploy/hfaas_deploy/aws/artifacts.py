"""The artifacts bucket: events too large for a job, large templates, OneTrigger's state, records of promotions.

All pipelines of an account and region share it. Events and templates in it expire by themselves, the rest stays.

It belongs to no Stack, since a Stack could not be removed as long as another one's jobs read from it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names
from hfaas_deploy.aws.target import is_aws_host
from hfaas_deploy.errors import ArtifactsError, TargetUnreachable
from hfaas_deploy.template import Template

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEPT_DAYS = 7
TEMPLATES = "templates/"
FIRST_REGION = "us-east-1"  # the only one that must not be named, and where making a bucket again is no error
PRIVATE: Any = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)


def ensure(s3: S3Client, account: str, region: str) -> str:
    """Make the bucket, or bring the one that is there into shape; gives its name."""
    bucket = names.artifacts_bucket(account, region)
    try:
        _create(s3, bucket, region)
        s3.put_public_access_block(
            Bucket=bucket, PublicAccessBlockConfiguration=PRIVATE, ExpectedBucketOwner=account
        )
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": _expiries()}, ExpectedBucketOwner=account
        )
    except ClientError as refusal:
        said = refusal.response.get("Error", {})
        raise ArtifactsError(
            f"bucket {bucket}, where large events wait for their jobs, and OneTrigger keeps its state: {said.get('Message') or refusal}",
            "the deploying user needs s3:CreateBucket, PutBucketPublicAccessBlock and PutLifecycleConfiguration",
        ) from refusal
    except BotoCoreError as fault:
        raise TargetUnreachable(f"{s3.meta.endpoint_url} does not answer: {fault}") from fault
    return bucket


def publish(s3: S3Client, bucket: str, template: Template, account: str) -> str:
    """Put a template where CloudFormation fetches it, under its own fingerprint; gives the URL.

    Several promotions of it may use the same copy, so nobody takes it away: S3 drops it after some days.
    """
    return _lay(s3, bucket, f"{TEMPLATES}{template.sha256}.json", template, account)


@contextmanager
def lent(s3: S3Client, bucket: str, template: Template, account: str) -> Iterator[str]:
    """The URL of a copy that nobody else uses, and that is gone afterwards; ArtifactsError when it stays."""
    key = f"{TEMPLATES}plans/{uuid.uuid4().hex}.json"
    try:
        yield _lay(s3, bucket, key, template, account)
    finally:
        _take_away(s3, bucket, key, account)


def _take_away(s3: S3Client, bucket: str, key: str, account: str) -> None:
    try:
        s3.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
    except (ClientError, BotoCoreError) as refusal:
        raise ArtifactsError(f"s3://{bucket}/{key} cannot be taken away again: {refusal}") from refusal


def _lay(s3: S3Client, bucket: str, key: str, template: Template, account: str) -> str:
    """Put a template under a key; gives the URL."""
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=template.body.encode(), ExpectedBucketOwner=account)
    except ClientError as refusal:
        said = refusal.response.get("Error", {}).get("Message") or refusal
        hint = "the deploying user needs s3:PutObject there"
        raise ArtifactsError(f"the template does not get into bucket {bucket}: {said}", hint) from refusal
    except BotoCoreError as fault:
        raise TargetUnreachable(f"{s3.meta.endpoint_url} does not answer: {fault}") from fault
    return address(s3.meta.endpoint_url, bucket, key)


def address(endpoint: str, bucket: str, key: str) -> str:
    """The URL of an object for who fetches it with rights of its own; on AWS the bucket is part of the host."""
    parts = urlsplit(endpoint)
    if is_aws_host(parts.hostname or ""):
        return f"{parts.scheme}://{bucket}.{parts.netloc}/{key}"
    return f"{endpoint.rstrip('/')}/{bucket}/{key}"


def stand_in(s3: S3Client, bucket: str, region: str) -> None:
    """Make an empty bucket for a rehearsal, in place of one that exists on AWS; one that is there stays as it is."""
    try:
        _create(s3, bucket, region)
    except (ClientError, BotoCoreError) as refusal:
        raise ArtifactsError(f"bucket {bucket} cannot be made for the rehearsal: {refusal}") from refusal


def _create(s3: S3Client, bucket: str, region: str) -> None:
    where: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != FIRST_REGION else {}
    try:
        s3.create_bucket(Bucket=bucket, **where)
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") != "BucketAlreadyOwnedByYou":
            raise


def _expiries() -> Any:
    """What S3 drops by itself: events whose jobs are over, and templates that CloudFormation has read."""
    return [
        {
            "ID": f"hfaas-{name}",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "Expiration": {"Days": KEPT_DAYS},
        }
        for name, prefix in (("events", names.EVENTS), ("templates", TEMPLATES))
    ]
