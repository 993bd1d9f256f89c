"""A Space for a rehearsal: the emulator plays the Oneprovider, so it makes the Space and issues the token.

Only an emulator has these paths, and only `Target.local` leads here: no token of the real Oneprovider is ever sent.
"""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from hfaas_deploy.errors import DeployError, TargetUnreachable

TIMEOUT_S = 60


class SpaceError(DeployError):
    """The emulator has no Space by this name and cannot make it."""


@dataclass(frozen=True, slots=True)
class Space:
    """A Space of the emulator, and how Functions reach it."""

    name: str
    host: str
    token: str = field(repr=False)


def ensure(endpoint: str, name: str) -> Space:
    """The Space of that name, made when it is missing; what a name says after `@` is Onedata's own business."""
    plain = name.partition("@")[0]
    status, body = _put(endpoint, f"/_hfaas/spaces/{quote(plain, safe='')}")
    if status >= 300:
        raise SpaceError(f"the emulator refused the Space {plain!r}: {status} {body.decode(errors='replace')}")
    try:
        answer: Any = json.loads(body)
        return Space(answer["name"], answer["internalHost"], answer["token"])
    except (ValueError, KeyError, TypeError):
        raise SpaceError(f"the emulator's answer about the Space {plain!r} cannot be understood") from None


def _put(endpoint: str, path: str) -> tuple[int, bytes]:
    url = urlsplit(endpoint)
    try:
        with closing(http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=TIMEOUT_S)) as line:
            line.request("PUT", path)
            answer = line.getresponse()
            return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise TargetUnreachable(f"no emulator answers at {endpoint}: {error}") from error
