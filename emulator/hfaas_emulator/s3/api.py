"""The front of S3: a body to disk on its way in, from disk on its way out, and moto in between.

    PUT      -> (bucket and permission checked) -> upload -> moto with an empty body -> rows, events, answer
    GET      -> moto, which answers with a lazy body -> the segments, streamed
    the rest -> moto

moto is asked on its own thread, in one command for each request, which is one transaction of the journal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from hfaas_emulator.errors import AwsError, StateError
from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.lambda_.lineage import Lineages
from hfaas_emulator.moto_services.bridge import Answer, Request
from hfaas_emulator.moto_services.thread import Moto
from hfaas_emulator.permissions import s3_deletions
from hfaas_emulator.permissions.guard import Bearer, Guard
from hfaas_emulator.s3.notifications import host_id, request_id
from hfaas_emulator.s3.request import Asked, Call
from hfaas_emulator.s3.store import INLINE, Blob, Store
from hfaas_emulator.s3.upload import Body, Disconnected, Receive, Upload, announced, receive_upload
from hfaas_emulator.trace import Trace
from hfaas_emulator.wire.errors import Protocol, render

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DOCUMENT = 16 << 20
"""The longest body of a request that carries no object: a policy, a list of keys to delete, a form."""

SERVICES = tuple(
    f"hfaas_emulator.moto_services.{name}"
    for name in ("s3", "s3_buckets", "s3_forms", "s3_multipart", "s3_notifications", "s3_destinations")
)
"""The modules with the patches that moto needs for all this."""


class S3:
    """Answers S3 requests; belongs to the event loop."""

    def __init__(
        self,
        moto: Moto,
        store: Store,
        trace: Trace,
        accept: Callable[[Invocation], None],
        lineages: Lineages | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard
        self._lineages = lineages or Lineages()
        self._moto = moto
        self._store = store
        self._trace = trace
        self._accept = accept

    def wire(self) -> None:
        """Connect moto's S3 with the store and the event loop; on the moto thread, before the first request."""
        from hfaas_emulator.moto_services import s3, s3_notifications

        outlet = s3_notifications.Outlet(self._trace.hop, self._accept, self._trace.run_of, self._lineages.of)
        s3.wire(self._store, s3_notifications.Notifier(outlet))

    def restore(self, journal: Journal) -> list[str]:
        """Bring objects and uploads back, on the moto thread, once buckets are there; return what was unreadable."""
        from hfaas_emulator.moto_services import s3_restore

        return s3_restore.restore(journal)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = Asked(scope, request_id())
        taken = await self._take(asked, scope, receive, send)
        if asked.is_upload and not taken:
            await self._moto.call(_tidy)

    async def _take(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer, and tell whether the request was granted."""
        try:
            answer = await self._answer(asked, receive)
        except Disconnected:
            return False
        except StateError as error:
            await _refuse(AwsError("InsufficientStorage", error.message, 507), asked.id, scope, receive, send)
            return False
        except AwsError as error:
            await _refuse(error, asked.id, scope, receive, send)
            return False
        await self._send(answer, asked.id, receive, send)
        return answer.status < 300

    async def _answer(self, asked: Asked, receive: Receive) -> Answer:
        asked.check_time(time.time())
        bearer = await self._bearer(asked)
        if not asked.is_upload:
            body = await _document(asked, receive)
            if bearer and asked.deletes_several:
                return await self._delete(asked, body, bearer)
            answer = await self._ask(asked.request(body), asked.call(None))
            if bearer and answer.status == 404 and self._guard:
                await self._guard.admit_missing(bearer, asked.asked())
            return answer
        length = announced(asked.headers)
        if length is None or length > INLINE:
            await self._moto.call(_check, asked.call(Upload(Blob())))
        upload = await receive_upload(asked.headers, receive, self._store)
        return await self._ask(asked.request(upload=upload), asked.call(upload))

    async def _bearer(self, asked: Asked) -> Bearer | None:
        """Return the role's session that asks, once it may; None for everybody else. AwsError."""
        if self._guard is None:
            return None
        bearer = await self._guard.bearer(asked.caller, asked.headers, asked.query, asked.source_ip)
        if bearer:
            await self._guard.admit_s3(bearer, asked.asked())
        return bearer

    async def _delete(self, asked: Asked, body: bytes, bearer: Bearer) -> Answer:
        """Delete those of several objects that a role may delete."""
        refused = (
            await self._guard.deletions(bearer, asked.asked(), s3_deletions.objects(body)) if self._guard else {}
        )
        allowed, errors = s3_deletions.without(body, refused)
        if not allowed:
            return Answer(200, ((b"content-type", b"application/xml"),), s3_deletions.answer(errors))
        answer = await self._ask(asked.request(allowed), asked.call(None))
        return replace(answer, body=s3_deletions.answer(errors, bytes(answer.body))) if errors else answer

    async def _ask(self, request: Request, call: Call) -> Answer:
        return await self._moto.call(_run, self._moto, request, call)

    async def _send(self, answer: Answer, id: str, receive: Receive, send: Send) -> None:
        blob: Blob = getattr(answer.body, "blob", None) or Blob.of(answer.body)
        headers = dict(answer.headers)
        if blob.size or b"content-length" not in headers:
            headers[b"content-length"] = str(blob.size).encode()
        headers.pop(b"x-amzn-requestid", None)  # moto's; ours is in the events too
        headers |= {b"x-amz-request-id": id.encode(), b"x-amz-id-2": host_id(id).encode(), b"server": b"AmazonS3"}
        await send({"type": "http.response.start", "status": answer.status, "headers": list(headers.items())})
        if blob.size > INLINE:
            await self._stream(blob, receive, send)
        else:
            await send({"type": "http.response.body", "body": blob.whole()})

    async def _stream(self, blob: Blob, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_gone(receive))
        try:
            async for piece in self._pieces(blob):
                if gone.done():
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _pieces(self, blob: Blob) -> AsyncIterator[bytes]:
        """Read on a thread; the next piece is read while the last one leaves."""
        loop = asyncio.get_running_loop()
        pieces = blob.read()
        ahead = loop.run_in_executor(self._store.pool, next, pieces, b"")
        try:
            while piece := await ahead:
                ahead = loop.run_in_executor(self._store.pool, next, pieces, b"")
                yield piece
        finally:
            await asyncio.wait([ahead])  # or the generator would be closed while a thread is in it
            pieces.close()


def _check(call: Call) -> None:
    from hfaas_emulator.moto_services import s3

    s3.check(call)


def _tidy() -> None:
    from hfaas_emulator.moto_services import s3  # imports moto

    s3.tidy()


def _run(moto: Moto, request: Request, call: Call) -> Answer:
    from hfaas_emulator.moto_services import s3

    return s3.answer(moto.answer, request, call)


async def _document(asked: Asked, receive: Receive) -> bytes:
    """Read a body that is no object."""
    body, data = Body(asked.headers, receive), bytearray()
    async for piece in body.pieces():
        data += piece
        if len(data) > DOCUMENT:
            raise AwsError("MaxMessageLengthExceeded", "Your request was too large.")
    return bytes(data)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(error: AwsError, id: str, scope: Scope, receive: Receive, send: Send) -> None:
    response = render(error, Protocol.S3, head=scope["method"] == "HEAD")
    response.headers["x-amz-request-id"] = id
    response.headers["x-amz-id-2"] = host_id(id)
    if any(name == b"expect" for name, _ in scope["headers"]):
        # The body that was announced may never come; what comes next would be taken for it.
        response.headers["connection"] = "close"
    await response(scope, receive, send)
