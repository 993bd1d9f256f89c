"""The folders of one invocation: fresh for each Item, gone before the answer.

Making and removing four folders costs 2 ms on a disk, more than all the rest of a warm invocation. So a Lambda
environment keeps one emptied set under a hidden name and gives it the next request's name; only names change.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hfaas_supervisor.errors import BadEvent, ConfigError, NoSpace

REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,127}")
MODE = 0o755
FULL = (errno.ENOSPC, errno.EDQUOT)


class Folder(NamedTuple):
    """Where one invocation's files are."""

    root: str

    @property
    def input(self) -> str:
        return f"{self.root}/input"

    @property
    def output(self) -> str:
        return f"{self.root}/output"

    @property
    def scratch(self) -> str:
        return f"{self.root}/scratch"

    @property
    def event(self) -> str:
        return f"{self.root}/event.json"

    @property
    def script(self) -> str:
        return f"{self.root}/script"

    @property
    def spool(self) -> str:
        return f"{self.root}/output.log"

    def renew(self) -> None:
        """Empty what the script may write to, for the next Item."""
        for path in (self.input, self.output, self.scratch):
            _empty(path)

    def write(self, path: str, content: bytes) -> None:
        """Write a file of ours."""
        try:
            with open(path, "wb") as file:
                file.write(content)
        except OSError as error:
            raise NoSpace(f"the Event of {len(content)} bytes does not fit into /tmp: {error.strerror}") from None


@contextmanager
def lease(root: str, request: str, *, keep: bool) -> Iterator[Folder]:
    """Lend a request its folder; `keep` the emptied set for the next one."""
    if not REQUEST_ID.fullmatch(request):
        raise BadEvent(f"request id {request!r} cannot be the name of a folder")
    folder = Folder(os.path.join(root, re.sub("[:#]", "-", request)))  # of Batch's children; PATH could not hold it
    spare = os.path.join(root, f".hfaas-{os.getpid()}")
    try:
        _take(folder, spare)
    except OSError as error:
        kind = NoSpace if error.errno in FULL else ConfigError
        raise kind(f"{folder.root} cannot be made: {error.strerror}; {root} must be writable") from None
    try:
        yield folder
    finally:
        if keep:
            _give_back(folder, spare)
        else:
            _remove(folder.root)


def _take(folder: Folder, spare: str) -> None:
    try:
        os.rename(spare, folder.root)
    except FileNotFoundError:
        os.makedirs(folder.root, MODE)
        folder.renew()


def _give_back(folder: Folder, spare: str) -> None:
    kept = (folder.input, folder.output, folder.scratch)
    for entry in _entries(folder.root):
        if entry.path not in kept:
            _remove(entry.path)
    folder.renew()
    os.rename(folder.root, spare)


def _empty(path: str) -> None:
    """Leave an empty folder of ours, whatever a script made of it."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        os.mkdir(path, MODE)
        return
    if not stat.S_ISDIR(mode):
        os.unlink(path)
        os.mkdir(path, MODE)
        return
    if stat.S_IMODE(mode) != MODE:
        os.chmod(path, MODE)
    for entry in _entries(path):
        _remove(entry.path)


def _remove(path: str) -> None:
    """Remove a file or a tree; `shutil` would load three compressors for it."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
        return
    os.chmod(path, MODE)  # the script may have locked it
    for entry in _entries(path):
        _remove(entry.path)
    os.rmdir(path)


def _entries(path: str) -> list[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return list(entries)
