"""A request as the routes see it: path split, query read, token checked, body in pieces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from hfaas_emulator.edge import Receive, Scope
from hfaas_emulator.onedata import paths
from hfaas_emulator.onedata.errors import OnedataError, Unanswerable, bad, malformed
from hfaas_emulator.onedata.tokens import Grant

JSON_LIMIT = 1 << 20
METADATA_LIMIT = 8 << 20
JSON_DEPTH = 100
SILENCE_S = 60
"""How long the next piece of a body may take."""


class Asked:
    """One request; `parts` and `rest` are what the route's pattern found in the path, `grant` is set by the server."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = paths.decoded(raw.partition(b"?")[0])
        self.method: str = scope["method"]
        self.segments = paths.segments(path)
        self.slash = path.endswith("/")
        self.raw_query: str = scope["query_string"].decode("latin-1")
        self.headers: Mapping[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.parts: dict[str, str] = {}
        self.rest: tuple[str, ...] = ()
        self.grant = Grant("")
        self.whole = False
        self._receive = receive

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def query(self) -> dict[str, list[str]]:
        """Return the query's values by name; OnedataError when it is no UTF-8."""
        found: dict[str, list[str]] = {}
        try:
            for key, value in parse_qsl(self.raw_query, keep_blank_values=True, errors="strict"):
                found.setdefault(key, []).append(value)
        except ValueError as error:
            raise malformed() from error
        return found

    def value(self, key: str, default: str = "") -> str:
        """Return a value of the query."""
        return self.query.get(key, [default])[-1]

    def number(self, key: str, default: int, low: int = 0, high: int | None = None) -> int:
        """Return a number of the query; OnedataError badValueInteger, badValueTooLow or badValueNotInRange."""
        text = self.value(key)
        return integer(key, text, low, high) if text else default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value of the query; OnedataError badValueBoolean."""
        text = self.value(key)
        if text not in ("", "true", "false"):
            raise bad("Boolean", key, "is not a boolean")
        return default if not text else text == "true"

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; Unanswerable when the client leaves, or stays silent for too long."""
        more = True
        while more:
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await self._receive()
            except TimeoutError as error:
                raise Unanswerable from error
            if message["type"] == "http.disconnect":
                raise Unanswerable
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]
        self.whole = True

    async def drain(self) -> None:
        """Read and drop what the route has left of the body, so that the connection can go on."""
        if not self.whole:
            async for _ in self.pieces():
                pass

    async def left(self) -> None:
        """Wait until the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def body(self, limit: int = JSON_LIMIT) -> bytes:
        """Return the whole body; OnedataError when it is larger than that."""
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > limit:
                raise OnedataError(413, "requestTooLarge", f"The body is larger than {limit} bytes.")
        return bytes(found)

    async def json(self, limit: int = JSON_LIMIT) -> Any:
        """Return the body as JSON; OnedataError when it is none, or nested too deeply."""
        try:
            found = json.loads(await self.body(limit))
        except (ValueError, RecursionError) as error:
            raise malformed() from error
        if _depth(found) > JSON_DEPTH:
            raise malformed("Provided JSON is nested too deeply.")
        return found

    async def options(self) -> dict[str, Any]:
        """Return the JSON object that the body may hold, empty when there is no body."""
        body = await self.body()
        if not body.strip():
            return {}
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise malformed() from error
        if not isinstance(found, dict):
            raise malformed()
        return found


def integer(key: str, value: Any, low: int = 0, high: int | None = None) -> int:
    """Read a number; OnedataError when it is none, or out of range."""
    text = str(value)
    if isinstance(value, bool) or not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
        raise bad("Integer", key, "is not an integer")
    if len(text) > 18:
        raise bad("TooHigh", key, "is too high", limit=high)
    number = int(text)
    if high is not None and not low <= number <= high:
        raise bad("NotInRange", key, f"must be between <{low}, {high}>", low=low, high=high)
    if number < low:
        raise bad("TooLow", key, f"must be at least {low}", limit=low)
    return number


def _depth(value: Any) -> int:
    """Return how deeply JSON is nested."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return depth
