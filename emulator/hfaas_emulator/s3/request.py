"""One S3 request as the front sees it: path style, its bucket and key known, its headers ready for moto."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote

from hfaas_emulator.moto_services.bridge import Request, headers_of
from hfaas_emulator.permissions import s3_asks
from hfaas_emulator.s3.addressing import path_style, split
from hfaas_emulator.s3.signing import check_time, is_signed
from hfaas_emulator.s3.upload import Upload
from hfaas_emulator.wire.caller import Caller, caller

SUBRESOURCES = frozenset({"acl", "tagging", "retention", "legal-hold", "torrent"})


@dataclass(frozen=True, slots=True)
class Call:
    """What moto's side must know beside the request: `key` is decoded, `version` and `upload_id` as the query says."""

    method: str = ""
    bucket: str = ""
    key: str = ""
    version: str = ""
    upload_id: str = ""
    query: frozenset[str] = frozenset()
    changes: bool = False
    signed: bool = True
    upload: Upload | None = None
    skip_validation: bool = False
    source_ip: str = "127.0.0.1"
    request: str = ""
    expected_owner: str = ""

    @property
    def is_form(self) -> bool:
        """Tell an upload by an HTML form, which carries key and signature in its fields."""
        return self.method == "POST" and bool(self.bucket) and not self.key and "delete" not in self.query


class Asked:
    """A request that came in."""

    def __init__(self, scope: MutableMapping[str, Any], id: str) -> None:
        self.id = id
        self.headers = headers_of(scope)
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        address = path_style(self.headers.get("host", ""), raw.decode("latin-1"))
        self.headers["host"] = address.host
        self._path = address.path
        self._bucket, self._key = split(address.path)
        self._method: str = scope["method"]
        self._query: str = scope["query_string"].decode("latin-1")
        self._names = parse_qs(self._query, keep_blank_values=True)
        self._ip: str = (scope.get("client") or ("127.0.0.1",))[0]
        who = self._caller = caller(self.headers, self._query)
        self._account = who.account if who.access_key.isdigit() else ""  # else moto knows whose key it is

    @property
    def is_upload(self) -> bool:
        """Tell whether the body is the content of an object or of a part."""
        puts = self._method == "PUT" and bool(self._key)
        return puts and "x-amz-copy-source" not in self.headers and not SUBRESOURCES & self._names.keys()

    @property
    def _changes(self) -> bool:
        return self._method in {"PUT", "POST", "DELETE"}

    @property
    def _records(self) -> bool:
        """Tell whether only a replay of the request restores what it did: so it is with buckets, not with objects."""
        return self._changes and not self._key and self._method != "POST"

    @property
    def source_ip(self) -> str:
        """Return the sender's address."""
        return self._ip

    @property
    def caller(self) -> Caller:
        """Return who sent it; addresses that were presigned the old way name their key elsewhere."""
        old = self._names.get("AWSAccessKeyId", [""])[0]
        return replace(self._caller, access_key=old) if old and not self._caller.access_key else self._caller

    @property
    def query(self) -> str:
        """Return its query, still percent-encoded."""
        return self._query

    @property
    def deletes_several(self) -> bool:
        """Tell whether it deletes several objects, which its body names."""
        return self._method == "POST" and not self._key and "delete" in self._names

    def asked(self) -> s3_asks.Request:
        """Return what its meaning depends on."""
        return s3_asks.Request(self._method, unquote(self._bucket), unquote(self._key), self._names, self.headers)

    def check_time(self, now: float) -> None:
        """Refuse a presigned request whose time is over; AwsError."""
        check_time(self._names, now)

    def call(self, upload: Upload | None) -> Call:
        """Return what moto's side must know."""
        return Call(
            method=self._method,
            bucket=self._bucket,
            key=unquote(self._key),
            version=self._names.get("versionId", [""])[0],
            upload_id=self._names.get("uploadId", [""])[0],
            query=frozenset(self._names),
            changes=self._changes,
            signed=is_signed(self.headers, self._names),
            upload=upload,
            skip_validation=self.headers.get("x-amz-skip-destination-validation", "").lower() == "true",
            source_ip=self._ip,
            request=self.id,
            expected_owner=self.headers.get("x-amz-expected-bucket-owner", ""),
        )

    def request(self, body: bytes = b"", upload: Upload | None = None) -> Request:
        """Return the request for moto: what came in chunks is whole now, and an uploaded body is elsewhere."""
        headers = {name: value for name, value in self.headers.items() if not _about_chunks(name, value)}
        if encodings := _without_chunks(self.headers.get("content-encoding", "")):
            headers["content-encoding"] = encodings
        else:
            headers.pop("content-encoding", None)
        if upload is not None:
            headers |= _checksum(upload)
        return Request(self._method, self._path, self._query, headers, body, self._account, self._records)


def _about_chunks(name: str, value: str) -> bool:
    return name in {"x-amz-trailer", "x-amz-sdk-checksum-algorithm"} or (
        name == "x-amz-content-sha256" and value.startswith("STREAMING-")
    )


def _without_chunks(encodings: str) -> str:
    kept = (encoding.strip() for encoding in encodings.split(","))
    return ",".join(encoding for encoding in kept if encoding not in {"aws-chunked", ""})


def _checksum(upload: Upload) -> dict[str, str]:
    if not upload.checksum:
        return {}
    return {
        "x-amz-sdk-checksum-algorithm": upload.algorithm.upper(),
        f"x-amz-checksum-{upload.algorithm}": upload.checksum,
    }
