"""State in one S3 object, for a OneTrigger that runs now and then: read once, written only if nobody else wrote it.

It is claimed by a write before the first event is sent. So of two pollers that overlap only one sends events; the
other one meets a new ETag and stops.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from hfaas_supervisor import signed
from hfaas_supervisor.errors import ConfigError, InputDenied
from hfaas_supervisor.keys import role_keys
from hfaas_supervisor.onetrigger.errors import StateTaken
from hfaas_supervisor.onetrigger.state import Dead, Identity, Pending, Seen
from hfaas_supervisor.onetrigger.wire import Answer, Line, connector

VERSION = 1
EVERY_S = 5.0
"""While events are sent the state is written this often: what was sent since is sent again after a crash."""

TRIES = 3
PAUSE_S = 0.2
CHANGED = (404, 409, 412)
"""S3's answers to a write whose condition does not hold: deleted, being written, written by somebody else."""


class StateObject:
    """The object, in memory; `save` writes it."""

    def __init__(self, url: str, region: str, context: Callable[[], Any]) -> None:
        self.url = url
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
            raise ConfigError(f"the state {url!r} must be s3://BUCKET/KEY")
        self._region = region
        endpoint = signed.endpoint("s3", region)
        self._host = endpoint.netloc
        self._path = f"{endpoint.path.rstrip('/')}/{parts.netloc}{parts.path}"
        self._line = Line(connector(endpoint, context))
        self._clear()
        try:
            self._etag = self._read()
        except BaseException:
            self._line.close()
            raise
        self._changed = self._claimed = self._broken = False
        self._written = time.monotonic()

    def _clear(self) -> None:
        self._identity: Identity | None = None
        self._cursor: int | None = None
        self._pending: dict[str, Pending] = {}
        self._seen: dict[str, Seen] = {}
        self._dead: dict[str, Dead] = {}

    @property
    def identity(self) -> Identity | None:
        return self._identity

    @property
    def cursor(self) -> int | None:
        return self._cursor

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._broken = True  # half a transaction must never be written
        yield
        self._broken, self._changed = False, True

    def void(self) -> None:
        self._clear()

    def belong(self, identity: Identity) -> None:
        self._identity = identity

    def move(self, cursor: int) -> None:
        self._cursor = cursor

    def put(self, row: Pending) -> None:
        self._pending[row.id] = row

    def waiting(self, id: str) -> Pending | None:
        return self._pending.get(id)

    def drop(self, id: str) -> None:
        self._pending.pop(id, None)

    def due(self, now: float, limit: int) -> list[Pending]:
        return sorted((row for row in self._pending.values() if row.due <= now), key=lambda row: row.due)[:limit]

    def next_due(self) -> float | None:
        return min((row.due for row in self._pending.values()), default=None)

    def pending(self) -> int:
        return len(self._pending)

    def see(self, files: Iterable[Seen]) -> None:
        self._seen.update((file.id, file) for file in files)

    def seen(self, id: str) -> Seen | None:
        return self._seen.get(id)

    def forget(self, id: str) -> None:
        self._seen.pop(id, None)

    def bury(self, dead: Dead) -> None:
        self._dead[dead.id] = dead

    def dead(self) -> list[Dead]:
        return sorted(self._dead.values(), key=lambda dead: dead.at)

    def exhume(self, id: str) -> None:
        self._dead.pop(id, None)

    def claim(self) -> None:
        if not self._claimed or time.monotonic() - self._written >= EVERY_S:
            self._write()

    def save(self) -> None:
        if self._changed and not self._broken:
            self._write()

    def close(self) -> None:
        self._line.close()

    def _read(self) -> str:
        answer = self._ask("GET", b"", {})
        if answer.status == 404:
            return ""
        if answer.status != 200:
            raise InputDenied(f"the state {self.url} cannot be read: S3 answered {answer.status}")
        try:
            self._load(json.loads(zlib.decompress(answer.body)))
        except (ValueError, zlib.error, KeyError, TypeError):
            raise ConfigError(f"{self.url} is not the state of a OneTrigger of this version") from None
        return str(answer.headers["ETag"])

    def _load(self, document: Mapping[str, Any]) -> None:
        if document["version"] != VERSION:
            raise ValueError(document["version"])
        self._identity = Identity(*document["identity"]) if document["identity"] else None
        self._cursor = document["cursor"]
        self._pending = {row[0]: Pending(*row) for row in document["pending"]}
        self._seen = {row[0]: Seen(*row) for row in document["seen"]}
        self._dead = {row[0]: Dead(*row) for row in document["dead"]}

    def _document(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "identity": self._identity,
            "cursor": self._cursor,
            "pending": list(self._pending.values()),
            "seen": list(self._seen.values()),
            "dead": list(self._dead.values()),
        }

    def _write(self) -> None:
        condition = {"if-match": self._etag} if self._etag else {"if-none-match": "*"}
        answer = self._ask("PUT", zlib.compress(json.dumps(self._document()).encode(), 1), condition)
        if answer.status in CHANGED:
            raise StateTaken(f"another OneTrigger works with the state {self.url}; this one stops")
        if answer.status != 200:
            raise InputDenied(f"the state {self.url} cannot be written: S3 answered {answer.status}")
        self._etag = str(answer.headers["ETag"])
        self._changed, self._claimed = False, True
        self._written = time.monotonic()

    def _ask(self, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        problem = ""
        for number in range(TRIES):
            if number:
                time.sleep(PAUSE_S * 2**number * (0.5 + os.urandom(1)[0] / 512))
            try:
                answer = self._line.ask(
                    method, signed.encoded(self._path), body or None, self._signed(method, body, headers)
                )
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
                continue
            if answer.status < 500 and answer.status != 429:
                return answer
            problem = f"S3 answered {answer.status}"
        raise InputDenied(f"the state {self.url} cannot be reached: {problem}")

    def _signed(self, method: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        request = signed.Request(method, self._host, self._path, headers)
        digest = hashlib.sha256(body).hexdigest()
        return signed.sign(request, digest, ("s3", self._region), role_keys(), time.time())
