"""Tells several listeners the same events, each from the moment it began to listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

Event = tuple[str, str]
"""A container's id and what happened to it: `oom` or `die`."""


class Feed:
    """Events of containers; belongs to the event loop."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Event | None]] = set()

    def publish(self, container: str, what: str) -> None:
        """Tell every present listener."""
        for listener in self._listeners:
            listener.put_nowait((container, what))

    def end(self) -> None:
        """Let every listener come to its end."""
        for listener in self._listeners:
            listener.put_nowait(None)

    def listen(self) -> AsyncIterator[Event]:
        """Yield events from now on, until the feed ends."""
        mine: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(mine)
        return self._follow(mine)

    async def _follow(self, mine: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
        try:
            while event := await mine.get():
                yield event
        finally:
            self._listeners.discard(mine)
