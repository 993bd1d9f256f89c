"""The stream of a space's changes: one JSON object a line, for as long as somebody reads.

The documents of a space are read by their numbers. Each stands for one event, if the subscriber asked for its kind; a
document that changed again has a higher number, and its older event is gone. An `always` section of a document that
does not exist loses the whole event, as it does in Oneprovider.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hfaas_emulator.edge import Receive, Scope, Send
from hfaas_emulator.onedata import ids
from hfaas_emulator.onedata.answers import dumped
from hfaas_emulator.onedata.errors import OnedataError, bad, forbidden, not_found, unauthorized
from hfaas_emulator.onedata.node import Doc, Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import Asked, integer
from hfaas_emulator.onedata.routes import Route

BATCH = 500
"""Documents that are read at once."""

STREAMS = 64
"""Streams of one token."""

FIELDS: Mapping[Doc, tuple[str, ...]] = {
    Doc.META: ("name", "type", "mode", "owner", "provider_id", "shares", "deleted"),
    Doc.LOCATION: ("provider_id", "storage_id", "size", "space_id", "storage_file_created"),
    Doc.TIMES: ("atime", "mtime", "ctime"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """What a subscriber wants to know of one kind of document."""

    kind: Doc
    fields: tuple[str, ...]
    always: bool
    exists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents make an event, and what is told with it."""

    triggers: frozenset[Doc]
    sections: tuple[Section, ...]


def wanted(body: Any) -> Wanted:
    """Read the specification of a stream; OnedataError in Oneprovider's words."""
    if not isinstance(body, dict):
        raise bad("JSON", "changesSpecification", "is not a JSON object")
    kinds = {key: value for key, value in body.items() if key != "triggers"}
    if not kinds:
        raise bad("Empty", "changesSpecification", "must not be empty")
    sections = tuple(_section(key, value) for key, value in kinds.items())
    return Wanted(_triggers(body.get("triggers"), sections), sections)


def _triggers(listed: Any, sections: tuple[Section, ...]) -> frozenset[Doc]:
    if listed is None:
        return frozenset(each.kind for each in sections)
    _strings("triggers", listed)
    allowed = [str(kind) for kind in Doc]
    if set(listed) - set(allowed):
        raise bad("NotAllowed", "triggers", f"must be among: {', '.join(allowed)}", allowed=allowed)
    return frozenset(Doc(each) for each in listed)


def _section(key: str, value: Any) -> Section:
    if key not in set(Doc):
        raise OnedataError(400, "badData", f'Bad value: provided "{key}" is not a valid document type.', key=key)
    if not isinstance(value, dict):
        raise bad("JSON", key, "is not a JSON object")
    kind = Doc(key)
    fields, exists, always = value.get("fields", []), value.get("exists", []), value.get("always", False)
    _strings(f"{key}.fields", fields)
    _strings(f"{key}.exists", exists)
    if not isinstance(always, bool):
        raise bad("Boolean", f"{key}.always", "is not a boolean")
    if kind in FIELDS and set(fields) - set(FIELDS[kind]):
        allowed = list(FIELDS[kind])
        raise bad("NotAllowed", f"{key}.fields", f"must be among: {', '.join(allowed)}", allowed=allowed)
    return Section(kind, tuple(fields), always, tuple(exists))


def _strings(key: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise bad("ListOfStrings", key, "is not a list of strings")


@dataclass(frozen=True, slots=True)
class Changed:
    """One document as the stream reads it."""

    seq: int
    uuid: str
    kind: Doc
    rev: int
    deleted: bool
    body: str
    at: float


class Missing(Exception):
    """A document that must always be told of does not exist: the event is lost."""


class Teller:
    """Makes events of documents; on the store's thread."""

    def __init__(self, provider: Provider, space: str, wanted: Wanted) -> None:
        self._provider = provider
        self._store = provider.records.store
        self._space = space
        self._wanted = wanted

    def read(self, seq: int, until: float) -> tuple[int, list[bytes], float | None]:
        """Return the number read up to, events as lines, and when the next document will have been flushed."""
        rows = self._store.query(
            "SELECT seq, uuid, kind, rev, deleted, body, at FROM doc WHERE space = ? AND seq >= ? "
            "ORDER BY seq LIMIT ?",
            *(self._space, seq, BATCH),
        )
        lines: list[bytes] = []
        for row in rows:
            changed = Changed(row[0], row[1], Doc(row[2]), row[3], bool(row[4]), row[5], row[6])
            if changed.at > until:
                return seq, lines, changed.at
            seq = changed.seq + 1
            if changed.kind in self._wanted.triggers and (event := self._event(changed)):
                lines.append(dumped(event) + b"\r\n")
        return seq, lines, None

    def _event(self, changed: Changed) -> dict[str, Any] | None:
        node = self._store.node(changed.uuid)
        try:
            found = [(each, self._told(each, changed, node)) for each in self._wanted.sections]
        except Missing:
            return None
        sections = {str(each.kind): told for each, told in found if told}
        if not sections:
            return None
        path = self._provider.records.tree.path(node) if node else ""
        return {
            "fileId": ids.file_id(changed.uuid, self._space),
            "filePath": path,
            "seq": changed.seq,
            **sections,
        }

    def _told(self, section: Section, changed: Changed, node: Node | None) -> dict[str, Any] | None:
        own = section.kind is changed.kind
        if not own and not section.always:
            return None
        rev = changed.rev if own else self._store.rev(changed.uuid, section.kind)
        if rev is None:
            raise Missing
        deleted = own and changed.deleted
        told = {
            "rev": f"{rev}-{hashlib.md5(f'{changed.uuid}{rev}'.encode(), usedforsecurity=False).hexdigest()}",
            "mutators": [self._provider.id],
            "changed": own,
            "deleted": deleted,
            "fields": _last(section, changed) if deleted else self._fields(section, node),
        }
        if section.exists:
            custom = self._store.custom(changed.uuid)
            told["exists"] = {name: name in custom for name in section.exists}
        return told

    def _fields(self, section: Section, node: Node | None) -> dict[str, Any]:
        if node is None:
            raise Missing
        values: Mapping[str, Any]
        match section.kind:
            case Doc.META:
                values = {
                    "name": node.name,
                    "type": str(node.kind),
                    "mode": node.mode,
                    "owner": self._provider.user,
                    "provider_id": self._provider.id,
                    "shares": [],
                    "deleted": False,
                }
            case Doc.LOCATION:
                values = {
                    "provider_id": self._provider.id,
                    "storage_id": self._provider.id,
                    "size": node.size,
                    "space_id": node.space,
                    "storage_file_created": bool(node.blob),
                }
            case Doc.TIMES:
                values = {"atime": node.atime, "mtime": node.mtime, "ctime": node.ctime}
            case _:
                values = self._store.custom(node.uuid)
        return {name: values.get(name) for name in section.fields}


def _last(section: Section, changed: Changed) -> dict[str, Any]:
    """Return what is still known of a deleted document."""
    values = {"name": changed.body, "deleted": True} if section.kind is Doc.META else {}
    return {name: values.get(name) for name in section.fields}


async def stream(provider: Provider, asked: Asked) -> Response:
    """Answer a space's changes as they come."""
    spec = wanted(await asked.json())
    space = await provider.records(provider.records.store.space, asked.parts["sid"])
    if asked.grant.readonly:
        raise unauthorized("tokenCaveatUnverified")
    if space is None:
        raise forbidden() if asked.grant.spaces is not None else not_found()
    asked.grant.check(space.id)
    last = asked.value("last_seq", "now")
    seq = space.seq + 1 if last == "now" else integer("last_seq", last)
    timeout = asked.value("timeout", "infinity")
    silence = None if timeout == "infinity" else integer("timeout", timeout, 1) / 1000
    return Stream(provider, asked, Teller(provider, space.id, spec), space.id, seq, silence)


class Stream(Response):
    """The answer that goes on until `silence_s` pass without an event, or the client leaves."""

    def __init__(
        self, provider: Provider, asked: Asked, teller: Teller, space: str, seq: int, silence_s: float | None
    ) -> None:
        super().__init__()
        self._provider = provider
        self._asked = asked
        self._teller = teller
        self._space = space
        self._seq = seq
        self._silence_s = silence_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        with _counted(self._provider.streams, self._asked.grant.id):
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            gone = asyncio.create_task(self._asked.left())
            try:
                async for lines in self._lines(gone):
                    await send({"type": "http.response.body", "body": lines, "more_body": True})
            finally:
                gone.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _lines(self, gone: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """Yield events; ends when the client is gone, or nothing came for too long."""
        loop = asyncio.get_running_loop()
        silent_since = loop.time()
        while not gone.done():
            changed = self._provider.watched.next(self._space)
            # Before the look: what came until the silence is over is told, however long the look takes.
            left = None if self._silence_s is None else silent_since + self._silence_s - loop.time()
            until = self._flushed()
            before = self._seq
            self._seq, lines, next_at = await self._provider.records(self._teller.read, self._seq, until)
            if lines:
                silent_since = loop.time()
                yield b"".join(lines)
            if self._seq != before:
                continue
            if left is not None and left <= 0:
                return
            wait = left if next_at is None else min(left or 3600, max(next_at - until, 0.01))
            await _first(changed, gone, wait)

    def _flushed(self) -> float:
        """Return until when changes have been flushed; all of them, whatever the clock says, when that takes no time."""
        if not any(self._provider.flush_s):
            return math.inf
        lag = random.uniform(*self._provider.flush_s)  # noqa: S311 - no secret
        return self._provider.records.store.now() - lag


async def _first(changed: asyncio.Event, gone: asyncio.Task[None], timeout: float | None) -> None:
    """Wait until something changes, the client is gone, or the time is over."""
    waiting = asyncio.create_task(changed.wait())
    try:
        await asyncio.wait([waiting, gone], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


@contextmanager
def _counted(streams: dict[str, int], token: str) -> Iterator[None]:
    if streams.get(token, 0) >= STREAMS:
        raise OnedataError(503, "temporaryFailure", f"A token may read {STREAMS} streams at once.")
    streams[token] = streams.get(token, 0) + 1
    try:
        yield
    finally:
        streams[token] -= 1


ROUTES = (Route("POST", "changes/metadata/{sid}", stream),)
