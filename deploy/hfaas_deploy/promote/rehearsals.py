"""What was rehearsed on this machine: one small file for each template with its images, named after both.

Several commands may write at once: a file appears whole or not at all, and equal ones have equal names. What cannot be
read, or is not what its name says, was never rehearsed.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hfaas_deploy.promote.promotion import Rehearsal

KEPT = 200
LARGEST = 1 << 20
"""Bytes; no file of ours comes near it."""
LATEST = 32_503_680_000.0
"""The year 3000; later times have no date on some machines."""
HOW = ("run", "deploy")
"""The better proof comes first: a run has put files through it."""


class Rehearsals:
    """The rehearsals of this user, in a folder that nobody else reads."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _default()

    def note(self, rehearsal: Rehearsal) -> None:
        """Keep that this was rehearsed; OSError when it cannot be written.

        What one run of exactly this left idle, another one may have used.
        """
        place = self.folder / _name(rehearsal.template, rehearsal.images, rehearsal.how)
        if known := _read(place):
            left = tuple(name for name in rehearsal.idle if name in known.idle)
            rehearsal = replace(rehearsal, idle=left)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # it may have been made by others, or before
        descriptor, part = tempfile.mkstemp(dir=self.folder, suffix=".part")  # readable by this user alone
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(asdict(rehearsal), file)
            Path(part).replace(place)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
        self._prune()

    def find(self, template: str, ids: Mapping[str, str]) -> Rehearsal | None:
        """The rehearsal of exactly this template with these images; a run before a deploy; None when there was none."""
        found = (_read(self.folder / _name(template, ids, how)) for how in HOW)
        return next((one for one in found if one), None)

    def latest(self, stack: str) -> Rehearsal | None:
        """The newest rehearsal of a Stack, whatever its template was."""
        of_stack = (one for one in map(_read, self._files()) if one and one.stack == stack)
        return max(of_stack, key=lambda one: one.at, default=None)

    def _files(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from self.folder.glob("*.json")

    def _prune(self) -> None:
        """Forget the oldest ones; another command may be at it, too."""
        aged = []
        for path in self._files():
            with suppress(OSError):
                aged.append((path.stat().st_mtime, path))
        for _, path in sorted(aged, reverse=True)[KEPT:]:
            with suppress(OSError):
                path.unlink()


def _default() -> Path:
    """Where programs keep what they know from one run to the next; a relative path counts for nothing."""
    told = os.environ.get("XDG_STATE_HOME", "")
    base = Path(told) if told.startswith("/") else Path.home() / ".local" / "state"
    return base / "hfaas" / "rehearsals"


def _name(template: str, images: Mapping[str, str], how: str) -> str:
    whole = json.dumps([template, sorted(images.items())])
    return f"{hashlib.sha256(whole.encode()).hexdigest()}.{how}.json"


def _read(path: Path) -> Rehearsal | None:
    try:
        found = _rehearsal(json.loads(_bytes(path)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if path.name == _name(found.template, found.images, found.how) else None


def _bytes(path: Path) -> bytes:
    """What is in a plain file that nobody but this user can have written; OSError for all others."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        known = os.fstat(file.fileno())
        is_own = known.st_uid == os.geteuid() and not known.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not (stat.S_ISREG(known.st_mode) and is_own and known.st_size <= LARGEST):
            raise OSError(f"{path} is no rehearsal of this user")
        return file.read(LARGEST)


def _rehearsal(told: Any) -> Rehearsal:
    images = {str(function): str(one) for function, one in told["images"].items()}
    at = float(told["at"])
    if not 0 <= at < LATEST:
        raise ValueError("no time of this world")
    idle = tuple(str(function) for function in told.get("idle", ()) if str(function) in images)
    return Rehearsal(str(told["stack"]), str(told["template"]), images, at, told["how"], idle)
