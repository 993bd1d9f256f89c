"""Log lines of all functions, in the order they came: the text in a file of its own, the rest in flat arrays.

One thread writes, any number read. A reader sees a line only after all of it is there, because the number of lines
rises last. Nothing is ever moved or removed, so that a line's number stays its name.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from hfaas_tui.ui.model import LogLine

LEVELS = ("", "DEBUG", "INFO", "WARN", "ERROR")
"""Levels by their number; a level we do not know counts as none."""

AHEAD, AHEAD_BYTES = 64, 65_536
"""Lines that are read with one that is asked for, since the next ones usually are too; not if they are long."""

_RAM = {"tmpfs", "ramfs", "devtmpfs"}


class _Levels(dict[str, int]):
    """Numbers of levels, their other names included."""

    def __missing__(self, name: str) -> int:
        return 0


class _Names(dict[str, int]):
    """Numbers for names, given in the order the names come up."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def __missing__(self, name: str) -> int:
        self.all.append(name)
        self[name] = number = len(self.all) - 1
        return number


_LEVELS = _Levels({name: number for number, name in enumerate(LEVELS)})
_LEVELS |= {"TRACE": 1, "WARNING": 3, "FATAL": 4, "CRITICAL": 4}


class LogStore:
    """Keeps lines in a file without a name, which goes with the process; `problem` says why lines are not kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.version = 0
        self.problem = ""
        self.lost = 0
        self.ends = array("Q")
        self.times = array("d")
        self.levels = array("B")
        self.function_numbers = array("I")
        self.request_numbers = array("I")
        self._functions = _Names()
        self._requests = _Names()
        self._count = 0
        self._size = 0
        self._fd = -1
        self._block = (0, 0, b"")

    def __len__(self) -> int:
        return self._count

    # --- writing

    def append(self, lines: Sequence[LogLine]) -> None:
        """Add lines, those of one batch at once."""
        if lines:
            self._append(*zip(*lines, strict=True))

    def _append(
        self,
        times: Sequence[float],
        functions: Sequence[str],
        requests: Sequence[str],
        levels: Sequence[str],
        raws: Sequence[bytes],
    ) -> None:
        blob = b"\n".join(raws) + b"\n"
        if blob.count(b"\n") != len(raws):  # a line feed inside a line would shift all that follow
            raws = [raw.replace(b"\n", b" ") for raw in raws]
            blob = b"\n".join(raws) + b"\n"
        if self._is_spooled(blob):
            self.times.extend(times)
            self.levels.extend(map(_LEVELS.__getitem__, levels))
            self.function_numbers.extend(map(self._functions.__getitem__, functions))
            self.request_numbers.extend(map(self._requests.__getitem__, requests))
            ends = accumulate(map((1).__add__, map(len, raws)), initial=self._size)
            next(ends)  # where the first of them begins
            self.ends.extend(ends)
            self._size += len(blob)
            self._count += len(raws)
        else:
            self.lost += len(raws)
        self.version += 1

    def _is_spooled(self, blob: bytes) -> bool:
        """Write behind what is there; a write that stopped halfway is written over by the next one."""
        try:
            fd, at, left = self.fd, self._size, memoryview(blob)
            while left:
                written = os.pwrite(fd, left, at)
                left, at = left[written:], at + written
        except OSError as error:
            self.problem = f"log lines are not kept: {error.strerror or error}"
            return False
        self.problem = ""
        return True

    # --- reading

    @property
    def fd(self) -> int:
        """Return the file of the lines, for `pread`."""
        if self._fd < 0:
            self._fd = _spool(self.folder)
            weakref.finalize(self, os.close, self._fd)
        return self._fd

    def raw(self, number: int) -> bytes:
        """Return what a line's function wrote, without the line feed."""
        first, start, block = self._block
        begin = self.ends[number - 1] if number else 0
        end = self.ends[number] - 1
        if number < first or end - start > len(block):
            start, block = self._block_from(number)[1:]
        return block[begin - start : end - start]

    def _block_from(self, number: int) -> tuple[int, int, bytes]:
        """Read a line and those behind it at once: each read lets other threads in, which a paint waits for."""
        start = self.ends[number - 1] if number else 0
        last = min(number + AHEAD, self._count) - 1
        end = self.ends[last] if self.ends[last] - start <= AHEAD_BYTES else self.ends[number]
        self._block = number, start, os.pread(self.fd, end - start, start)
        return self._block

    def line(self, number: int) -> LogLine:
        return LogLine(
            self.times[number],
            self.function(number),
            self.request(number),
            LEVELS[self.levels[number]],
            self.raw(number),
        )

    def lines(self, start: int, stop: int) -> Iterable[LogLine]:
        """Yield lines, read one by one."""
        return map(self.line, range(start, min(stop, len(self))))

    def function(self, number: int) -> str:
        return self._functions.all[self.function_numbers[number]]

    def request(self, number: int) -> str:
        return self._requests.all[self.request_numbers[number]]

    def functions(self) -> list[str]:
        """Return the functions that ever wrote a line, by name."""
        return sorted(self._functions.all)

    @property
    def function_count(self) -> int:
        return len(self._functions.all)

    def number_of(self, function: str) -> int | None:
        """Return what stands for a function in `function_numbers`."""
        return self._functions.get(function)

    def requests(self, start: int = 0) -> list[str]:
        """Return the requests, in the order of their numbers."""
        return self._requests.all[start:]

    def span(self, first: int, stop: int) -> tuple[int, int]:
        """Return where lines begin in the file and where the last one ends, its line feed not included."""
        return (self.ends[first - 1] if first else 0), self.ends[stop - 1] - 1


def _spool(folder: Path | None) -> int:
    """Open a file without a name: in the folder, unless that is memory or cannot be written."""
    wanted = [folder] if folder else []
    places = [*wanted, Path("/var/tmp"), Path(tempfile.gettempdir()), Path()]  # noqa: S108 - unlinked at once
    usable = [place for place in places if _is_writable(place)]
    place = next((place for place in usable if not _is_memory(place)), usable[0] if usable else Path())
    fd, name = tempfile.mkstemp(prefix="hfaas-logs-", dir=place)
    Path(name).unlink()
    return fd


def _is_writable(place: Path) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(place, os.W_OK)


def _is_memory(place: Path) -> bool:
    """Tell whether a folder lies on a RAM disk, where a million lines would cost what they were to save."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return False
    here = place.resolve()
    over = [(len(mount[1]), mount[2]) for mount in mounts if here.is_relative_to(mount[1])]
    return bool(over) and max(over)[1] in _RAM
