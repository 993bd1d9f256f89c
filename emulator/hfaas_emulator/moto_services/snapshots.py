"""When the control planes are written down, and how a crash at any moment of it does no harm.

    a request is journaled -> quiet for 2 s, or 60 s gone by -> pickled on the moto thread -> written beside the old
    snapshot, flushed, renamed over it -> the requests that are in it leave the journal

A crash before the rename leaves the old snapshot and all requests. A crash before the last step leaves requests
that are in the snapshot already; a start skips them by their number.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hfaas_emulator import memory
from hfaas_emulator.errors import EmulatorError
from hfaas_emulator.journal import DeleteThrough, Journal, Table
from hfaas_emulator.moto_services.thread import Moto

FILE = "control-planes.snapshot"
QUIET_S = 2.0
LATE_S = 60.0
SLOW_S = 0.05
"""A snapshot that holds the moto thread for longer waits until nobody uses that thread."""

log = logging.getLogger("hfaas.moto")


class Snapshots:
    """The snapshot of one state directory; `problem` is told, on the event loop, what could not be written."""

    def __init__(
        self,
        directory: Path,
        moto: Moto,
        journal: Journal,
        problem: Callable[[str], None],
        *,
        quiet_s: float = QUIET_S,
    ) -> None:
        self._path = directory / FILE
        self._moto = moto
        self._journal = journal
        self._problem = problem
        self._quiet_s = quiet_s
        self._dirty_since: float | None = None
        self._changed_at = 0.0
        self._took = 0.0
        self._last = ""
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()

    # ------------------------------------------------------------------------------------------- at the start

    def restore(self, problem: Callable[[str], None]) -> str:
        """Bring the control planes back and return the number of the last request in them; on the moto thread."""
        from hfaas_emulator.moto_services import snapshot  # imports moto: on its thread

        try:
            self._last = snapshot.load(self._path.read_bytes())
            self._journal.write([DeleteThrough(Table.REQUEST, self._last)])
        except FileNotFoundError:
            pass
        except snapshot.Unusable as error:
            self._last = error.last
            self._set_aside(str(error), problem)
        return self._last

    def _set_aside(self, reason: str, problem: Callable[[str], None]) -> None:
        aside = self._path.with_suffix(".aside")
        stacks = self._journal.last(Table.STACK)  # what they are made of is gone: deploying again must make it
        self._journal.write([DeleteThrough(Table.STACK, stacks)])
        self._path.replace(aside)
        said = (
            f"the snapshot of roles, functions, queues and buckets was set aside as {aside}: {reason}. "
            "Objects are kept; deploy again"
        )
        log.warning("%s", said)
        problem(said)

    # ------------------------------------------------------------------------------------------ while it runs

    def changed(self) -> None:
        """Say that a request was journaled; on the event loop."""
        self._changed_at = time.monotonic()
        if self._dirty_since is None:
            self._dirty_since = self._changed_at
        self._wake.set()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Write snapshots while the block runs, and a last one at its end."""
        task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            self._stop.set()
            self._wake.set()
            await task

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._dirty_since is not None:
                await self._settle(self._dirty_since)
                await self.take()
            if self._stop.is_set() and self._dirty_since is None:
                return

    async def _settle(self, since: float) -> None:
        while (left := self._due(since) - time.monotonic()) > 0 and not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), left)

    def _due(self, since: float) -> float:
        if self._took > SLOW_S:
            return max(self._changed_at, self._moto.used_at) + self._quiet_s
        return min(self._changed_at + self._quiet_s, since + LATE_S)

    async def take(self) -> None:
        """Write a snapshot now; the journal keeps everything when that fails."""
        self._dirty_since = None
        try:
            self._last, content, self._took = await self._moto.call(_pickled, self._journal, self._last)
            await asyncio.to_thread(_write, self._path, content)
            await asyncio.to_thread(self._journal.write, [DeleteThrough(Table.REQUEST, self._last)])
            await asyncio.to_thread(memory.give_back)  # a deployment is over
        except (EmulatorError, OSError) as error:
            self._problem(f"the snapshot could not be written: {error}")
        except Exception as error:
            log.exception("the snapshot could not be made")
            self._problem(f"the snapshot could not be made: {type(error).__name__}: {error}")
        else:
            log.info("snapshot of %d bytes held the moto thread for %.0f ms", len(content), self._took * 1000)


def _pickled(journal: Journal, before: str) -> tuple[str, bytes, float]:
    from hfaas_emulator.moto_services import snapshot

    started = time.monotonic()
    last = journal.last(Table.REQUEST) or before
    return last, snapshot.dump(last), time.monotonic() - started


def _write(path: Path, content: bytes) -> None:
    """Replace a file, whole or not at all, even when the power fails."""
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
