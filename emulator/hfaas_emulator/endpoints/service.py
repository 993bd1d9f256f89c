"""Endpoints of functions: an HTTP request comes in, a function's answer goes out.

    address     which endpoint (edge.py asks, before it looks for a service)
    records     the API or URL as moto has it
    call        the request as plain data, no larger than AWS takes
    rest | http_api | function_url
        cors, routing        what answers it
        permission           who asks, and may the endpoint invoke the function
        events               the event of the function
        invoker              the function, and how long anybody waits for it
        answers              its answer as HTTP
    trace       one hop for each request, with the reason when the answer is not the function's

AWS says `Internal server error` and no more, so does this; why, is in the hop.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hfaas_emulator.endpoints.address import Address, Kind
from hfaas_emulator.endpoints.answers import Refused, Reply
from hfaas_emulator.endpoints.call import Call, body_of, headers_of
from hfaas_emulator.endpoints.function_url import FunctionUrls
from hfaas_emulator.endpoints.http_api import HttpApis
from hfaas_emulator.endpoints.invoker import Invoker
from hfaas_emulator.endpoints.records import FunctionUrl, HttpApi, Records, RestApi
from hfaas_emulator.endpoints.rest import RestApis
from hfaas_emulator.lambda_.function import ControlPlane
from hfaas_emulator.lambda_.service import Lambda
from hfaas_emulator.trace import Trace, What

GATEWAY_LIMIT = 10 * 2**20
URL_LIMIT = 6 * 2**20

Endpoint = RestApi | HttpApi | FunctionUrl

log = logging.getLogger("hfaas.endpoints")


class Endpoints:
    """Answers requests to APIs and function URLs."""

    def __init__(self, functions: Lambda, control: ControlPlane, records: Records, trace: Trace) -> None:
        self._invoker = invoker = Invoker(functions, control)
        self._records = records
        self._trace = trace
        self._rest = RestApis(records, invoker)
        self._http = HttpApis(records, invoker)
        self._urls = FunctionUrls(records, invoker)

    async def close(self) -> None:
        """Give up the functions that run on after their callers."""
        await self._invoker.close()

    async def handle(self, address: Address, request: Request) -> Response:
        """Answer a request; what fails is an answer, too."""
        endpoint = await self._find(address)
        limit = URL_LIMIT if address.kind is Kind.URL else GATEWAY_LIMIT
        body = await body_of(request, limit)
        call = _call(address, endpoint, request, body or b"")
        try:
            reply = _too_large(endpoint) if body is None else await self._answer(address, endpoint, call)
        except Refused as refused:
            reply = refused.reply
        except Exception as error:
            log.exception("%s %s failed", call.method, call.path)
            reason = f"the emulator failed: {type(error).__name__}: {error}"
            reply = Refused(500, "Internal server error", reason).reply
        self._tell(address, endpoint, call, reply)
        return _response(endpoint, call, reply)

    async def _find(self, address: Address) -> Endpoint | None:
        if address.kind is Kind.URL:
            return await self._records.function_url(address.id)
        return await self._records.api(address.id)

    async def _answer(self, address: Address, endpoint: Endpoint | None, call: Call) -> Reply:
        match endpoint:
            case RestApi():
                return await self._rest.answer(endpoint, call)
            case HttpApi():
                return await self._http.answer(endpoint, call)
            case FunctionUrl():
                return await self._urls.answer(endpoint, call)
        noun = "function URL" if address.kind is Kind.URL else "API"
        raise Refused(404, "Not Found", f"there is no {noun} {address.id}")

    def _tell(self, address: Address, endpoint: Endpoint | None, call: Call, reply: Reply) -> None:
        why: dict[str, Any] = {"reason": reply.reason} if reply.reason else {}
        self._trace.hop(
            "endpoints",
            What.ENDPOINT_CALLED,
            run=call.id,
            invocation=reply.invocation,
            endpoint=address.id,
            kind=_kind(address, endpoint),
            method=call.method,
            path=call.path,
            status=reply.status,
            function=reply.function.partition(":function:")[2].partition(":")[0],
            **why,
        )


def _kind(address: Address, endpoint: Endpoint | None) -> str:
    if address.kind is Kind.URL:
        return "function URL"
    return "HTTP API" if isinstance(endpoint, HttpApi) else "REST API"


def _call(address: Address, endpoint: Endpoint | None, request: Request, body: bytes) -> Call:
    host = request.headers.get("host", "").partition(":")[0]
    region = endpoint.region if endpoint else "us-east-1"
    marked = host.lower().startswith(f"{address.id}.")
    source_ip = request.client.host if request.client else "127.0.0.1"
    return Call(
        request.method,
        address.path,
        request.scope["query_string"].decode("latin-1"),
        headers_of(request, source_ip),
        body,
        host if marked else f"{address.id}.{address.kind}.{region}.localhost",
        source_ip,
        f"HTTP/{request.scope['http_version']}",
    )


def _too_large(endpoint: Endpoint | None) -> Reply:
    if isinstance(endpoint, FunctionUrl):
        message = f"Request must be smaller than {URL_LIMIT} bytes for the InvokeFunction operation"
        return Refused(413, message, "the body is too large", key="Message", kind="RequestTooLargeException").reply
    message = "Request Too Long" if isinstance(endpoint, RestApi) else "Request Entity Too Large"
    return Refused(413, message, "the body is too large").reply


def _response(endpoint: Endpoint | None, call: Call, reply: Reply) -> Response:
    """Return what goes over the wire, with the ids that each kind of endpoint adds."""
    body = b"" if reply.status in (204, 304) else reply.body
    response = Response(body, reply.status)
    trace = {"x-amzn-requestid": call.id, "x-amzn-trace-id": call.header("x-amzn-trace-id")}
    ids = {"apigw-requestid": call.id} if isinstance(endpoint, HttpApi) else trace
    headers = [*reply.headers, *ids.items()]
    if reply.status not in (204, 304):
        headers.append(("content-length", str(len(body))))
    response.raw_headers = [(name.encode("latin-1"), value.encode()) for name, value in headers]
    return response
