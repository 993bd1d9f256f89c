"""What moto's own code sets in motion: invocations and complaints, handed to the event loop after the commit.

Patches deep inside moto have no way to know who runs functions, so the server connects it here once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hfaas_emulator.lambda_.invocation import Invocation, new_id
from hfaas_emulator.moto_services import commit


@dataclass(slots=True)
class _Connected:
    accept: Callable[[Invocation], None]
    problem: Callable[[str], None]


def _nobody(_: object) -> None:
    """Stand in until the server has connected itself."""


_connected = _Connected(_nobody, _nobody)


def connect(accept: Callable[[Invocation], None], problem: Callable[[str], None]) -> None:
    """Say who takes journaled invocations, and who hears of failed deliveries; both run on the event loop."""
    _connected.accept = accept
    _connected.problem = problem


def invoke(function: str, payload: bytes, origin: str) -> None:
    """Queue an asynchronous invocation as part of the running command's transaction."""
    request = new_id()
    invocation = Invocation(request, function, payload, origin, time.time(), run=request)
    commit.record(invocation.put())
    commit.after(lambda: _connected.accept(invocation))


def problem(message: str) -> None:
    """Report a delivery that failed."""
    commit.after(lambda: _connected.problem(message))
