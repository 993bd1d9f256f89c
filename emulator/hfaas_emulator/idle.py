"""Knows whether anything is still going on, so that nobody has to guess with a sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pending:
    """One unfinished thing: its kind (`event`, `attempt`, `stack`, ...), id and a sentence for people."""

    kind: str
    id: str
    what: str

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.id, "what": self.what}


class Idle:
    """The ledger of unfinished things; idle means it is empty."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, str], Pending] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def begin(self, kind: str, id: str, what: str) -> None:
        """Enter a thing, or reword one that is entered already."""
        self._pending[kind, id] = Pending(kind, id, what)
        self._empty.clear()

    def end(self, kind: str, id: str) -> None:
        """Strike a thing off; one that is not entered is no error."""
        self._pending.pop((kind, id), None)
        if not self._pending:
            self._empty.set()

    @contextmanager
    def during(self, kind: str, id: str, what: str) -> Iterator[None]:
        """Hold a thing pending while the block runs."""
        self.begin(kind, id, what)
        try:
            yield
        finally:
            self.end(kind, id)

    def pending(self) -> tuple[Pending, ...]:
        """Return what is unfinished, oldest first."""
        return tuple(self._pending.values())

    async def wait(self, timeout: float) -> bool:
        """Wait until nothing is pending; False when `timeout` seconds were not enough."""
        try:
            await asyncio.wait_for(self._empty.wait(), timeout)
        except TimeoutError:
            return False
        return True
