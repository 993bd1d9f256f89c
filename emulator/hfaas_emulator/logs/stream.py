"""One log stream: a file that grows, is read by position, and loses its oldest half when it is full.

    {"group": ..., "stream": ..., "created": ms, "base": N}
    <timestamp> TAB <ingestion time> TAB <message, escaped> NEWLINE
    ...

A position is `base` plus the offset in the file `NAME@base`, so it stays valid when a new file is begun and the
oldest is removed. Every 64 KiB a mark remembers the latest timestamp so far: a search that starts
at some time skips what lies before.
"""

from __future__ import annotations

import bisect
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfaas_emulator.logs.whose import Whose

CAP = 64 * 2**20
"""Bytes of one stream; at half of it the older half goes."""

BLOCK = 2**16


@dataclass(frozen=True, slots=True)
class Line:
    """One log event; `position` is where it begins, `after` where the next one does."""

    position: int
    after: int
    timestamp: int
    ingested: int
    message: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A readable stretch of a file: positions `start` to `end`, which lie `base` above the offsets."""

    path: Path
    base: int
    start: int
    end: int


@dataclass(slots=True)
class Stream:
    """What is known of a stream without reading it; `segments` are its files, oldest first."""

    group: str
    name: str
    stem: Path
    created: int
    segments: tuple[Segment, ...] = ()
    first: int | None = None
    last: int | None = None
    ingested: int | None = None
    buffer: bytearray = field(default_factory=bytearray)
    marks: list[tuple[int, int]] = field(default_factory=list)
    latest: int = -1
    whose: Whose | None = None

    @property
    def begin(self) -> int:
        return self.segments[0].start if self.segments else 0

    @property
    def end(self) -> int:
        return self.segments[-1].end if self.segments else 0

    def floor(self, timestamp: int | None) -> tuple[int, int]:
        """Return a position before which everything is older than `timestamp`, and the latest time before it."""
        if timestamp is None:
            return self.begin, -1
        at = bisect.bisect_left(self.marks, timestamp, key=lambda mark: mark[1]) - 1
        if at < 0 or self.marks[at][0] < self.begin:
            return self.begin, -1
        return self.marks[at]

    def add(self, timestamp: int, ingested: int, message: str) -> None:
        """Take a line into the buffer."""
        if not self.segments:
            self._start(0)
        self.first = timestamp if self.first is None else min(self.first, timestamp)
        self.last = timestamp if self.last is None else max(self.last, timestamp)
        self.ingested = ingested
        position = self.end + len(self.buffer)
        if not self.marks or position - self.marks[-1][0] >= BLOCK:
            self.marks.append((position, self.latest))
        self.latest = max(self.latest, timestamp)
        self.buffer += f"{timestamp}\t{ingested}\t{escape(message)}\n".encode(errors="surrogatepass")

    def flush(self) -> None:
        """Write the buffer; OSError when the disk refuses, and then the lines are lost but no others."""
        if not self.buffer:
            return
        data, self.buffer = self.buffer, bytearray()
        current = self.segments[-1]
        try:
            with current.path.open("ab") as file:
                file.write(data)
        except OSError:
            os.truncate(current.path, current.end - current.base)
            raise
        grown = Segment(current.path, current.base, current.start, current.end + len(data))
        self.segments = (*self.segments[:-1], grown)
        if grown.end - grown.start > CAP // 2:
            self._start(grown.end)
            self._forget_oldest()

    def start(self) -> None:
        """Make the file of a new stream."""
        if not self.segments:
            self._start(0)

    def _start(self, base: int) -> None:
        header = {"group": self.group, "stream": self.name, "created": self.created, "base": base}
        data = json.dumps(header).encode() + b"\n"
        path = self.stem.with_name(f"{self.stem.name}@{base}")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        start = base + len(data)
        self.segments = (*self.segments, Segment(path, base, start, start))

    def _forget_oldest(self) -> None:
        for segment in self.segments[:-2]:
            segment.path.unlink(missing_ok=True)
        self.segments = self.segments[-2:]
        self.marks = [mark for mark in self.marks if mark[0] >= self.begin]

    def remove(self) -> None:
        """Delete the files."""
        for segment in self.segments:
            segment.path.unlink(missing_ok=True)
        self.segments = ()


def load(paths: Sequence[Path]) -> Stream:
    """Read what an earlier emulator wrote into these files; half a line at the end, left by a crash, is cut off."""
    read = sorted((_segment(path) for path in paths), key=lambda each: each[0].base)
    header = read[0][1]
    stem = paths[0].with_name(paths[0].name.rpartition("@")[0])
    segments = tuple(segment for segment, _ in read)
    stream = Stream(header["group"], header["stream"], stem, header["created"], segments)
    if head := next(forward(stream, stream.begin), None):
        stream.first = head.timestamp
    if tail := next(backward(stream, stream.end), None):
        stream.last, stream.ingested, stream.latest = tail.timestamp, tail.ingested, tail.timestamp
    return stream


def _segment(path: Path) -> tuple[Segment, dict[str, Any]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.readline()
        header = json.loads(head)
        end = _last_newline(file.fileno(), size)
    if end < size:
        os.truncate(path, end)
    return Segment(path, header["base"], header["base"] + len(head), header["base"] + end), header


def _last_newline(descriptor: int, size: int) -> int:
    while size > 0:
        begin = max(0, size - BLOCK)
        block = os.pread(descriptor, size - begin, begin)
        if (at := block.rfind(b"\n")) >= 0:
            return begin + at + 1
        size = begin
    return 0


def forward(stream: Stream, position: int) -> Iterator[Line]:
    """Yield the lines from a position on, as far as the file reached when this began."""
    for segment in stream.segments:
        if segment.end > position:
            yield from _forward(segment, max(position, segment.start))


def _forward(segment: Segment, position: int) -> Iterator[Line]:
    rest = b""
    while position < segment.end:
        block = _read(segment, position, min(BLOCK, segment.end - position))
        if not block:
            return
        at = position - len(rest)
        position += len(block)
        *whole, rest = (rest + block).split(b"\n")
        for raw in whole:
            yield _line(raw, at)
            at += len(raw) + 1


def backward(stream: Stream, position: int) -> Iterator[Line]:
    """Yield the lines before a position, newest first."""
    for segment in reversed(stream.segments):
        if segment.start < position:
            yield from _backward(segment, min(position, segment.end))


def _backward(segment: Segment, position: int) -> Iterator[Line]:
    rest = b""
    end = position
    while position > segment.start:
        size = min(BLOCK, position - segment.start)
        position -= size
        data = _read(segment, position, size) + rest
        # What comes before the first newline may have begun in an earlier block.
        cut = data.find(b"\n") + 1 if position > segment.start else 0
        rest = data[:cut]
        for raw in reversed(data[cut:].split(b"\n")[:-1]):
            end -= len(raw) + 1
            yield _line(raw, end)


def _read(segment: Segment, position: int, size: int) -> bytes:
    try:
        with segment.path.open("rb") as file:
            file.seek(position - segment.base)
            return file.read(size)
    except FileNotFoundError:  # deleted, or rotated away, while it was read
        return b""


def _line(raw: bytes, at: int) -> Line:
    timestamp, ingested, message = raw.split(b"\t", 2)
    text = unescape(message.decode(errors="replace"))
    return Line(at, at + len(raw) + 1, int(timestamp), int(ingested), text)


def escape(message: str) -> str:
    """Put a message on one line."""
    return message.replace("\\", "\\\\").replace("\n", "\\n")


def unescape(text: str) -> str:
    """Undo `escape`."""
    if "\\" not in text:
        return text
    return "\\".join(part.replace("\\n", "\n") for part in text.split("\\\\"))
