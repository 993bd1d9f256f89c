"""One kept connection to a host, by the standard library: whole requests, whole answers, no redirects."""

from __future__ import annotations

import http.client
import os
import select
import ssl
from collections.abc import Callable, Mapping
from email.message import Message
from email.utils import mktime_tz, parsedate_tz
from typing import NamedTuple
from urllib.parse import SplitResult

from hfaas_supervisor.command import HOME

Connect = Callable[[], http.client.HTTPConnection]
CONNECT_S = 10
READ_S = 30
ANSWER_LIMIT = 64 * 2**20
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""The variables that name further certificates; requests, curl and OpenSSL read them, so upstream's users set them."""


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: Message
    body: bytes

    def time(self) -> float | None:
        """Return when the server sent it, by its own clock."""
        parsed = parsedate_tz(self.headers.get("Date", ""))
        return None if parsed is None else float(mktime_tz(parsed))


class Line:
    """A connection that is kept from one request to the next."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._open: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request and return the answer; OSError or HTTPException when there is none."""
        try:
            answer = self._exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        return answer

    def close(self) -> None:
        """Let the connection go; the next request opens one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = self._opened()
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read(ANSWER_LIMIT)
        if answer.will_close or not answer.isclosed():
            self.close()
        return Answer(answer.status, answer.headers, content)

    def _opened(self) -> http.client.HTTPConnection:
        if self._open is not None and _hung_up(self._open):
            self.close()
        if self._open is None:
            self._open = opened(self._connect)
        return self._open


def opened(connect: Connect) -> http.client.HTTPConnection:
    """Connect within the short patience of connecting, and give the connection the longer one of reading."""
    connection = connect()
    connection.timeout = CONNECT_S
    connection.connect()
    connection.sock.settimeout(READ_S)
    return connection


def connector(url: SplitResult, context: Callable[[], ssl.SSLContext]) -> Connect:
    """Return how to reach a URL's host; the certificates are only read where they are needed."""

    def connect() -> http.client.HTTPConnection:
        if url.scheme == "http":
            return http.client.HTTPConnection(url.netloc.rpartition("@")[2])
        return http.client.HTTPSConnection(url.netloc.rpartition("@")[2], context=context())

    return connect


class Trust:
    """Whose certificates are believed: the system's, those we bring, those that variables or the user name."""

    def __init__(self, ca: str = "", *, insecure: bool = False) -> None:
        self._ca = ca
        self._insecure = insecure
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._made()
        return self._context

    def _made(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        for path in (f"{HOME}/etc/ca-certificates.crt", *(os.environ.get(name) for name in BUNDLES)):
            if path and os.path.isfile(path):
                context.load_verify_locations(path)
        if self._ca:
            context.load_verify_locations(self._ca)
        if self._insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _hung_up(connection: http.client.HTTPConnection) -> bool:
    """Tell whether a resting connection has something to say, which can only be its end."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
