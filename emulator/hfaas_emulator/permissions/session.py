"""Whose temporary credentials these are. The session token says it, so a job that outlives the emulator is still known.

Tokens are not signed, as nothing here is: a rehearsal shows what a role may do, it does not keep anybody out.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import lru_cache

PREFIX = "FQoGZXIvYXdzE"
"""How session tokens of AWS begin, and moto's."""

TEMPORARY = "ASIA"
"""How the access keys begin that STS issues."""


@dataclass(frozen=True, slots=True)
class Session:
    """A role's session: the role's ARN, the session's name, and the policy that it was narrowed with (JSON)."""

    role: str
    name: str
    policy: str = ""

    @property
    def account(self) -> str:
        """Return the role's account."""
        return self.role.split(":")[4]

    @property
    def arn(self) -> str:
        """Return the principal's ARN, which has the role's name without its path."""
        partition = self.role.split(":")[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.role.rpartition('/')[2]}/{self.name}"


def token(session: Session) -> str:
    """Return a session token that says whose it is."""
    said = json.dumps([session.role, session.name, session.policy], separators=(",", ":"))
    return PREFIX + base64.urlsafe_b64encode(said.encode()).decode()


@lru_cache(maxsize=4096)
def read(text: str) -> Session | None:
    """Read a session token; None when it is none of ours."""
    if not text.startswith(PREFIX):
        return None
    try:
        role, name, policy = json.loads(base64.urlsafe_b64decode(text.removeprefix(PREFIX)))
    except (ValueError, TypeError):
        return None
    if not all(isinstance(each, str) for each in (role, name, policy)) or role.count(":") < 5:
        return None
    return Session(role, name, policy)
