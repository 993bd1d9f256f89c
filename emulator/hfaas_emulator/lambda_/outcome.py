"""How one attempt ended, in the JSON and the words that AWS answers with."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum

from hfaas_emulator.containers.engine import Exit

RESPONSE_LIMIT = 6_291_556
"""Bytes a function may answer with."""

SIGNALS = {4: "illegal instruction", 6: "aborted", 7: "bus error", 8: "floating point exception"} | {
    9: "killed",
    11: "segmentation fault",
    15: "terminated",
}


class Status(StrEnum):
    """The `Status` of a REPORT line."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer's bytes and, when it failed, AWS's error type and a sentence; `line` goes to the log."""

    payload: bytes
    status: Status = Status.OK
    error_type: str = ""
    message: str = ""
    line: str = ""
    crashed: bool = False

    @property
    def failed(self) -> bool:
        return self.status is not Status.OK

    @property
    def function_error(self) -> str:
        """Return what `X-Amz-Function-Error` says: `Unhandled`, or nothing."""
        return "Unhandled" if self.failed else ""

    def of(self, request: str, instead_of: str) -> Outcome:
        """Return the same outcome with another request id in its words."""
        return replace(
            self,
            payload=self.payload.replace(instead_of.encode(), request.encode()),
            message=self.message.replace(instead_of, request),
            line=self.line.replace(instead_of, request),
        )


def reported(payload: bytes, error_type: str = "") -> Outcome:
    """The runtime posted an error of its own making; its bytes are passed on as they are."""
    said = _error_in(payload)
    return Outcome(
        payload, Status.ERROR, error_type or said.get("errorType", "Unhandled"), said.get("errorMessage", "")
    )


def _error_in(payload: bytes) -> dict[str, str]:
    try:
        said = json.loads(payload)
    except ValueError:
        return {}
    return {key: str(value) for key, value in said.items()} if isinstance(said, dict) else {}


def too_large() -> Outcome:
    """The answer exceeds what Lambda carries."""
    message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
    return _made("Function.ResponseSizeTooLarge", message)


def timed_out(request: str, seconds: float) -> Outcome:
    """The time limit passed before the runtime answered."""
    said = f"Task timed out after {seconds:.2f} seconds"
    outcome = _made("Sandbox.Timedout", f"RequestId: {request} Error: {said}")
    return Outcome(
        outcome.payload, Status.TIMEOUT, outcome.error_type, outcome.message, f"{request} {said}", crashed=True
    )


def exited(request: str, exit: Exit, memory_mb: int) -> Outcome:
    """The runtime ended before it answered; AWS words a lack of memory no differently, the trace does."""
    said = f"RequestId: {request} Error: {_ended(exit)}"
    made = _made("Runtime.ExitError", said)
    line = f"{said}\nRuntime.ExitError"
    if not exit.oom_killed:
        return Outcome(made.payload, made.status, made.error_type, made.message, line, crashed=True)
    message = f"{said} (out of memory: the limit is {memory_mb} MB)"
    return Outcome(made.payload, made.status, "Runtime.OutOfMemory", message, line, crashed=True)


def _ended(exit: Exit) -> str:
    if exit.oom_killed:
        return "Runtime exited with error: signal: killed"
    if exit.code == 0:
        return "Runtime exited without providing a reason"
    if exit.code > 128:
        name = SIGNALS.get(exit.code - 128, str(exit.code - 128))
        return f"Runtime exited with error: signal: {name}"
    return f"Runtime exited with error: exit status {exit.code}"


def not_started(error_type: str, request: str, reason: str) -> Outcome:
    """No environment could be started for this request."""
    made = _made(error_type, f"RequestId: {request} Error: {reason}")
    return Outcome(made.payload, made.status, error_type, made.message, made.message, crashed=True)


def _made(error_type: str, message: str) -> Outcome:
    payload = json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()
    return Outcome(payload, Status.ERROR, error_type, message)
