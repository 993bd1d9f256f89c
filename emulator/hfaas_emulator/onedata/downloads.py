"""Sends the bytes of files: whole, in part, or in several parts, and a piece at a time."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.responses import Response

from hfaas_emulator.edge import Receive, Scope, Send
from hfaas_emulator.onedata import ranges
from hfaas_emulator.onedata.content import PIECE, Reader
from hfaas_emulator.onedata.node import Node
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import Asked

BINARY = "application/octet-stream"
TRIES = 5
"""Looks at a file whose bytes are replaced at the same time."""

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(;[ -~]{0,200})?")


def safe_type(kind: str) -> str:
    """Return a media type that may go into a header."""
    return kind if _TYPE.fullmatch(kind) else BINARY


def disposition(name: str) -> str:
    """Return the `Content-Disposition` of a file; its name may hold anything."""
    safe = "".join(char if " " <= char <= "~" and char not in '"\\' else "_" for char in name)
    return f'attachment; filename="{safe}"'


@asynccontextmanager
async def opened(provider: Provider, node: Node) -> AsyncIterator[tuple[Node, Reader | None]]:
    """Open a file's bytes; None when it has none."""
    reader = None
    for _ in range(TRIES):
        try:
            reader = await provider.content.open(node.blob) if node.size else None
            break
        except FileNotFoundError:  # written anew since it was looked up
            node = await provider.records(provider.records.tree.get, node.uuid)
    try:
        yield node, reader
    finally:
        if reader:
            reader.close()


class Download(Response):
    """The answer to a GET of a file's bytes."""

    def __init__(self, provider: Provider, asked: Asked, node: Node, kind: str) -> None:
        super().__init__()
        self._provider = provider
        self._asked = asked
        self._node = node
        self._kind = safe_type(kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        async with opened(self._provider, self._node) as (node, reader):
            if node.size and reader is None:
                raise FileNotFoundError(node.uuid)
            await self._send(node, reader, send)

    async def _send(self, node: Node, reader: Reader | None, send: Send) -> None:
        header = self._asked.headers.get("range", "")
        try:
            wanted = ranges.read(header, node.size) if header else []
        except ranges.Unsatisfiable:
            await _answer(send, 416, [("content-range", f"bytes */{node.size}"), ("content-length", "0")], b"")
            return
        headers = [("accept-ranges", "bytes"), ("content-disposition", disposition(node.name))]
        if len(wanted) > 1:
            await self._several(node, reader, wanted, headers, send)
            return
        start, stop = wanted[0] if wanted else (0, node.size)
        if wanted:
            headers.append(("content-range", f"bytes {start}-{stop - 1}/{node.size}"))
        headers += [("content-type", self._kind), ("content-length", str(stop - start))]
        await _start(send, 206 if wanted else 200, headers)
        await self._bytes(reader, start, stop, send)
        await _end(send)

    async def _several(
        self,
        node: Node,
        reader: Reader | None,
        wanted: Sequence[tuple[int, int]],
        headers: list[tuple[str, str]],
        send: Send,
    ) -> None:
        boundary = secrets.token_hex(16)
        headers.append(("content-type", f"multipart/byteranges; boundary={boundary}"))
        await _start(send, 206, headers)
        for start, stop in wanted:
            part = f"content-type: {self._kind}\r\ncontent-range: bytes {start}-{stop - 1}/{node.size}\r\n"
            await _piece(send, f"\r\n--{boundary}\r\n{part}\r\n".encode())
            await self._bytes(reader, start, stop, send)
        await _piece(send, f"\r\n--{boundary}--\r\n".encode())
        await _end(send)

    async def _bytes(self, reader: Reader | None, start: int, stop: int, send: Send) -> None:
        if reader is None or self._asked.method == "HEAD":
            return
        async for piece in reader.pieces(start, stop, PIECE):
            await _piece(send, piece)


async def _answer(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    await _start(send, status, headers)
    await _piece(send, body)
    await _end(send)


async def _start(send: Send, status: int, headers: list[tuple[str, str]]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})
    await asyncio.sleep(0)  # others' turn: the socket's buffer may never be full


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})
