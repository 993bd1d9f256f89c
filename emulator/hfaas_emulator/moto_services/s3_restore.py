"""Objects and uploads from the journal, back into moto at the start."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from moto.s3 import models

from hfaas_emulator.account import ACCOUNT, REGION
from hfaas_emulator.journal import Journal, Table
from hfaas_emulator.moto_services.s3 import DiskKey, store
from hfaas_emulator.s3.addressing import MADE_AGAIN

log = logging.getLogger("hfaas.s3")


def restore(journal: Journal) -> list[str]:
    """Fill buckets from the journal, then remove the files nobody refers to; return what could not be read.

    A row that cannot be read may name files, so nothing is removed as long as there is one.
    """
    problems: list[str] = []
    rows = sorted(_rows(journal, Table.OBJECT, problems), key=lambda row: row[1][0])
    for key, row in rows:
        put_back(key, row)
    uploads = {upload: upload_back(row) for upload, row in _rows(journal, Table.UPLOAD, problems)}
    for key, part in _rows(journal, Table.PART, problems):
        part_back(uploads, key, part)
    if not problems:
        store().sweep()
    return problems + [f"the file {name} of an object is missing" for name in store().missing()]


def _rows(journal: Journal, table: Table, problems: list[str]) -> Iterator[tuple[str, Any]]:
    for key, value in journal.rows(table):
        try:
            yield key, store().load(value)
        except Exception as error:  # noqa: BLE001  whatever a damaged row does, the others are read
            problems.append(f"{table} {key} cannot be read: {type(error).__name__}: {error}")


def _bucket(name: str, account: str, region: str = REGION) -> Any:
    """Find a bucket; one that is missing although its objects are here is made again."""
    known = models.s3_backends.bucket_accounts.get(name)
    if known is None:
        log.warning("bucket %s was lost; it is made again for its objects", name)
        backend = models.s3_backends[account]["aws"]
        bucket = backend.create_bucket(name, region)
        backend.put_bucket_tagging(name, {MADE_AGAIN: "true"})
        return bucket
    partition, owner = known
    return models.s3_backends[owner][partition].get_bucket(name)


def put_back(row: str, kept: tuple[int, str, Any, dict[str, Any]]) -> None:
    """Put a version or a delete marker behind the others of its key; `kept` is what its row holds."""
    order, bucket_name, version, rest = kept
    if version is not None:
        bucket = _bucket(bucket_name, version.account_id, version.region_name)
        models.s3_backends[version.account_id]["aws"].tagger.tags[version.arn] = rest
    else:
        bucket = _bucket(bucket_name, ACCOUNT)
        version = _marker(bucket, row, rest)
    version.order = order
    dict.setdefault(bucket.keys, version.name, []).append(version)


def _marker(bucket: Any, row: str, state: dict[str, Any]) -> Any:
    """Make a delete marker again; moto has it point to what it hides."""
    name = row.split("/", 2)[2]
    hidden = bucket.keys.get(name) or DiskKey(
        name, b"", bucket.account_id, bucket.region_name, bucket_name=bucket.name
    )
    marker = models.FakeDeleteMarker(hidden)
    vars(marker).update(state)
    return marker


def upload_back(kept: tuple[str, dict[str, Any]]) -> Any:
    """Put an unfinished upload back, without its parts, and return it."""
    bucket_name, state = kept
    bucket = _bucket(bucket_name, state["account_id"])
    multipart = models.FakeMultipart(state["key_name"], {}, state["account_id"], state["region_name"])
    vars(multipart).update(state)
    bucket.multiparts[multipart.id] = multipart
    return multipart


def part_back(uploads: Mapping[str, Any], row: str, part: DiskKey) -> None:
    """Put a part back into its upload, if that is among these."""
    upload, _, number = row.partition("/")
    if multipart := uploads.get(upload):
        multipart.parts[int(number)] = part
        multipart.partlist.append(int(number))
