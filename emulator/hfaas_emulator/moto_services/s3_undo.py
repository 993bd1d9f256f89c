"""Objects and uploads as the journal has them, after it refused what a request had done to them in moto's memory.

A request changes moto first and the journal last, and the journal takes all of it or nothing. When it takes nothing
(the disk is full), what it still holds of the rows in question is what is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moto.s3 import models

from hfaas_emulator.journal import Change, Delete, Journal, Put, Table
from hfaas_emulator.moto_services import s3, s3_restore


def take_back(changes: Iterable[Change], journal: Journal) -> None:
    """Have memory forget changes that were refused; on the moto thread. StateError when the journal cannot be read."""
    rows = dict.fromkeys((change.table, change.key) for change in changes if isinstance(change, Put | Delete))
    for table, undo in ((Table.OBJECT, _object), (Table.UPLOAD, _upload), (Table.PART, _part)):
        for row in [key for of, key in rows if of is table]:
            undo(row, journal.get(table, row))


def _object(row: str, value: bytes | None) -> None:
    bucket_name, version_id, name = row.split("/", 2)
    bucket = s3.bucket_of(bucket_name)
    if bucket is None:
        return
    for refused in [each for each in bucket.keys.getlist(name, []) if each.version_id == version_id]:
        _drop(bucket, name, refused)
    if value is not None:
        s3_restore.put_back(row, s3.store().load(value))
        bucket.keys.getlist(name).sort(key=lambda version: version.order)


def _drop(bucket: Any, name: str, refused: Any) -> None:
    """Take a version out without a row for it; the last one takes the key along."""
    left = [each for each in bucket.keys.getlist(name) if each is not refused]
    if left:
        dict.__setitem__(bucket.keys, name, left)
    else:
        dict.pop(bucket.keys, name)
    if not isinstance(refused, models.FakeDeleteMarker):
        models.s3_backends[refused.account_id]["aws"].tagger.tags.pop(refused.arn, None)


def _upload(row: str, value: bytes | None) -> None:
    known = _uploads(row)
    if value is None:
        for uploads in known:
            dict.pop(uploads, row)
    elif not known:
        s3_restore.upload_back(s3.store().load(value))


def _part(row: str, value: bytes | None) -> None:
    upload, _, number = row.partition("/")
    for uploads in _uploads(upload):
        multipart = uploads[upload]
        multipart.parts.pop(int(number), None)
        multipart.partlist = [each for each in multipart.partlist if each != int(number)]
        if value is not None:
            s3_restore.part_back({upload: multipart}, row, s3.store().load(value))
            multipart.partlist.sort()


def _uploads(upload: str) -> list[Any]:
    """Return the bucket's uploads of which one has this id; none when no bucket knows it."""
    return [bucket.multiparts for bucket in _buckets() if upload in bucket.multiparts]


def _buckets() -> Iterator[Any]:
    for account in models.s3_backends.values():
        for backend in account.values():
            yield from backend.buckets.values()
