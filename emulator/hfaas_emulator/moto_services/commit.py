"""What one command on the moto thread changed, gathered so that it is written in one piece before the answer leaves.

Patches run deep inside moto, so they cannot hand their changes up: they call `record` and `after`, and the thread
collects them when the command is done. Each thread has its own batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hfaas_emulator.journal import Change
from hfaas_emulator.lambda_.lineage import FRESH, Lineage


@dataclass(slots=True)
class Batch:
    """The rows one command changed, what is done once they are on disk or refused, and whom its events descend from."""

    changes: list[Change] = field(default_factory=list)
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    regrets: list[Callable[[], None]] = field(default_factory=list)
    lineage: Lineage = FRESH


class _Current(threading.local):
    def __init__(self) -> None:
        self.batch = Batch()


_current = _Current()


def begin() -> Batch:
    """Start the batch of a new command on this thread; what an earlier one left is forgotten."""
    _current.batch = Batch()
    return _current.batch


def discard() -> None:
    """Forget what the running command has changed and caused so far."""
    _current.batch.changes.clear()
    _current.batch.callbacks.clear()
    _current.batch.regrets.clear()


def record(*changes: Change) -> None:
    """Add rows to the running command's transaction."""
    _current.batch.changes.extend(changes)


def after(callback: Callable[[], None]) -> None:
    """Call `callback` on the event loop once the running command's rows are on disk."""
    _current.batch.callbacks.append(callback)


def otherwise(callback: Callable[[], None]) -> None:
    """Call `callback` on this thread if the running command's rows are refused: then `after` calls nobody."""
    _current.batch.regrets.append(callback)


def descend(lineage: Lineage) -> None:
    """Say which lineage the invocations inherit that the running command causes."""
    _current.batch.lineage = lineage


def lineage() -> Lineage:
    """Return that lineage."""
    return _current.batch.lineage
