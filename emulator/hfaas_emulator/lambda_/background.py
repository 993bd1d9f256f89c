"""Work that nobody awaits: kept from the garbage collector, ended at the close, its failures on the trace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hfaas_emulator.trace import Trace, What


class Background:
    """A set of running tasks; `where` is what their PROBLEM hops say."""

    def __init__(self, trace: Trace, where: str = "lambda") -> None:
        self._trace = trace
        self._where = where
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work`; an exception of it becomes a PROBLEM hop."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._trace.hop(self._where, What.PROBLEM, message=f"{type(error).__name__}: {error}")

    async def finish(self) -> None:
        """Wait until everything started so far, and what that starts, is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel everything and wait for it."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
