"""The stack engine on a real port, calling unmodified moto's plain services as the emulator's own endpoint."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import botocore.session
import pytest
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hfaas_emulator.cloudformation.api import handle
from hfaas_emulator.cloudformation.engine import StackEngine
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.trace import Trace

ACCOUNT = "123456789012"
"""moto's own account, so that our ARNs are its."""

KEEP_ALIVE_S = 1_000
"""As the product: a client that sends on a connection while it is closed for idleness gets no answer."""

_SESSION = botocore.session.Session()


def make_client(service: str, endpoint: str, region: str, account: str = ACCOUNT) -> Any:
    return _SESSION.create_client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="test",
        config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="session")
def endpoint(moto_server: str) -> str:
    return moto_server


@pytest.fixture(scope="session")
def any_service(endpoint: str) -> Callable[..., Any]:
    @cache
    def client(service: str, region: str = "us-east-1") -> Any:
        return make_client(service, endpoint, region)

    return client


@pytest.fixture
def strangers(aws: Callable[..., Any], endpoint: str) -> Any:
    """Return the S3 client of another account."""
    sts = aws("sts")
    role = "arn:aws:iam::222222222222:role/stranger"
    found = sts.assume_role(RoleArn=role, RoleSessionName="stranger")["Credentials"]
    return make_client("s3", endpoint, "us-east-1", found["AccessKeyId"])


@pytest.fixture
def aws(endpoint: str, any_service: Callable[..., Any]) -> Callable[..., Any]:
    """Return clients of moto's services, all of them empty."""
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    return any_service


class Gate:
    """A door before moto that refuses or holds chosen requests, so that a failure comes when a test wants it."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.refused: list[str] = []
        self.held = ""
        self.forward_held = False
        self.killed = False
        self.reached, self.released = threading.Event(), threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                gate.answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        sent = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        words = f"{handler.command} {handler.path} {handler.headers.get('x-amz-target')} {sent[:4000]!r}"
        if any(word in words for word in self.refused):
            self._send(handler, 400, {"content-type": "application/json"}, b'{"__type": "Denied", "message": "no"}')
            return
        if self.killed:
            handler.close_connection = True
            return
        holds = bool(self.held) and self.held in words and not self.released.is_set()
        if holds and self.forward_held:
            self._forward(handler, sent)
        if holds:
            self.reached.set()
            self.released.wait(60)
            handler.close_connection = True
            return
        self._send(handler, *self._forward(handler, sent))

    def _forward(self, handler: BaseHTTPRequestHandler, sent: bytes) -> tuple[int, Any, bytes]:
        host, port = self.target.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port))
        connection.request(handler.command, handler.path, sent or None, dict(handler.headers))
        answer = connection.getresponse()
        got = answer.status, dict(answer.headers), answer.read()
        connection.close()
        return got

    def _send(self, handler: BaseHTTPRequestHandler, status: int, headers: Any, content: bytes) -> None:
        handler.send_response(status)
        for key, value in headers.items():
            if key.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                handler.send_header(key, value)
        if handler.command != "HEAD" and status != 204:
            handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    def kill(self) -> None:
        """Whoever still calls is dead: his requests go nowhere."""
        self.killed = True
        self.released.set()

    def close(self) -> None:
        self.kill()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def gate(endpoint: str) -> Iterator[Gate]:
    gate = Gate(endpoint)
    yield gate
    gate.close()


class Served:
    """The CloudFormation API on a port, in a thread with a loop of its own."""

    def __init__(self, endpoint: Callable[[], str], path: Path | None) -> None:
        self.journal = Journal(path)
        self.idle, self.trace = Idle(), Trace()
        self.engine = StackEngine(endpoint, self.journal, self.idle, self.trace)
        app = Starlette(routes=[Route("/_idle", self._idle), Route("/", self._handle, methods=["GET", "POST"])])
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_keep_alive=KEEP_ALIVE_S)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._kill = False
        self._listening = threading.Event()
        self._thread.start()
        assert self._listening.wait(60)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    async def _serve(self) -> None:
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()
        await self.engine.open()
        self._listening.set()
        await self._server.main_loop()
        if not self._kill:
            await self.engine.close()
        await self._server.shutdown()

    async def _handle(self, request: Request) -> Response:
        return await handle(request, self.engine)

    async def _idle(self, request: Request) -> Response:
        return JSONResponse(await self.idle.wait(60))

    def wait(self) -> None:
        """Wait until no operation is under way."""
        with urllib.request.urlopen(f"{self.url}/_idle") as answer:
            assert answer.read() == b"true"

    def stop(self, *, kill: bool = False) -> None:
        """Stop; `kill` drops everything under way, as a crash does."""
        self._kill = kill
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(60)
        self.journal.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    @contextmanager
    def serving(endpoint: Callable[[], str], path: Path | None = None) -> Iterator[Served]:
        served = Served(endpoint, path)
        try:
            yield served
        finally:
            served.stop()

    return serving


@pytest.fixture(scope="session")
def shared_server(endpoint: str, serve: Callable[..., Any]) -> Iterator[Served]:
    with serve(lambda: endpoint) as served:
        yield served


@pytest.fixture(scope="session")
def client_of() -> Callable[..., Any]:
    """Return the CloudFormation client of a server and region; the first one is slow to make."""

    @cache
    def make(url: str, region: str) -> Any:
        return make_client("cloudformation", url, region)

    return make


class Waits(Protocol):
    """Knows when no operation is under way."""

    def wait(self) -> None: ...


class Driver:
    """A person with a CloudFormation client."""

    def __init__(self, served: Waits, client: Any) -> None:
        self.served, self.client = served, client

    def create(self, name: str, template: str, **more: Any) -> dict[str, Any]:
        self.client.create_stack(
            StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"], **more
        )
        return self.settled(name)

    def update(self, name: str, template: str, **more: Any) -> dict[str, Any]:
        self.client.update_stack(
            StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"], **more
        )
        return self.settled(name)

    def plan(self, name: str, template: str, kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
        self.client.create_change_set(
            StackName=name,
            ChangeSetName=more.pop("ChangeSetName", "plan"),
            ChangeSetType=kind,
            TemplateBody=template,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **more,
        )
        found: dict[str, Any] = self.client.describe_change_set(StackName=name, ChangeSetName="plan")
        return found

    def execute(self, name: str, change_set: str = "plan", **more: Any) -> dict[str, Any]:
        self.client.execute_change_set(StackName=name, ChangeSetName=change_set, **more)
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        self.served.wait()
        stack: dict[str, Any] = self.client.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    def delete(self, name: str, **more: Any) -> dict[str, Any]:
        """Delete, and return the stack as its ARN still tells."""
        arn = self.client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.client.delete_stack(StackName=name, **more)
        return self.settled(arn)

    def events(self, name: str, logical: str = "") -> list[tuple[str, str, str]]:
        """Return (resource, status, reason), oldest first."""
        found = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return [
            (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
            for one in reversed(found)
            if logical in ("", one["LogicalResourceId"])
        ]

    def statuses(self, name: str, logical: str = "") -> list[str]:
        return [status for _, status, _ in self.events(name, logical)]


@pytest.fixture
def cfn(aws: Callable[..., Any], shared_server: Served, client_of: Callable[..., Any]) -> Driver:
    shared_server.engine._stacks.clear()
    return Driver(shared_server, client_of(shared_server.url, "us-east-1"))


@pytest.fixture
def driver_of(client_of: Callable[..., Any]) -> Callable[[Served, str], Driver]:
    def make(served: Served, region: str = "us-east-1") -> Driver:
        return Driver(served, client_of(served.url, region))

    return make
