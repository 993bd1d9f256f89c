"""What requests to AWS are signed with; apart from `signed.py`, which loads hashing and HTTP."""

from __future__ import annotations

import os
from typing import NamedTuple

from hfaas_supervisor.errors import ProviderAuth


class Keys(NamedTuple):
    """One identity; `token` is empty for keys that do not expire."""

    id: str
    secret: str
    token: str = ""


def role_keys() -> Keys:
    """Return the role's keys from the environment, as Lambda puts them there."""
    access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access or not secret:
        raise ProviderAuth("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, so no request can be signed")
    return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
