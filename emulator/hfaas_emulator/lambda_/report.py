"""The lines that Lambda itself writes into a function's log."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from hfaas_emulator.lambda_.outcome import Outcome, Status


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one request; `init_ms` is None unless it was the environment's first."""

    duration_ms: float
    memory_mb: int
    peak_mb: int
    init_ms: float | None = None

    @property
    def billed_ms(self) -> int:
        """Return what AWS bills: whole milliseconds, container images with their initialization."""
        return max(1, math.ceil(self.duration_ms + (self.init_ms or 0)))


def start_line(request: str, version: str) -> str:
    return f"START RequestId: {request} Version: {version}\n"


def end_lines(request: str, outcome: Outcome, measured: Measured, now: float) -> list[str]:
    """Return what follows the function's own output, in AWS's order."""
    lines = [f"END RequestId: {request}\n", _report(request, outcome, measured)]
    if not outcome.line:
        return lines
    said = f"{_stamp(now)} {outcome.line}\n\n" if outcome.status is Status.TIMEOUT else f"{outcome.line}\n"
    return [*lines, said] if outcome.status is Status.TIMEOUT else [said, *lines]


def _report(request: str, outcome: Outcome, measured: Measured) -> str:
    fields = [
        f"REPORT RequestId: {request}",
        f"Duration: {measured.duration_ms:.2f} ms",
        f"Billed Duration: {measured.billed_ms} ms",
        f"Memory Size: {measured.memory_mb} MB",
        f"Max Memory Used: {measured.peak_mb} MB",
    ]
    if measured.init_ms is not None:
        fields.append(f"Init Duration: {measured.init_ms:.2f} ms")
    if outcome.status is Status.TIMEOUT:
        fields.append("Status: timeout")
    elif outcome.crashed:
        fields += ["Status: error", f"Error Type: {outcome.error_type}"]
    return "\t".join(fields) + "\t\n"


def init_report(init_ms: float, outcome: Outcome) -> str:
    """Return the line of an initialization that failed."""
    status = "timeout" if outcome.status is Status.TIMEOUT else f"error\tError Type: {outcome.error_type}"
    return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: {status}\n"


def _stamp(now: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
