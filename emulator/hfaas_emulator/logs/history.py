"""The newest lines of all streams, read from their files by a thread: what somebody who follows the log sees first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter, itemgetter
from pathlib import Path

from hfaas_emulator.logs.live import BATCH_BYTES, BATCH_LINES, Entry, encoded, through
from hfaas_emulator.logs.stream import Line, Segment, Stream, backward
from hfaas_emulator.logs.whose import START, Whose, level

LINES = 100_000
SIZE = 32 * 2**20
"""What is read at most: lines, and characters of them."""

LAG_MS = 50
"""So far the time of a file may lie before that of the write: the kernel takes it from its last tick."""

CONTEXT = 1_000
"""So many older lines of a stream are looked at to find whose its first one is."""

Stamped = tuple[int, Entry]
"""A line with the Unix ms of its arrival, by which lines are put in order."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted: lines that arrived after `since` (Unix ms).

    `last` is the number of the last batch, `ends` tells how long the files are that are written just now; in all others, what arrived from `began` on came
    after the question. `jobs` tells the job and its name of streams.
    """

    root: Path
    ends: Mapping[Path, int]
    began: int
    since: int
    last: int
    jobs: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Filed:
    """The files of one stream, and when the last of them changed, in Unix ms."""

    paths: Sequence[Path]
    changed: float


def batches(asked: Asked) -> list[bytes]:
    """Return the lines in the order of their arrival, as they go out."""
    return [encoded(seq, lines) for seq, lines in _cut(_newest(asked), asked.last)]


def _newest(asked: Asked) -> list[Stamped]:
    found: list[Stamped] = []
    floor, size = asked.since, 0
    for filed in sorted(_filed(asked.root), key=attrgetter("changed"), reverse=True):
        if filed.changed < floor - LAG_MS:
            break
        fresh = _lines(asked, filed, floor)
        size += sum(len(entry[4]) for _, entry in fresh)
        found += fresh
        if len(found) > LINES + LINES // 4 or size > SIZE + SIZE // 4:
            found, size = _bounded(found)
            floor = found[0][0]
    return _bounded(found)[0]


def _bounded(found: list[Stamped]) -> tuple[list[Stamped], int]:
    """Return the newest lines that are not too many, and their size."""
    found.sort(key=itemgetter(0))
    size, first = 0, len(found)
    for _, entry in reversed(found[-LINES:]):
        if size + len(entry[4]) > SIZE and first < len(found):
            break
        size += len(entry[4])
        first -= 1
    return found[first:], size


def _filed(root: Path) -> Iterator[Filed]:
    streams: dict[Path, list[tuple[Path, float]]] = {}
    for path in root.glob("*/*/=*/=*@*"):
        with suppress(OSError):  # it is gone
            stem = path.with_name(path.name.rpartition("@")[0])
            streams.setdefault(stem, []).append((path, path.stat().st_mtime * 1000))
    for files in streams.values():
        yield Filed([path for path, _ in files], max(changed for _, changed in files))


def _lines(asked: Asked, filed: Filed, floor: int) -> list[Stamped]:
    try:
        stream = _opened(asked, filed)
    except (OSError, ValueError, KeyError):  # it is gone, or a crash left it without its header
        return []
    older = backward(stream, stream.end)
    is_written = any(path in asked.ends for path in filed.paths)
    fresh: list[Line] = []
    context: list[Line] = []
    size = 0
    for line in older:
        if line.ingested >= asked.began and not is_written:
            continue
        if line.ingested <= floor or len(fresh) >= LINES or size > SIZE:
            context = [line, *islice(older, CONTEXT)] if fresh else []
            break
        fresh.append(line)
        size += len(line.message)
    whose = Whose(stream.group, stream.name, asked.jobs.get(stream.name))
    for line in reversed(list(_until_start(context))):
        whose.take(line.message)
    return [(line.ingested, _entry(line, whose)) for line in reversed(fresh)]


def _until_start(context: Iterable[Line]) -> Iterator[Line]:
    for line in context:
        yield line
        if line.message.startswith(START):
            return


def _entry(line: Line, whose: Whose) -> Entry:
    text = line.message
    return (line.timestamp / 1000, whose.function, whose.take(text), level(text), text.rstrip("\n"))


def _opened(asked: Asked, filed: Filed) -> Stream:
    """Return a stream to read from, as long as it was when it was asked for; nothing is mended here."""
    segments = []
    header = {}
    written = [path for path in filed.paths if path in asked.ends]  # a file besides was begun after the question
    for path in written or filed.paths:
        with path.open("rb") as file:
            first = file.readline()
            size = asked.ends.get(path) or path.stat().st_size
        header = json.loads(first)
        base = header["base"]
        segments.append(Segment(path, base, base + len(first), base + size))
    segments.sort(key=attrgetter("base"))
    return Stream(header["group"], header["stream"], filed.paths[0], header["created"], tuple(segments))


def _cut(found: Sequence[Stamped], last: int) -> Iterator[tuple[int, list[Entry]]]:
    """Yield batches with their numbers. One that ends amid the lines of a millisecond has the number before that."""
    batch: list[Entry] = []
    size = 0
    for index, (ms, entry) in enumerate(found):
        batch.append(entry)
        size += len(entry[4])
        after = found[index + 1][0] if index + 1 < len(found) else None
        if after is None or len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            seq = ms * 1000 - 1 if after == ms else through(ms)
            yield (last if after is None else seq), batch
            batch, size = [], 0
