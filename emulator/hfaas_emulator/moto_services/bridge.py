"""HTTP requests as plain data, and the way from there into moto's WSGI application and back.

`Request` is what the edge (or the S3 front) knows after it has read a request; `Answer.body` is passed through as
moto made it, so that a lazy body of the S3 store comes out in one piece.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """One request for moto: `path` and `query` still percent-encoded, header names in lower case.

    `record` asks for a journal row when it succeeds, from which a restart replays it; requests whose effects have
    rows of their own (objects, messages) go without.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    account: str = ""
    record: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What moto answered."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class Application(Protocol):
    """moto, once it is imported and patched."""

    def __call__(self, request: Request) -> Answer:
        """Answer a request; AwsError when moto fails at it."""


Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return an ASGI scope's headers, repeated ones joined by commas."""
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    return headers


def environ(request: Request) -> dict[str, Any]:
    """Return the WSGI environment of a request."""
    uri = request.path + ("?" + request.query if request.query else "")
    result: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": uri,
        "REQUEST_URI": uri,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "4566",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(request.body)),
    }
    underscored: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in ("content-length", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        result["CONTENT_TYPE" if key == "CONTENT_TYPE" else "HTTP_" + key] = value
        if "_" in name and name.startswith("x-amz-meta-"):
            underscored["HTTP_" + key] = name
    result["moto.preserved_header_names"] = underscored  # WSGI alone cannot tell x-amz-meta-a_b from x-amz-meta-a-b
    if request.account:
        result["HTTP_X_MOTO_ACCOUNT_ID"] = request.account
    return result


def run(wsgi: Wsgi, request: Request) -> Answer:
    """Run a WSGI application to its end."""
    started: list[tuple[int, tuple[Header, ...]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        encoded = tuple((name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in headers)
        started[:] = [(int(status[:3]), encoded)]

    parts = wsgi(environ(request), start_response)
    try:
        body = list(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    ((status, headers),) = started
    return Answer(status, headers, body[0] if len(body) == 1 else b"".join(body))
