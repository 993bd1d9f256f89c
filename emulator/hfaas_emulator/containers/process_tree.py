"""Looks at and ends trees of processes, through the kernel's own files."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")

PATIENCE_S = 30.0
"""How long those that were killed may take to be gone: one that waits for a disk dies when the disk has answered."""

PAUSE_S = 0.001
"""Between two looks at those that are not gone yet."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory of one process in bytes: what only swap could take back, and the most it ever had."""

    pid: int
    held: int
    peak: int


def tree(pid: int) -> list[int]:
    """Return a process and all below it, the process first."""
    found = [pid]
    for each in found:
        found.extend(_children(each))
    return found


def usage(pid: int) -> Usage:
    """Return the memory of a process, zeros when it is gone."""
    fields: dict[str, int] = {}
    for line in _text(_PROC / str(pid) / "status").splitlines():
        name, _, value = line.partition(":")
        if name in {"RssAnon", "RssShmem", "VmHWM"}:
            fields[name] = int(value.split()[0]) * 1024
    return Usage(pid, fields.get("RssAnon", 0) + fields.get("RssShmem", 0), fields.get("VmHWM", 0))


def kill(pids: list[int]) -> None:
    """Send SIGKILL to all that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def mentioning(folder: Path) -> list[int]:
    """Return the processes whose environment names a folder: these were started for it, however far they strayed."""
    return _mentioning(folder)[0]


def kill_mentioning(folder: Path) -> None:
    """End them, also those that they start meanwhile, and wait until they are gone."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        pids, is_certain = _mentioning(folder)
        if not pids and is_certain:
            return
        kill(pids)
        time.sleep(PAUSE_S)


def _mentioning(folder: Path) -> tuple[list[int], bool]:
    """Return them, and whether every other process could be looked at."""
    needle = os.fsencode(folder) + b"/"
    environments = {pid: _environment(pid) for pid in _mine()}
    pids = [pid for pid, environment in environments.items() if environment and needle in environment]
    return pids, None not in environments.values()


def _environment(pid: int) -> bytes | None:
    """Return the environment of a process; None amid an `execve`, when the kernel has not laid it out yet."""
    place = _PROC / str(pid)
    if found := _bytes(place / "environ"):
        return found
    if _bytes(place / "cmdline"):  # laid out with it: there is none, or the `execve` has ended meanwhile
        return _bytes(place / "environ")
    with contextlib.suppress(OSError):  # it is gone, or a thread of the kernel's, or not ours to look at
        os.readlink(place / "exe")
        return None
    return b""


def _mine() -> Iterator[int]:
    with contextlib.suppress(OSError):
        for entry in os.listdir(_PROC):
            if entry.isdecimal() and int(entry) != os.getpid():
                yield int(entry)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(_PROC / str(pid) / "task"):
            found += [int(each) for each in _text(_PROC / str(pid) / "task" / thread / "children").split()]
    return found


def _text(path: Path) -> str:
    return _bytes(path).decode(errors="replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
