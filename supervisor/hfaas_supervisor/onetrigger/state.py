"""What must survive: the cursor, the files that wait, those that were seen, and the events nobody took.

Everything one change leads to is written in one transaction with the cursor that has passed it, so nothing is lost and
nothing is noted twice, wherever the process is killed.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class Identity(NamedTuple):
    """What a cursor belongs to; another one makes the state void."""

    provider: str
    space: str
    folder: str


class Pending(NamedTuple):
    """A file or folder to be looked at when it is due, in Unix time.

    `status` is that of a CDMI upload, or LISTED for a file that a listing found. `changed` is when the last change
    came, `written` the sequence number of the last change of the content, `size` what it said (None: nothing).
    """

    id: str
    due: float
    kind: str
    path: str = ""
    status: str = ""
    changed: float = 0
    written: int = 0
    size: int | None = None
    tries: int = 0


class Seen(NamedTuple):
    """A file as it was when its event was sent, or at the first start; `at` is by the provider's clock."""

    id: str
    mtime: int
    size: int
    at: float
    written: int


class Dead(NamedTuple):
    """A file whose event was refused for good, and why."""

    id: str
    path: str
    reason: str
    at: float


class State(Protocol):
    """A place that keeps it; all changes are made within a transaction."""

    @property
    def identity(self) -> Identity | None:
        """Return what the state belongs to; None before the first start is complete."""

    @property
    def cursor(self) -> int | None:
        """Return the sequence number of the last change dealt with."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make changes that are kept together, or not at all."""

    def void(self) -> None:
        """Forget everything."""

    def belong(self, identity: Identity) -> None:
        """Say what the state belongs to from now on."""

    def move(self, cursor: int) -> None:
        """Move the cursor."""

    def put(self, row: Pending) -> None:
        """Let a file wait, in place of what was known of its waiting."""

    def waiting(self, id: str) -> Pending | None:
        """Return how a file waits."""

    def drop(self, id: str) -> None:
        """Let a file wait no longer."""

    def due(self, now: float, limit: int) -> list[Pending]:
        """Return the files that are due, the longest waiting first."""

    def next_due(self) -> float | None:
        """Return when the next file is due."""

    def pending(self) -> int:
        """Return how many files wait."""

    def see(self, files: Iterable[Seen]) -> None:
        """Remember how files are."""

    def seen(self, id: str) -> Seen | None:
        """Return how a file was."""

    def forget(self, id: str) -> None:
        """Remember a file no longer."""

    def bury(self, dead: Dead) -> None:
        """Keep an event that was refused for good."""

    def dead(self) -> list[Dead]:
        """Return what was refused."""

    def exhume(self, id: str) -> None:
        """Keep a refused event no longer."""

    def claim(self) -> None:
        """Make sure, before the first event is sent, that nobody else works with this state; StateTaken otherwise."""

    def save(self) -> None:
        """Write what is not yet written; StateTaken when somebody else did."""

    def close(self) -> None:
        """Let go of it."""
