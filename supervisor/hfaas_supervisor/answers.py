"""What the caller gets: upstream's response, or for HTTP a refusal in the same shape."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from typing import Any

from hfaas_supervisor.capture import Capture
from hfaas_supervisor.errors import BadEvent, HfaasError


def success(request: str, capture: Capture, items: int) -> dict[str, Any]:
    """Return the answer of an invocation that ended well: all that the scripts printed."""
    body = capture.body()
    headers = {**_headers(request), "hfaas-items": str(items), "Content-Type": _content_type(body)}
    if capture.truncated:
        headers["hfaas-truncated"] = str(capture.total)
    return _answer(200, headers, body)


def delegated(request: str, job: str, function: str, items: int) -> dict[str, Any]:
    """Return the answer of an invocation whose `items` go on in a Job."""
    lines = (
        "Job delegated to batch.",
        "Check batch logs with:",
        f"  hfaas logs {function} --request {request}",
        "",
    )
    headers = {**_headers(request), "hfaas-items": str(items), "hfaas-job-id": job}
    headers["Content-Type"] = "text/plain; charset=utf-8"
    return _answer(202, headers, "\n".join(lines).encode())


def refusal(request: str, error: HfaasError) -> dict[str, Any]:
    """Return the answer to an HTTP client whose request failed."""
    status = 400 if isinstance(error, BadEvent) else 500
    headers = {**_headers(request), "Content-Type": "application/json"}
    return _answer(status, headers, json.dumps(error.to_json()).encode())


def _answer(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": headers,
        "body": b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _headers(request: str) -> dict[str, str]:
    return {
        "amz-lambda-request-id": request,
        "amz-log-group-name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
        "amz-log-stream-name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
    }


def _content_type(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain; charset=utf-8"
