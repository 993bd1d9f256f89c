"""Cross-origin rules of HTTP APIs and function URLs.

They decide between pages of this machine. Pages of other machines never come this far: the edge refuses them by their
`Origin`, whatever an API allows, because a public endpoint here is public to this machine only.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from hfaas_emulator.endpoints.answers import Reply
from hfaas_emulator.endpoints.call import Call, Pairs
from hfaas_emulator.endpoints.records import Cors


def preflight(cors: Cors | None, call: Call, status: int) -> Reply | None:
    """Answer a browser that asks what it may do; None when this is no such question, or nobody configured an answer."""
    if cors is None or call.method != "OPTIONS" or not call.header("origin"):
        return None
    if not call.header("access-control-request-method"):
        return None
    return Reply(status, (*_allowed(cors, call), *_offered(cors, call)))


def decorated(cors: Cors | None, call: Call, reply: Reply) -> Reply:
    """Add what a browser must know to an answer; what the function says of it itself is dropped, as on AWS."""
    if cors is None:
        return reply
    own = tuple(each for each in reply.headers if not each[0].startswith("access-control-"))
    exposed: Pairs = (("access-control-expose-headers", ",".join(cors.expose)),) if cors.expose else ()
    allowed = _allowed(cors, call)
    return replace(reply, headers=(*own, *allowed, *(exposed if allowed else ())))


def _allowed(cors: Cors, call: Call) -> Pairs:
    origin = call.header("origin")
    if not origin or not any(fnmatchcase(origin.lower(), each.lower()) for each in cors.origins):
        return ()
    anybody = "*" in cors.origins and not cors.credentials
    headers: Pairs = (("access-control-allow-origin", "*" if anybody else origin),)
    if not anybody:
        headers += (("vary", "Origin"),)
    return (*headers, ("access-control-allow-credentials", "true")) if cors.credentials else headers


def _offered(cors: Cors, call: Call) -> Pairs:
    if not _allowed(cors, call):
        return ()
    offers = {
        "access-control-allow-methods": ",".join(cors.methods),
        "access-control-allow-headers": ",".join(cors.headers),
        "access-control-max-age": "" if cors.max_age is None else str(cors.max_age),
    }
    return tuple((name, value) for name, value in offers.items() if value)
