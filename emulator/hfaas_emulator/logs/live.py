"""Log lines as they are written, for whoever follows them.

    append -> whose line is it -> pending -> a batch every 100 ms, as the JSON that goes out -> ring <- readers

A batch is made once, however many read it, and only while somebody reads, or did a minute ago. The ring is bounded in
bytes: a reader that lags further behind goes on where the ring begins, and is told how many lines that cost. A number
(`seq`) is a time, in microseconds, so it still says where to go on after the emulator was started again.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from hfaas_emulator.logs.whose import Whose, level

BATCH_LINES = 1_000
BATCH_BYTES = 2**20
BATCH_S = 0.1
RING_BYTES = 16 * 2**20
LINGER_S = 60.0
"""How long batches are still made when nobody reads: a reader whose connection broke comes back."""

Entry = tuple[float, str, str, str, str]
"""Unix time, function, request or `job:ID`, level, text."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that go out together; `before` counts those of all batches before this one."""

    seq: int
    time: float
    before: int
    count: int
    data: bytes


def encoded(seq: int, lines: Sequence[Entry]) -> bytes:
    """Return a batch as it goes out: one line of JSON."""
    return json.dumps({"seq": seq, "lines": lines}, separators=(",", ":")).encode() + b"\n"


def through(ms: int) -> int:
    """Return the number of a batch that ends with the last line of a millisecond."""
    return ms * 1000 + 999


class Live:
    """The ring and its readers; belongs to the event loop. `seq` is the number of the last batch."""

    def __init__(self, now: float) -> None:
        self.seq = int(now * 1_000_000)
        self._floor = self.seq
        self._ring: deque[Batch] = deque()
        self._first = 0
        self._size = 0
        self._count = 0
        self._pending: list[Entry] = []
        self._pending_size = 0
        self._ms = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()
        self.is_open = False

    def take(self, whose: Whose, now_ms: int, lines: Sequence[tuple[int, str]]) -> None:
        """Take lines that were just written; their owners are kept track of also while nobody reads."""
        if not self.is_open:
            for _, message in lines:
                whose.take(message)
            return
        last = len(lines) - 1
        for index, (timestamp, message) in enumerate(lines):
            request = whose.take(message)
            entry = (timestamp / 1000, whose.function, request, level(message), message.rstrip("\n"))
            self._pending.append(entry)
            self._pending_size += len(message)
            if len(self._pending) >= BATCH_LINES or self._pending_size >= BATCH_BYTES:
                self._pack(through(now_ms) if index == last else now_ms * 1000 - 1)
        self._ms = now_ms
        if self._pending and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_S, self.pack)

    def pack(self) -> None:
        """Make a batch of what waits."""
        self._pack(through(self._ms))

    def _pack(self, seq: int) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        self.seq = max(self.seq + 1, seq)
        data = encoded(self.seq, self._pending)
        batch = Batch(self.seq, self._pending[0][0], self._count, len(self._pending), data)
        self._pending, self._pending_size = [], 0
        self._count += batch.count
        self._ring.append(batch)
        self._size += len(batch.data)
        while self._size > RING_BYTES and len(self._ring) > 1:
            self._drop()
        self._changed.set()
        self._changed = asyncio.Event()

    def _drop(self) -> None:
        dropped = self._ring.popleft()
        self._first += 1
        self._size -= len(dropped.data)
        self._floor = dropped.seq

    def reader(self, now_ms: int, since: int) -> tuple[Reader, bool]:
        """Return a reader of what comes after a number, and whether the ring still had that: else, of what comes now.

        Lines are kept for as long as the reader is held on to.
        """
        self._open(now_ms)
        self.pack()
        held = since >= self._floor
        if not held:  # what is read from the disk has lower numbers than what comes now
            self.seq = max(self.seq, through(now_ms))
        newer = [batch for batch in self._ring if batch.seq > since] if held else []
        count = newer[0].before if newer else self._count
        reader = Reader(self._first + len(self._ring) - len(newer), count)
        self._readers.add(reader)
        weakref.finalize(reader, self._left, asyncio.get_running_loop()).atexit = False
        return reader, held

    def _open(self, now_ms: int) -> None:
        if self._closing:
            self._closing.cancel()
            self._closing = None
        if not self.is_open:
            self.is_open = True
            self.seq = self._floor = max(self.seq + 1, now_ms * 1000)

    def _left(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._close_soon, loop)

    def _close_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._readers and self._closing is None:
            self._closing = loop.call_later(LINGER_S, self._close)

    def _close(self) -> None:
        """Keep nothing any more, unless somebody reads again."""
        self._closing = None
        if self._readers:
            return
        self.is_open = False
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._first += len(self._ring)
        self._ring.clear()
        self._pending, self._pending_size, self._size = [], 0, 0

    async def read(self, reader: Reader) -> AsyncIterator[bytes]:
        """Yield batches from where a reader stands, for ever."""
        while True:
            changed = self._changed
            if reader.next < self._first:
                yield self._missed(reader)
            while reader.next < self._first + len(self._ring):
                batch = self._ring[reader.next - self._first]
                reader.next += 1
                reader.lines = batch.before + batch.count
                yield batch.data
                if reader.next < self._first:  # it lagged while this one went out
                    break
            else:
                await changed.wait()

    def _missed(self, reader: Reader) -> bytes:
        first = self._ring[0]
        said = f"hfaas: {first.before - reader.lines} lines were missed here, because they came faster than they were read"
        reader.next, reader.lines = self._first, first.before
        return encoded(first.seq - 1, [(first.time, "", "", "WARN", said)])


class Reader:
    """How far somebody has read: the number of the next batch in the order of batches, and of the lines before it."""

    __slots__ = ("__weakref__", "lines", "next")

    def __init__(self, next: int, lines: int) -> None:
        self.next = next
        self.lines = lines
