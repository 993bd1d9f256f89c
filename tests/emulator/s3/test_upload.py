from __future__ import annotations

import os
import resource
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.s3.conftest import Site, until

MIB = 1 << 20
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


@pytest.fixture
def s3(site: Site) -> Any:
    return site.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def put(site: Site, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", int(site.endpoint.rpartition(":")[2]))
    connection.request("PUT", path, body, {"Authorization": AUTHORIZATION, **headers})
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_a_wrong_md5_is_refused_and_leaves_nothing(site: Site, s3: Any, bucket: str, size: int) -> None:
    before = site.files()
    status, body = put(site, f"/{bucket}/k", b"x" * size, {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert (status, b"<Code>BadDigest</Code>" in body) == (400, True)
    until(lambda: not site.since(before))
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_payload_that_is_not_the_signed_one_is_refused(site: Site, bucket: str) -> None:
    status, body = put(site, f"/{bucket}/k", b"x", {"x-amz-content-sha256": "0" * 64})
    assert (status, b"XAmzContentSHA256Mismatch" in body) == (400, True)


def test_fewer_bytes_than_announced_are_incomplete(site: Site, bucket: str) -> None:
    before = site.files()
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "9"}
    status, body = put(site, f"/{bucket}/k", b"5\r\nhello\r\n0\r\n\r\n", headers)
    assert (status, b"<Code>IncompleteBody</Code>" in body) == (400, True)
    until(lambda: not site.since(before))


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_no_bucket_is_said_before_the_body_is_read(site: Site, size: int) -> None:
    before = site.files()
    status, body = put(site, "/no-such-bucket/k", b"x" * size, {})
    assert (status, b"<Code>NoSuchBucket</Code>" in body) == (404, True)
    until(lambda: not site.since(before))


def test_a_client_that_waits_for_100_continue_never_sends_a_refused_body(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", int(site.endpoint.rpartition(":")[2])), 10) as connection:
        request = f"PUT /no-such-bucket/k HTTP/1.1\r\nHost: localhost\r\nAuthorization: {AUTHORIZATION}\r\n"
        connection.sendall(f"{request}Content-Length: {5 * MIB}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 404")


def test_a_bucket_policy_that_denies_is_heard_before_the_body(site: Site, s3: Any, bucket: str) -> None:
    statement = (
        f'{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::{bucket}/secret/*"}}'
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=f'{{"Version":"2012-10-17","Statement":[{statement}]}}')
    status, body = put(site, f"/{bucket}/secret/k", b"x" * 2 * MIB, {})
    assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
    assert put(site, f"/{bucket}/public/k", b"x", {})[0] == 200


def test_a_part_of_an_unknown_upload_is_refused(s3: Any, bucket: str) -> None:
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.upload_part(Bucket=bucket, Key="k", UploadId="gone", PartNumber=1, Body=b"x" * MIB)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.complete_multipart_upload(
            Bucket=bucket, Key="k", UploadId="gone", MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
        )


def test_parts_must_be_there_in_order_and_large_enough(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named: dict[str, Any] = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**named, PartNumber=n, Body=b"x" * 10)["ETag"]} for n in (1, 2)
    ]
    for listed, code in (
        (parts, "EntityTooSmall"),
        (parts[::-1], "InvalidPartOrder"),
        ([{"PartNumber": 3, "ETag": "x"}], "InvalidPart"),
    ):
        with pytest.raises(ClientError, match=code):
            s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})


def test_a_client_that_leaves_leaves_nothing(site: Site, bucket: str) -> None:
    before = site.files()
    with socket.create_connection(("127.0.0.1", int(site.endpoint.rpartition(":")[2])), 10) as connection:
        request = f"PUT /{bucket}/k HTTP/1.1\r\nHost: localhost\r\nAuthorization: {AUTHORIZATION}\r\n"
        connection.sendall(f"{request}Content-Length: {9 * MIB}\r\n\r\n".encode() + os.urandom(3 * MIB))
        until(lambda: bool(site.since(before)))
    until(lambda: not site.since(before))


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing(site: Site, bucket: str) -> None:
    before = site.files()
    with small_files(4 * MIB):
        status, body = put(site, f"/{bucket}/k", b"x" * 6 * MIB, {})
    assert (status, b"<Code>InsufficientStorage</Code>" in body) == (507, True)
    until(lambda: not site.since(before))
    assert put(site, f"/{bucket}/k", b"x" * 6 * MIB, {})[0] == 200


def test_a_body_without_a_length_is_refused(site: Site, bucket: str) -> None:
    with socket.create_connection(("127.0.0.1", int(site.endpoint.rpartition(":")[2])), 10) as connection:
        request = f"PUT /{bucket}/k HTTP/1.1\r\nHost: localhost\r\nAuthorization: {AUTHORIZATION}\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 411")


def test_chunks_without_a_length_are_taken(site: Site, s3: Any, bucket: str) -> None:
    connection = HTTPConnection("127.0.0.1", int(site.endpoint.rpartition(":")[2]))
    pieces = iter([b"a" * MIB, b"b" * MIB])
    connection.request("PUT", f"/{bucket}/k", pieces, {"Authorization": AUTHORIZATION}, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 2 * MIB


def test_a_body_that_moto_refuses_in_the_end_leaves_nothing(site: Site, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    before = site.files()
    status, body = put(site, f"/{bucket}/k", b"x" * MIB, {"If-None-Match": "*"})
    assert (status, b"<Code>PreconditionFailed</Code>" in body) == (412, True)
    until(lambda: not site.since(before))


def test_a_checksum_that_cannot_be_computed_here_is_taken_on_trust(site: Site, s3: Any, bucket: str) -> None:
    if find_spec("awscrt"):
        pytest.skip("awscrt is here: it is computed")
    assert put(site, f"/{bucket}/k", b"x", {"x-amz-checksum-crc32c": "AAAAAA=="})[0] == 200
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32C"] == "AAAAAA=="
