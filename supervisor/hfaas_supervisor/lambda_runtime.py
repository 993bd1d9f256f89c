"""The Lambda way in: a handler behind awslambdaric's command-line entry, the only one that stayed the same.

Events stay bytes: awslambdaric's marshaller may be replaced, and the script gets the Event as it was received.
Failures travel as its FaultException, because that one lets us choose the errorType and carries no stack trace.
A wrong configuration we report ourselves: awslambdaric's init error takes no address with a path.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any, Protocol

from awslambdaric import __main__ as runtime
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_exception import FaultException

from hfaas_supervisor import start
from hfaas_supervisor.causes import may_move
from hfaas_supervisor.errors import HfaasError, shorten
from hfaas_supervisor.flow import Flow, Invocation
from hfaas_supervisor.limits import Limits

HANDLER = "hfaas_supervisor.lambda_runtime.handler"
STDOUT = 1
TIMEOUT_S = 10


class Context(Protocol):
    """The part of Lambda's context we use."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def serve() -> int:
    """Take Events from the Runtime API for ever, or report why that is impossible and return 1."""
    global handler  # noqa: PLW0603 - awslambdaric finds it by name
    try:
        handler = _chosen()
    except HfaasError as error:
        _report_init_error(error)
        return 1
    LambdaRuntimeClient.marshaller = _Bytes()
    bootstrap.log_error = _log_error
    runtime.main(["awslambdaric", HANDLER])
    return 0


handler: Callable[[bytes, Context], dict[str, Any]]


def _chosen() -> Callable[[bytes, Context], dict[str, Any]]:
    onetrigger = os.environ.get("HFAAS_ONETRIGGER")
    return _polling(onetrigger) if onetrigger else _handler(start.flow("lambda", STDOUT))


def _polling(settings: str) -> Callable[[bytes, Context], dict[str, Any]]:
    from hfaas_supervisor.onetrigger.scheduled import Poller  # late: no other Function loads HTTP and TLS for it

    poller = Poller(settings, STDOUT)

    def handle(event: bytes, context: Context) -> dict[str, Any]:
        try:
            return poller.poll(event, context.get_remaining_time_in_millis() / 1000)
        except HfaasError as error:
            raise _fault(error) from None

    return handle


def _handler(flow: Flow) -> Callable[[bytes, Context], dict[str, Any]]:
    def handle(event: bytes, context: Context) -> dict[str, Any]:
        seconds = context.get_remaining_time_in_millis() / 1000
        limits = Limits(seconds, flow.job.timeout_threshold, hands_over=may_move(flow.job, flow.leg))
        trace = os.environ.get("_X_AMZN_TRACE_ID", "")
        try:
            return flow.run(Invocation(context.aws_request_id, event, limits, trace))
        except HfaasError as error:
            raise _fault(error) from None

    return handle


def _fault(error: HfaasError) -> Exception:
    fault: Exception = FaultException(error.type, shorten(str(error)))
    return fault


def _report_init_error(error: HfaasError) -> None:
    import http.client  # late: a container that works does not need it

    sys.stdout.write(f"[ERROR] {error.type}: {error}\n")
    host, _, prefix = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
    path = f"{'/' if prefix else ''}{prefix.strip('/')}/2018-06-01/runtime/init/error"
    headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error.type}
    with closing(http.client.HTTPConnection(host, timeout=TIMEOUT_S)) as connection:
        try:
            connection.request("POST", path, json.dumps(error.to_json()), headers)
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as problem:
            sys.stdout.write(f"[ERROR] the Runtime API at {host} did not take this error: {problem}\n")


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
