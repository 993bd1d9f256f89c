"""The bytes of objects: immutable runs of segments, of files on disk or of a few bytes in memory.

A `Blob` never changes, so a copy, a range, a part copy and the completion of a multipart upload only make another
list of segments. A `File` dies with the last blob that names it; its name then waits in the graveyard until whoever
removed the object has that removal in the journal, and only then `bury` takes the bytes away.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import uuid
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakValueDictionary

from hfaas_emulator.errors import StateError

INLINE = 32 << 10
"""Bodies up to this size stay in memory and in the journal's row: cheaper than a file."""

PIECE = 512 << 10
"""How much is hashed and written at once: less costs hops between threads, more memory for each of many uploads."""

BITE = 256 << 10
"""How much is read at once."""

READABLE = 1 << 20
"""Up to this size a copied range gets the ETag that AWS gives it, its MD5; the moto thread computes it."""


class File:
    """One file of the store; there is one `File` for a name, or the first to die would take the bytes of the other."""

    __slots__ = ("__weakref__", "_graveyard", "name", "path")

    def __init__(self, name: str, path: Path, graveyard: deque[str]) -> None:
        self.name = name
        self.path = path
        self._graveyard = graveyard

    def __del__(self) -> None:
        self._graveyard.append(self.name)


@dataclass(frozen=True, slots=True)
class Segment:
    """`length` bytes from `offset` of a file or of bytes in memory."""

    source: File | bytes
    offset: int
    length: int

    def read(self) -> Iterator[bytes]:
        """Yield the bytes, a piece at a time."""
        if isinstance(self.source, bytes):
            yield self.source[self.offset : self.offset + self.length]
            return
        with self.source.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            left = self.length
            while left:
                piece = file.read(min(BITE, left))
                if not piece:
                    raise StateError(f"{self.source.path} is shorter than the object it holds", "restore the file")
                left -= len(piece)
                yield piece


@dataclass(frozen=True, slots=True)
class Blob:
    """The content of an object; `etag` without quotes (its MD5, or a multipart upload's), empty when unknown."""

    segments: tuple[Segment, ...] = ()
    etag: str = ""
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(segment.length for segment in self.segments))

    @classmethod
    def of(cls, data: bytes) -> Blob:
        """Hold bytes in memory."""
        segments = (Segment(data, 0, len(data)),) if data else ()
        return cls(segments, hashlib.md5(data, usedforsecurity=False).hexdigest())

    @classmethod
    def join(cls, blobs: Iterable[Blob]) -> Blob:
        """Put blobs behind each other without touching a byte."""
        return cls(tuple(segment for blob in blobs for segment in blob.segments))

    def slice(self, start: int, stop: int) -> Blob:
        """Return the bytes from `start` up to `stop` without touching them."""
        return Blob(tuple(self._cut(start, stop)))

    def _cut(self, start: int, stop: int) -> Iterator[Segment]:
        at = 0
        for segment in self.segments:
            low, high = max(start, at), min(stop, at + segment.length)
            if low < high:
                yield Segment(segment.source, segment.offset + low - at, high - low)
            at += segment.length

    def read(self) -> Generator[bytes, None, None]:
        """Yield the bytes, a piece at a time."""
        for segment in self.segments:
            yield from segment.read()

    def whole(self) -> bytes:
        """Return the bytes at once."""
        return b"".join(self.read())

    def digest(self) -> str:
        """Return the ETag, made up from the segments when reading the bytes for it would take long."""
        if self.etag:
            return self.etag
        md5 = hashlib.md5(usedforsecurity=False)
        for piece in self.read() if self.size <= READABLE else self._names():
            md5.update(piece)
        return md5.hexdigest()

    def _names(self) -> Iterator[bytes]:
        for segment in self.segments:
            name = segment.source.name if isinstance(segment.source, File) else segment.source.hex()
            yield f"{name}:{segment.offset}:{segment.length};".encode()


class Store:
    """A folder of files with random names, private to its owner."""

    def __init__(self, root: Path, threads: int = 4) -> None:
        self._root = root
        self._files: WeakValueDictionary[str, File] = WeakValueDictionary()
        self._graveyard: deque[str] = deque()
        self.pool = ThreadPoolExecutor(threads, "s3-bytes")
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(
                f"the folder of the objects cannot be made: {error}", "choose another --state"
            ) from error

    def file(self, name: str) -> File:
        """Return the one `File` of a name."""
        found = self._files.get(name)
        if found is None:
            found = self._files[name] = File(name, self._root / name[:2] / name, self._graveyard)
        return found

    def create(self) -> tuple[File, BinaryIO]:
        """Make a new file and open it for writing."""
        file = self.file(uuid.uuid4().hex)
        file.path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return file, os.fdopen(descriptor, "wb", buffering=0)

    def write(self, data: bytes) -> Blob:
        """Keep bytes that came in one piece; small ones stay in memory."""
        if len(data) <= INLINE:
            return Blob.of(data)
        file, out = self.create()
        with out:
            write_all(out, data)
        return Blob((Segment(file, 0, len(data)),), hashlib.md5(data, usedforsecurity=False).hexdigest())

    def dead(self) -> tuple[str, ...]:
        """Take the names of the files that died; `bury` them once their removal is committed."""
        names = set(self._exhume())
        revived = {name for name in names if name in self._files}  # a refused removal brought its object back
        self.mourn(revived)
        return tuple(names - revived)

    def mourn(self, names: Iterable[str]) -> None:
        """Let names wait again whose removal was refused."""
        self._graveyard.extend(names)

    def _exhume(self) -> Iterator[str]:
        with suppress(IndexError):
            while True:
                yield self._graveyard.popleft()

    def unlink(self, names: Iterable[str]) -> None:
        """Remove files; missing ones are no error."""
        for name in names:
            (self._root / name[:2] / name).unlink(missing_ok=True)

    def bury(self, names: Iterable[str]) -> None:
        """Remove files on a thread: a large one takes the disk a while."""
        self.pool.submit(self.unlink, tuple(names))

    def sweep(self) -> int:
        """Remove the files that no blob refers to and count them; for the start, when all blobs are loaded."""
        strays = [path for path in self._root.glob("??/*") if path.name not in self._files]
        for path in strays:
            path.unlink(missing_ok=True)
        return len(strays)

    def missing(self) -> list[str]:
        """Return the names of files that blobs refer to and that are not there; for the start, too."""
        return [name for name, file in self._files.items() if not file.path.exists()]

    def dump(self, value: object) -> bytes:
        """Pickle something that holds blobs; files travel by name."""
        out = io.BytesIO()
        _Pickler(out, protocol=5).dump(value)
        return out.getvalue()

    def load(self, row: bytes) -> Any:
        """Read back what `dump` wrote; only ever called on rows of the own state folder."""
        return _Unpickler(row, self).load()

    def close(self) -> None:
        """Wait for reads and writes under way, and take the dead files away."""
        self.pool.shutdown()
        self.unlink(self.dead())


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> str | None:
        return obj.name if isinstance(obj, File) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, row: bytes, store: Store) -> None:
        super().__init__(io.BytesIO(row))
        self._store = store

    def persistent_load(self, pid: Any) -> File:
        return self._store.file(pid)


def write_all(out: BinaryIO, data: bytes) -> None:
    """Write all of `data`, however small the bites the file takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[out.write(rest) :]
