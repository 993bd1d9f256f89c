"""The Lambda way in: a handler behind awslambdaric's command-line entry, the only one that stayed the same.

awslambdaric looks `handler` up at init, which is when we read our configuration, so a mistake in it becomes an
init error. Events stay bytes: its marshaller may be replaced, and the script gets the Event as it was received.
Failures travel as its FaultException, because that one lets us choose the errorType and carries no stack trace.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

from awslambdaric import __main__ as runtime
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_exception import FaultException

from hfaas_supervisor import start
from hfaas_supervisor.errors import HfaasError, shorten
from hfaas_supervisor.flow import Flow, Invocation
from hfaas_supervisor.limits import Limits

HANDLER = "hfaas_supervisor.lambda_runtime.handler"
STDOUT = 1


class Context(Protocol):
    """The part of Lambda's context we use."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def serve() -> None:
    """Take Events from the Runtime API for ever."""
    LambdaRuntimeClient.marshaller = _Bytes()
    bootstrap.log_error = _log_error
    runtime.main(["awslambdaric", HANDLER])


def __getattr__(name: str) -> Callable[[bytes, Context], dict[str, Any]]:
    if name != "handler":
        raise AttributeError(name)
    try:
        return _handler(start.flow("lambda", STDOUT))
    except HfaasError as error:
        raise _fault(error) from None


def _handler(flow: Flow) -> Callable[[bytes, Context], dict[str, Any]]:
    def handle(event: bytes, context: Context) -> dict[str, Any]:
        limits = Limits(context.get_remaining_time_in_millis() / 1000, flow.job.timeout_threshold)
        trace = os.environ.get("_X_AMZN_TRACE_ID", "")
        try:
            return flow.run(Invocation(context.aws_request_id, event, limits, trace))
        except HfaasError as error:
            raise _fault(error) from None

    return handle


def _fault(error: HfaasError) -> Exception:
    fault: Exception = FaultException(error.type, shorten(str(error)))
    return fault


class _Bytes:
    """Hands Events over as they are."""

    def unmarshal_request(self, request: bytes, _content_type: str = "application/json") -> bytes:
        return request

    def marshal_response(self, response: Any) -> tuple[str, str]:
        return json.dumps(response), "application/json"


def _log_error(error: dict[str, Any], _sink: object) -> None:
    # awslambdaric would write "Traceback" below a user's mistake
    sys.stdout.write(f"[ERROR] {error['errorType']}: {error['errorMessage']}\n")
    sys.stdout.writelines(error.get("stackTrace") or ())
