"""The one HTTP port: finds out which service a request is for.

    /_hfaas/*, /_localstack/*       admin.py (loopback only), Runtime API of supervised images
    paths and hosts of endpoints    endpoints/: APIs of API Gateway, function URLs
    POST .../functions/F/invocations  lambda_.api
    X-Amz-Target: Logs_20140328.*   logs.api, where it does not answer: moto
    scope cloudformation            cloudformation.api
    scope batch, if about jobs      batch.api
    scope s3, or unsigned           s3.api
    scope ecr, if about images      registry.images, where there is a registry
    scope sqs                       moto, with long polls waiting here instead of there
    every other scope               moto

The service is the credential scope of the signature, as clients send it to AWS; of host names only those of endpoints
are looked at.
Signatures are not verified, so a web page could send anything: pages from other machines are refused by their
`Origin`. An `AwsError` becomes an answer here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hfaas_emulator.admin import SERVICES
from hfaas_emulator.endpoints import address
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.moto_services import bridge, polling
from hfaas_emulator.moto_services.thread import Moto
from hfaas_emulator.permissions import guard
from hfaas_emulator.wire import actions, errors, jobs, later
from hfaas_emulator.wire.caller import Caller, caller

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

INVOKE = re.compile(r"/2015-03-31/functions/[^/]+/invocations")
RUNTIME = "/_hfaas/runtime/"
ADMIN = ("/_hfaas/", "/_localstack/")
COUNTED = {*SERVICES, "apigateway", "scheduler", "ecr"}
BODY_LIMIT = 100 * 2**20
"""Bytes of a request that is read whole; objects are not."""

log = logging.getLogger("hfaas.edge")


class Services(Protocol):
    """What stands behind the edge once everything is open."""

    @property
    def moto(self) -> Moto:
        """Return moto."""

    async def admit(
        self, who: Caller, wire: errors.Protocol, call: guard.Call, body: bytes, *, invokes: bool
    ) -> None:
        """Refuse what a role's policies do not let it; AwsError."""

    async def invoke(self, request: Request) -> Response:
        """Answer Lambda's Invoke."""

    async def function_change(self, request: Request) -> None:
        """Refuse a function that could not run here; AwsError."""

    async def logs(self, request: Request, action: str) -> Response | None:
        """Answer an action of CloudWatch Logs; None leaves it to moto."""

    async def stacks(self, request: Request) -> Response:
        """Answer an action of CloudFormation."""

    async def jobs(self, request: Request) -> Response:
        """Answer Batch where it is about jobs."""

    async def images(self, request: Request, action: str) -> Response | None:
        """Answer ECR where it is about images; None leaves it to moto."""

    async def endpoint(self, to: address.Address, request: Request) -> Response:
        """Answer a request to an API or a function URL."""

    async def objects(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer S3."""

    async def runtime(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the Runtime API."""

    async def spaces(self, request: Request) -> Response:
        """Answer the command line about spaces; Refusal."""

    async def watched(self, request: Request) -> Response:
        """Answer who watches: log lines, events, the machine; Refusal."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as routing needs to know it."""

    headers: dict[str, str]
    caller: Caller
    target: str
    method: str
    path: str
    query: str

    @property
    def endpoint(self) -> address.Address | None:
        """Return which API or function URL it is for, if it is for one."""
        return address.find(self.headers.get("host", ""), self.path, self.caller.service)

    @property
    def protocol(self) -> errors.Protocol:
        """Return how its answer is spelled."""
        service = self.caller.service
        if self.endpoint:
            return errors.Protocol.REST_JSON
        return errors.Protocol.QUERY if not service and self.is_form else errors.protocol_of(service, self.target)

    @property
    def is_form(self) -> bool:
        """Tell whether it is a query-protocol form, which need not be signed; elsewhere than at `/` it is S3's."""
        kind = self.headers.get("content-type", "")
        return (self.method, self.path) == ("POST", "/") and kind.startswith("application/x-www-form-urlencoded")


def read_call(scope: Scope) -> Call:
    """Read what routing needs from an ASGI scope."""
    headers = bridge.headers_of(scope)
    query = scope["query_string"].decode("latin-1")
    raw = scope.get("raw_path") or scope["path"].encode()
    return Call(
        headers,
        caller(headers, query),
        headers.get("x-amz-target", ""),
        scope["method"],
        raw.decode("latin-1").partition("?")[0],
        query,
    )


class Edge:
    """The ASGI application. `ready` resolves when the services are open; admin answers before that."""

    def __init__(self, admin: Callable[[Request], Awaitable[Response]], ready: asyncio.Future[Services]) -> None:
        self._admin = admin
        self._ready = ready
        self.requests: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = False

        async def tracked(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        call = read_call(scope)
        try:
            await self._route(call, scope, receive, tracked)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if not started:  # only a stop cancels requests: long polls, and what waits for a function
                stopping = AwsError("ServiceUnavailable", "The emulator is stopping.", 503)
                await errors.render(stopping, call.protocol)(scope, receive, send)
        except Exception as error:
            if started:
                log.exception("%s %s failed in the middle of its answer", call.method, call.path)
                raise  # the server cuts the connection: half an answer must not look whole
            refusal = _refusal(error, call)
            await errors.render(refusal, call.protocol, head=call.method == "HEAD")(scope, receive, send)

    async def _route(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        to = call.endpoint
        _check_page(call, to)
        if path.startswith(ADMIN) and not path.startswith(RUNTIME):
            await (await self._admin(Request(scope, receive)))(scope, receive, send)
            return
        self.requests[_counted(call, to, path)] += 1
        services = await asyncio.shield(self._ready)
        if path.startswith(RUNTIME):
            await services.runtime(scope, receive, send)
        elif to is not None:
            await (await services.endpoint(to, Request(scope, receive)))(scope, receive, send)
        elif _is_s3(call):
            await services.objects(scope, receive, send)
        else:
            response = await self._answer(call, services, Request(scope, receive))
            await response(scope, receive, send)

    async def _answer(self, call: Call, services: Services, request: Request) -> Response:
        if _is_invoke(call):
            await _admit(call, services, request, b"")
            return await services.invoke(request)
        later.refuse(call.caller.service, call.method, request.url.path, call.target.partition(".")[2])
        await _read(request)
        await _admit(call, services, request, await request.body())
        if call.target.startswith("Logs_20140328."):
            action = call.target.partition(".")[2]
            if (response := await services.logs(request, action)) is not None:
                return response
        if call.caller.service == "cloudformation":
            return await services.stacks(request)
        if call.caller.service == "ecr":
            action = call.target.partition(".")[2]
            if (response := await services.images(request, action)) is not None:
                return response
        if call.caller.service == "batch" and jobs.is_about_jobs(request.url.path):
            return await services.jobs(request)
        if call.caller.service == "lambda" and call.method in ("POST", "PUT"):
            await services.function_change(request)
        return await _moto(call, services.moto, await request.body())


def _check_page(call: Call, to: address.Address | None) -> None:
    """Refuse what a web page sends, unless this machine served the page."""
    origin = call.headers.get("origin")
    if origin is None:  # so are an image's and a link's requests, of which those to S3 only read
        harmless = call.headers.get("sec-fetch-user") == "?1" if to else _is_s3(call)  # a person followed a link
        foreign = call.headers.get("sec-fetch-site") == "cross-site" and not harmless
    else:
        foreign = not _is_local(origin)
    if foreign:
        raise AwsError("AccessDenied", "Web pages of other machines may not use this emulator.", 403)


def _is_local(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def _counted(call: Call, to: address.Address | None, path: str) -> str:
    """Return what a request is counted as: a service, or the Runtime API, by which containers get their events."""
    if path.startswith(RUNTIME):
        return "runtime"
    if to is not None:
        return "lambda" if to.kind is address.Kind.URL else "apigateway"
    if _is_s3(call):
        return "s3"
    if call.target.startswith("Logs_"):
        return "logs"
    service = call.caller.service or ("lambda" if _is_invoke(call) else "")
    return service if service in COUNTED else "other"


def _is_s3(call: Call) -> bool:
    if call.caller.service:
        return call.caller.service in ("s3", "s3express")
    return not call.target and not call.is_form and not _is_invoke(call)


def _is_invoke(call: Call) -> bool:
    return call.method == "POST" and INVOKE.fullmatch(call.path) is not None


async def _admit(call: Call, services: Services, request: Request, body: bytes) -> None:
    ip = request.client.host if request.client else ""
    asked = guard.Call(call.method, call.path, call.query, call.headers, ip)
    await services.admit(call.caller, call.protocol, asked, body, invokes=_is_invoke(call))


async def _read(request: Request) -> None:
    """Read the body, so that `request.body()` has it from now on."""
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        raise AwsError("RequestEntityTooLargeException", "The request is too large.", 413)
    await request.body()


async def _moto(call: Call, moto: Moto, body: bytes) -> Response:
    if call.path.startswith(("/moto-api", "/latest/")):
        raise AwsError("AccessDenied", "This path is not served.", 403)
    service = call.caller.service
    if call.target and body:
        _check_json(body)
    action = actions.action_of(call.target, call.query, body, call.headers.get("content-type", ""))
    request = bridge.Request(
        call.method,
        call.path,
        call.query,
        call.headers,
        body,
        record=actions.changes_state(call.method, service, action, call.path),
    )
    if action == "ReceiveMessage":
        return _response(await _receive(moto, request))
    return _response(await moto.request(request))


async def _receive(moto: Moto, request: bridge.Request) -> bridge.Answer:
    """Receive from a queue; while it is empty the client waits here, and moto serves others."""
    until = 0.0
    while True:
        answer, wait = await moto.call(_receive_once, moto, request)
        if wait is None:
            return answer
        until = until or time.monotonic() + wait.seconds
        left = until - time.monotonic()
        if left <= 0:
            return answer
        await polling.sent(wait, left)


def _receive_once(moto: Moto, request: bridge.Request) -> tuple[bridge.Answer, polling.Wait | None]:
    polling.take()
    return moto.answer(request), polling.take()


def _check_json(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from error


def _response(answer: bridge.Answer) -> Response:
    headers = {**dict(answer.headers), b"content-length": str(len(answer.body)).encode()}
    if headers.get(b"content-type", b"").startswith(b"text/html"):
        headers[b"content-type"] = _real_type(answer)
    response = Response(answer.body, answer.status)
    response.raw_headers = list(headers.items())
    return response


def _real_type(answer: bridge.Answer) -> bytes:
    """Return what an answer is that moto calls HTML; AwsError when it is a page or a bare message."""
    start = answer.body.lstrip()[:9].lower()
    if start.startswith((b"{", b"[")):
        return b"application/json"
    if start.startswith(b"<") and not start.startswith((b"<!doctype", b"<html")):
        return b"text/xml"
    if answer.status >= 400:
        code = "UnknownOperationException" if answer.status in (404, 405) else "InvalidRequest"
        message = (
            "This operation is not known." if start.startswith(b"<") else answer.body.decode("utf-8", "replace")
        )
        raise AwsError(code, message or "The request is not understood.", answer.status)
    return b"text/plain"


def _refusal(error: Exception, call: Call) -> AwsError:
    if isinstance(error, AwsError):
        return error
    if isinstance(error, EmulatorError):
        hint = f" ({error.hint})" if error.hint else ""
        log.error("%s %s: %s%s", call.method, call.path, error.message, hint)
        return AwsError("ServiceUnavailable", error.message + hint, 503)
    log.error("%s %s failed", call.method, call.path, exc_info=error)
    return AwsError("InternalFailure", f"The emulator failed: {type(error).__name__}: {error}", 500)
