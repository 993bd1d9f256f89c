"""What moto's own code sets in motion: invocations, deletions and complaints, handed to the event loop after the commit.

Patches deep inside moto have no way to know who runs functions, so the server connects it here once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hfaas_emulator.lambda_.invocation import Invocation, new_id
from hfaas_emulator.moto_services import commit


@dataclass(frozen=True, slots=True)
class Outlets:
    """Who takes journaled invocations, deleted functions (account, region, name) and complaints; on the event loop."""

    accept: Callable[[Invocation], None]
    forget: Callable[[str, str, str], None]
    problem: Callable[[str], None]


_connected: list[Outlets] = []


def connect(outlets: Outlets) -> None:
    """Connect the event loop; before the first request."""
    _connected[:] = [outlets]


def invoke(function: str, payload: bytes, origin: str) -> None:
    """Queue an asynchronous invocation as part of the running command's transaction."""
    request = new_id()
    invocation = Invocation(request, function, payload, origin, time.time(), run=request)
    commit.record(invocation.put())
    _later(lambda outlets: outlets.accept(invocation))


def problem(message: str) -> None:
    """Report a delivery that failed."""
    _later(lambda outlets: outlets.problem(message))


def forget(account: str, region: str, name: str) -> None:
    """Say that a function was deleted."""
    _later(lambda outlets: outlets.forget(account, region, name))


def _later(act: Callable[[Outlets], None]) -> None:
    def run() -> None:
        for outlets in _connected:
            act(outlets)

    commit.after(run)
