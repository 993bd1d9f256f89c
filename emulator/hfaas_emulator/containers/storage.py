"""Watches how much containers write: a folder has no size limit of its own as Lambda's /tmp has."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hfaas_emulator.containers.threads import Threads

PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder, its limit, and what to do (once) when it holds more."""

    folder: Path
    limit: int
    exceeded: Callable[[int], None]


class StorageWatch:
    """Looks at all watched folders once a second, in a thread."""

    def __init__(self, threads: Threads, period_s: float = PERIOD_S) -> None:
        self._threads = threads
        self._period_s = period_s
        self._watched: dict[str, Watched] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, id: str, watched: Watched) -> None:
        """Begin to watch."""
        self._watched[id] = watched
        if self._task is None:
            self._task = asyncio.create_task(self._look())

    def drop(self, id: str) -> None:
        """Watch no longer."""
        self._watched.pop(id, None)

    async def close(self) -> None:
        """Stop watching anything."""
        self._watched.clear()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._period_s)
            for key, watched in list(self._watched.items()):
                size = await self._threads.call(used, watched.folder)
                if size > watched.limit and self._watched.pop(key, None) is watched:
                    watched.exceeded(size)


def used(folder: Path) -> int:
    """Return the bytes on disk below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    places = [os.fspath(folder)]
    while places:
        try:
            with os.scandir(places.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        places.append(entry.path)
        except OSError:
            continue
    return total


def full(size: int, limit: int) -> bytes:
    """Return the line that explains the end of a container whose /tmp is too full."""
    return (
        f"hfaas: /tmp holds {size >> 20} MB of {limit >> 20} MB, the container was ended "
        "(on AWS the write fails: No space left on device)\n"
    ).encode()
