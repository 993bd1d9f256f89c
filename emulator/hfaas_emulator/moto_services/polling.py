"""Waiting for messages outside moto's thread.

Inside moto a long poll would hold the one thread for up to 20 seconds. So a receive that finds nothing only leaves
a note of how long its caller would wait; the edge waits on the event loop, is woken by the next send, and asks
again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from hfaas_emulator.moto_services import commit


@dataclass(frozen=True, slots=True)
class Wait:
    """A receive that found nothing: queue (ARN), seconds the caller waits, seconds until a hidden message shows.

    `sends` is how many messages the queue had been sent by then: a send that comes between the note and the wait
    must not be slept through.
    """

    queue: str
    seconds: float
    look_again: float
    sends: int


_notes: list[Wait] = []
_sends: Counter[str] = Counter()
_waiting: dict[str, set[asyncio.Future[None]]] = {}


def note(queue: str, seconds: float, look_again: float) -> None:
    """Leave the note; on the moto thread."""
    _notes.append(Wait(queue, seconds, look_again, _sends[queue]))


def take() -> Wait | None:
    """Take the note of the receive that just ran, if there is one; on the moto thread."""
    wait = _notes[-1] if _notes else None
    _notes.clear()
    return wait


def announce(queue: str) -> None:
    """Say that a queue was sent something; on the moto thread."""
    _sends[queue] += 1
    commit.after(lambda: _wake(queue))


def _wake(queue: str) -> None:
    for future in _waiting.pop(queue, ()):
        if not future.done():
            future.set_result(None)


async def sent(wait: Wait, timeout: float) -> None:
    """Wait until something is sent to the queue, a hidden message shows, or `timeout` seconds have passed."""
    queue = wait.queue
    if _sends[queue] != wait.sends:
        return
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = _waiting.setdefault(queue, set())
    waiting.add(future)
    try:
        await asyncio.wait([future], timeout=min(timeout, wait.look_again))
    finally:
        waiting.discard(future)
        if not waiting and _waiting.get(queue) is waiting:
            del _waiting[queue]
