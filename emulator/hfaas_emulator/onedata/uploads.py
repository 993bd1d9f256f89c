"""Takes the bytes of files in, a piece at a time.

    open     the file has new bytes (or keeps them, for a write in the middle); CDMI's status says `Processing`
    pieces   half a megabyte at once goes to the disk; once a second the record says how many there are
    finish   the bytes are on the disk, then the record, then CDMI's status says `Complete`

A client that leaves in between leaves what it sent, and the status as it is.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from hfaas_emulator.onedata.content import PIECE, Writer
from hfaas_emulator.onedata.errors import OnedataError, Unanswerable
from hfaas_emulator.onedata.node import Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.writes import COMPLETE

TELL_S = 1.0
"""How often a growing file's size is written down."""


@dataclass(frozen=True, slots=True)
class How:
    """How to write: from an offset on (None: anew), whether CDMI's status tells of it, whether more will follow."""

    offset: int | None = None
    announced: bool = False
    partial: bool = False


async def write(provider: Provider, node: Node, pieces: AsyncIterator[bytes], how: How) -> None:
    """Write a body into a file; OnedataError when it cannot be, Unanswerable when the client leaves."""
    records = provider.records
    node = await records(records.writes.open, node, fresh=how.offset is None, announced=how.announced)
    upload = _Upload(provider, node, how.offset or 0)
    try:
        await upload.take(pieces)
    except (OnedataError, Unanswerable, OSError):
        await upload.abandon()
        raise
    finally:
        upload.close()
    status = COMPLETE if how.announced and not how.partial else ""
    change = "finished" if status else "written"
    await records(records.writes.finish, node, upload.end, status=status, change=change)


class _Upload:
    """One write under way."""

    def __init__(self, provider: Provider, node: Node, offset: int) -> None:
        self.end = offset
        self._provider = provider
        self._node = node
        self._writer: Writer | None = None
        self._told = time.monotonic()

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Take all pieces and see them on the disk."""
        gathered: list[bytes] = []
        weight = 0
        try:
            async for piece in pieces:
                gathered.append(piece)
                weight += len(piece)
                if weight >= PIECE:
                    data, gathered, weight = b"".join(gathered), [], 0
                    await self._put(data)
                    await self._tell()
        except Unanswerable:
            await self._put(b"".join(gathered))
            raise
        await self._put(b"".join(gathered))
        if self._writer:
            await self._writer.sync()

    async def _put(self, data: bytes) -> None:
        if not data:
            return
        records = self._provider.records
        if self._writer is None:
            self._writer = await self._provider.content.write(self._node.blob, self.end)
        await records(records.writes.room, self._node, self.end + len(data))
        await self._writer.put(data)
        self.end = self._writer.end

    async def _tell(self) -> None:
        if time.monotonic() - self._told < TELL_S:
            return
        self._told = time.monotonic()
        await self._provider.records(self._provider.records.writes.grow, self._node, self.end)

    async def abandon(self) -> None:
        """Write down what came."""
        with suppress(OnedataError):
            await self._provider.records(self._provider.records.writes.finish, self._node, self.end)

    def close(self) -> None:
        if self._writer:
            self._writer.close()
