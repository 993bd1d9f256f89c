"""What the containers of jobs were started with, for people to look at; the newest COUNT are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hfaas_emulator.batch.identity import Identity
from hfaas_emulator.batch.state import Job
from hfaas_emulator.hidden import HIDDEN, without_secrets

COUNT = 500
EVENT = "EVENT"
EVENT_URL = "HFAAS_EVENT_URL"

Begun = Callable[[Identity, Mapping[str, str]], None]
"""Told of each container of a job before it is started, or taken over: whose it is, and its environment (empty then)."""


def ignore(_identity: Identity, _environment: Mapping[str, str]) -> None:
    """Tell nobody."""


class Started:
    """The environments of the last attempts of jobs."""

    def __init__(self) -> None:
        self._environments: dict[str, Mapping[str, str]] = {}

    def note(self, job: str, environment: Mapping[str, str]) -> None:
        """Note what a job's next attempt gets."""
        self._environments.pop(job, None)
        self._environments[job] = environment
        if len(self._environments) > COUNT:
            del self._environments[next(iter(self._environments))]

    def tell(self, job: Job, event_of: Callable[[str], str]) -> dict[str, Any]:
        """Return a job's event, command and environment, its secrets hidden; `event_of` knows invocations' events.

        Before its first attempt, and after a restart, the environment is what definition and overrides say.
        """
        task, submission = job.task, job.submission
        said = {**task.environment, **dict.fromkeys(task.secrets, HIDDEN)}
        event = task.environment.get(EVENT) or event_of(submission.invocation)
        return {
            "id": job.id,
            "kind": "job",
            "function": submission.definition_name,
            "origin": _origin(job),
            "event": event,
            "truncated": not event and EVENT_URL in task.environment,
            "command": list(task.command),
            "environment": without_secrets(self._environments.get(job.id) or said, task.secrets),
        }


def _origin(job: Job) -> str:
    """Return what asked for a job: an invocation and why, or the interface."""
    if not job.submission.invocation:
        return "api"
    try:
        cause = str(json.loads(job.task.environment.get("HFAAS_ORIGIN", "")).get("cause", ""))
    except (ValueError, AttributeError):
        cause = ""
    return f"invocation:{job.submission.invocation}" + (f" ({cause})" if cause else "")
