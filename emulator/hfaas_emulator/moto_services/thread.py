"""The one thread moto lives on.

moto is not safe on several threads and gains nothing from them, so every command (a request, a look-up, a
snapshot) queues for this one. A command may take milliseconds, never wait for anything: whoever blocks here
blocks every AWS call. What it changed is committed to the journal before its caller hears of the result; what it
caused happens on the event loop right after.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from hfaas_emulator.journal import Journal, Table
from hfaas_emulator.moto_services import commit
from hfaas_emulator.moto_services.bridge import Answer, Application, Request

SLOW = 0.1
"""Seconds after which a command is named in the log."""

OF_S3 = frozenset({Table.OBJECT, Table.UPLOAD, Table.PART})

log = logging.getLogger("hfaas.moto")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Command:
    run: Callable[[], Any]
    what: str
    future: asyncio.Future[Any]


class Moto:
    """Runs commands on the moto thread, in order; belongs to the event loop that opened it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._commands: SimpleQueue[_Command | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.used_at = 0.0
        """When the last command ended, on the monotonic clock."""
        self.changes = 0
        """How many commands have changed a control plane; what was learned before the last one may not hold."""
        self._loop: asyncio.AbstractEventLoop
        self._application: Application

    def open(self, boot: Callable[[], Application]) -> asyncio.Future[None]:
        """Start the thread with `boot`, which imports moto; commands queue behind it. The future tells how it went."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="moto", daemon=True)
        self._thread.start()
        return self._submit(lambda: setattr(self, "_application", boot()), "start of moto")

    async def close(self) -> None:
        """Finish the commands that are queued, then end the thread."""
        if self._thread is None:
            return
        self._commands.put(None)
        await asyncio.to_thread(self._thread.join)
        self._thread = None

    async def call(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `f` on the moto thread and commit what it changed."""
        return await self._submit(lambda: f(*args, **kwargs), getattr(f, "__qualname__", "command"))

    async def request(self, request: Request) -> Answer:
        """Give a request to moto and commit what it changed."""
        return await self._submit(lambda: self._application(request), f"{request.method} {request.path}")

    def answer(self, request: Request) -> Answer:
        """Give a request to moto from a command that runs on the moto thread already."""
        return self._application(request)

    def _submit(self, run: Callable[[], T], what: str) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        self._commands.put(_Command(run, what, future))
        return future

    def _take_back(self, batch: commit.Batch) -> None:
        """Have moto forget what the journal refused of S3; of a control plane that takes a start anew."""
        try:
            if any(change.table in OF_S3 for change in batch.changes):
                from hfaas_emulator.moto_services import s3_undo  # imports moto

                s3_undo.take_back(batch.changes, self._journal)
            for regret in batch.regrets:
                regret()
        except Exception:
            log.exception("what the journal refused is in memory until the next start")

    def _work(self) -> None:
        while (command := self._commands.get()) is not None:
            self._run(command)

    def _run(self, command: _Command) -> None:
        started = time.monotonic()
        batch = commit.begin()
        result, error = None, None
        try:
            result = command.run()
        except Exception as raised:  # noqa: BLE001 (it is the caller's, wherever it was raised)
            error = raised
        try:
            # What a failed command changed before it failed is in moto's memory too: disk and memory stay alike.
            if batch.changes:
                self._journal.write(batch.changes)
            self.changes += any(change.table is Table.REQUEST for change in batch.changes)
        except Exception as raised:  # noqa: BLE001
            error = raised
            batch.callbacks.clear()  # what follows a commit must not happen without one
            self._take_back(batch)
        self.used_at = time.monotonic()
        if (took := self.used_at - started) > SLOW:
            log.info("%s held the moto thread for %.0f ms", command.what, took * 1000)
        self._loop.call_soon_threadsafe(_finish, command.future, result, error, batch.callbacks)
        del command, error  # the traceback holds this frame: the command would stay until garbage is looked for


def _finish(
    future: asyncio.Future[Any], result: Any, error: Exception | None, callbacks: list[Callable[[], None]]
) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            log.exception("what followed a committed request failed")
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
