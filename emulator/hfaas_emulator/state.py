"""The state directory: private, used by one emulator at a time, and where others find the running one."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hfaas_emulator.errors import StateError

ANNOUNCEMENT = "emulator.json"
LOCK_WAIT_S = 0.2
"""How long an emulator that is ending is waited for."""

ASKERS_WAIT_S = 30.0
"""How long those are waited for who only ask whether an emulator lives: they share the lock, each for a moment."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a running emulator says of itself."""

    pid: int
    endpoint: str
    engine: str


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Make and lock the directory; StateError when it cannot be used or another emulator uses it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)  # it holds secrets of functions
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(
            f"the state directory {path} cannot be used: {error.strerror}", "choose another with --state"
        ) from error
    try:
        _lock(lock, path)
        withdraw(path)
        try:
            yield path
        finally:
            withdraw(path)
    finally:
        os.close(lock)


def _lock(lock: int, path: Path) -> None:
    began = time.monotonic()
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() - began > (ASKERS_WAIT_S if _may_share(lock) else LOCK_WAIT_S):
                other = running(path)
                who = f" (process {other.pid}, {other.endpoint})" if other else ""
                raise StateError(
                    f"another emulator{who} is using the state directory {path}",
                    "stop it with `hfaas down`, or choose another directory with --state",
                ) from error
            time.sleep(0.01)


def held(path: Path) -> bool:
    """Tell whether an emulator lives on a state directory, be it starting or ending; OSError when there is none.

    A pid would not say: it may be another's by now, or a zombie's.
    """
    with (path / "lock").open("rb") as lock:
        return not _may_share(lock.fileno())


def _may_share(lock: int) -> bool:
    """Share the lock for a moment; False when an emulator has it for itself."""
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(lock, fcntl.LOCK_UN)
    return True


def private_file(path: Path) -> Path:
    """Make a file that only its owner can read, if it is not there; StateError when that fails."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}", "choose another with --state") from error
    return path


def announce(path: Path, emulator: Running) -> None:
    """Write `emulator.json`, whole or not at all."""
    temporary = path / f"{ANNOUNCEMENT}.new"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(emulator), file)
    temporary.replace(path / ANNOUNCEMENT)


def withdraw(path: Path) -> None:
    """Remove `emulator.json`."""
    (path / ANNOUNCEMENT).unlink(missing_ok=True)


def running(path: Path) -> Running | None:
    """Return what the emulator that holds a state directory's lock announced; None when nobody holds it."""
    try:
        if not held(path):
            return None
        kept: dict[str, Any] = json.loads((path / ANNOUNCEMENT).read_text(encoding="utf-8"))
        return Running(**kept)
    except (OSError, ValueError, TypeError):
        return None
