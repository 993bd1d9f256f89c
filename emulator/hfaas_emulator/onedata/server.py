"""The ASGI application: who asks, for which route, and what the client hears when it goes wrong."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from starlette.responses import Response

from hfaas_emulator.edge import Receive, Scope, Send
from hfaas_emulator.onedata import cdmi, changes, data, legacy, metadata, oneprovider, onezone
from hfaas_emulator.onedata.errors import OnedataError, Redirect, Unanswerable, failed
from hfaas_emulator.onedata.provider import Provider
from hfaas_emulator.onedata.request import Asked
from hfaas_emulator.onedata.routes import Route, find

_PREFIXES = {
    "api/v3/oneprovider/": (oneprovider, data, metadata, changes, legacy),
    "api/v3/onezone/": (onezone,),
    "": (cdmi,),
}
_CORS = [(b"access-control-allow-origin", b"*")]

log = logging.getLogger("hfaas.onedata")


def _routes() -> tuple[Route, ...]:
    return tuple(
        Route(route.method, prefix + route.pattern, route.answer, route.public)
        for prefix, modules in _PREFIXES.items()
        for module in modules
        for route in module.ROUTES
    )


class Server:
    """Answers Oneprovider, Onezone and CDMI."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._routes = _routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = False

        async def tracked(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *_CORS]
            await send(message)

        asked: Asked | None = None
        try:
            asked = Asked(scope, receive)
            response = await self._answer(asked)
            await response(scope, receive, tracked)
        except Unanswerable:
            await self._give_up(started, scope, receive, tracked)
        except Exception as error:
            if started:
                raise  # the server cuts the connection: half an answer must not look whole
            await self._refuse(error, asked, scope, receive, tracked)

    async def _answer(self, asked: Asked) -> Response:
        head = asked.method == "HEAD"
        if asked.method == "OPTIONS":
            return _preflight()
        asked.method = "GET" if head else asked.method
        route = find(self._routes, asked)
        asked.method = "HEAD" if head else asked.method
        if not route.public:
            asked.grant = self._provider.tokens.of(asked.headers)
        return await route.answer(self._provider, asked)

    async def _refuse(
        self, error: Exception, asked: Asked | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a refusal, after what the client still sends: it may only listen when it has sent all."""
        if isinstance(error, Redirect):
            headers = {"location": error.location, "cache-control": "max-age=3600"}
            response = Response(status_code=302, headers=headers)
        elif isinstance(error, OnedataError):
            response = error.response()
        else:
            log.error("%s failed", scope["method"], exc_info=error)
            response = failed(error).response()
        try:
            if asked:
                await asked.drain()
        except Unanswerable:
            return
        await response(scope, receive, send)

    async def _give_up(self, started: bool, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whoever may still be there, and close the connection: nothing on it makes sense any more."""
        if not started:
            await Response(status_code=408, headers={"connection": "close"})(scope, receive, send)


def _preflight() -> Response:
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET, POST, PUT, DELETE, HEAD, OPTIONS",
            "access-control-allow-headers": "*",
        },
    )
