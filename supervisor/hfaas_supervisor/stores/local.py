"""The container's own disk: inputs arrive under a temporary name, results are found without following links out."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from hfaas_supervisor.errors import InputDenied, NoSpace, OutputFailed

PIECE = 1024 * 1024


class Staging:
    """A file that appears under its name only when it is complete."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self.written = 0
        folder, name = os.path.split(path)
        self._part = os.path.join(folder, f".{name[:64]}.hfaas-part")

    def __enter__(self) -> Self:
        self._fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
        if kind is not None:
            with suppress(OSError):
                os.unlink(self._part)

    def reserve(self, size: int) -> None:
        """Refuse what does not fit, before anything is written."""
        room = free(os.path.dirname(self.path))
        if size > room:
            raise NoSpace(
                f"{self.source} has {size} bytes and /tmp only {room} free; give the Function more (hfaas.tmp in the FDL)"
            )

    def restart(self) -> None:
        """Begin again with nothing."""
        if self.written:
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            self.written = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Append a piece."""
        rest = memoryview(piece)
        self.written += len(rest)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise NoSpace(f"{self.source} does not fit into /tmp: {error.strerror}") from None

    def commit(self, size: int | None) -> None:
        """Give the file its name, if it has the announced size."""
        if size is not None and size != self.written:
            raise InputDenied(f"{self.source} ended after {self.written} of {size} bytes")
        os.rename(self._part, self.path)


def stage(content: bytes, path: str) -> None:
    """Write what an Event carries itself."""
    with Staging(path, "the Event") as staging:
        staging.reserve(len(content))
        staging.write(content)
        staging.commit(None)


def free(folder: str) -> int:
    """Return the bytes that we may still write."""
    volume = os.statvfs(folder)
    return volume.f_bavail * volume.f_frsize


class Result(NamedTuple):
    """A file to upload: its name below the output folder, where its bytes are, how many."""

    name: str
    path: str
    size: int

    def open(self) -> int:
        """Open it for reading; OutputFailed when it is no longer the regular file that was found."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise OutputFailed(f"output {self.name} cannot be read: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OutputFailed(f"output {self.name} is not a regular file any more")
        return fd

    def pieces(self) -> Iterator[bytes]:
        """Yield the content, 1 MiB at a time."""
        fd = self.open()
        try:
            while piece := os.read(fd, PIECE):
                yield piece
        finally:
            os.close(fd)

    def content(self) -> bytes:
        """Return the whole content of a small file."""
        return b"".join(self.pieces())


class Content(NamedTuple):
    """Something to upload that is not on the disk."""

    name: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def pieces(self) -> Iterator[bytes]:
        """Yield the content, 1 MiB at a time."""
        for start in range(0, len(self.data), PIECE):
            yield self.data[start : start + PIECE]

    def content(self) -> bytes:
        """Return the whole content."""
        return self.data


Source = Result | Content


def results(folder: str, warn: Callable[[str], None]) -> list[Result]:
    """Find every file below a folder, sorted by name; what is not a file in it is skipped with a warning."""
    real = os.path.realpath(folder)
    return sorted(_walk(real, real, "", warn))


def _walk(root: str, folder: str, below: str, warn: Callable[[str], None]) -> Iterator[Result]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield from _entry(root, entry.path, f"{below}{entry.name}", warn)


def _entry(root: str, path: str, name: str, warn: Callable[[str], None]) -> Iterator[Result]:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        target = _target(root, path)
        if not target:
            warn(f"output {name} is skipped: it is a link that leads nowhere in the output folder")
            return
        path, found = target, os.lstat(target)
    if stat.S_ISDIR(found.st_mode):
        yield from _walk(root, path, f"{name}/", warn)
    elif stat.S_ISREG(found.st_mode):
        yield Result(_readable(name), path, found.st_size)
    else:
        warn(f"output {name} is skipped: it is not a regular file")


def _target(root: str, link: str) -> str:
    """Return what a link stands for, or an empty text if it is outside, missing or one of the link's own parents."""
    target = os.path.realpath(link)
    inside = target.startswith(f"{root}/") and os.path.lexists(target)
    return target if inside and not f"{link}/".startswith(f"{target}/") else ""


def _readable(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode(errors="replace")
        raise OutputFailed(f"output {shown} cannot be uploaded: a key must be UTF-8 and its name is not") from None
    return name
