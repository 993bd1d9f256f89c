"""A Space for a rehearsal: the emulator plays the Oneprovider, so it makes the Space and issues the token.

Only an emulator has these paths, and only `Target.local` leads here: no token of the real Oneprovider is ever sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hfaas_deploy import emulator
from hfaas_deploy.errors import DeployError


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
    answer = emulator.put(endpoint, f"/_hfaas/spaces/{quote(plain, safe='')}")
    if answer.is_refusal:
        raise SpaceError(f"the emulator refused the Space {plain!r}: {answer.status} {answer.text}")
    try:
        made: Any = json.loads(answer.text)
        return Space(made["name"], made["internalHost"], made["token"])
    except (ValueError, KeyError, TypeError):
        raise SpaceError(f"the emulator's answer about the Space {plain!r} cannot be understood") from None
