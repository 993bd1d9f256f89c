from __future__ import annotations

import base64
import hashlib
import zlib

import pytest

from hfaas_emulator.errors import AwsError
from hfaas_emulator.s3.checksums import Sums, algorithm_of, composite

DATA = b"the quick brown fox"


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


GOOD = {
    "content-md5": b64(hashlib.md5(DATA).digest()),
    "x-amz-checksum-crc32": b64(zlib.crc32(DATA).to_bytes(4, "big")),
    "x-amz-checksum-sha1": b64(hashlib.sha1(DATA).digest()),
    "x-amz-checksum-sha256": b64(hashlib.sha256(DATA).digest()),
    "x-amz-content-sha256": hashlib.sha256(DATA).hexdigest(),
}
CODES = {"x-amz-content-sha256": "XAmzContentSHA256Mismatch"}


@pytest.mark.parametrize("header", GOOD)
def test_the_right_sum_is_accepted(header: str) -> None:
    sums = Sums({header: GOOD[header]})
    sums.update(DATA)
    sums.verify({})


@pytest.mark.parametrize("header", GOOD)
def test_the_sum_of_other_bytes_is_refused(header: str) -> None:
    sums = Sums({header: GOOD[header]})
    sums.update(DATA + b"!")
    with pytest.raises(AwsError) as refusal:
        sums.verify({})
    assert refusal.value.code == CODES.get(header, "BadDigest")


def test_a_trailer_is_held_against_the_bytes() -> None:
    sums = Sums({"x-amz-trailer": "x-amz-checksum-crc32"})
    sums.update(DATA)
    sums.verify({"x-amz-checksum-crc32": GOOD["x-amz-checksum-crc32"]})
    with pytest.raises(AwsError, match="BadDigest"):
        sums.verify({"x-amz-checksum-crc32": "AAAAAA=="})


@pytest.mark.parametrize("given", ["not base64!", "c2hvcnQ="])
def test_an_md5_that_is_none_is_an_invalid_digest(given: str) -> None:
    with pytest.raises(AwsError, match="InvalidDigest"):
        Sums({"content-md5": given}).verify({})


def test_a_checksum_that_is_asked_for_but_not_given_is_computed() -> None:
    sums = Sums({"x-amz-sdk-checksum-algorithm": "SHA256"})
    sums.update(DATA)
    assert sums.checksum({}) == GOOD["x-amz-checksum-sha256"]


@pytest.mark.parametrize(
    ("headers", "algorithm"),
    [
        ({"x-amz-checksum-crc32c": "x"}, "crc32c"),
        ({"x-amz-trailer": "x-amz-checksum-crc64nvme"}, "crc64nvme"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, "crc32"),
        ({"x-amz-sdk-checksum-algorithm": "MD17"}, ""),
        ({}, ""),
    ],
)
def test_the_checksum_a_request_names_is_found(headers: dict[str, str], algorithm: str) -> None:
    assert algorithm_of(headers) == algorithm


def test_the_checksum_of_an_upload_is_that_of_its_parts_checksums() -> None:
    parts = [zlib.crc32(part).to_bytes(4, "big") for part in (b"one", b"two")]
    expected = b64(zlib.crc32(b"".join(parts)).to_bytes(4, "big"))
    assert composite("crc32", [b64(part) for part in parts]) == expected
    assert composite("crc32", [b64(parts[0]), ""]) == ""
