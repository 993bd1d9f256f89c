"""Who asks, and which service: read from the SigV4 credential scope, the way every AWS client sends it.

    Authorization: AWS4-HMAC-SHA256 Credential=<access key>/<date>/<region>/<service>/aws4_request, ...

A presigned URL carries the same in `X-Amz-Credential`. The host name is never looked at: one port serves all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from hfaas_emulator.account import ACCOUNT, REGION

SCOPE = re.compile(r"Credential=([^/,\s&]+)/[0-9]{8}/([^/,\s&]+)/([A-Za-z0-9.-]+)/aws4_request", re.IGNORECASE)
ACCOUNT_ID = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The credentials' access key, the account it stands for, and the region and service that were signed."""

    access_key: str
    account: str
    region: str
    service: str


@dataclass(slots=True)
class _Connected:
    issuer: Callable[[str], str] = lambda _: ""


_connected = _Connected()


def connect(issuer: Callable[[str], str]) -> None:
    """Say who knows the account that issued an access key; of others it returns nothing. It is asked on any thread."""
    _connected.issuer = issuer


ANONYMOUS = Caller("", ACCOUNT, REGION, "")


def caller(headers: Mapping[str, str], query: str = "") -> Caller:
    """Return who sent a request; `service` is empty when it is unsigned."""
    authorization = headers.get("authorization", "")
    found = SCOPE.search(authorization)
    if found is None and "X-Amz-Credential" in query:
        found = SCOPE.search(unquote(query))
    if found is None:
        return ANONYMOUS
    access_key, region, service = found.groups()
    return Caller(access_key, account_of(access_key), region, service.lower())


def account_of(access_key: str) -> str:
    """Return the account of an access key: LocalStack's rule that twelve digits are it, else the one that issued it."""
    return access_key if ACCOUNT_ID.fullmatch(access_key) else _connected.issuer(access_key) or ACCOUNT
