"""Hides the values of secrets in what people are shown of a container's environment."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Container, Mapping
from typing import Any

HIDDEN = "(hidden)"
SECRET = re.compile(
    r"(^|_)TOKEN(_|$)|TOKEN$|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY",
    re.IGNORECASE,
)
CONFIG = "FUNCTION_CONFIG"
"""The function's settings, base64 of JSON: the script's own variables are in it."""

_USER = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
_RUNTIME = re.compile(r"(?<=/_hfaas/runtime/)[^/]+")
"""Who knows this path can answer for the function."""

_SIGNED = re.compile(
    r"(?<=[?&])(X-Amz-(?:Signature|Security-Token|Credential)|Signature|sig)=[^&\s]+", re.IGNORECASE
)


def without_secrets(environment: Mapping[str, str], secrets: Container[str] = ()) -> dict[str, str]:
    """Return an environment whose secrets are hidden; `secrets` are the names whose values came out of a store of them."""
    return {name: HIDDEN if name in secrets else _shown(name, value) for name, value in environment.items()}


def _shown(name: str, value: str) -> str:
    if name == CONFIG:
        return _config(value)
    if value and SECRET.search(name) and not value.startswith("arn:aws"):
        return HIDDEN
    text = _USER.sub(HIDDEN, value)
    text = _RUNTIME.sub(HIDDEN, text)
    return _SIGNED.sub(rf"\1={HIDDEN}", text)


def _config(value: str) -> str:
    """Return the settings as they are, unless something in them is to be hidden."""
    try:
        document = json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return HIDDEN  # who can tell what it holds?
    shown = _walked(document)
    return value if shown == document else base64.b64encode(json.dumps(shown).encode()).decode()


def _walked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _shown(name, each) if isinstance(each, str) else _walked(each) for name, each in value.items()
        }
    return [_walked(each) for each in value] if isinstance(value, list) else value
