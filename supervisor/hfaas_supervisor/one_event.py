"""The plain way in: one Event on stdin, the log on stderr, the answer alone on stdout, an exit code."""

from __future__ import annotations

import json
import os
import sys

from hfaas_supervisor import start
from hfaas_supervisor.errors import HfaasError
from hfaas_supervisor.flow import Invocation
from hfaas_supervisor.limits import Limits

STDERR = 2


def run() -> int:
    """Process one Event and return the exit code."""
    try:
        flow = start.flow("local", STDERR)
        seconds = start.time_limit()
    except HfaasError as error:
        os.write(STDERR, f"hfaas-supervisor: {error}\n".encode(errors="replace"))
        return _failed(error)
    request = os.environ.get("AWS_LAMBDA_REQUEST_ID") or start.new_request_id()
    event = _event()
    limits = Limits(seconds, flow.job.timeout_threshold)  # from now on: whoever writes the Event may be slow
    try:
        answer = flow.run(Invocation(request, event, limits))
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


def _print(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
