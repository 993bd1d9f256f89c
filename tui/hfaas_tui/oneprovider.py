"""Requests to the emulator's Oneprovider: its certificate authority is trusted, and nobody else is asked."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hfaas_tui.errors import CliError

PIECE = 256 * 1024
TIMEOUT_S = 120
FRESH_S = 2.0
"""An idle connection is used again within this time; the other side closes it after 5 s."""

DONE = {200, 201, 204}


class Refused(CliError):
    """The Oneprovider says no; `errno` is its POSIX name, if it has one."""

    def __init__(self, status: int, message: str, errno: str = "") -> None:
        super().__init__(message)
        self.is_missing = status == http.client.NOT_FOUND or errno in {"enoent", "enotdir"}
        self.errno = errno


@dataclass(frozen=True, slots=True)
class Access:
    """Where a space is and what opens it; `inside` is the Oneprovider's address for containers."""

    space: str
    id: str
    host: str
    inside: str
    ca: str
    token: str

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Access:
        """Read what the emulator says of a space."""
        return cls(*(str(about[key]) for key in ("name", "spaceId", "host", "internalHost", "ca", "token")))


class Oneprovider:
    """A Oneprovider as who owns a token; may be used from several threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._idle: list[tuple[float, http.client.HTTPSConnection]] = []
        try:
            self._trust = ssl.create_default_context(cafile=access.ca)
        except OSError as error:
            raise CliError(
                f"{access.ca} cannot be read, and without it {access.host} cannot be trusted: {error.strerror}",
                "spaces are reached from the machine that the emulator runs on",
            ) from error

    def json(self, method: str, path: str) -> dict[str, Any]:
        """Return what the REST interface answers; Refused."""
        with self.asking(method, f"/api/v3/oneprovider/{path}") as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def do(self, method: str, path: str, body: Iterator[bytes] | None = None, size: int = 0) -> None:
        """Send a request whose answer says no more than that it is done; Refused."""
        with self.asking(method, path, body, size) as answer:
            answer.read()

    @contextmanager
    def asking(
        self, method: str, path: str, body: Iterator[bytes] | None = None, size: int = 0
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and read its answer while the block runs; Refused."""
        line = self._line()
        whole = False
        try:
            line.request(method, path, body, self._headers(body, size))
            answer = line.getresponse()
            if answer.status not in DONE:
                raise refusal(answer)
            yield answer
            whole = answer.isclosed() and not answer.will_close
        except http.client.HTTPException as error:
            raise CliError(f"{self._access.host} breaks off ({type(error).__name__})") from error
        finally:
            if whole:
                self._idle.append((time.monotonic(), line))
            else:
                line.close()

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop()[1].close()

    def _headers(self, body: Iterator[bytes] | None, size: int) -> dict[str, str]:
        token = {"X-Auth-Token": self._access.token}
        if body is None:
            return token
        return {**token, "Content-Length": str(size), "Content-Type": "application/octet-stream"}

    def _line(self) -> http.client.HTTPSConnection:
        while self._idle:
            since, line = self._idle.pop()
            if time.monotonic() - since < FRESH_S:
                return line
            line.close()
        return http.client.HTTPSConnection(
            self._access.host, timeout=TIMEOUT_S, context=self._trust, blocksize=PIECE
        )


def quoted(*parts: str) -> str:
    """Return the path that names mean, each of them percent-encoded once; CliError for one that leads elsewhere."""
    segments = [segment for part in parts for segment in part.split("/") if segment]
    if {".", ".."} & {*segments}:
        raise CliError(f"{'/'.join(parts)!r} is no path in a space: it has a `.` or `..` in it")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def refusal(answer: http.client.HTTPResponse) -> Refused:
    """Put an answer that is none into the Oneprovider's own words."""
    try:
        error = json.loads(answer.read(64 * 1024))["error"]
        errno = str((error.get("details") or {}).get("errno") or "")
        words = str(error["description"]).rstrip(".")
    except (ValueError, KeyError, TypeError, AttributeError):
        errno, words = "", answer.reason or http.client.responses.get(answer.status, "")
    return Refused(answer.status, f"{words} ({answer.status})", errno)
