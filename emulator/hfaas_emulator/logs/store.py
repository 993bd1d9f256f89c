"""All log lines: appended on the loop, written every 100 ms, read by threads.

A group is a folder, a stream its files; what streams there are is read from the folder when a group is first
asked for. Memory holds a few numbers for each stream and the lines of the last 100 ms.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import heapq
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hfaas_emulator.clock import Clock, SystemClock
from hfaas_emulator.errors import AwsError
from hfaas_emulator.logs import history
from hfaas_emulator.logs.live import Live
from hfaas_emulator.logs.stream import Line, Stream, backward, forward, load
from hfaas_emulator.logs.whose import Whose

FLUSH_S = 0.1
BUFFER = 2**18
"""Bytes of one stream that wait for the next flush at most."""

PAGE_BYTES = 2**20
JOBS = 20_000
"""Of so many jobs' streams it is known whose they are; of older ones the ledger, or their first line, tells."""

SCAN_LINES = 200_000
"""Lines that one FilterLogEvents looks at before it answers with what it has and a token."""


@dataclass(frozen=True, slots=True)
class Group:
    """The key of a log group."""

    account: str
    region: str
    name: str


@dataclass(frozen=True, slots=True)
class Window:
    """Which lines are wanted: from `start` up to and without `end`, in milliseconds."""

    start: int | None = None
    end: int | None = None

    def holds(self, timestamp: int) -> bool:
        return (self.start is None or timestamp >= self.start) and (self.end is None or timestamp < self.end)


@dataclass(frozen=True, slots=True)
class Page:
    """Lines in order, and the tokens of the pages around them."""

    lines: tuple[Line, ...]
    backward: str
    forward: str


@dataclass(frozen=True, slots=True)
class Found:
    """Lines of several streams in order of time; `token` is empty when there is no more."""

    lines: tuple[tuple[str, Line], ...]
    token: str


def _ignore(*_: str) -> None:
    pass


class LogStore:
    """Lines by group and stream; `on_group` is called when a group gets a stream, or lines, for the first time."""

    def __init__(
        self,
        root: Path,
        clock: Clock | None = None,
        *,
        on_group: Callable[[str, str, str], None] = _ignore,
        problem: Callable[[str], None] = _ignore,
    ) -> None:
        self._root = root
        self._clock = clock or SystemClock()
        self._on_group = on_group
        self._problem = problem
        self._groups: dict[Group, dict[str, Stream]] = {}
        self._announced: set[Group] = set()
        self._dirty: dict[int, Stream] = {}
        self._flush_at: asyncio.TimerHandle | None = None
        self._began_ms = int(self._clock.now() * 1000)
        self._live = Live(self._clock.now())
        self._jobs: dict[str, tuple[str, str]] = {}

    def begin(self, account: str, region: str, group: str, stream: str) -> None:
        """Have a stream, and its group, before its first line comes."""
        key = Group(account, region, group)
        self._announce(key)
        try:
            self._make(key, stream).start()
        except OSError as error:  # its first line tries again
            self._problem(f"the log {group} {stream} cannot be written: {error}")

    def append(self, account: str, region: str, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        """Add lines, each with its Unix time in milliseconds; they are readable at once."""
        key = Group(account, region, group)
        self._announce(key)
        target = self._make(key, stream)
        now = int(self._clock.now() * 1000)
        try:
            for timestamp, message in lines:
                target.add(timestamp, now, message)
        except OSError as error:
            self._problem(f"the log {group} {stream} cannot be written: {error}")
            return
        self._dirty[id(target)] = target
        if target.whose is None:
            target.whose = Whose(group, stream, self._jobs.get(stream))
        self._live.take(target.whose, now, lines)
        if len(target.buffer) > BUFFER:
            self._flush(target)
        if self._flush_at is None:
            self._flush_at = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def _announce(self, group: Group) -> None:
        if group not in self._announced:
            self._announced.add(group)
            self._on_group(group.account, group.region, group.name)

    def flush(self) -> None:
        """Write all buffers."""
        if self._flush_at:
            self._flush_at.cancel()
            self._flush_at = None
        dirty, self._dirty = self._dirty, {}
        for stream in dirty.values():
            self._flush(stream)

    def _flush(self, stream: Stream) -> None:
        try:
            stream.flush()
        except OSError as error:
            self._problem(f"the log {stream.group} {stream.name} cannot be written: {error}")

    def close(self) -> None:
        """Write what is left."""
        self.flush()

    def name_job(self, stream: str, job: str, name: str) -> None:
        """Have the lines of a stream, which begins now, belong to a job."""
        self._jobs[stream] = job, name
        if len(self._jobs) > JOBS:
            del self._jobs[next(iter(self._jobs))]

    async def follow(
        self, since: int, jobs: Callable[[], dict[str, tuple[str, str]]], *, on: bool = True
    ) -> AsyncIterator[bytes]:
        """Yield the lines of all streams after a number (0: the newest there are) as JSON; `on` for ever.

        `jobs` tells the job, and its name, of streams from before this emulator.
        """
        now = int(self._clock.now() * 1000)
        reader, held = self._live.reader(now, since)
        if not held:
            self.flush()
            ends = {
                segment.path: segment.end - segment.base
                for streams in self._groups.values()
                for stream in streams.values()
                for segment in stream.segments
            }
            asked = history.Asked(
                self._root, ends, self._began_ms, since // 1000, self._live.seq, {**jobs(), **self._jobs}
            )
            for batch in await asyncio.to_thread(history.batches, asked):
                yield batch
        if on:
            async for batch in self._live.read(reader):
                yield batch

    def _make(self, group: Group, name: str) -> Stream:
        streams = self._streams(group)
        if name not in streams:
            stem = self._folder(group) / _file_name(name)
            streams[name] = Stream(group.name, name, stem, int(self._clock.now() * 1000))
        return streams[name]

    def _streams(self, group: Group) -> dict[str, Stream]:
        if group not in self._groups:
            self._groups[group] = dict(self._load(self._folder(group)))
        return self._groups[group]

    def _load(self, folder: Path) -> Iterator[tuple[str, Stream]]:
        files: dict[str, list[Path]] = {}
        for path in folder.glob("=*@*"):
            files.setdefault(path.name.rpartition("@")[0], []).append(path)
        for paths in files.values():
            try:
                stream = load(paths)
            except (ValueError, KeyError, OSError) as error:  # a crash may leave a file without its header
                self._problem(f"the log {paths[0]} cannot be read: {error}")
                continue
            yield stream.name, stream

    def _folder(self, group: Group) -> Path:
        return self._root / group.account / group.region / _file_name(group.name)

    def create(self, group: Group, name: str) -> bool:
        """Make an empty stream; False when there is one of this name."""
        if name in self._streams(group):
            return False
        self._make(group, name).start()
        return True

    def has(self, group: Group, name: str) -> bool:
        """Tell whether there is such a stream."""
        return name in self._streams(group)

    def remove(self, group: Group, name: str) -> bool:
        """Delete a stream; False when there is none."""
        stream = self._streams(group).pop(name, None)
        if stream is None:
            return False
        self._dirty.pop(id(stream), None)
        stream.remove()
        return True

    def remove_group(self, group: Group) -> None:
        """Delete all streams of a group."""
        for name in tuple(self._streams(group)):
            self.remove(group, name)
        self._groups.pop(group, None)
        self._announced.discard(group)
        shutil.rmtree(self._folder(group), ignore_errors=True)

    def streams(self, group: Group) -> list[Stream]:
        """Return what is known of a group's streams, by name."""
        streams = self._streams(group)
        return [streams[name] for name in sorted(streams)]

    async def page(
        self, group: Group, name: str, window: Window, limit: int, token: str = "", *, from_head: bool = False
    ) -> Page:
        """Return a page of one stream; AwsError when there is no such stream."""
        stream = self._streams(group).get(name)
        if stream is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        self._flush(stream)
        return await asyncio.to_thread(_page, stream, window, limit, token, from_head)

    async def tail(self, account: str, region: str, group: str, stream: str, limit: int) -> list[tuple[int, str]]:
        """Return a stream's last lines with their times, oldest first; none when there is no such stream."""
        key = Group(account, region, group)
        if not self.has(key, stream):
            return []
        page = await self.page(key, stream, Window(), limit)
        return [(line.timestamp, line.message) for line in page.lines]

    async def find(
        self,
        group: Group,
        names: Callable[[str], bool],
        window: Window,
        limit: int,
        token: str,
        test: Callable[[str], bool],
    ) -> Found:
        """Return the lines of a group's streams that pass a test, merged by time."""
        self.flush()
        streams = [stream for stream in self.streams(group) if names(stream.name) and _overlaps(stream, window)]
        return await asyncio.to_thread(_find, streams, window, limit, token, test)


def _overlaps(stream: Stream, window: Window) -> bool:
    if stream.first is None or stream.last is None:
        return False
    return (window.start is None or stream.last >= window.start) and (
        window.end is None or stream.first < window.end
    )


def _file_name(name: str) -> str:
    quoted = quote(name, safe="")
    if len(quoted) > 200:
        quoted = f"{quoted[:150]}.{hashlib.sha256(name.encode()).hexdigest()[:24]}"
    return f"={quoted}"  # a stream may be called `..`


def _page(stream: Stream, window: Window, limit: int, token: str, from_head: bool) -> Page:
    direction, position = _position(stream, token, from_head=from_head)
    floor, _ = stream.floor(window.start)
    if direction == "f":
        lines = _take(forward(stream, max(position, floor)), window, limit)
    else:
        older = (line for line in _until(backward(stream, position), floor))
        lines = _take(older, window, limit)[::-1]
    first = lines[0].position if lines else position
    after = lines[-1].after if lines else position
    return Page(tuple(lines), f"b/{first:040d}/s", f"f/{after:040d}/s")


def _position(stream: Stream, token: str, *, from_head: bool) -> tuple[str, int]:
    if not token:
        return ("f", stream.begin) if from_head else ("b", stream.end)
    direction, _, rest = token.partition("/")
    digits = rest.partition("/")[0]
    if direction not in {"f", "b"} or not digits.isdigit():
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    return direction, int(digits)


def _until(lines: Iterator[Line], floor: int) -> Iterator[Line]:
    for line in lines:
        if line.position < floor:
            return
        yield line


def _take(lines: Iterator[Line], window: Window, limit: int) -> list[Line]:
    taken: list[Line] = []
    size = 0
    for line in lines:
        if not window.holds(line.timestamp):
            continue
        size += len(line.message) + 26
        if taken and size > PAGE_BYTES:
            break
        taken.append(line)
        if len(taken) >= limit:
            break
    return taken


Key = tuple[int, str, int]
"""What the merged order goes by: the latest time so far in the stream, the stream, the position."""


def _find(streams: list[Stream], window: Window, limit: int, token: str, test: Callable[[str], bool]) -> Found:
    last = _read_token(token) if token else None
    found: list[tuple[str, Line]] = []
    size = 0
    merged = heapq.merge(*(_keyed(stream, window, last) for stream in streams), key=lambda each: each[0])
    for count, (key, line) in enumerate(merged, 1):
        if window.holds(line.timestamp) and test(line.message):
            found.append((key[1], line))
            size += len(line.message) + 26
        if len(found) >= limit or size > PAGE_BYTES or count >= SCAN_LINES:
            return Found(tuple(found), _write_token(key))
    return Found(tuple(found), "")


def _keyed(stream: Stream, window: Window, last: Key | None) -> Iterator[tuple[Key, Line]]:
    since = last[0] if last else window.start
    position, latest = stream.floor(since)
    for line in forward(stream, position):
        latest = max(latest, line.timestamp)
        key = latest, stream.name, line.position
        if last is None or key > last:
            yield key, line


def _write_token(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _read_token(token: str) -> Key:
    try:
        latest, name, position = json.loads(base64.urlsafe_b64decode(token))
        return int(latest), str(name), int(position)
    except (ValueError, TypeError) as error:
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.") from error
