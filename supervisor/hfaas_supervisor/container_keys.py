"""The role's keys from the address that ECS gives its containers; for what obstore does not fetch itself."""

from __future__ import annotations

import calendar
import http.client
import json
import os
import time
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

from hfaas_supervisor import signed
from hfaas_supervisor.errors import ProviderAuth
from hfaas_supervisor.keys import FULL, RELATIVE, Keys

HOST = "http://169.254.170.2"
TIMEOUT_S = 5
TRIES = 3
PAUSE_S = 0.5
"""Between tries; the agent refuses more than so many requests in a second, of all containers of its machine."""

EARLY_S = 300
"""Keys are asked for anew this long before they expire."""


class Lent(NamedTuple):
    """Keys and when they expire, in Unix time."""

    keys: Keys
    expires: float


_lent: Lent | None = None


def lent() -> Lent:
    """Return the container's keys, asked for again when they are about to expire."""
    global _lent  # noqa: PLW0603 - they are the same for the whole process
    if _lent is None or time.time() > _lent.expires - EARLY_S:
        _lent = _ask()
    return _lent


def _ask() -> Lent:
    relative = os.environ.get(RELATIVE)
    url = f"{HOST}{relative}" if relative else os.environ.get(FULL, "")
    problem: Exception | None = None
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_S)
        try:
            return _read(json.loads(_get(url)))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            problem = error
    raise ProviderAuth(f"the container's credentials cannot be had from {url}: {problem!r}")


def _get(url: str) -> bytes:
    parts = urlsplit(url)
    headers = {"Authorization": token} if (token := _token()) else {}
    with closing(signed.connection(parts.netloc, TIMEOUT_S, tls=parts.scheme == "https")) as connection:
        connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != 200:
        raise ValueError(f"HTTP {answer.status} {answer.reason}")
    return body


def _token() -> str:
    path = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if not path:
        return os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def _read(answer: dict[str, str]) -> Lent:
    expires = answer.get("Expiration")
    end = calendar.timegm(time.strptime(expires[:19], "%Y-%m-%dT%H:%M:%S")) if expires else float("inf")
    return Lent(Keys(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("Token") or ""), end)
