"""A proxy that ends TLS, counts requests and passes them on; one for each client whose requests are counted."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme

PIECE = 1 << 16
HEAD_LIMIT = 1 << 20
GONE = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)


class Authority:
    """A certificate authority for this run; `file` holds its certificate."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "bench-ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self) -> ssl.SSLContext:
        """Return what a server on this machine needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context


class Proxy:
    """Forwards to one host; `requests` counts them, `last` is when the latest came."""

    def __init__(self, target: str, trust: ssl.SSLContext, certificate: ssl.SSLContext) -> None:
        self.requests = 0
        self.last = time.perf_counter()
        self.host = ""
        self._target = target.rpartition(":")
        self._trust = trust
        self._certificate = certificate

    async def open(self) -> None:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._certificate, limit=HEAD_LIMIT)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        host, _, port = self._target
        with suppress(*GONE):
            server, requests = await asyncio.open_connection(host, int(port), ssl=self._trust)
            back = asyncio.create_task(self._back(server, answers))
            try:
                await self._forth(client, requests)
            finally:
                back.cancel()
                requests.transport.abort()
                answers.transport.abort()

    async def _forth(self, client: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
        while True:
            head = await client.readuntil(b"\r\n\r\n")
            self.requests += 1
            self.last = time.perf_counter()
            requests.write(head + await client.readexactly(length(head)))
            await requests.drain()

    async def _back(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with suppress(*GONE):
            while piece := await server.read(PIECE):
                answers.write(piece)
                await answers.drain()
        answers.close()


def length(head: bytes) -> int:
    """Return how long the body behind a request's head is."""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if line)
    if b"transfer-encoding" in fields:
        raise SystemExit("a request in chunks: this proxy cannot tell where it ends")
    return int(fields.get(b"content-length", b"0"))


@contextmanager
def proxies(target: str, ca: str, authority: Authority, count: int) -> Iterator[list[Proxy]]:
    """Run proxies to one host on a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = [Proxy(target, ssl.create_default_context(cafile=ca), authority.server()) for _ in range(count)]
    for each in made:
        asyncio.run_coroutine_threadsafe(each.open(), loop).result(10)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _end() -> None:
    """Break off whatever is still passing."""
    passing = asyncio.all_tasks() - {asyncio.current_task()}
    for each in passing:
        each.cancel()
    await asyncio.gather(*passing, return_exceptions=True)
