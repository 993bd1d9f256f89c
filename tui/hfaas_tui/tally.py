"""What is counted of one function, and what is told of a failure."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hfaas_deploy import names

ONETRIGGER = re.compile(rf"(.+)-{names.ONETRIGGER}(?:-\d+)?")
"""What a deploy calls the functions that look into spaces."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An invocation whose last attempt failed: its cause and where its log is; `job` when it failed in Batch."""

    function: str
    invocation: str
    cause: str
    error_type: str
    message: str
    log_group: str
    log_stream: str
    job: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "function": self.function,
            "invocation": self.invocation,
            "input": self.cause,
            "errorType": self.error_type,
            "errorMessage": self.message,
            "logGroup": self.log_group,
            "logStream": self.log_stream,
            "job": self.job,
        }


@dataclass(slots=True)
class Tally:
    """Counts and measures of one function; durations in ms of every attempt, memory in MB.

    What was delegated is measured in Batch, where its work was done. `causes` counts why it was delegated, `notes` in
    what jobs got less than they asked for; `waits` is what the job behind which others queue waits for.
    """

    function: str
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    retries: int = 0
    durations: list[float] = field(default_factory=list)
    peak_mb: int = 0
    memory_mb: int = 0
    delegated: int = 0
    jobs: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    waits: str = ""

    @property
    def is_onetrigger(self) -> bool:
        """Tell whether the function looks into a space for another one."""
        return self.watched != ""

    @property
    def watched(self) -> str:
        """Return the function that it looks into a space for; empty for functions of the user."""
        found = ONETRIGGER.fullmatch(self.function)
        return found[1] if found else ""

    @property
    def invocations(self) -> int:
        """Return how many invocations were seen, in whatever state."""
        return self.queued + self.running + self.succeeded + self.failed

    def to_json(self) -> dict[str, Any]:
        return {
            "function": self.function,
            "invocations": self.invocations,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "retries": self.retries,
            "p50_ms": self.p50,
            "max_ms": max(self.durations, default=None),
            "peak_mb": self.peak_mb,
            "memory_mb": self.memory_mb,
            "delegated": self.delegated,
            "delegated_because": dict(self.causes),
            "jobs": self.jobs,
            "notes": dict(self.notes),
        }

    @property
    def p50(self) -> float | None:
        """Return the median duration of the attempts, None before the first ended."""
        return statistics.median(self.durations) if self.durations else None
