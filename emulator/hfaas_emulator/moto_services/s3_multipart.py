"""Multipart uploads: parts are blobs, completion joins them, and both have journal rows until then."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML, S3ClientError

from hfaas_emulator.journal import Delete, Put, Table
from hfaas_emulator.moto_services import commit
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.s3 import BlobBytes, DiskKey, current, store
from hfaas_emulator.s3.checksums import composite
from hfaas_emulator.s3.store import Blob

Checksum = tuple[str, str, int]


@patch(
    "moto.s3.models:MultipartDict",
    sha="0227ff08c53365a9",
    reason="an upload that ends must leave the journal, and a snapshot leaves uploads out",
)
class Multiparts(models.MultipartDict):  # type: ignore[misc]
    """A bucket's unfinished uploads."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Multiparts, ()

    def __delitem__(self, id: str) -> None:
        parts = self[id].parts
        commit.record(Delete(Table.UPLOAD, id), *(Delete(Table.PART, part_row(id, number)) for number in parts))
        super().__delitem__(id)


@patch(
    "moto.s3.models:S3Backend.create_multipart_upload",
    sha="20b9a24585cf8144",
    reason="an acknowledged upload must survive a crash",
)
def create_multipart_upload(original: Any, self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
    multipart = original(self, bucket_name, *args, **kwargs)
    state = {name: value for name, value in vars(multipart).items() if name not in {"parts", "partlist"}}
    commit.record(Put(Table.UPLOAD, multipart.id, store().dump((bucket_name, state))))
    return multipart


@patch(
    "moto.s3.models:FakeMultipart.set_part",
    sha="87e31635d97f3a10",
    reason="forgets a part's checksum; an acknowledged part must survive a crash",
)
def set_part(original: Any, self: Any, part_id: int, value: bytes) -> Any:
    part = original(self, part_id, value)
    call = current()
    if call and call.upload:
        part.checksum_value = call.upload.checksum
    commit.record(Put(Table.PART, part_row(self.id, part_id), store().dump(part)))
    return part


def part_row(upload: str, number: int) -> str:
    """Return the journal key of a part."""
    return f"{upload}/{number:05}"


@patch(
    "moto.s3.models:FakeMultipart.complete",
    sha="a5cd01f2f2f28c9b",
    reason="joins the parts in memory, reads them again for a checksum nobody asked for",
)
def complete(_original: Any, self: Any, body: Iterable[tuple[int, str]]) -> tuple[bytes, str, Checksum | None]:
    parts = tuple(_chosen(self.parts, body))
    if not parts:
        raise MalformedXML
    md5s = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    etag = f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(parts)}"
    whole = Blob(Blob.join(part.blob for part in parts).segments, etag)
    return BlobBytes(whole), etag, _checksum(self.metadata, parts)


def _chosen(parts: dict[int, Any], body: Iterable[tuple[int, str]]) -> Iterator[DiskKey]:
    last, before = None, 0
    for number, etag in body:
        part = parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if number <= before:
            raise S3ClientError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            )
        if last is not None and last.contentsize < models.S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        yield part
        last, before = part, number


def _checksum(metadata: Any, parts: tuple[Any, ...]) -> Checksum | None:
    """Return the checksum of checksums as AWS writes it; nothing when one of the whole object was asked for.

    Its type stays empty: moto would put the part count behind the value itself, but forget it in HEAD and copies.
    """
    algorithm = (metadata.get("x-amz-checksum-algorithm") or "").lower()
    if not algorithm or (metadata.get("x-amz-checksum-type") or "COMPOSITE") != "COMPOSITE":
        return None
    value = composite(algorithm, (part.checksum_value or "" for part in parts))
    return ("", f"{value}-{len(parts)}", len(parts)) if value else None
