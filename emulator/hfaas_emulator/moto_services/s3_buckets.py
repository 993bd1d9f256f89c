"""What moto's S3 gets wrong about buckets and removals, and the one place where it wants bytes at once."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.s3 import models

from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.s3 import BlobBytes, announce, announced
from hfaas_emulator.s3.addressing import is_bucket_name
from hfaas_emulator.s3.checksums import compute


@patch(
    "moto.s3.models:S3Backend.create_bucket",
    sha="f7ecc576c5d211e9",
    reason="checks only the length of a bucket's name",
)
def create_bucket(original: Any, self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
    if not is_bucket_name(bucket_name):
        raise models.InvalidBucketName
    return original(self, bucket_name, *args, **kwargs)


@patch(
    "moto.s3.models:S3Backend.delete_bucket",
    sha="5507210f9b04a827",
    reason="a deleted bucket's unfinished uploads must leave the journal too",
)
def delete_bucket(original: Any, self: Any, bucket_name: str) -> Any:
    bucket = original(self, bucket_name)
    if bucket is not None:
        for upload in tuple(bucket.multiparts):
            del bucket.multiparts[upload]
    return bucket


@patch(
    "moto.s3.models:S3Backend.delete_object",
    sha="5c1677b529710591",
    reason="announces the removal of a version only when it was the last one; drops all when versioning is suspended",
)
def delete_object(
    original: Any,
    self: Any,
    bucket_name: str,
    key_name: str,
    version_id: str | None = None,
    *,
    bypass: bool = False,
) -> Any:
    bucket = self.get_bucket(bucket_name)
    versions = [version for version in bucket.keys.getlist(key_name, []) if version.version_id == version_id]
    before = announced()
    with _kept_versions(bucket):
        done = original(self, bucket_name, key_name, version_id=version_id, bypass=bypass)
    if versions and done[0] and announced() == before:
        announce("s3:ObjectRemoved:Delete", bucket, versions[0])
    return done


@contextmanager
def _kept_versions(bucket: Any) -> Iterator[None]:
    """Have moto delete as in a versioned bucket while versioning is suspended."""
    status = bucket.versioning_status
    if status == "Suspended":
        bucket.versioning_status = "Enabled"
    try:
        yield
    finally:
        bucket.versioning_status = status


@patch(
    "moto.s3.utils:compute_checksum",
    sha="30a7569e3106abf8",
    reason="needs the bytes at once, and takes CRC32 for what it cannot compute",
    also=("moto.s3.models:compute_checksum", "moto.s3.responses:compute_checksum"),
)
def compute_checksum(original: Any, body: Any, algorithm: str, encode_base64: bool = True) -> Any:
    if not isinstance(body, BlobBytes):
        return original(body, algorithm, encode_base64)
    found = compute(body.blob.read(), algorithm)
    return base64.b64encode(found) if encode_base64 else found
