"""`/_hfaas/spaces`: spaces and tokens for the command line."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfaas_emulator.admin import Refusal
from hfaas_emulator.onedata.service import NoSpace, Onedata

PATH = "/_hfaas/spaces"
NAME_LIMIT = 128
SCOPES = ("full", "readonly")


async def handle(request: Request, onedata: Onedata) -> Response:
    """Answer a request about spaces; Refusal."""
    parts = request.url.path.removeprefix(PATH).strip("/").split("/")
    try:
        return await _route(request, onedata, [part for part in parts if part])
    except NoSpace as error:
        raise Refusal(404, f"there is no space {parts[0]!r}") from error


async def _route(request: Request, onedata: Onedata, parts: list[str]) -> Response:
    match request.method, parts:
        case "GET", []:
            return JSONResponse({"spaces": await onedata.spaces()})
        case "PUT", [name]:
            return JSONResponse(dict(await onedata.create(_checked(name), _quota(await _body(request)))))
        case "DELETE", [name]:
            await onedata.delete(name)
            return Response(status_code=204)
        case "GET", [name, "tokens"]:
            return JSONResponse({"tokens": await onedata.tokens(name)})
        case "DELETE", [name, "tokens", token]:
            if not await onedata.revoke(name, token):
                raise Refusal(404, f"the space {name!r} has no token {token!r}")
            return Response(status_code=204)
        case "POST", [name, "tokens"]:
            scope = (await _body(request)).get("scope", "full")
            if scope not in SCOPES:
                raise Refusal(400, "`scope` must be `full` or `readonly`")
            return JSONResponse({"token": await onedata.token(name, readonly=scope == "readonly")})
    raise Refusal(404, f"there is no {request.method} {request.url.path}")


async def _body(request: Request) -> dict[str, Any]:
    if not await request.body():
        return {}
    try:
        found = await request.json()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "the body is no JSON") from error
    if not isinstance(found, dict):
        raise Refusal(400, "the body must be an object")
    return found


def _quota(body: dict[str, Any]) -> int:
    quota = body.get("quota") or 0
    if not isinstance(quota, int) or quota < 0:
        raise Refusal(400, "`quota` must be a number of bytes")
    return quota


def _checked(name: str) -> str:
    """Refuse names that clients would take apart: they write `name@id`, and paths begin with the name."""
    hidden = name.startswith(".") or name != name.strip()
    if hidden or len(name) > NAME_LIMIT or any(char in "@/\\" or not char.isprintable() for char in name):
        raise Refusal(400, f"a space cannot be called {name!r}: no `@`, no slash, no dot at the begin")
    return name
