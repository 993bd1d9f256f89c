"""Invoking a function by Lambda's standard API."""

from __future__ import annotations

import base64
from typing import Any

from hfaas_tui.ui.backend import Invoked


def invoke(client: Any, function: str, payload: bytes, *, wait: bool) -> Invoked:
    """Invoke a function with an event; with `wait`, until it has answered. `client` is boto3's of Lambda."""
    how: dict[str, Any] = {"InvocationType": "Event"}
    if wait:
        how = {"InvocationType": "RequestResponse", "LogType": "Tail"}
    answer = client.invoke(FunctionName=function, Payload=payload, **how)
    body: bytes = answer["Payload"].read()
    log = base64.b64decode(answer.get("LogResult") or b"").decode(errors="replace")
    request = str(answer["ResponseMetadata"].get("RequestId", ""))
    return Invoked(request, body, str(answer.get("FunctionError") or ""), log)
