"""Ports: bound, and served by uvicorn, in the clear or with TLS."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from hfaas_emulator.edge import Asgi
from hfaas_emulator.errors import EmulatorError

LOOPBACK = "127.0.0.1"

GRACE_S = 1
"""Seconds that open requests have when the emulator stops."""

logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # the applications say themselves what goes wrong


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a bound socket; EmulatorError when the address is taken."""
    # With the protocol named, asyncio and uvloop set TCP_NODELAY; without, every request takes 44 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise EmulatorError(
            f"port {port} on {host} cannot be opened: {why}",
            f"choose another with {option} (0 takes a free one), or stop what listens there",
        ) from error
    return listener


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves signals alone: one place decides when to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    def abort(self) -> None:
        """Cut the connections whose other end does not close them: TLS would wait half a minute."""
        for connection in tuple(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    application: Asgi, listener: socket.socket, certificate: Path | None = None
) -> AsyncIterator[None]:
    """Serve a bound socket; a certificate, with its key in the same file, makes it TLS."""
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=1_000,
        ssl_certfile=certificate,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.up.wait()
        yield
    finally:
        server.should_exit = True
        await task
        server.abort()
