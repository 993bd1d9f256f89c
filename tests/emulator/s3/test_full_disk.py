"""What the journal refuses because the disk is full was never there: not to those who list, nor to those who read.

The disk is full in earnest: the kernel lets no file of this process grow (RLIMIT_FSIZE), so SQLite fails to write.
"""

from __future__ import annotations

import resource
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.s3.conftest import Site, until

LARGE = bytes(range(256)) * 400
"""More than what is kept in a row: it lies in a file of the store."""


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow while the block runs."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refused(call: Callable[..., Any], **asked: Any) -> None:
    with full_disk(), pytest.raises(ClientError) as refusal:
        call(**asked)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
    assert refusal.value.response["Error"]["Code"] == "InsufficientStorage"


@pytest.fixture(scope="module")
def s3(site: Site) -> Any:
    return site.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"full-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def keys(s3: Any, bucket: str) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def body(s3: Any, bucket: str, **asked: Any) -> bytes:
    read: bytes = s3.get_object(Bucket=bucket, Key="k", **asked)["Body"].read()
    return read


def test_a_refused_object_is_not_listed(s3: Any, bucket: str) -> None:
    refused(s3.put_object, Bucket=bucket, Key="k", Body=b"small", Tagging="a=b")

    assert keys(s3, bucket) == []
    s3.put_object(Bucket=bucket, Key="k", Body=b"again")
    assert body(s3, bucket) == b"again"
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.parametrize("old", [b"old", LARGE])
def test_an_object_keeps_its_content_when_the_next_one_is_refused(
    site: Site, s3: Any, bucket: str, old: bytes
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=old, Metadata={"m": "old"}, Tagging="a=b")

    refused(s3.put_object, Bucket=bucket, Key="k", Body=b"new", Metadata={"m": "new"})

    s3.put_object(Bucket=bucket, Key="other", Body=LARGE)
    s3.delete_object(Bucket=bucket, Key="other")  # takes dead files away, and must not take this one
    assert body(s3, bucket) == old
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": "old"}
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("old", [b"old", LARGE])
def test_an_object_whose_removal_was_refused_is_still_there(s3: Any, bucket: str, old: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=old)

    refused(s3.delete_object, Bucket=bucket, Key="k")

    assert keys(s3, bucket) == ["k"]
    assert body(s3, bucket) == old


def test_files_go_when_an_object_is_removed_after_a_refusal(site: Site, s3: Any, bucket: str) -> None:
    before = site.files()
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE)
    refused(s3.delete_object, Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")

    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    until(lambda: not site.since(before))


def test_refused_tags_are_not_there(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=b")

    refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "d"}]})

    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_versions_stay_as_they_were(s3: Any, versioned: str) -> None:
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]

    refused(s3.put_object, Bucket=versioned, Key="k", Body=b"3")
    refused(s3.delete_object, Bucket=versioned, Key="k")
    refused(s3.delete_object, Bucket=versioned, Key="k", VersionId=first)

    found = s3.list_object_versions(Bucket=versioned)
    assert [each["VersionId"] for each in found["Versions"]] == [second, first]
    assert "DeleteMarkers" not in found
    assert (body(s3, versioned), body(s3, versioned, VersionId=first)) == (b"2", b"1")


def test_a_delete_marker_whose_removal_was_refused_still_hides_its_object(s3: Any, versioned: str) -> None:
    s3.put_object(Bucket=versioned, Key="k", Body=b"1")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]

    refused(s3.delete_object, Bucket=versioned, Key="k", VersionId=marker)

    assert keys(s3, versioned) == []
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert body(s3, versioned) == b"1"


def test_an_upload_in_parts_goes_on_where_it_was_refused(s3: Any, bucket: str) -> None:
    refused(s3.create_multipart_upload, Bucket=bucket, Key="k")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    refused(s3.upload_part, **upload, PartNumber=1, Body=b"lost")
    assert "Parts" not in s3.list_parts(**upload)
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"kept")["ETag"]
    refused(s3.upload_part, **upload, PartNumber=1, Body=b"lost")
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}

    refused(s3.complete_multipart_upload, **upload, MultipartUpload=parts)
    assert keys(s3, bucket) == []
    refused(s3.abort_multipart_upload, **upload)
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)

    assert body(s3, bucket) == b"kept"


def test_nobody_is_told_of_a_refused_object(site: Site, s3: Any, bucket: str) -> None:
    before = len(site.hops())

    refused(s3.put_object, Bucket=bucket, Key="k", Body=b"x")

    assert [hop.what for hop in site.hops()[before:]] == []
