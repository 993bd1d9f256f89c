"""Buckets of others that are to forget a Stack's notifications, written down before the Stack forgets the buckets.

    listening/STACK.json    in the artifacts bucket: their names; there as long as one of them was not told

The Stack itself names only those that it listens to now. Where a promotion is cut off after the Stack has changed, the
next one, or `destroy`, knows from here where notifications were left.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names
from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import ArtifactsError
from hfaas_deploy.promote import record

FOLDER = "listening/"
LARGEST = 1 << 20
"""Bytes of a document that can be ours."""
AWAY = ("NoSuchKey", "NoSuchBucket", "404")


def left(target: Target, stack: str) -> list[str]:
    """The buckets in which notifications of a Stack may have been left; ArtifactsError when that cannot be read."""
    try:
        with _told(target):
            answer = target.client("s3").get_object(**_place(target, stack))
            return _parsed(answer["Body"].read(LARGEST))
    except _Away:
        return []


def write(target: Target, stack: str, buckets: Collection[str]) -> None:
    """Write down the buckets that are still to forget a Stack; for none nothing stays."""
    s3 = target.client("s3")
    with _told(target):
        if buckets:
            s3.put_object(**_place(target, stack), Body=json.dumps(sorted(buckets)).encode())
        else:
            s3.delete_object(**_place(target, stack))


class _Away(Exception):
    """There is no such document."""


def _place(target: Target, stack: str) -> dict[str, str]:
    return {
        "Bucket": record.bucket(target),
        "Key": f"{FOLDER}{stack}.json",
        "ExpectedBucketOwner": target.account,
    }


def _parsed(text: bytes) -> list[str]:
    """The names in a document; what is no name of a bucket is passed over."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    listed = found if isinstance(found, list) else []
    return [name for name in listed if isinstance(name, str) and not names.bucket_fault(name)]


@contextmanager
def _told(target: Target) -> Iterator[None]:
    """Put what S3, or the way there, refuses into words."""
    try:
        yield
    except ClientError as refusal:
        said = refusal.response.get("Error", {})
        if said.get("Code") in AWAY:
            raise _Away from refusal
        words = f"{FOLDER} in bucket {record.bucket(target)}: {said.get('Message') or refusal}"
        hint = "this needs s3:GetObject, PutObject and DeleteObject there"
        raise credentials.refusal(refusal, target.profile) or ArtifactsError(words, hint) from refusal
    except BotoCoreError as fault:
        raise credentials.absence(fault, target.profile, target.region) from fault
