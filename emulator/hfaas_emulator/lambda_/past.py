"""What invocations were asked with: their events and environments, so that one that failed can be looked at and run again.

The newest COUNT events of at most BYTES in all are in memory. An event that is longer than Lambda takes asynchronously
is kept cut. What failed is in the journal, too, its secrets hidden, and is still known after a restart: the newest
FAILED. What has not ended is the queue's row in the journal, and comes back with that.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hfaas_emulator.hidden import without_secrets
from hfaas_emulator.journal import Change, DeleteThrough, Journal, Put, Table

COUNT = 5_000
BYTES = 32 * 2**20
LONGEST = 2**20
CUT = 2**16
"""What is kept of an event that is longer."""

FAILED = 500
FAILED_BYTES = 8 * 2**20
OVERHEAD = 500
"""Bytes that are counted for an invocation besides its event."""


@dataclass(slots=True)
class Asked:
    """One invocation: its function's ARN, its event, who asked, what its container was given."""

    id: str
    function: str
    origin: str
    payload: bytes
    is_cut: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.payload) + OVERHEAD


class Past:
    """The invocations by their ids, the oldest first."""

    def __init__(self, journal: Journal | None = None, now: Callable[[], float] = lambda: 0.0) -> None:
        self._journal = journal
        self._now = now
        self._asked: dict[str, Asked] = {}
        self._size = 0
        self._failed: deque[tuple[str, int]] = deque()
        self._failed_size = 0

    def keep(self, id: str, function: str, origin: str, payload: bytes) -> None:
        """Note what is asked; of an invocation that is known already, nothing new."""
        if id in self._asked:
            return
        is_cut = len(payload) > LONGEST
        self._enter(Asked(id, function, origin, payload[:CUT] if is_cut else payload, is_cut))

    def _enter(self, asked: Asked) -> None:
        self._asked[asked.id] = asked
        self._size += asked.size
        while len(self._asked) > COUNT or self._size > BYTES:
            gone = self._asked.pop(next(iter(self._asked)))
            self._size -= gone.size

    def ran(self, id: str, environment: Mapping[str, str]) -> None:
        """Note in which environment an attempt runs."""
        if asked := self._asked.get(id):
            asked.environment = environment

    def find(self, id: str) -> Asked | None:
        """Return what an invocation was asked with, if that is still known."""
        return self._asked.get(id)

    def failed(self, id: str) -> Iterable[Change]:
        """Return what is to be written about an invocation that failed for good."""
        asked = self._asked.get(id)
        if asked is None:
            return
        row, key = _row(asked), f"{int(self._now() * 1000):014d}/{id}"
        yield Put(Table.FAILED, key, row)
        self._failed.append((key, len(row)))
        self._failed_size += len(row)
        last = ""
        while len(self._failed) > FAILED or (self._failed_size > FAILED_BYTES and len(self._failed) > 1):
            last, size = self._failed.popleft()
            self._failed_size -= size
        if last:
            yield DeleteThrough(Table.FAILED, last)

    def load(self) -> None:
        """Read what failed under an earlier emulator."""
        for key, row in self._journal.rows(Table.FAILED) if self._journal else ():
            self._failed.append((key, len(row)))
            self._failed_size += len(row)
            self._enter(_asked(key.partition("/")[2], row))


def _row(asked: Asked) -> bytes:
    row = {
        "function": asked.function,
        "origin": asked.origin,
        "payload": base64.b64encode(asked.payload).decode(),
        "is_cut": asked.is_cut,
        "environment": without_secrets(asked.environment),
    }
    return json.dumps(row).encode()


def _asked(id: str, row: bytes) -> Asked:
    kept = json.loads(row)
    return Asked(
        id,
        kept["function"],
        kept["origin"],
        base64.b64decode(kept["payload"]),
        kept["is_cut"],
        kept["environment"],
    )
