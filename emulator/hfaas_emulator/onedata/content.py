"""The bytes of files: one private directory, in it files with names of our own making."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PIECE = 512 << 10
"""How much is read or written at once."""

THREADS = 4


class Content:
    """Reads and writes bytes on threads; a name here is a node's `blob`, never a user's."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hfaas-onedata-bytes")

    def close(self) -> None:
        """Finish what has begun."""
        self._pool.shutdown(wait=True)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def path(self, blob: str) -> Path:
        """Return where bytes are."""
        return self._directory / blob

    async def open(self, blob: str) -> Reader:
        """Open bytes for reading: they stay readable when the file is written anew; FileNotFoundError."""
        return Reader(self, await self.call(os.open, self.path(blob), os.O_RDONLY | os.O_CLOEXEC))

    async def write(self, blob: str, offset: int) -> Writer:
        """Open bytes for writing from an offset on."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        return Writer(self, await self.call(os.open, self.path(blob), flags, 0o600), offset)

    async def copy(self, source: str, target: str) -> None:
        """Copy bytes without taking them through this process."""
        await self.call(shutil.copyfile, self.path(source), self.path(target))

    async def discard(self, blobs: Iterable[str]) -> None:
        """Remove bytes; what is gone already is no error."""
        await self.call(self._discard, list(blobs))

    def sweep(self, known: set[str]) -> None:
        """Remove what a process that was killed left behind; on a thread."""
        self._discard(each.name for each in os.scandir(self._directory) if each.name not in known)

    def _discard(self, blobs: Iterable[str]) -> None:
        for blob in blobs:
            with suppress(FileNotFoundError):
                self.path(blob).unlink()


class Reader:
    """Bytes that are open for reading."""

    def __init__(self, content: Content, number: int) -> None:
        self._content = content
        self._number = number

    async def pieces(self, start: int, stop: int, piece: int = PIECE) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to `stop`; OSError when they end before."""
        while start < stop:
            data = await self._content.call(os.pread, self._number, min(piece, stop - start), start)
            if not data:
                raise OSError("a file is shorter than its record says")
            start += len(data)
            yield data

    def close(self) -> None:
        os.close(self._number)


class Writer:
    """Bytes that are open for writing; `end` is where the next piece goes."""

    def __init__(self, content: Content, number: int, offset: int) -> None:
        self.end = offset
        self._content = content
        self._number = number

    async def put(self, data: bytes) -> None:
        """Write a piece at the end of the last; not to be cancelled in between."""
        writing = asyncio.ensure_future(self._content.call(self._put, data, self.end))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])  # the descriptor must not be closed under it
            raise
        self.end += len(data)

    def _put(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._number, view, offset)
            view, offset = view[written:], offset + written

    async def sync(self) -> None:
        """Have the bytes on the disk."""
        await self._content.call(os.fsync, self._number)

    def close(self) -> None:
        os.close(self._number)
