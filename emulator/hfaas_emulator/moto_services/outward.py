"""What moto's own code sets in motion: invocations, deletions and complaints, handed to the event loop after the commit.

Patches deep inside moto have no way to know who runs functions, so the server connects it here once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_emulator.batch.intake import Asked
from hfaas_emulator.lambda_.invocation import Invocation, new_id
from hfaas_emulator.moto_services import commit


def _nobody(*_: object) -> None:
    """Stand in for whoever is not connected."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """Who runs jobs: told when a queue, an environment or a definition changed or went; given journaled wishes."""

    changed: Callable[[], None] = _nobody
    submit: Callable[[Asked], None] = _nobody


@dataclass(slots=True)
class _Connected:
    accept: Callable[[Invocation], None] = _nobody
    problem: Callable[[str], None] = _nobody
    forget: Callable[[str, str, str], None] = _nobody
    jobs: Jobs = field(default_factory=Jobs)
    schedules: Callable[[], None] = _nobody


_connected = _Connected()


def connect(
    accept: Callable[[Invocation], None],
    problem: Callable[[str], None],
    forget: Callable[[str, str, str], None] = _nobody,
    jobs: Jobs | None = None,
    schedules: Callable[[], None] = _nobody,
) -> None:
    """Say who takes journaled invocations, complaints and deleted functions (account, region, name), who runs jobs,
    and who is told that schedules changed.

    All run on the event loop, after the commit.
    """
    _connected.accept = accept
    _connected.problem = problem
    _connected.forget = forget
    _connected.jobs = jobs or Jobs()
    _connected.schedules = schedules


def invoke(function: str, payload: bytes, origin: str, run: str = "") -> None:
    """Queue an asynchronous invocation as part of the running command's transaction; it begins a run, or is of one."""
    request = new_id()
    invocation = Invocation(request, function, payload, origin, time.time(), run or request, commit.lineage())
    commit.record(invocation.put())
    commit.after(lambda: _connected.accept(invocation))


def problem(message: str) -> None:
    """Report a delivery that failed."""
    commit.after(lambda: _connected.problem(message))


def forget(account: str, region: str, name: str) -> None:
    """Say that a function was deleted."""
    commit.after(lambda: _connected.forget(account, region, name))


def batch_changed() -> None:
    """Say that a queue, environment or definition of Batch changed."""
    commit.after(_connected.jobs.changed)


def schedules_changed() -> None:
    """Say that a schedule, or a rule with one, changed."""
    commit.after(_connected.schedules)


def submit(queue: str, request: Mapping[str, Any], origin: str) -> None:
    """Ask for a job in a queue (ARN) as part of the running command's transaction."""
    region, account = queue.split(":")[3:5]
    asked = Asked(str(uuid.uuid4()), account, region, origin, {**request, "jobQueue": queue})
    commit.record(asked.put())
    commit.after(lambda: _connected.jobs.submit(asked))
