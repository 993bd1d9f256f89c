"""Lambda's Invoke over HTTP; every other action of Lambda is the control plane's."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from hfaas_emulator.errors import AwsError, StateError
from hfaas_emulator.lambda_.capacity import TooManyRequests
from hfaas_emulator.lambda_.function import ControlPlane, Function
from hfaas_emulator.lambda_.lineage import Lineage
from hfaas_emulator.lambda_.service import Lambda
from hfaas_emulator.wire.caller import caller
from hfaas_emulator.wire.errors import Protocol, render

SYNC_LIMIT = 6 * 2**20
ASYNC_LIMIT = 2**20
"""1 MB as botocore documents Invoke since 2025; it was 256 KB before."""

PARSE_ON_LOOP = 2**18
"""Larger payloads are checked by a thread, so that they hold nobody else up."""


async def invoke(request: Request, service: Lambda, control: ControlPlane) -> Response:
    """Answer `POST /2015-03-31/functions/NAME/invocations`."""
    try:
        return await _invoke(request, service, control)
    except TooManyRequests as error:
        return _throttled(error)
    except AwsError as error:
        return render(error, Protocol.REST_JSON)
    except StateError as error:
        return render(AwsError("ServiceException", error.message, 500), Protocol.REST_JSON)


async def _invoke(request: Request, service: Lambda, control: ControlPlane) -> Response:
    kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
    if kind not in {"RequestResponse", "Event", "DryRun"}:
        raise _invalid(kind)
    payload = await _payload(request, ASYNC_LIMIT if kind == "Event" else SYNC_LIMIT)
    function = await _function(request, control)
    if kind == "DryRun":
        return Response(status_code=204, headers={"X-Amz-Executed-Version": function.version})
    await _check(payload)
    if kind == "Event":
        accepted = await service.submit(
            _arn(function), payload, _origin(payload), lineage=Lineage.of(request.headers)
        )
        return Response(status_code=202, headers={"x-amzn-RequestId": accepted.id})
    return await _synchronous(request, service, function, payload)


async def _payload(request: Request, limit: int) -> bytes:
    """Read the body, no further than the limit; Lambda runs a function without payload on `{}`."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            raise AwsError("RequestTooLargeException", message, 413)
        parts.append(part)
    return b"".join(parts) or b"{}"


async def _function(request: Request, control: ControlPlane) -> Function:
    who = caller(request.headers, request.url.query)
    # A name may be an ARN, whose colons and slashes clients escape: take it from the path as it was sent.
    raw = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
    name = unquote(raw.partition("/functions/")[2].partition("/invocations")[0])
    return await control.function(who.account, who.region, name, request.query_params.get("Qualifier", ""))


async def _check(payload: bytes) -> None:
    try:
        if len(payload) > PARSE_ON_LOOP:
            await asyncio.to_thread(json.loads, payload)
        else:
            json.loads(payload)
    except ValueError as error:
        said = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise AwsError("InvalidRequestContentException", said) from error


def _origin(payload: bytes) -> str:
    """Say who asks; an event of OneTrigger tells its file, by which `hfaas why` finds what became of it."""
    if b'"OneTrigger"' not in payload:
        return "api"
    event = json.loads(payload)
    file = event.get("Key") if isinstance(event, dict) else None
    return f"onetrigger:{file}" if isinstance(file, str) else "api"


def _arn(function: Function) -> str:
    """Return the ARN that finds this version again when the event's turn comes."""
    qualified = function.arn.count(":") > 6 or function.version == "$LATEST"
    return function.arn if qualified else f"{function.arn}:{function.version}"


async def _synchronous(request: Request, service: Lambda, function: Function, payload: bytes) -> Response:
    result = await service.invoke(
        function,
        payload,
        origin="api",
        tail=request.headers.get("x-amz-log-type", "None") == "Tail",
        client_context=_client_context(request.headers),
        lineage=Lineage.of(request.headers),
    )
    headers = {"X-Amz-Executed-Version": result.version, "x-amzn-RequestId": result.request}
    if result.error:
        headers["X-Amz-Function-Error"] = result.error
    if result.log_tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log_tail).decode()
    return Response(result.payload, 200, headers, media_type="application/json")


def _client_context(headers: Mapping[str, str]) -> str:
    try:
        return base64.b64decode(headers.get("x-amz-client-context", ""), validate=True).decode()
    except ValueError as error:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON"
        ) from error


def _throttled(error: TooManyRequests) -> Response:
    body = {"Reason": str(error.reason), "Type": "User", "message": error.message}
    return Response(json.dumps(body), error.status, {"x-amzn-ErrorType": error.code}, media_type="application/json")


def _invalid(kind: str) -> AwsError:
    message = (
        f"1 validation error detected: Value '{kind}' at 'invocationType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [RequestResponse, Event, DryRun]"
    )
    return AwsError("InvalidParameterValueException", message)
