"""What is in a bucket of ours, and having it go with all of it: versions, delete markers, begun uploads.

Each call says whose the bucket must be; one of another account is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import PurgeError
from hfaas_deploy.messages import Emptying, Progress, Purged

COUNTED = 100
"""Pages of 1,000 entries that are counted before we say `at least`."""

ROUNDS = 5
"""How often a bucket is emptied into which somebody goes on writing."""

UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that keys may have and XML has not, so that such keys cannot stand in a list to delete."""

AWAY = frozenset({"NoSuchBucket", "404"})
FORBIDDEN = frozenset({"AccessDenied", "403", "AllAccessDisabled"})


@dataclass(frozen=True, slots=True)
class Contents:
    """A bucket and what is in it: versions and delete markers count as objects; `is_more` when not all was counted.

    With a `fault` nothing is known of it, or nothing may be done with it.
    """

    bucket: str
    objects: int = 0
    bytes: int = 0
    uploads: int = 0
    is_more: bool = False
    fault: str = ""


def contents(target: Target, bucket: str, most: int = COUNTED) -> Contents:
    """Count what is in a bucket, in the first pages of it; the fault says why that cannot be."""
    s3 = target.client("s3")
    objects = size = uploads = 0
    is_more = False
    try:
        for number, page in enumerate(_pages(s3, "list_object_versions", target, bucket)):
            objects += len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
            size += sum(one["Size"] for one in page.get("Versions", ()))
            if is_more := number + 1 >= most and page["IsTruncated"]:
                break
        for page in _pages(s3, "list_multipart_uploads", target, bucket):
            uploads += len(page.get("Uploads", ()))
    except ClientError as refusal:
        return Contents(bucket, fault=_why(bucket, refusal, target))
    return Contents(bucket, objects, size, uploads, is_more)


def empty(target: Target, bucket: str, progress: Progress) -> None:
    """Delete a bucket of ours with every version, delete marker and begun upload; PurgeError when it does not go."""
    s3 = target.client("s3")
    objects = size = 0
    try:
        for _ in range(ROUNDS):
            for count, weight in _swept(s3, target, bucket):
                objects, size = objects + count, size + weight
                progress(Emptying(bucket, objects, size))
            if _deleted(s3, target, bucket):
                break
        else:
            raise PurgeError(
                f"bucket {bucket} does not get empty: somebody goes on writing into it",
                "stop what writes there, then run it again",
            )
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") in AWAY:
            return
        if lost := credentials.refusal(refusal, target.profile):
            raise lost from refusal
        raise PurgeError(_why(bucket, refusal, target), "what is gone is gone; run it again") from refusal
    progress(Purged(bucket, objects, size))


def _swept(s3: Any, target: Target, bucket: str) -> Iterator[tuple[int, int]]:
    """Delete what is in a bucket, page by page: how many entries, how many bytes."""
    for page in _pages(s3, "list_object_versions", target, bucket):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            yield _deleted_versions(s3, target, bucket, versions), sum(one.get("Size", 0) for one in versions)
    for page in _pages(s3, "list_multipart_uploads", target, bucket):
        uploads = page.get("Uploads", [])
        for upload in uploads:
            _abort(s3, target, bucket, upload)
        if uploads:
            yield len(uploads), 0


def _deleted_versions(s3: Any, target: Target, bucket: str, versions: list[Any]) -> int:
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
    for one in objects:
        if UNWRITABLE.search(one["Key"]):
            s3.delete_object(Bucket=bucket, **one, ExpectedBucketOwner=target.account)
    if rest := [one for one in objects if not UNWRITABLE.search(one["Key"])]:
        _deleted_together(s3, target, bucket, rest)
    return len(versions)


def _deleted_together(s3: Any, target: Target, bucket: str, objects: list[dict[str, str]]) -> None:
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": objects, "Quiet": True}, ExpectedBucketOwner=target.account
    )
    for fault in answer.get("Errors", ()):
        raise PurgeError(
            f"bucket {bucket}: {fault.get('Key')} does not go: {fault.get('Message') or fault.get('Code')}",
            "a lock or a policy of the bucket may keep it; what is gone is gone",
        )


def _abort(s3: Any, target: Target, bucket: str, upload: Mapping[str, Any]) -> None:
    try:
        s3.abort_multipart_upload(
            Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"], ExpectedBucketOwner=target.account
        )
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") != "NoSuchUpload":
            raise


def _deleted(s3: Any, target: Target, bucket: str) -> bool:
    try:
        s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=target.account)
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") == "BucketNotEmpty":
            return False
        raise
    return True


def _pages(client: Any, operation: str, target: Target, bucket: str) -> Iterator[Any]:
    """Every page of a listing; what is deleted on the way does not move the rest."""
    yield from client.get_paginator(operation).paginate(Bucket=bucket, ExpectedBucketOwner=target.account)


def _why(bucket: str, refusal: ClientError, target: Target) -> str:
    said = refusal.response.get("Error", {})
    if said.get("Code") in AWAY:
        return f"bucket {bucket} is not there any more"
    if said.get("Code") in FORBIDDEN:
        return f"bucket {bucket} is not of account {target.account}, or you may not: {said.get('Message')}"
    return f"bucket {bucket}: {said.get('Message') or refusal}"
