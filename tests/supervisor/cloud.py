"""Small https servers for tests: a Space by CDMI and a WebDAV server, which fail when told to."""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import trustme

TOKEN, LOGIN, PASSWORD = "t0ken-of-ours", "me", "pa55word"
BLOCK = bytes(1024 * 1024)
KEPT = 8 * 1024 * 1024


@dataclass
class Certificates:
    """A certificate authority, the file that names it, and a server's side of it."""

    ca: Path
    server: ssl.SSLContext

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        authority = trustme.CA()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        return cls(folder / "ca.pem", server)


Fault = Callable[["Handler"], None]


@dataclass
class Cloud:
    """What a server holds and what it was asked; faults come first, one for each request."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    """Files of zeros, too large to keep."""
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    connections: int = 0
    address: str = ""


class Handler(BaseHTTPRequestHandler):
    """Counts, notes, fails on demand; then does what its subclass does."""

    protocol_version = "HTTP/1.1"
    cloud: Cloud

    def setup(self) -> None:
        super().setup()
        self.cloud.connections += 1

    def handle_expect_100(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name in ("do_GET", "do_PUT", "do_MKCOL"):
            return self._do
        raise AttributeError(name)

    @property
    def key(self) -> str:
        return "/".join(unquote(segment) for segment in self.path.split("/")).strip("/")

    def _do(self) -> None:
        self.cloud.requests.append(f"{self.command} {self.path}")
        self.cloud.headers.append({name.lower(): value for name, value in self.headers.items()})
        if self.cloud.faults and (fault := self.cloud.faults.pop(0)):
            fault(self)
        elif not self.allowed():
            self.read()
            self.answer(401, {"error": {"id": "unauthorized", "description": "no", "details": {"authError": None}}})
        else:
            self.process()

    def allowed(self) -> bool:
        raise NotImplementedError

    def process(self) -> None:
        raise NotImplementedError

    def read(self) -> tuple[bytes, int]:
        """Read the request's body; a large one is only counted."""
        size = left = int(self.headers.get("Content-Length", 0))
        kept = b""
        while left:
            piece = self.rfile.read(min(left, len(BLOCK)))
            assert piece
            left -= len(piece)
            kept += piece if size <= KEPT else b""
        return kept, size

    def download(self) -> None:
        size = self.cloud.sizes.get(self.key)
        if self.key in self.cloud.files:
            self.answer(200, self.cloud.files[self.key])
        elif size is None:
            self.answer(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            for start in range(0, size, len(BLOCK)):
                self.wfile.write(BLOCK[: size - start])

    def upload(self) -> None:
        body, size = self.read()
        known = self.key in self.cloud.files
        self.cloud.files[self.key] = body
        self.cloud.sizes[self.key] = size
        self.answer(204 if known else 201)

    def answer(self, status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class Cdmi(Handler):
    """A Oneprovider; keys begin with `cdmi/SPACE`."""

    def allowed(self) -> bool:
        return self.headers["X-Auth-Token"] == TOKEN

    def process(self) -> None:
        parent = self.key.rpartition("/")[0]
        if self.command == "GET":
            self.download()
        elif parent not in self.cloud.folders and parent != "cdmi":
            self.read()
            self.posix("enoent")
        elif not self.path.endswith("/"):
            self.upload()
        elif self.key in self.cloud.folders:
            self.posix("eexist")
        elif parent == "cdmi":
            self.posix("enoent")
        else:
            self.cloud.folders.add(self.key)
            self.answer(201)

    def posix(self, errno: str) -> None:
        self.answer(400, {"error": {"id": "posix", "description": "", "details": {"errno": errno}}})


class Dav(Handler):
    """A WebDAV server."""

    credentials: ClassVar[str] = b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()

    def allowed(self) -> bool:
        return self.headers["Authorization"] == f"Basic {self.credentials}"

    def process(self) -> None:
        parent = self.key.rpartition("/")[0]
        if self.command == "GET":
            self.download()
        elif parent and parent not in self.cloud.folders:
            self.read()
            self.answer(409)
        elif self.command == "PUT":
            self.upload()
        elif self.key in self.cloud.folders:
            self.answer(405)
        else:
            self.cloud.folders.add(self.key)
            self.answer(201)


class Server(ThreadingHTTPServer):
    """Says nothing of clients that go away."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def secured(server: ThreadingHTTPServer, certificates: Certificates) -> None:
    """Have a server speak TLS; the handshake is done by the thread of the connection."""
    server.socket = certificates.server.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


def status(code: int, body: bytes | dict[str, Any] = b"", **headers: str) -> Fault:
    """Answer with a status."""

    def fault(handler: Handler) -> None:
        handler.read()
        handler.answer(code, body, **headers)

    return fault


def hang_up(handler: Handler) -> None:
    """Close the connection instead of an answer."""
    handler.read()
    handler.close_connection = True


def half(handler: Handler) -> None:
    """Announce the whole file and send half of it."""
    content = handler.cloud.files[handler.key]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True


def then_close(handler: Handler) -> None:
    """Process a request and close the connection without saying so."""
    handler.process()
    handler.close_connection = True


def deaf(code: int) -> Fault:
    """Answer a request without reading its body."""

    def fault(handler: Handler) -> None:
        handler.answer(code, {"error": {"id": "quotaExceeded", "description": "", "details": {}}})
        handler.close_connection = True

    return fault
