"""The store, the tree and the writes on a thread of their own: one operation after the other, none on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from hfaas_emulator.onedata.content import Content
from hfaas_emulator.onedata.node import Note
from hfaas_emulator.onedata.store import Store
from hfaas_emulator.onedata.tree import Tree
from hfaas_emulator.onedata.writes import Writes

P = ParamSpec("P")
T = TypeVar("T")


class Records:
    """Everything but the bytes; `told` hears of each commit on the event loop."""

    def __init__(self, directory: Path, content: Content, told: Callable[[Sequence[Note]], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = told
        self._content = content
        self._discards: set[asyncio.Task[None]] = set()
        self.store = Store(directory / "metadata.sqlite", self._committed)
        self.tree = Tree(self.store)
        self.writes = Writes(self.store, self.tree)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hfaas-onedata")

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the thread; it runs to its end even when nobody waits for it any more."""
        return await self._loop.run_in_executor(self._thread, lambda: self._run(lambda: function(*args, **kwargs)))

    def _run(self, operation: Callable[[], T]) -> T:
        try:
            return operation()
        finally:
            if stale := self.store.take_stale():
                self._loop.call_soon_threadsafe(self._discard, stale)

    def _committed(self, notes: Sequence[Note]) -> None:
        self._loop.call_soon_threadsafe(self._told, notes)

    def _discard(self, stale: list[str]) -> None:
        task = asyncio.create_task(self._content.discard(stale))
        self._discards.add(task)
        task.add_done_callback(self._discards.discard)

    async def close(self) -> None:
        """Finish what has begun and close the file."""
        await self(lambda: None)
        if self._discards:
            await asyncio.wait(self._discards)
        self._thread.shutdown(wait=True)
        self.store.close()
