"""What a run came to, from the hops of its trace alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hfaas_emulator.trace import Hop, What

ENDED = {What.INVOCATION_SUCCEEDED, What.INVOCATION_FAILED}


@dataclass(frozen=True, slots=True)
class Failure:
    """An invocation whose last attempt failed: its cause and where its log is."""

    function: str
    invocation: str
    cause: str
    error_type: str
    message: str
    log_group: str
    log_stream: str

    def to_json(self) -> dict[str, Any]:
        return {
            "function": self.function,
            "invocation": self.invocation,
            "input": self.cause,
            "errorType": self.error_type,
            "errorMessage": self.message,
            "logGroup": self.log_group,
            "logStream": self.log_stream,
        }


@dataclass(slots=True)
class Tally:
    """Counts and measures of one function; durations in ms of every attempt, memory in MB."""

    function: str
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    retries: int = 0
    durations: list[float] = field(default_factory=list)
    peak_mb: int = 0
    memory_mb: int = 0

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
        }

    @property
    def p50(self) -> float | None:
        """Return the median duration of the attempts, None before the first ended."""
        return statistics.median(self.durations) if self.durations else None


class Summary:
    """Fed hop by hop; knows at each moment how far every function is."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._states: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._causes: dict[str, str] = {}
        self._failures: dict[str, Failure] = {}
        self.problems: list[str] = []

    def feed(self, hops: Iterable[Hop]) -> None:
        """Take more of the trace, in order."""
        for hop in hops:
            self._take(hop)

    def tallies(self) -> list[Tally]:
        """Return one tally for each function, in the order they came to life."""
        return list(self._tallies.values())

    def failures(self) -> list[Failure]:
        """Return the invocations that failed for good, or have failed so far."""
        return list(self._failures.values())

    def _take(self, hop: Hop) -> None:
        if hop.what is What.PROBLEM:
            self.problems.append(str(hop.detail.get("message", "")))
        elif hop.what is What.PERMISSION_DENIED:
            self.problems.append(
                f"s3://{hop.detail.get('bucket')}/{hop.detail.get('key')}: {hop.detail.get('reason')}"
            )
        elif hop.invocation:
            self._take_invocation(hop)

    def _take_invocation(self, hop: Hop) -> None:
        if "bucket" in hop.detail and "key" in hop.detail and hop.what is not What.OBJECT_CREATED:
            self._causes[hop.invocation] = f"s3://{hop.detail['bucket']}/{hop.detail['key']}"
        state = {
            What.EVENT_QUEUED: "queued",
            What.INVOCATION_STARTED: "running",
            What.INVOCATION_SUCCEEDED: "succeeded",
            What.INVOCATION_FAILED: "failed",
            What.EVENT_RETRY: "queued",
            What.EVENT_DISCARDED: "failed",
        }.get(hop.what)
        if state is None:
            return
        tally = self._tally(hop)
        self._move(hop.invocation, tally, state)
        if hop.what in ENDED:
            self._measure(tally, hop)
        if hop.what is What.EVENT_RETRY:
            tally.retries += 1
        if hop.what in {What.INVOCATION_FAILED, What.EVENT_DISCARDED}:
            self._fail(tally.function, hop)
        else:
            self._failures.pop(hop.invocation, None)

    def _tally(self, hop: Hop) -> Tally:
        name = str(hop.detail.get("function") or self._functions.get(hop.invocation, "?"))
        name = name.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
        self._functions[hop.invocation] = name
        return self._tallies.setdefault(name, Tally(name))

    def _move(self, invocation: str, tally: Tally, state: str) -> None:
        before = self._states.get(invocation)
        if before:
            setattr(tally, before, getattr(tally, before) - 1)
        setattr(tally, state, getattr(tally, state) + 1)
        self._states[invocation] = state

    def _measure(self, tally: Tally, hop: Hop) -> None:
        tally.durations.append(float(hop.detail.get("duration_ms", 0)))
        tally.peak_mb = max(tally.peak_mb, int(hop.detail.get("peak_mb", 0)))
        tally.memory_mb = int(hop.detail.get("memory_mb", 0)) or tally.memory_mb

    def _fail(self, function: str, hop: Hop) -> None:
        known = self._failures.get(hop.invocation)
        if known and hop.what is What.EVENT_DISCARDED:
            return
        self._failures[hop.invocation] = Failure(
            function,
            hop.invocation,
            self._causes.get(hop.invocation, ""),
            str(hop.detail.get("error_type", "")),
            str(hop.detail.get("message") or hop.detail.get("reason", "")),
            str(hop.detail.get("log_group", "")),
            str(hop.detail.get("log_stream", "")),
        )
