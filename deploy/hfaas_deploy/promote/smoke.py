"""Calls each Function once after a promotion, with an Event that its supervisor answers without running the script.

The Event has a Record that is about nothing new in a storage, so there is nothing to fetch, to run or to hand over to
Batch. That it is answered proves that the image starts there and that its configuration can be read; of what the role
may do it proves nothing, because nothing is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.messages import Progress, Smoked, SmokeStarted
from hfaas_deploy.pipeline import Function, Pipeline

NAME = "hfaas:Smoke"
"""Not the name of anything that ever happens to an object, so supervisors ignore the Record."""

EVENT = json.dumps(
    {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": NAME,
                "s3": {"bucket": {"name": "hfaas-smoke"}, "object": {"key": "smoke", "size": 0}},
            }
        ]
    }
).encode()

COLD = 60.0
"""Seconds that a first start may take before the Function's own time begins: AWS fetches the image."""

ITEMS = "hfaas-items"
"""The header in which a supervisor says how many Items it processed."""

BUSY = "TooManyRequestsException"
"""What AWS says when as many calls are under way as may be: events came already."""

SHORT = 300


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one call; `ok` is None where none was made."""

    function: str
    ok: bool | None
    text: str


def smoke(pipeline: Pipeline, target: Target, progress: Progress) -> list[Result]:
    """Call every Function that can be; CredentialsError when AWS does not accept who calls."""
    results = []
    for function in pipeline.functions:
        result = _result(function, target, progress)
        progress(Smoked(result.function, result.ok, result.text))
        results.append(result)
    return results


def _result(function: Function, target: Target, progress: Progress) -> Result:
    if reason := "; ".join(_reasons(function)):
        return Result(function.name, None, f"not called: {reason}")
    progress(SmokeStarted(function.name))
    try:
        client: Any = target.client("lambda", function.timeout + COLD)
        answer = client.invoke(FunctionName=function.name, Payload=EVENT)
        body = answer["Payload"].read()
    except ClientError as refusal:
        if lost := credentials.refusal(refusal, target.profile):
            raise lost from refusal
        said = refusal.response.get("Error", {})
        if said.get("Code") == BUSY:
            return Result(function.name, None, "not called: it is busy, which is an answer, too")
        return Result(function.name, False, f"{said.get('Code', '')}: {said.get('Message') or refusal}")
    except BotoCoreError as fault:
        return Result(function.name, False, f"it was called and did not answer: {fault}")
    return Result(function.name, *_judged(body, is_failed=bool(answer.get("FunctionError"))))


def _reasons(function: Function) -> Iterator[str]:
    if not function.create_image:
        yield "its image is used as it is, and what it does with an Event is its own"
    if function.concurrency == 0:
        yield "its concurrency is 0"


def _judged(body: bytes, *, is_failed: bool) -> tuple[bool, str]:
    """Whether this is how a supervisor answers to our Event, and what to say of it."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return False, f"it did not answer as a supervisor does: {_shown(body)}"
    if is_failed:
        kind = str(answer.get("errorType", "")) or "error"
        return False, f"{kind}: {answer.get('errorMessage') or _shown(body)}"[:SHORT]
    headers = answer.get("headers")
    if answer.get("statusCode") != 200 or not isinstance(headers, dict) or headers.get(ITEMS) != "0":
        return False, f"it did not answer as a supervisor does: {_shown(body)}"
    return True, "it starts and reads its configuration"


def _shown(body: bytes) -> str:
    return body[:SHORT].decode(errors="replace")
