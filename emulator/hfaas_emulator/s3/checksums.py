"""What a client says about its bytes, computed while they pass: MD5 always (the ETag), the rest on demand.

CRC32C and CRC64NVME need `awscrt`; without it they are taken on trust, as the SDKs do that have no `awscrt` either.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from hfaas_emulator.errors import AwsError

ALGORITHMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
WIDTHS = {"crc32": 4, "crc32c": 4, "crc64nvme": 8}
PAYLOAD_HASH = "x-amz-content-sha256"


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc:
    """A CRC with the face of a hash."""

    def __init__(self, function: Callable[[bytes, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        """Return the sum, highest byte first."""
        return self._value.to_bytes(self._width, "big")


def crc_functions() -> Mapping[str, Callable[[bytes, int], int]]:
    """Return the CRCs that this machine can compute."""
    if find_spec("awscrt") is None:
        return {"crc32": zlib.crc32}
    checksums = import_module("awscrt.checksums")
    return {"crc32": zlib.crc32, "crc32c": checksums.crc32c, "crc64nvme": checksums.crc64nvme}


_CRCS = crc_functions()


def hash_of(algorithm: str) -> _Hash | None:
    """Return a fresh hash, or None for an algorithm that is taken on trust here."""
    if algorithm in _CRCS:
        return Crc(_CRCS[algorithm], WIDTHS[algorithm])
    if algorithm in {"sha1", "sha256"}:
        return hashlib.new(algorithm, usedforsecurity=False)
    return None


class Sums:
    """The sums of one body: its MD5, the checksum a client named, and the hash in its signature."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.algorithm = algorithm_of(headers)
        self._headers = headers
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._named = hash_of(self.algorithm)
        self._payload = hashlib.sha256() if is_hash(headers.get(PAYLOAD_HASH, "")) else None

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._md5.update(data)
        if self._named:
            self._named.update(data)
        if self._payload:
            self._payload.update(data)

    @property
    def md5(self) -> str:
        """Return the hexadecimal MD5."""
        return self._md5.hexdigest()

    def checksum(self, trailers: Mapping[str, str]) -> str:
        """Return the named checksum in base64, empty when there is none."""
        if self._named:
            return base64.b64encode(self._named.digest()).decode()
        return self._given(trailers)

    def verify(self, trailers: Mapping[str, str]) -> None:
        """Refuse bytes that are not what the client announced."""
        if md5 := self._headers.get("content-md5"):
            self._verify_md5(md5)
        given = self._given(trailers)
        if given and self._named and given != self.checksum(trailers):
            raise AwsError(
                "BadDigest", f"The {self.algorithm.upper()} you specified did not match the calculated checksum."
            )
        if self._payload and self._payload.hexdigest() != self._headers[PAYLOAD_HASH].lower():
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )

    def _verify_md5(self, given: str) -> None:
        try:
            wanted = base64.b64decode(given, validate=True)
        except ValueError:
            wanted = b""
        if len(wanted) != self._md5.digest_size:
            raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if wanted != self._md5.digest():
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")

    def _given(self, trailers: Mapping[str, str]) -> str:
        name = f"x-amz-checksum-{self.algorithm}"
        return trailers.get(name) or self._headers.get(name, "")


def algorithm_of(headers: Mapping[str, str]) -> str:
    """Find the checksum that a request names, empty when it names none."""
    for algorithm in ALGORITHMS:
        if f"x-amz-checksum-{algorithm}" in headers:
            return algorithm
    named = headers.get("x-amz-trailer", "").strip().removeprefix("x-amz-checksum-")
    named = (named or headers.get("x-amz-sdk-checksum-algorithm", "")).lower()
    return named if named in ALGORITHMS else ""


def is_hash(payload: str) -> bool:
    """Tell a hash of the payload from `UNSIGNED-PAYLOAD` and `STREAMING-...`."""
    return len(payload) == 64 and set(payload.lower()) <= set("0123456789abcdef")


def composite(algorithm: str, sums: Iterable[str]) -> str:
    """Return a multipart object's checksum of its parts' checksums, or empty when one of them is missing."""
    parts = tuple(sums)
    whole = hash_of(algorithm)
    if whole is None or not all(parts):
        return ""
    for part in parts:
        whole.update(base64.b64decode(part))
    return base64.b64encode(whole.digest()).decode()


def compute(pieces: Iterable[bytes], algorithm: str) -> bytes:
    """Return the checksum of bytes that are in the store already; empty when it cannot be computed here."""
    whole: Any = hash_of(algorithm.lower())
    if whole is None:
        return b""
    for piece in pieces:
        whole.update(piece)
    return bytes(whole.digest())
