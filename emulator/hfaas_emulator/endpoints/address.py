"""Which endpoint a request is for.

    /restapis/API/STAGE/_user_request_/PATH     as LocalStack has it
    /_aws/execute-api/API/STAGE/PATH            the stage may be left out where the API has a $default stage
    /_aws/lambda-url/ID/PATH
    Host: API.execute-api.*                     then the path is as on AWS
    Host: ID.lambda-url.*

Paths stay percent-encoded, as they were sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What serves an address; an API is a REST or an HTTP API, which its id alone does not tell."""

    API = "execute-api"
    URL = "lambda-url"


@dataclass(frozen=True, slots=True)
class Address:
    """An endpoint by kind and id, and the path behind it, which begins with a slash (an API's: with the stage)."""

    kind: Kind
    id: str
    path: str


HOST = re.compile(r"([a-z0-9]+)\.(execute-api|lambda-url)(?:\.[a-z0-9.-]*)?(?::\d+)?", re.IGNORECASE)
PATH = re.compile(r"/_aws/(execute-api|lambda-url)/([A-Za-z0-9]+)(/.*)?", re.DOTALL)
REST = re.compile(r"/restapis/([A-Za-z0-9]+)/([^/]+)/_user_request_(/.*)?", re.DOTALL)
OWN_SERVICES = ("", "execute-api", "lambda")
"""What requests to endpoints are signed for; others are for the service, whatever host and path say."""


def find(host: str, path: str, service: str) -> Address | None:
    """Return the endpoint that a request is for, by its host, its path and the service it is signed for."""
    if service not in OWN_SERVICES:
        return None
    if found := PATH.fullmatch(path):
        return Address(Kind(found[1]), found[2].lower(), found[3] or "/")
    if found := REST.fullmatch(path):
        return Address(Kind.API, found[1].lower(), f"/{found[2]}{found[3] or ''}")
    if found := HOST.fullmatch(host):
        return Address(Kind(found[2].lower()), found[1].lower(), path)
    return None
