"""What requests to AWS are signed with; apart from `signed.py`, which loads hashing and HTTP."""

from __future__ import annotations

import os
from typing import NamedTuple

from hfaas_supervisor.errors import ProviderAuth

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"


class Keys(NamedTuple):
    """One identity; `token` is empty for keys that do not expire."""

    id: str
    secret: str
    token: str = ""


def role_keys() -> Keys:
    """Return the role's keys: from the environment, as Lambda puts them there, else from a container's address."""
    access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if access and secret:
        return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
    if os.environ.get(RELATIVE) or os.environ.get(FULL):
        from hfaas_supervisor import container_keys  # late: on Lambda they are variables

        return container_keys.lent().keys
    raise ProviderAuth("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, so no request can be signed")
