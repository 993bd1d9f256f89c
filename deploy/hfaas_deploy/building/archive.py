"""Tar archives that are the same bytes for the same content, whoever packs them, wherever and whenever.

A layer of an image is known by the hash of its archive. So entries are sorted, belong to root, carry one fixed time,
are executable or not and little else, and every folder on the way to a file is an entry of its own.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

TIME = 315_619_200  # 1980-01-02: in no time zone before the oldest date that a zip file can hold


@dataclass(frozen=True, slots=True)
class Entry:
    """A file (its bytes, or where they are), a symbolic link, or a folder (neither), maybe everyone's as /tmp is."""

    name: str
    content: bytes | Path | None = None
    executable: bool = False
    link: str = ""
    shared: bool = False


def pack(entries: Iterable[Entry], out: IO[bytes]) -> None:
    """Write the entries, and the folders above them, as an uncompressed tar."""
    named = {entry.name: entry for entry in entries}
    for folder in {str(parent) for name in named for parent in PurePosixPath(name).parents} - {"."}:
        named.setdefault(folder, Entry(folder))
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(named):
            _add(tar, named[name])


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.name)
    info.mtime = TIME
    info.mode = 0o755
    if entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(info)
    elif entry.content is None:
        info.type = tarfile.DIRTYPE
        info.mode = 0o1777 if entry.shared else 0o755
        tar.addfile(info)
    else:
        info.mode = 0o755 if entry.executable else 0o644
        with BytesIO(entry.content) if isinstance(entry.content, bytes) else entry.content.open("rb") as file:
            info.size = file.seek(0, os.SEEK_END)
            file.seek(0)
            tar.addfile(info, file)


def tree(folder: Path, under: str = "") -> Iterator[Entry]:
    """Yield everything in a folder, named as if it lay under `under`; sockets, devices and pipes are left out."""
    for path in sorted(folder.rglob("*")):
        if entry := entry_of(path, str(PurePosixPath(under, path.relative_to(folder).as_posix()))):
            yield entry


def entry_of(path: Path, name: str) -> Entry | None:
    """Return a file, folder or link of this machine as an entry of that name."""
    if path.is_symlink():
        return Entry(name, link=os.readlink(path))
    if path.is_dir():
        return Entry(name)
    if path.is_file():
        return Entry(name, path, executable=bool(path.stat().st_mode & 0o111))
    return None


def repack(source: IO[bytes], out: IO[bytes]) -> None:
    """Write the archive `source` anew by the rules of this module."""
    with tarfile.open(fileobj=source) as tar:
        pack([_unpacked(tar, member) for member in tar], out)


def _unpacked(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    entry = Entry(member.name.strip("/"), executable=bool(member.mode & 0o111))
    if member.issym():
        return replace(entry, link=member.linkname)
    file = tar.extractfile(member) if member.isfile() else None
    return replace(entry, content=file.read()) if file else entry


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
