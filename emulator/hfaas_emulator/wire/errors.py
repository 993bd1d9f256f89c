"""Refusals in the words and the shape of the protocol they answer."""

from __future__ import annotations

import json
import uuid
from enum import Enum
from xml.sax.saxutils import escape

from starlette.responses import Response

from hfaas_emulator.errors import AwsError


class Protocol(Enum):
    """How a service spells its answers."""

    QUERY = "query"
    JSON = "json"
    REST_JSON = "rest-json"
    S3 = "s3"


QUERY_SERVICES = frozenset({"iam", "sts", "sns", "cloudformation", "ec2", "elasticloadbalancing", "autoscaling"})


def protocol_of(service: str, target: str) -> Protocol:
    """Return the protocol of a request by its service and `X-Amz-Target`."""
    if target:
        return Protocol.JSON
    if service in ("s3", ""):
        return Protocol.S3
    return Protocol.QUERY if service in QUERY_SERVICES or service == "sqs" else Protocol.REST_JSON


def render(error: AwsError, protocol: Protocol, *, head: bool = False) -> Response:
    """Return the HTTP response that says `error`; the answer to a HEAD request has no body."""
    request_id = str(uuid.uuid4())
    body, kind = _BODIES[protocol](error, request_id)
    headers = {"x-amzn-requestid": request_id, "x-amz-request-id": request_id}
    if protocol in (Protocol.JSON, Protocol.REST_JSON):
        headers["x-amzn-errortype"] = error.code
    return Response(b"" if head else body.encode(), error.status, headers, media_type=kind)


def _query(error: AwsError, request_id: str) -> tuple[str, str]:
    side = "Receiver" if error.status >= 500 else "Sender"
    return (
        f"<ErrorResponse><Error><Type>{side}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ), "text/xml"


def _json(error: AwsError, _request_id: str) -> tuple[str, str]:
    return json.dumps({"__type": error.code, "message": error.message}), "application/x-amz-json-1.1"


def _rest_json(error: AwsError, _request_id: str) -> tuple[str, str]:
    side = "Service" if error.status >= 500 else "User"
    return json.dumps({"Type": side, "Message": error.message, "message": error.message}), "application/json"


def _s3(error: AwsError, request_id: str) -> tuple[str, str]:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    ), "application/xml"


_BODIES = {Protocol.QUERY: _query, Protocol.JSON: _json, Protocol.REST_JSON: _rest_json, Protocol.S3: _s3}
