"""The plain way in: one Event on stdin, the log on stderr, the answer alone on stdout, an exit code."""

from __future__ import annotations

import json
import os
import sys

from hfaas_supervisor import start
from hfaas_supervisor.errors import ConfigError, HfaasError
from hfaas_supervisor.flow import Invocation
from hfaas_supervisor.limits import Limits

STDERR = 2


def run() -> int:
    """Process one Event and return the exit code."""
    try:
        flow = start.flow("local", STDERR)
        limits = Limits(_time_limit(), flow.job.timeout_threshold)
    except HfaasError as error:
        os.write(STDERR, f"hfaas-supervisor: {error}\n".encode(errors="replace"))
        return _failed(error)
    try:
        answer = flow.run(Invocation(_request_id(), _event(), limits))
    except HfaasError as error:
        return _failed(error)
    _print(answer)
    return 0


def _failed(error: HfaasError) -> int:
    _print(error.to_json())
    return error.code


def _event() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        return b"{}"
    data = sys.stdin.buffer.read()
    return data if data.strip() else b"{}"


def _request_id() -> str:
    given = os.environ.get("AWS_LAMBDA_REQUEST_ID")
    if given:
        return given
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _time_limit() -> float | None:
    text = os.environ.get("HFAAS_JOB_TIMEOUT", "")
    try:
        return float(text) if text else None
    except ValueError:
        raise ConfigError(f"HFAAS_JOB_TIMEOUT must be a number of seconds, not {text!r}") from None


def _print(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
