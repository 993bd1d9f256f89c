"""Lambda's Runtime API (2018-06-01), one mailbox for each execution environment.

Images with our supervisor reach theirs on the edge's port behind an unguessable path, so that no container can
read another's events. Images of others want the plain `host:port` form: each of their environments gets a port
of its own, which answers only the container's own address.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hfaas_emulator.lambda_.mailbox import Event, Mailbox
from hfaas_emulator.lambda_.outcome import RESPONSE_LIMIT, Outcome, reported, too_large

PREFIX = "/_hfaas/runtime/"
API = "/2018-06-01/runtime/"
KEEP_ALIVE_S = 1_000
"""Longer than a function may run: the runtime posts its answer over the connection it asked on."""


@dataclass(slots=True, eq=False)
class Door:
    """The way to one mailbox: what `AWS_LAMBDA_RUNTIME_API` says, and how to shut it."""

    address: str
    secret: str = ""
    listener: Listener | None = None

    def shut(self) -> None:
        if self.listener:
            self.listener.close()


class RuntimeApi:
    """The ASGI application behind `/_hfaas/runtime/SECRET/`, and the maker of own ports."""

    def __init__(self, edge: str, host: str) -> None:
        self._edge = edge
        self._host = host
        self._boxes: dict[str, Mailbox] = {}
        self._doors: set[Door] = set()

    def open_path(self, box: Mailbox) -> Door:
        """Give a mailbox a secret path on the edge's port."""
        secret = secrets.token_urlsafe(24)
        self._boxes[secret] = box
        return self._opened(Door(f"{self._edge}{PREFIX}{secret}", secret))

    async def open_port(self, box: Mailbox, caller: asyncio.Future[str]) -> Door:
        """Give a mailbox a port; only the address that `caller` turns out to be may use it."""
        listener = await listen(_Port(box, caller), self._host)
        return self._opened(Door(f"{self._host}:{listener.port}", listener=listener))

    def _opened(self, door: Door) -> Door:
        self._doors.add(door)
        return door

    def shut(self, door: Door) -> None:
        """Forget a mailbox."""
        self._boxes.pop(door.secret, None)
        self._doors.discard(door)
        door.shut()

    def close(self) -> None:
        """Shut all doors."""
        for door in tuple(self._doors):
            self.shut(door)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        before, _, action = scope["path"].partition(API)
        box = self._boxes.get(before.rpartition("/")[2])
        if box is None:
            await _answer(send, 404, _problem("UnknownEnvironment", "there is no such execution environment"))
        else:
            await serve(box, action, scope, receive, send)


class _Port:
    """The application of a port that belongs to one environment."""

    def __init__(self, box: Mailbox, caller: asyncio.Future[str]) -> None:
        self._box = box
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The container may ask before the engine told us its address.
        address = await asyncio.shield(self._caller)
        if address and scope["client"][0] != address:
            await _answer(send, 403, _problem("Forbidden", "this port belongs to another container"))
            return
        await serve(self._box, scope["path"].partition(API)[2], scope, receive, send)


class Listener:
    """An open port and the connections to it."""

    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self.port: int = server.sockets[0].getsockname()[1]
        self._server = server
        self._state = state

    def close(self) -> None:
        """Shut the port and cut the connections."""
        self._server.close()
        for connection in tuple(self._state.connections):
            if transport := connection.transport:
                transport.abort()


async def listen(app: ASGIApp, host: str) -> Listener:
    """Serve an ASGI application on a free port of `host`, within the running loop."""
    if not host:
        raise ValueError("an empty host would listen on every address")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else no TCP_NODELAY
    sock.bind((host, 0))
    config = Config(app, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=KEEP_ALIVE_S)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpToolsProtocol(config=config, server_state=state, app_state={}), sock=sock
    )
    return Listener(server, state)


async def serve(box: Mailbox, action: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one call of a runtime."""
    match scope["method"], action.split("/"):
        case "GET", ["invocation", "next"]:
            await _next(box, receive, send)
        case "POST", ["invocation", request, "response"]:
            await _response(box, request, receive, send)
        case "POST", ["invocation", request, "error"]:
            outcome = reported(await _read(receive) or b"", _header(scope, b"lambda-runtime-function-error-type"))
            await _accepted(box.answer(request, outcome), send)
        case "POST", ["init", "error"]:
            kind = _header(scope, b"lambda-runtime-function-error-type")
            box.fail_init(reported(await _read(receive) or b"", kind))
            await _accepted(known=True, send=send)
        case _:
            await _answer(send, 404, _problem("NotFound", f"the Runtime API has no {scope['path']}"))


async def _next(box: Mailbox, receive: Receive, send: Send) -> None:
    asked = box.ask()
    gone = asyncio.ensure_future(_disconnected(receive))
    gone.add_done_callback(lambda _: asked.cancel())
    try:
        event = await asked
    except asyncio.CancelledError:
        if not asked.cancelled():
            raise
        with suppress(RuntimeError):
            await _answer(send, 410, _problem("Superseded", "another request for the next event came"))
        return
    finally:
        gone.cancel()
    await _answer(send, 200, event.payload, _headers(event))


def _headers(event: Event) -> Iterable[tuple[bytes, bytes]]:
    yield b"lambda-runtime-aws-request-id", event.id.encode()
    yield b"lambda-runtime-deadline-ms", b"%d" % event.deadline_ms
    yield b"lambda-runtime-invoked-function-arn", event.function_arn.encode()
    yield b"lambda-runtime-trace-id", event.trace_id.encode()
    if event.client_context:
        yield b"lambda-runtime-client-context", event.client_context.encode()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _response(box: Mailbox, request: str, receive: Receive, send: Send) -> None:
    payload = await _read(receive)
    if payload is not None:
        await _accepted(box.answer(request, Outcome(payload)), send)
        return
    box.answer(request, too_large())
    said = f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
    await _answer(send, 413, _problem("RequestEntityTooLarge", said))


async def _read(receive: Receive) -> bytes | None:
    """Read a body; None when it is larger than an answer may be, having read it to its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size <= RESPONSE_LIMIT:
            parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts) if size <= RESPONSE_LIMIT else None


async def _accepted(known: bool, send: Send) -> None:
    if known:
        await _answer(send, 202, b'{"status":"OK"}\n')
    else:
        await _answer(send, 400, _problem("InvalidRequestID", "Invalid request ID"))


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _problem(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()


async def _answer(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    # awslambdaric 4.2.2 crashes when Content-Type is missing.
    always = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*always, *headers]})
    await send({"type": "http.response.body", "body": body})
