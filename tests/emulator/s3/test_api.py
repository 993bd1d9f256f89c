from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
import uuid
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import obstore
import pytest
from botocore.exceptions import ClientError
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store
from tests.emulator.s3.conftest import Site, until

from hfaas_emulator.s3.store import INLINE

MIB = 1 << 20
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


@pytest.fixture
def bucket(site: Site) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    site.client().create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3(site: Site) -> Any:
    return site.client()


def read(s3: Any, bucket: str, key: str, **more: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read())


@pytest.mark.parametrize("size", [0, 1, INLINE, INLINE + 1, MIB, 3 * MIB + 7])
def test_an_object_of_any_size_comes_back(s3: Any, bucket: str, size: int) -> None:
    data = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="k", Body=data, ContentType="text/x", Metadata={"a_b": "1", "c-d": "2"})
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data
    assert (got["ContentType"], got["Metadata"]) == ("text/x", {"a_b": "1", "c-d": "2"})


@pytest.mark.parametrize("key", ["a b", "a+b", "ä/é", "100%", "a//b", "x/", "~!*'()", "a?b#c", ".", "é.tar.gz"])
def test_an_object_with_any_key_comes_back(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert read(s3, bucket, key) == b"x"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


@pytest.mark.parametrize(
    ("range", "first", "last"), [("bytes=0-0", 0, 1), ("bytes=40000-80000", 40_000, 80_001), ("bytes=-5", -5, None)]
)
def test_a_range_reads_only_its_bytes(s3: Any, bucket: str, range: str, first: int, last: int | None) -> None:
    data = os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert read(s3, bucket, "k", Range=range) == data[first:last]


def test_a_range_behind_the_end_is_refused(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc")
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=9-")


def test_boto3s_transfers_work_in_parts_and_ranges(s3: Any, bucket: str, tmp_path: Path) -> None:
    data = os.urandom(20 * MIB + 5)
    (tmp_path / "up").write_bytes(data)
    s3.upload_file(str(tmp_path / "up"), bucket, "big")
    s3.download_file(bucket, "big", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == data
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')


def test_the_checksum_of_an_upload_holds_for_it_and_for_its_copy(s3: Any, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(os.urandom(9 * MIB))
    s3.upload_file(str(tmp_path / "up"), bucket, "big")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "big"})
    sums = {
        s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")["ChecksumCRC32"] for key in ("big", "copy")
    }
    assert len(sums) == 1
    assert sums.pop().endswith("-2")
    assert read(s3, bucket, "copy") == (tmp_path / "up").read_bytes()


def test_a_copy_shares_the_bytes_and_outlives_its_source(site: Site, s3: Any, bucket: str) -> None:
    data = os.urandom(2 * MIB)
    s3.put_object(Bucket=bucket, Key="one", Body=data)
    before = site.files()
    s3.copy({"Bucket": bucket, "Key": "one"}, bucket, "two")
    until(lambda: not site.since(before))
    s3.delete_object(Bucket=bucket, Key="one")
    assert read(s3, bucket, "two") == data


def test_parts_can_be_copied_from_ranges(s3: Any, bucket: str) -> None:
    data = os.urandom(11 * MIB)
    s3.put_object(Bucket=bucket, Key="one", Body=data)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="two")["UploadId"]
    named: dict[str, Any] = {"Bucket": bucket, "Key": "two", "UploadId": upload}
    source = {"Bucket": bucket, "Key": "one"}
    parts = [
        s3.upload_part_copy(**named, PartNumber=number, CopySource=source, CopySourceRange=span)["CopyPartResult"]
        for number, span in ((1, "bytes=0-6291455"), (2, f"bytes=6291456-{len(data) - 1}"))
    ]
    s3.complete_multipart_upload(
        **named,
        MultipartUpload={"Parts": [{"PartNumber": n, "ETag": part["ETag"]} for n, part in enumerate(parts, 1)]},
    )
    assert read(s3, bucket, "two") == data


def test_what_an_overwritten_or_deleted_object_held_leaves_the_disk(site: Site, s3: Any, bucket: str) -> None:
    before = site.files()
    for _ in range(3):
        s3.put_object(Bucket=bucket, Key="k", Body=os.urandom(MIB))
    until(lambda: len(site.since(before)) == 1)
    s3.delete_object(Bucket=bucket, Key="k")
    until(lambda: not site.since(before))


def test_an_aborted_upload_leaves_the_disk(site: Site, s3: Any, bucket: str) -> None:
    before = site.files()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=os.urandom(MIB))
    until(lambda: len(site.since(before)) == 1)
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    until(lambda: not site.since(before))


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_is_kept_and_given_back(s3: Any, bucket: str, algorithm: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="k", Body=os.urandom(MIB + 1), ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]


def test_presigned_urls_put_and_get(s3: Any, bucket: str) -> None:
    target = {"Bucket": bucket, "Key": "k"}
    put = urllib.request.Request(s3.generate_presigned_url("put_object", target), b"presigned", method="PUT")
    assert urllib.request.urlopen(put).status == 200
    assert urllib.request.urlopen(s3.generate_presigned_url("get_object", target)).read() == b"presigned"


def answer_to(url: str, method: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Ask without signing, and return the status and the error's code."""
    request = urllib.request.Request(url, data, {"Content-Type": "text/plain", **headers}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            found = re.search(r"<Code>(.*)</Code>", error.read().decode())
        return error.code, found[1] if found else ""


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_is_worth_nothing_after_its_time(site: Site, bucket: str, version: str) -> None:
    url = site.client(signature_version=version).generate_presigned_url(
        "put_object", {"Bucket": bucket, "Key": "k"}
    )
    late = re.sub(r"X-Amz-Date=\d{4}", "X-Amz-Date=2020", re.sub(r"&Expires=\d+", "&Expires=1600000000", url))
    statuses = [answer_to(each, "PUT", b"x", **{"Content-Type": ""}) for each in (url, late)]
    assert statuses == [(200, ""), (403, "AccessDenied")]


@pytest.mark.parametrize(
    ("method", "where"),
    [
        ("PUT", "/new"),
        ("PUT", "/there"),
        ("PUT", "/there?acl"),
        ("PUT", "?policy"),
        ("POST", "/big?uploads"),
        ("POST", "?delete"),
        ("DELETE", "/there"),
        ("DELETE", ""),
    ],
)
def test_nobody_changes_anything_without_a_signature(
    site: Site, s3: Any, bucket: str, method: str, where: str
) -> None:
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    assert answer_to(f"{site.endpoint}/{bucket}{where}", method, b"") == (403, "AccessDenied")
    assert read(s3, bucket, "there") == b"x"


def test_nobody_makes_a_bucket_without_a_signature(site: Site) -> None:
    assert answer_to(f"{site.endpoint}/of-nobody", "PUT") == (403, "AccessDenied")


@pytest.mark.parametrize(("action", "put", "delete"), [("s3:PutObject", 200, 403), ("s3:DeleteObject", 403, 204)])
def test_a_bucket_policy_may_allow_everybody_to_write(
    site: Site, s3: Any, bucket: str, action: str, put: int, delete: int
) -> None:
    resource = f"arn:aws:s3:::{bucket}/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="old", Body=b"x")
    url = f"{site.endpoint}/{bucket}"
    assert answer_to(f"{url}/new", "PUT", b"x")[0] == put
    assert answer_to(f"{url}/old", "DELETE")[0] == delete


def test_an_acl_may_allow_everybody_to_write(site: Site, s3: Any, bucket: str) -> None:
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert answer_to(f"{site.endpoint}/{bucket}/k", "PUT", b"x") == (200, "")


def form(**fields: str) -> bytes:
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nposted\r\n--x--\r\n'
    return "".join([*lines, file]).encode()


FORM = "multipart/form-data; boundary=x"


def test_a_presigned_form_posts_an_object(s3: Any, bucket: str) -> None:
    signed = s3.generate_presigned_post(bucket, "k")
    assert answer_to(signed["url"], "POST", form(**signed["fields"]), **{"Content-Type": FORM}) == (204, "")
    assert read(s3, bucket, "k") == b"posted"


@pytest.mark.parametrize(
    ("body", "kind", "refused"),
    [
        (form(key="k"), FORM, (403, "AccessDenied")),
        (form(policy="p", signature="s"), FORM, (400, "InvalidArgument")),
        (form(key="k", signature="s").replace(b'"file"', b'"data"'), FORM, (400, "InvalidArgument")),
        (b"key=k&file=x", "application/x-www-form-urlencoded", (403, "AccessDenied")),
        (b"k", "application/x-www-form-urlencoded", (400, "InvalidArgument")),
    ],
)
def test_a_form_that_s3_would_not_take_is_refused(
    site: Site, s3: Any, bucket: str, body: bytes, kind: str, refused: tuple[int, str]
) -> None:
    assert answer_to(f"{site.endpoint}/{bucket}", "POST", body, **{"Content-Type": kind}) == refused
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_obstore_puts_gets_lists_copies_and_deletes(site: Site, bucket: str) -> None:
    store = S3Store(
        bucket,
        endpoint=site.endpoint,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        client_options={"allow_http": True},
    )
    data = os.urandom(12 * MIB)
    obstore.put(store, "dir/big", data, chunk_size=5 * MIB)
    obstore.put(store, "dir/small", b"small", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "dir/small", b"again", mode="create")
    assert bytes(obstore.get(store, "dir/big").bytes()) == data
    assert bytes(obstore.get_range(store, "dir/big", start=7, length=9)) == data[7:16]
    obstore.copy(store, "dir/big", "copy")
    assert {item["path"] for page in obstore.list(store) for item in page} == {"dir/big", "dir/small", "copy"}
    obstore.delete(store, ["dir/big", "copy"])
    assert obstore.head(store, "dir/small")["size"] == 5


def test_listing_pages_and_folds_folders(s3: Any, bucket: str) -> None:
    for key in ("a/1", "a/2", "b/1", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [prefix["Prefix"] for prefix in listed["CommonPrefixes"]] == ["a/", "b/"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    assert [item["Key"] for page in pages for item in page["Contents"]] == ["a/1", "a/2", "b/1", "c"]


def test_many_objects_are_deleted_at_once(s3: Any, bucket: str) -> None:
    for key in "abc":
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "c"}]})
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]


def test_versions_are_kept_and_can_be_removed_one_by_one(site: Site, s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    before = site.files()
    one, two = (
        s3.put_object(Bucket=bucket, Key="k", Body=letter * 2 * INLINE)["VersionId"] for letter in (b"1", b"2")
    )
    s3.delete_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    assert read(s3, bucket, "k", VersionId=one) == b"1" * 2 * INLINE
    s3.delete_object(Bucket=bucket, Key="k", VersionId=two)
    until(lambda: len(site.since(before)) == 1)


def test_suspending_versions_loses_none(s3: Any, bucket: str) -> None:
    def switch(status: str) -> None:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    switch("Enabled")
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    switch("Suspended")
    for body in (b"2", b"3"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert [listed["VersionId"] for listed in s3.list_object_versions(Bucket=bucket)["Versions"]] == [
        "null",
        version,
    ]
    s3.delete_object(Bucket=bucket, Key="k")
    assert read(s3, bucket, "k", VersionId=version) == b"1"


def test_a_bucket_in_the_host_name_is_found(site: Site, s3: Any, bucket: str) -> None:
    port = int(site.endpoint.rpartition(":")[2])
    s3.put_object(Bucket=bucket, Key="k", Body=b"found")
    connection = HTTPConnection("127.0.0.1", port)
    host = f"{bucket}.s3.us-east-1.localhost.localstack.cloud:{port}"
    connection.request("GET", "/k", headers={"Host": host, "Authorization": AUTHORIZATION})
    assert connection.getresponse().read() == b"found"
    connection.close()


@pytest.mark.parametrize("name", ["Upper-Case", "under_score", "192.168.1.1", "ab", "xn--bucket"])
def test_a_bucket_name_that_aws_refuses_is_refused(site: Site, name: str) -> None:
    connection = HTTPConnection("127.0.0.1", int(site.endpoint.rpartition(":")[2]))
    connection.request("PUT", f"/{name}", headers={"Authorization": AUTHORIZATION})
    answer = connection.getresponse()
    assert (answer.status, b"<Code>InvalidBucketName</Code>" in answer.read()) == (400, True)
    connection.close()


def test_the_answer_to_a_put_has_an_etag_and_a_correct_date(s3: Any, bucket: str) -> None:
    answer = s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    assert answer["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert answer["ResponseMetadata"]["HTTPHeaders"]["last-modified"].endswith(" GMT")


def test_a_key_may_hold_a_line_feed(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="in/two\nlines.txt", Body=b"x")

    assert read(s3, bucket, "in/two\nlines.txt") == b"x"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["in/two\nlines.txt"]


def test_who_expects_another_owner_of_a_bucket_gets_nothing_done(s3: Any, bucket: str) -> None:
    assert s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="000000000000")["KeyCount"] == 0

    operations: dict[str, dict[str, Any]] = {
        "head_bucket": {},
        "put_object": {"Key": "k", "Body": b""},
        "delete_bucket": {},
    }
    for operation, more in operations.items():
        with pytest.raises(ClientError) as caught:
            getattr(s3, operation)(Bucket=bucket, ExpectedBucketOwner="111122223333", **more)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
