"""SubmitJob of AWS Batch, tried three times within the time left."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from hfaas_supervisor import signed
from hfaas_supervisor.errors import DelegationFailed
from hfaas_supervisor.keys import role_keys
from hfaas_supervisor.limits import Limits

TRIES = 3
PAUSE_S = 0.2  # after the first try; doubled after each
TIMEOUT_S = 10
ANSWER_S = 0.2  # kept back for our own answer
HEADERS = {"content-type": "application/json"}


def submit(request: Mapping[str, Any], region: str, limits: Limits) -> str:
    """Submit a Job and return its id; DelegationFailed repeats what Batch or the network said."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or region or "us-east-1"
    body, keys = json.dumps(request).encode(), role_keys()
    reason = "no time is left"
    for number in range(TRIES):
        if number and not _pause(PAUSE_S * 2 ** (number - 1), limits):
            break
        try:
            status, answer = signed.post(
                signed.Call("batch", region, "/v1/submitjob", HEADERS), body, keys, _patience(limits)
            )
        except (OSError, http.client.HTTPException) as error:
            reason = f"Batch cannot be reached: {error or type(error).__name__}"
            continue
        if status == 200:
            return _job_id(answer)
        reason = _words(status, answer)
        if not _passes(status, reason):
            break
    raise DelegationFailed(f"the Job {request['jobName']} was not accepted by {request['jobQueue']}: {reason}")


def _pause(seconds: float, limits: Limits) -> bool:
    """Wait before the next try, unless that leaves no time for it."""
    left = limits.remaining()
    if left is not None and left < seconds + ANSWER_S:
        return False
    time.sleep(seconds * (0.5 + os.urandom(1)[0] / 512))
    return True


def _patience(limits: Limits) -> float:
    left = limits.remaining()
    return TIMEOUT_S if left is None else max(0.1, min(TIMEOUT_S, left - ANSWER_S))


def _job_id(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["jobId"])
    except (ValueError, KeyError, TypeError):
        raise DelegationFailed(f"Batch answered SubmitJob without a jobId: {answer[:200]!r}") from None


def _words(status: int, answer: bytes) -> str:
    try:
        document = json.loads(answer)
        kind = str(document.get("__type") or document.get("code") or "")
        message = str(document.get("message") or document.get("Message") or "")
    except (ValueError, AttributeError):
        kind, message = "", answer[:200].decode(errors="replace")
    return " ".join(part for part in (f"HTTP {status}", kind, message) if part)


def _passes(status: int, reason: str) -> bool:
    return status == 429 or status >= 500 or "Throttl" in reason or "TooManyRequests" in reason
