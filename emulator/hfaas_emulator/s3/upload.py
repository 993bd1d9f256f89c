"""The body of a PUT, from the socket to a blob: decoded, hashed, checked, and never whole in memory.

Small bodies stay in memory. Of a large one up to two pieces are in memory: one on its way to hash and disk on a
thread, one filling up behind it. Whatever goes wrong (the client leaves, the sums differ, the disk is full), no
file stays behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from hfaas_emulator.errors import AwsError
from hfaas_emulator.s3.checksums import Sums
from hfaas_emulator.s3.chunked import Decoder, is_chunked
from hfaas_emulator.s3.store import INLINE, PIECE, Blob, File, Segment, Store, write_all

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAXIMUM = 5 << 30
"""AWS's limit of one PUT or one part."""


class Disconnected(Exception):
    """The client went away; nobody is left to answer."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that arrived: its bytes, and the checksum the client named, if any."""

    blob: Blob
    algorithm: str = ""
    checksum: str = ""


def announced(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes of payload the headers promise, None when they do not say."""
    length = headers.get("x-amz-decoded-content-length") if is_chunked(headers) else headers.get("content-length")
    if length is None:
        return None
    if not length.isdigit():
        raise AwsError("InvalidArgument", f"The content length {length!r} is no number.")
    return int(length)


async def receive_upload(headers: Mapping[str, str], receive: Receive, store: Store) -> Upload:
    """Read a body into the store; AwsError when it is not what was announced, Disconnected when nobody waits."""
    length = announced(headers)
    if length is None and headers.get("transfer-encoding", "").lower() != "chunked":
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if length is not None and length > MAXIMUM:
        raise AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
    body = Body(headers, receive)
    sums = Sums(headers)
    sink = _Sink(store, sums)
    try:
        await sink.take(body.pieces())
        body.check(length, sink.size)
        sums.verify(body.trailers)
        return Upload(sink.blob(), sums.algorithm, sums.checksum(body.trailers))
    except OSError as error:
        sink.discard()
        raise AwsError("InsufficientStorage", f"The object cannot be written: {error.strerror}.", 507) from error
    except BaseException:
        sink.discard()
        raise


class Body:
    """The payload of a request, taken out of its chunks."""

    def __init__(self, headers: Mapping[str, str], receive: Receive) -> None:
        self._receive = receive
        self._decoder = Decoder() if is_chunked(headers) else None

    @property
    def trailers(self) -> Mapping[str, str]:
        """Return the trailers that came behind the payload."""
        return self._decoder.trailers if self._decoder else {}

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the payload as it comes."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            more = message.get("more_body", False)
            for piece in self._decoded(message.get("body", b"")):
                yield piece

    def _decoded(self, data: bytes) -> Any:
        if not data:
            return ()
        return self._decoder.feed(data) if self._decoder else (data,)

    def check(self, announced: int | None, size: int) -> None:
        """Refuse a body that is shorter or longer than announced, or whose last chunk is missing."""
        whole = self._decoder is None or self._decoder.ended
        if not whole or (announced is not None and announced != size):
            raise AwsError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header.",
            )


class _Sink:
    """Gathers pieces and takes them to hash and disk, large ones on a thread."""

    def __init__(self, store: Store, sums: Sums) -> None:
        self.size = 0
        self._store = store
        self._sums = sums
        self._gathered: list[bytes] = []
        self._weight = 0
        self._file: File | None = None
        self._out: BinaryIO | None = None
        self._small = b""

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Take all pieces; the next ones come in while a thread is busy with the last."""
        busy: asyncio.Future[None] | None = None
        try:
            async for piece in pieces:
                self._gathered.append(piece)
                self._weight += len(piece)
                if self._weight >= PIECE:
                    if busy:
                        await busy
                    busy = self._flush()
        finally:
            if busy:
                await _settled(busy)
        await self._last()

    def _flush(self) -> asyncio.Future[None]:
        pieces = self._hand_over()
        return asyncio.get_running_loop().run_in_executor(self._store.pool, self._write, pieces)

    def _hand_over(self) -> bytes:
        data = b"".join(self._gathered) if len(self._gathered) != 1 else self._gathered[0]
        self.size += self._weight
        self._gathered, self._weight = [], 0
        return data

    async def _last(self) -> None:
        if self._weight > INLINE or self._out:
            await self._flush()
        else:
            self._small = self._hand_over()
            self._sums.update(self._small)
        if self._out:
            self._out.close()

    def _write(self, data: bytes) -> None:
        if self._out is None:
            self._file, self._out = self._store.create()
        self._sums.update(data)
        write_all(self._out, data)

    def blob(self) -> Blob:
        """Return what was taken."""
        source = self._file or self._small
        segments = (Segment(source, 0, self.size),) if self.size else ()
        return Blob(segments, self._sums.md5)

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._out:
            self._out.close()
        if self._file:
            self._store.bury((self._file.name,))


async def _settled(busy: asyncio.Future[None]) -> None:
    """Wait for a write even when this task is being cancelled: its file must not be closed under it."""
    cancelled = False
    while not busy.done():
        try:
            await asyncio.shield(busy)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    busy.result()
