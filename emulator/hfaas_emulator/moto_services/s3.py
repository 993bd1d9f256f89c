"""moto's S3 with our bytes, our journal rows and our events.

Every S3 request runs as one command on the moto thread, as `answer`. While it runs, `_now` holds what the front
knows of it: the uploaded blob, which the first new key takes instead of a body, and the lists in which the patches
below note versions that were put or removed and events that moto announces. At the end `_settle` turns the lists
into journal rows, of the objects and of the invocations they cause, in the same transaction. Outside a request
(another service writes an object in-process) each change is settled at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import time_ns
from typing import Any, Self

from moto.s3 import models, utils

from hfaas_emulator.errors import AwsError
from hfaas_emulator.journal import Change, Delete, Put, Table
from hfaas_emulator.moto_services import commit, s3_strangers
from hfaas_emulator.moto_services.bridge import Answer, Request
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.s3.request import Call
from hfaas_emulator.s3.store import Blob, Store
from hfaas_emulator.s3.upload import Upload

NO_METADATA = frozenset({"x-amz-content-sha256", "x-amz-checksum-algorithm", "x-amz-checksum-type"})

Announced = tuple[str, Any, Any]
"""An event as moto announces it: name, bucket, key or delete marker."""


@dataclass(slots=True)
class _Now:
    """The command under way."""

    call: Call | None = None
    body: Upload | None = None
    versions: dict[str, Any] = field(default_factory=dict)
    events: list[Announced] = field(default_factory=list)


class _Wiring:
    """What the patches need from outside; set once, by `wire`."""

    store: Store
    notify: Callable[[Announced, Call | None], None]


_wiring = _Wiring()
_now = _Now()
_order = count(time_ns())


def wire(store: Store, notify: Callable[[Announced, Call | None], None]) -> None:
    """Say where bytes go and who hears of events; before the first request."""
    _wiring.store = store
    _wiring.notify = notify


def store() -> Store:
    """Return the store of bytes."""
    return _wiring.store


def announce(name: str, bucket: Any, key: Any) -> None:
    """Note an event; it goes out when the request is done, with metadata and tags in place."""
    _now.events.append((name, bucket, key))
    _settle_outside()


def announced() -> int:
    """Return how many events wait for the request's end."""
    return len(_now.events)


def current() -> Call | None:
    """Return the request under way, None outside of S3's (and when a start repeats one)."""
    return _now.call


def answer(application: Callable[[Request], Answer], request: Request, call: Call) -> Answer:
    """Answer one S3 request; what it changed is recorded for the command's commit."""
    check(call)
    _now.call, _now.body = call, call.upload
    try:
        answered = application(request)
        if call.changes and answered.status < 300 and not call.upload_id:
            _touch_target(call)
    finally:
        _now.body = None
        _settle()
        _now.call = None
    return answered


def tidy() -> None:
    """Give up the files that died since the last request, those of refused uploads among them."""
    _settle()


def check(call: Call) -> None:
    """Refuse a request on an object whose bucket or upload is not there, or whose bucket forbids it."""
    bucket = bucket_of(call.bucket)
    if call.key and bucket is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    if bucket is not None and call.expected_owner not in ("", _owner(call.bucket)):
        raise AwsError("AccessDenied", "Access Denied", 403)
    if call.changes and not call.signed and not call.is_form:
        s3_strangers.admit(bucket, call)
    if not call.key:
        return
    if call.upload_id and call.changes and call.upload_id not in bucket.multiparts and not _completed(bucket, call):
        raise AwsError(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
            "or completed.",
            404,
        )
    if call.upload is not None and _denied(bucket, call):
        raise AwsError("AccessDenied", "Access Denied", 403)


def _completed(bucket: Any, call: Call) -> bool:
    multipart = getattr(bucket.keys.get(call.key), "multipart", None)
    return multipart is not None and multipart.id == call.upload_id


def _denied(bucket: Any, call: Call) -> bool:
    from moto.iam.access_control import PermissionResult

    resource = f"{bucket.arn}/{call.key}"
    return bool(bucket.get_permission("s3:PutObject", resource) == PermissionResult.DENIED)


def _owner(bucket: str) -> str:
    return str(models.s3_backends.bucket_accounts[bucket][1])


def bucket_of(name: str) -> Any:
    """Return moto's bucket, whoever owns it, or None."""
    partition, account = models.s3_backends.bucket_accounts.get(name, ("", ""))
    return models.s3_backends[account][partition].buckets.get(name) if account else None


def _touch_target(call: Call) -> None:
    bucket = bucket_of(call.bucket)
    versions = bucket.keys.getlist(call.key, []) if bucket and call.key else []
    wanted = [version for version in versions if not call.version or version.version_id == call.version]
    if wanted:
        _touch(wanted[-1])


# ------------------------------------------------------------------------------------------------- what changed


def _row_key(version: Any) -> str:
    return f"{_bucket_name(version)}/{version.version_id}/{version.name}"


def _bucket_name(version: Any) -> str:
    while isinstance(version, models.FakeDeleteMarker):
        version = version.key
    return str(version.bucket_name)


def _touch(version: Any) -> None:
    if not hasattr(version, "order"):
        version.order = next(_order)
    _now.versions[_row_key(version)] = version
    _settle_outside()


def _forget(version: Any) -> None:
    _now.versions[_row_key(version)] = None
    _settle_outside()


def _settle_outside() -> None:
    if _now.call is None:
        _settle()


def _settle() -> None:
    versions, _now.versions = _now.versions, {}
    events, _now.events = _now.events, []
    commit.record(*(_change(row, version) for row, version in versions.items()))
    for event in events:
        _wiring.notify(event, _now.call)
    if dead := _wiring.store.dead():
        commit.after(partial(_wiring.store.bury, dead))
        commit.otherwise(partial(_wiring.store.mourn, dead))


def _change(row: str, version: Any) -> Change:
    if version is None:
        return Delete(Table.OBJECT, row)
    return Put(Table.OBJECT, row, _wiring.store.dump(_kept(version)))


def _kept(version: Any) -> tuple[Any, ...]:
    if isinstance(version, models.FakeDeleteMarker):
        marker = {name: value for name, value in vars(version).items() if name != "key"}
        return (version.order, _bucket_name(version), None, marker)
    tags = models.s3_backends[version.account_id]["aws"].tagger.get_tag_dict_for_resource(version.arn)
    return (version.order, version.bucket_name, version, tags)


# ------------------------------------------------------------------------------------------------------ objects


class BlobBytes(bytes):
    """Looks like the object's bytes to moto, which slices and returns them, and carries a blob to the front."""

    blob: Blob

    def __new__(cls, blob: Blob) -> Self:
        self = super().__new__(cls)
        self.blob = blob
        return self

    def __len__(self) -> int:
        return self.blob.size

    def __bytes__(self) -> BlobBytes:
        return self

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return self.blob.slice(index, index + 1).whole()[0]
        start, stop, _step = index.indices(self.blob.size)
        return BlobBytes(self.blob.slice(start, stop))


@patch(
    "moto.s3.models:FakeKey",
    sha="38cbad7c55b95b65",
    reason="holds the bytes in a temporary file and reads it whole for every GET, range and copy",
    also=("moto.s3.responses:FakeKey", "moto.awslambda.models:FakeKey"),
)
class DiskKey(models.FakeKey):  # type: ignore[misc]
    """moto's object with its bytes in our store."""

    _etag: str | None
    _value_buffer: Any
    multipart: Any

    def __init__(self, name: str | int, value: Any, *args: Any, **kwargs: Any) -> None:
        self._blob = Blob()
        super().__init__(name, value, *args, **kwargs)
        self._value_buffer.close()  # moto's temporary file, which nobody wrote to
        self._value_buffer = None

    @property
    def value(self) -> bytes:
        """The bytes: lazy inside an S3 request, real for everybody else (a function's zip, a template)."""
        return BlobBytes(self._blob) if _now.call else self._blob.whole()

    @value.setter
    def value(self, new: Any) -> None:
        if isinstance(new, BlobBytes):
            self._blob = new.blob
        elif _now.body is not None and not new:
            self._blob, _now.body = _now.body.blob, None
        else:
            self._blob = _wiring.store.write(new.encode() if isinstance(new, str) else bytes(new))
        self._etag = self._etag or self._blob.etag or None
        self.contentsize = self._blob.size

    @property
    def blob(self) -> Blob:
        """Return the content."""
        return self._blob

    @property
    def etag(self) -> str:
        """Return the ETag in quotes."""
        if self._etag is None:
            self._etag = self._blob.digest()
        return f'"{self._etag}"'

    def set_metadata(self, metadata: Any, replace: bool = False) -> None:
        """Keep metadata, without the headers that moto mistakes for it."""
        kept = {name: value for name, value in metadata.items() if name.lower() not in NO_METADATA}
        super().set_metadata(kept, replace)

    def dispose(self, garbage: bool = False) -> None:  # noqa: ARG002  moto's signature
        """Let go of the bytes; other objects may share them."""
        self._blob = Blob()
        self.disposed = True

    def __del__(self) -> None:
        pass  # moto's own warns about temporary files that nobody closed; here are none

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in {"lock", "_value_buffer"}}
        if self.multipart is not None:
            state["multipart"] = _summary(self.multipart)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._value_buffer = None
        self.lock = threading.Lock()
        if self.multipart is not None:
            self.multipart = _from_summary(self, self.multipart)


def _summary(multipart: Any) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    parts = multipart.parts
    return multipart.id, tuple((number, parts[number].contentsize, parts[number]._etag) for number in parts)  # noqa: SLF001


def _from_summary(key: DiskKey, summary: tuple[str, tuple[tuple[int, int, str], ...]]) -> Any:
    """Make the multipart upload that a key remembers it came from: only its id and the parts' sizes are asked for."""
    upload, parts = summary
    multipart = models.FakeMultipart(key.name, {}, key.account_id, key.region_name)
    multipart.id = upload
    for number, size, etag in parts:
        part = DiskKey(number, b"", key.account_id, key.region_name, etag=etag)
        part.contentsize = size
        multipart.parts[number] = part
    multipart.partlist = sorted(multipart.parts)
    return multipart


@patch(
    "moto.s3.models:_VersionedKeyStore",
    sha="6592286b65e1d849",
    reason="every version that comes or goes needs a journal row",
)
class Keys(utils._VersionedKeyStore):  # type: ignore[misc]  # noqa: SLF001
    """A bucket's keys, each with its versions."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Keys, ()  # a snapshot leaves them out: they have rows of their own

    def pop(self, key: str) -> None:
        """Remove a key with all its versions."""
        for version in self.getlist(key, []):
            _forget(version)
        super().pop(key)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        _touch(value)

    def setlist(self, key: str, list_: list[Any]) -> None:
        """Replace the versions of a key."""
        before, after = self.getlist(key, []), list_ if isinstance(list_, list) else [list_]
        if _replaces_null(after, before):
            after = [version for version in before if version.version_id != "null"] + after
        for version in _without(before, after):
            _forget(version)
        for version in _without(after, before):
            _touch(version)
        super().setlist(key, after)


def _replaces_null(after: list[Any], before: list[Any]) -> bool:
    """Tell a PUT into a bucket whose versioning is suspended: moto would drop all versions, not only the null one."""
    return len(after) == 1 and after[0].version_id == "null" and after[0] not in before


def _without(versions: Iterable[Any], others: Iterable[Any]) -> Iterator[Any]:
    known = {id(version) for version in others}
    return (version for version in versions if id(version) not in known)
