"""One HTTP request to an endpoint, as plain data."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

Pairs = tuple[tuple[str, str], ...]

DRAINED = 100 * 2**20
"""Bytes of a request too large that are still read, so that its sender hears why it is refused."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: `path` and `query` still percent-encoded, header names in lower case, in the order they came in.

    `id` is the request id, `domain` the endpoint's host name.
    """

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes
    domain: str
    source_ip: str
    protocol: str = "HTTP/1.1"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: float = field(default_factory=time.time)

    def header(self, name: str) -> str:
        """Return a header's last value, or nothing."""
        return next((value for each, value in reversed(self.headers) if each == name), "")

    @property
    def parameters(self) -> Pairs:
        """Return the query's parameters, decoded."""
        return tuple(parse_qsl(self.query, keep_blank_values=True))

    @property
    def content_type(self) -> str:
        """Return the media type of the body, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return all values of each name."""
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def headers_of(request: Request, source_ip: str) -> Pairs:
    """Return a request's headers with those that a gateway adds."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    sent = dict(headers)
    forwarded = ", ".join(filter(None, (sent.get("x-forwarded-for"), source_ip)))
    added = {
        "x-amzn-trace-id": sent.get("x-amzn-trace-id") or trace_id(),
        "x-forwarded-for": forwarded,
        "x-forwarded-port": str((request.scope.get("server") or ("", 80))[1]),
        "x-forwarded-proto": "http",
    }
    kept = [(name, value) for name, value in headers if name not in added]
    return (*kept, *added.items())


def trace_id() -> str:
    """Return a fresh trace header as X-Ray spells it."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"


async def body_of(request: Request, limit: int) -> bytes | None:
    """Read the body; None when it is larger than `limit`."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif size > DRAINED:
            break
    return b"".join(parts) if size <= limit else None


def is_binary(media_type: str, binary: Sequence[str]) -> bool:
    """Tell whether a media type is one of those that a REST API treats as bytes."""
    for pattern in binary:
        kind, _, sub = pattern.lower().partition("/")
        if pattern == "*/*" or (sub == "*" and media_type.startswith(f"{kind}/")) or pattern.lower() == media_type:
            return True
    return False
