"""A proxy on a free port that stands before a server of this machine and makes it fail on demand.

    with faults.before(url) as proxy:
        proxy.refuse("Action=DescribeStackEvents", code="ExpiredToken")   # AWS says no
        proxy.cut("PATCH", "/blobs/uploads/", after=100_000)              # the network goes, in the middle of a body
        proxy.cut("Action=ExecuteChangeSet", late=True)                   # it is done, and the answer is lost
        moment = proxy.hold("Action=CreateStack")                         # it waits, until `moment.release()`

A request is hit when all words are in its method, path, headers or the first 64 KiB of its body. Rules are asked in the
order in which they were made; one that was used up is passed over.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

PIECE = 64 * 1024
ALWAYS = 1_000_000
HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "expect", "proxy-connection")
"""Headers that are between two neighbours only, or that the body decides."""


@dataclass(slots=True)
class Moment:
    """A request that is held: `reached` says that it came, `release` lets it go on and waits until it is through."""

    reached: threading.Event = field(default_factory=threading.Event)
    _go: threading.Event = field(default_factory=threading.Event)
    _through: threading.Event = field(default_factory=threading.Event)

    def wait(self, within: float = 60) -> None:
        """Wait until a request is held."""
        assert self.reached.wait(within), "no such request came"

    def release(self) -> None:
        self._go.set()
        if self.reached.is_set():
            assert self._through.wait(60), "the request that was held did not come through"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the request; the block is its way to the server and back."""
        self.reached.set()
        self._go.wait()
        try:
            yield
        finally:
            self._through.set()


@dataclass(slots=True)
class _Rule:
    words: tuple[str, ...]
    skip: int
    times: int
    after: int = 0
    late: bool = False
    code: str = ""
    message: str = ""
    status: int = 400
    moment: Moment | None = None

    def hits(self, text: str) -> bool:
        """Say whether this request is one of those; counts."""
        if self.times == 0 or not all(word in text for word in self.words):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Proxy:
    """What stands before a server: `url` takes the place of the server's."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin if "//" in origin else f"http://{origin}")
        self.origin = (str(parts.hostname), parts.port or 80)
        self.seen: list[str] = []
        """Method, path, and the action of AWS's query APIs, of each request that came."""
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self

    @property
    def address(self) -> str:
        """HOST:PORT."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def cut(self, *words: str, after: int = 0, late: bool = False, skip: int = 0, times: int = 1) -> None:
        """Cut the connection after so many bytes of the request's body, or `late`: when it was done, unanswered."""
        self._add(_Rule(words, skip, times, after=after, late=late))

    def refuse(
        self,
        *words: str,
        code: str,
        message: str = "it is refused",
        status: int = 400,
        skip: int = 0,
        times: int = ALWAYS,
    ) -> None:
        """Answer with an error of AWS, in the form of the service that is asked."""
        self._add(_Rule(words, skip, times, code=code, message=message, status=status))

    def hold(self, *words: str, skip: int = 0) -> Moment:
        """Hold one request before it goes on to the server."""
        moment = Moment()
        self._add(_Rule(words, skip, 1, moment=moment))
        return moment

    def mend(self) -> None:
        """Forget all faults; what is held goes on."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            if rule.moment:
                rule.moment.release()

    def came(self, *words: str) -> int:
        """How many requests had all these words in their method, path or action."""
        return sum(all(word in one for word in words) for one in self.seen)

    def rule(self, text: str) -> _Rule | None:
        """The fault for a request, if there is one."""
        with self._lock:
            return next((rule for rule in self._rules if rule.hits(text)), None)

    def serve(self) -> None:
        self._server.serve_forever(0.05)

    def stop(self) -> None:
        self.mend()
        self._server.shutdown()
        self._server.server_close()

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)


@contextmanager
def before(origin: str) -> Iterator[Proxy]:
    """Stand before a server (URL or HOST:PORT) until the block ends."""
    proxy = Proxy(origin)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join(60)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that is cut is what we are here for."""


class _Cut(Exception):
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        """Pass one request on, or make it fail."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        try:
            self._pass()
        except (_Cut, OSError, HTTPException):
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _pass(self) -> None:
        body = self._body()
        first = next(body, b"")
        head = f"{self.command} {self.path}\n{self.headers}\n"
        text = head + first.decode(errors="replace")
        self.server.proxy.seen.append(f"{self.command} {self.path} {_action(text)}")
        rule = self.server.proxy.rule(text)
        if rule and rule.moment:
            with rule.moment.held():
                self._forward(_all(first, body))
        elif rule and rule.code:
            for _ in body:
                pass
            self._refuse(rule, text)
        elif rule and not rule.late:
            self._forward(_until(first, body, rule.after))
        else:
            self._forward(_all(first, body), is_lost=bool(rule))

    def _body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return
        rest = int(self.headers.get("Content-Length", 0))
        while rest:
            piece = self.rfile.read(min(rest, PIECE))
            if not piece:
                return
            rest -= len(piece)
            yield piece

    def _forward(self, body: Iterator[bytes], *, is_lost: bool = False) -> None:
        upstream = HTTPConnection(*self.server.proxy.origin, timeout=600)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            is_chunked = "Transfer-Encoding" in self.headers
            for name, value in self.headers.items():
                if name.lower() not in HOP:
                    upstream.putheader(name, value)
            if is_chunked:
                upstream.putheader("Transfer-Encoding", "chunked")
            elif "Content-Length" in self.headers:
                upstream.putheader("Content-Length", self.headers["Content-Length"])
            upstream.endheaders()
            for piece in body:
                upstream.send(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
            if is_chunked:
                upstream.send(b"0\r\n\r\n")
            answer = upstream.getresponse()
            if is_lost:
                answer.read()
                raise _Cut
            self._relay(answer)
        finally:
            upstream.close()

    def _relay(self, answer: HTTPResponse) -> None:
        has_body = self.command != "HEAD" and answer.status not in (204, 304)
        length = answer.getheader("Content-Length")
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", length)
        elif has_body:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while has_body and (piece := answer.read1(PIECE)):
            self.wfile.write(piece if length is not None else b"%x\r\n%s\r\n" % (len(piece), piece))
        if has_body and length is None:
            self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, rule: _Rule, text: str) -> None:
        kind, body = _error(rule, text)
        self.send_response_only(rule.status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-ErrorType", rule.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _all(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _until(first: bytes, rest: Iterator[bytes], after: int) -> Iterator[bytes]:
    """So many bytes of a body, and then the cut."""
    for piece in _all(first, rest):
        if len(piece) >= after:
            break
        after -= len(piece)
        yield piece
    else:
        piece = b""
    if after and piece:
        yield piece[:after]
    raise _Cut


def _action(text: str) -> str:
    """The operation that a request of AWS's query or JSON APIs names."""
    for mark, ends in (("Action=", "&"), ("X-Amz-Target: ", "\n")):
        _, found, rest = text.partition(mark)
        if found:
            return f"Action={rest.partition(ends)[0].strip().rpartition('.')[2]}"
    return ""


def _error(rule: _Rule, text: str) -> tuple[str, bytes]:
    said = f"<Code>{escape(rule.code)}</Code><Message>{escape(rule.message)}</Message>"
    if "/s3/aws4_request" in text:
        return "application/xml", f"<Error>{said}</Error>".encode()
    if "Action=" in text:
        return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error></ErrorResponse>".encode()
    return "application/json", json.dumps({"__type": rule.code, "message": rule.message}).encode()
