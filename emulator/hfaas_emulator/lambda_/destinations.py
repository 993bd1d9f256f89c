"""Where the results of asynchronous invocations go: dead-letter targets and destinations, in AWS's JSON."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hfaas_emulator.lambda_.function import Function
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.lambda_.outcome import Outcome


class Condition(StrEnum):
    """Why an event is done."""

    SUCCESS = "Success"
    EXHAUSTED = "RetriesExhausted"
    TOO_OLD = "EventAgeExceeded"
    ZERO_CONCURRENCY = "ZeroReservedConcurrency"
    NO_FUNCTION = "FunctionNotFound"
    RECURSION = "RecursiveInvocationException"  # our word: AWS says nowhere what its records say


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an event ended after `attempts` attempts; `outcome` is the last one's, None when there was none."""

    condition: Condition
    attempts: int
    outcome: Outcome | None = None


def record(function: Function, invocation: Invocation, verdict: Verdict, now: float) -> str:
    """Return the record that a destination gets."""
    said: dict[str, Any] = {
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z",
        "requestContext": {
            "requestId": invocation.id,
            "functionArn": _qualified(function),
            "condition": str(verdict.condition),
            "approximateInvokeCount": verdict.attempts,
        },
        "requestPayload": _parsed(invocation.payload),
    }
    if outcome := verdict.outcome:
        context = {"statusCode": 200, "executedVersion": function.version}
        if outcome.failed:
            context["functionError"] = outcome.function_error
        said["responseContext"] = context
        said["responsePayload"] = _parsed(outcome.payload)
    return json.dumps(said, separators=(",", ":"))


def dead_letter_attributes(invocation: Invocation, verdict: Verdict) -> dict[str, str]:
    """Return the attributes of the message in a dead-letter queue; its body is the event itself."""
    message = verdict.outcome.message if verdict.outcome else str(verdict.condition)
    code = "200" if verdict.outcome else "429"
    return {"RequestID": invocation.id, "ErrorCode": code, "ErrorMessage": message[:1024]}


def _qualified(function: Function) -> str:
    return function.arn if function.arn.count(":") > 6 else f"{function.arn}:{function.version}"


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
