"""Looks at and ends trees of processes, through the kernel's own files."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


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
    needle = os.fsencode(folder) + b"/"
    return [pid for pid in _mine() if needle in _bytes(_PROC / str(pid) / "environ")]


def kill_mentioning(folder: Path, rounds: int = 10) -> None:
    """End them, also those that they start meanwhile."""
    for _ in range(rounds):
        pids = mentioning(folder)
        if not pids:
            return
        kill(pids)


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
