"""One https server: transfers in constant memory over kept connections, tried again within the time left.

For Oneproviders and WebDAV. Each try begins at byte 0. A connection that lay idle may have been closed by the other
side in the meantime: that it fails is no try. Redirects are followed for GET and on the same host only, since the
credentials go along; certificates are always checked.
"""

from __future__ import annotations

import http.client
import os
import re
import select
import ssl
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from hfaas_supervisor.command import HOME
from hfaas_supervisor.errors import ConfigError, OutputFailed
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores.local import Source, Staging

CONNECT_S, READ_S = 10, 60
TRIES = 3
PAUSE_S = 0.25  # after the first try; doubled after each
BUSY = frozenset({429, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 3
FRESH_S = 30
"""An idle connection is used again within this time; frozen environments wake up with dead ones."""
BUFFER = 256 * 1024
WORDS = 64 * 1024
"""So much of an error's body is read."""
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?")


class Unreachable(Exception):
    """There was no answer to work with; says why, and never what we sent."""


class Answer(NamedTuple):
    """What a server said; `body` is empty when it went into a file."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def words(self) -> str:
        """Return status and reason in one line."""
        return f"{self.status} {self.reason or http.client.responses.get(self.status, '')}".rstrip()


Work = Callable[[http.client.HTTPSConnection], Answer]


class Request(NamedTuple):
    """One exchange; `doing` completes the sentence "time ran out while ..."."""

    method: str
    path: str
    doing: str
    limits: Limits


class Host:
    """A server and the headers each request to it carries."""

    def __init__(self, name: str, headers: Mapping[str, str]) -> None:
        self.name = name
        self._headers = headers
        self._idle: list[tuple[float, http.client.HTTPSConnection]] = []

    def ask(self, request: Request) -> Answer:
        """Send a request without a body."""
        return self._try(request, lambda connection: self._asked(connection, request))

    def fetch(self, request: Request, staging: Staging) -> Answer:
        """Stream what is there into `staging` and give it its name, if the answer is 200."""
        for _ in range(HOPS):
            answer = self._try(request, _Download(self, request, staging))
            if answer.status not in REDIRECTS:
                return answer
            request = request._replace(path=self._same_host(answer.headers.get("location", "")))
        raise Unreachable(f"{self.name} redirects in circles")

    def send(self, request: Request, source: Source) -> Answer:
        """Stream something to the server; an answer that comes early ends it."""

        def work(connection: http.client.HTTPSConnection) -> Answer:
            self._open(connection, request, source.size)
            try:
                _send(connection, request, source)
            except OSError as problem:
                return _early(connection, problem)
            return _answer(connection)

        return self._try(request, work)

    def begin(self, connection: http.client.HTTPSConnection, request: Request) -> None:
        """Send a request without a body."""
        self._open(connection, request, None if request.method == "GET" else 0)

    def _asked(self, connection: http.client.HTTPSConnection, request: Request) -> Answer:
        self.begin(connection, request)
        return _answer(connection)

    def _open(self, connection: http.client.HTTPSConnection, request: Request, size: int | None) -> None:
        connection.putrequest(request.method, request.path)
        for name, value in self._headers.items():
            connection.putheader(name, value)
        if size is not None:
            connection.putheader("Content-Length", str(size))
        connection.endheaders()

    def _try(self, request: Request, work: Work) -> Answer:
        tries = 0
        while True:
            request.limits.check(request.doing)
            connection = self._kept()
            fresh = connection is None
            try:
                connection = connection or self._connected(request.limits)
                connection.sock.settimeout(request.limits.patience(READ_S))
                answer = self._done(connection, work)
            except (OSError, http.client.HTTPException) as error:
                request.limits.check(request.doing)
                if not fresh:
                    continue
                tries += 1
                self._judge(error, tries)
            else:
                tries += 1
                if answer.status not in BUSY or tries == TRIES:
                    return answer
            _pause(tries, request.limits)

    def _done(self, connection: http.client.HTTPSConnection, work: Work) -> Answer:
        try:
            answer = work(connection)
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._idle.append((time.time(), connection))
        return answer

    def _judge(self, error: Exception, tries: int) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted ({error.verify_message})"
            raise Unreachable(f"{self.name}: {reason}; name the file with its CA by REQUESTS_CA_BUNDLE") from None
        if tries == TRIES:
            raise Unreachable(f"{self.name} does not answer: {error or type(error).__name__}") from None

    def _kept(self) -> http.client.HTTPSConnection | None:
        while True:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # another thread may have taken the last one
                return None
            if time.time() - since < FRESH_S and not _closed(connection):
                return connection
            connection.close()

    def _connected(self, limits: Limits) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(
            self.name, timeout=limits.patience(CONNECT_S), context=tls_context()
        )
        connection.connect()
        return connection

    def _same_host(self, location: str) -> str:
        parts = urlsplit(location)
        if (parts.scheme or "https") != "https" or (parts.netloc or self.name) != self.name or not parts.path:
            there = f"{parts.scheme}://{parts.netloc}" if parts.netloc else "nowhere"
            raise Unreachable(f"{self.name} redirects to {there}, which must not see the credentials")
        path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
        return f"{path}?{quote(parts.query, safe='=&%/:@!$()*+,;?~-._')}" if parts.query else path


class _Download:
    """Reads one answer into a file, from byte 0 at each try."""

    def __init__(self, host: Host, request: Request, staging: Staging) -> None:
        self._host, self._request, self._staging = host, request, staging

    def __call__(self, connection: http.client.HTTPSConnection) -> Answer:
        self._staging.restart()
        self._host.begin(connection, self._request)
        answer = connection.getresponse()
        if answer.status != 200:
            return _read(connection, answer)
        size = answer.length
        if size is not None:
            self._staging.reserve(size)
        self._copy(connection, answer)
        if size is not None and self._staging.written != size:
            raise ConnectionError(f"the answer ended after {self._staging.written} of {size} bytes")
        self._staging.commit(size)
        return Answer(200, "", {})

    def _copy(self, connection: http.client.HTTPSConnection, answer: http.client.HTTPResponse) -> None:
        limits, buffer = self._request.limits, memoryview(bytearray(BUFFER))
        while count := answer.readinto(buffer):
            self._staging.write(buffer[:count])
            limits.check(self._request.doing)
            if connection.sock is not None:
                connection.sock.settimeout(limits.patience(READ_S))


def host_name(text: str, provider: str) -> str:
    """Return the `host[:port]` that a provider's host means; ConfigError when it is none or not https."""
    name = text.removeprefix("https://").rstrip("/")
    if not HOST.fullmatch(name):
        raise ConfigError(f"the host of storage provider {provider} must be host or host:port, not {text!r}")
    return name


def quoted(*parts: str) -> str:
    """Return the path that names mean, each segment percent-encoded once and none of them empty."""
    segments = [segment for part in parts for segment in part.split("/") if segment]
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def check_key(key: str, url: str) -> None:
    """Refuse to write where a key would lead out of its folder: here, other than in S3, `..` means something."""
    if "\0" in key or {".", ".."} & set(key.split("/")):
        raise OutputFailed(f"{url} could not be written: its name has a segment that leads elsewhere")


_context: ssl.SSLContext | None = None


def tls_context() -> ssl.SSLContext:
    """Return what connections are secured by; REQUESTS_CA_BUNDLE stands for all other certificates, as in requests."""
    global _context  # noqa: PLW0603 - reading 150 certificates takes 10 ms and more
    if _context is None:
        _context = _bundled() or _usual()
    return _context


def _bundled() -> ssl.SSLContext | None:
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    if not bundle:
        return None
    try:
        if os.path.isdir(bundle):
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise ConfigError(f"REQUESTS_CA_BUNDLE: {bundle} holds no certificates: {error}") from None


def _usual() -> ssl.SSLContext:
    context = ssl.create_default_context()  # heeds SSL_CERT_FILE and SSL_CERT_DIR
    ours = f"{HOME}/etc/ca-certificates.crt"
    if os.path.isfile(ours):
        context.load_verify_locations(ours)
    return context


def _send(connection: http.client.HTTPSConnection, request: Request, source: Source) -> None:
    sent = 0
    for piece in source.pieces():
        request.limits.check(request.doing)
        sent += len(piece)
        if sent > source.size:
            break
        connection.sock.settimeout(request.limits.patience(READ_S))
        connection.send(piece)
    if sent != source.size:
        raise OutputFailed(f"output {source.name} changed while it was uploaded")


def _early(connection: http.client.HTTPSConnection, problem: OSError) -> Answer:
    """Return what the server said before it stopped listening."""
    try:
        return _answer(connection)
    except (OSError, http.client.HTTPException):
        raise problem from None
    finally:
        connection.close()


def _answer(connection: http.client.HTTPSConnection) -> Answer:
    return _read(connection, connection.getresponse())


def _read(connection: http.client.HTTPSConnection, answer: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    body = answer.read(WORDS)
    if not answer.isclosed() and answer.read(1):
        connection.close()  # so much is not worth reading
    return Answer(answer.status, _printable(answer.reason), headers, body)


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:100]


def _closed(connection: http.client.HTTPSConnection) -> bool:
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))  # nobody owes us anything: what can be read is the end


def _pause(tries: int, limits: Limits) -> None:
    seconds = PAUSE_S * 2 ** (tries - 1) * (0.5 + os.urandom(1)[0] / 512)
    time.sleep(limits.patience(seconds))
