"""textual-serve's server for this machine only: a token in the path, no foreign host or origin, nothing external.

request -> host and origin -> token -> page | page.js | xterm's files | websocket -> Session
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from string import Template

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server, to_int

from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.web.session import Session

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
HTTP_PORT = 80
MOST = 8
"""Browsers at once: behind each there is a process."""

HEARTBEAT_S = 15.0
CLOSING_S = 2.0
CELLS = (1, 1000)
FONT_SIZES = (6, 48)
HERE = Path(__file__).parent
LOGGERS = ("textual-serve", "aiohttp", "asyncio")

HEADERS = {
    # xterm makes style elements of its own. The sandbox lets no link and no script open another page.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data:; connect-src 'self' {websockets}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-scripts allow-same-origin",
    "Referrer-Policy": "no-referrer",  # it would tell the token
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class LocalServer(Server):
    """Serves UIs to those who have its address."""

    def __init__(self, call: Sequence[str], listener: socket.socket, token: str) -> None:
        port = listener.getsockname()[1]
        super().__init__("hfaas-tui", HOST, port)
        self.statics_path = Path(self.statics_path)
        self._call = tuple(call)
        self._listener = listener
        self._token = token
        self._sessions: set[Session] = set()
        self._hosts = {f"{name}:{port}" for name in NAMES} | ({*NAMES} if port == HTTP_PORT else set())
        self._origins = {f"http://{host}" for host in self._hosts}
        self._end = asyncio.Event()
        sockets = " ".join(sorted(f"ws://{host}" for host in self._hosts))
        self._headers = {name: value.replace("{websockets}", sockets) for name, value in HEADERS.items()}

    @property
    def address(self) -> str:
        """Return where a browser finds it, the secret included."""
        return f"http://{HOST}:{self.port}/{self._token}/"

    def initialize_logging(self) -> None:
        """Log what goes wrong in one line: textual-serve's own handler prints local variables."""
        handler = _Brief(self._token)
        for name in LOGGERS:
            logger = logging.getLogger(name)
            logger.handlers = [handler]
            logger.propagate = False
            logger.setLevel(logging.WARNING)

    async def run(self) -> None:
        """Serve until a signal or `request_exit`, then end all UIs."""
        self.initialize_logging()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with suppress(RuntimeError, ValueError):  # tests run it aside
                loop.add_signal_handler(number, self.request_exit)
        runner = web.AppRunner(await self._make_app(), access_log=None, shutdown_timeout=CLOSING_S)
        try:
            await runner.setup()
            await web.SockSite(runner, self._listener).start()
            await self._end.wait()
        finally:
            await runner.cleanup()
            self._listener.close()

    def request_exit(self) -> None:
        """Have `run` end."""
        self._end.set()

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        below = f"/{self._token}"
        app.add_routes(
            [
                web.get(f"{below}/", self.handle_index),
                web.get(f"{below}/page.js", _script),
                web.get(f"{below}/ws", self.handle_websocket),
                web.static(f"{below}/static", self.statics_path, show_index=False),
            ]
        )
        app.on_response_prepare.append(self._add_headers)
        app.on_shutdown.append(self.on_shutdown)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other names for this machine, which a foreign page can make, and all other pages."""
        origin = request.headers.get("Origin")
        is_ours = origin in self._origins or (origin is None and "Upgrade" not in request.headers)
        if request.headers.get("Host") not in self._hosts or not is_ours:
            raise web.HTTPForbidden(text="403: this is served to pages of its own address only\n")
        token = request.path.split("/")[1] if request.path.startswith("/") else ""
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            raise web.HTTPNotFound
        return await handler(request)

    async def _add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers)

    async def handle_index(self, request: web.Request) -> web.Response:
        """Serve the page; what it loads it names relative to itself."""
        page = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
            websocket=f"ws://{request.host}/{self._token}/ws",
            size=_within(request.query.get("fontsize", ""), 16, FONT_SIZES),
        )
        return web.Response(text=page, content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Start a UI for a browser, and end it when the browser goes."""
        if len(self._sessions) >= MOST:
            raise web.HTTPServiceUnavailable(text=f"{MOST} browsers are served already: close one\n")
        websocket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, timeout=CLOSING_S)
        session = Session(self._call, websocket)
        self._sessions.add(session)
        try:
            await websocket.prepare(request)
            width, height = (_within(request.query.get(name, ""), 80, CELLS) for name in ("width", "height"))
            await session.start(width, height)
            await self._process_messages(websocket, session)
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
            logging.getLogger("textual-serve").warning("a browser said what is no part of the protocol")
            await websocket.close()
        finally:
            await session.stop()
            self._sessions.discard(session)
        return websocket

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002
        """End the UIs, all at the same time; that closes their websockets."""
        await asyncio.gather(*(session.stop() for session in list(self._sessions)))


class _Brief(logging.Handler):
    """Says what went wrong and of which kind it was, not where; never the token."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        text = record.getMessage().replace(self._token, "…") + (f" ({kind.__name__})" if kind else "")
        sys.stderr.write(f"{record.levelname.lower()}: {clean(text)}\n")


async def _script(_request: web.Request) -> web.Response:
    text = (HERE / "page.js").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="text/javascript")


def _within(text: str, usual: int, limits: tuple[int, int]) -> int:
    return min(max(to_int(text, usual), limits[0]), limits[1])
