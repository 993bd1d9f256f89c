"""Reads keys of storage providers and secret variables from Secrets Manager: the environment holds only ARNs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hfaas_supervisor import script
from hfaas_supervisor.errors import ProviderAuth, SecretEmpty

POINTER = "HFAAS_SECRET_VARIABLES"
"""Holds the ARN of the secret with the script's own secret variables, if there are any."""

FRESH_S = 300.0
TIMEOUT_S = 5
PAUSES_S = (0.2, 0.5)
PASSING = frozenset({429, 500, 502, 503, 504})
EMPTY = "staging label"
"""What Secrets Manager speaks of when there is the secret, and nothing in it."""

HEADERS = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}


def read(variable: str) -> dict[str, Any]:
    """Return the map of the secret whose ARN a variable holds, or nothing; no other process reads our memory then.

    Batch's `secrets` put the value itself into the variable.
    """
    close_memory()
    arn = os.environ.get(variable, "")
    return _known(arn, variable) if arn else {}


def _known(arn: str, variable: str) -> dict[str, Any]:
    return _value(arn, variable) if arn.lstrip().startswith("{") else fetch(arn)


class Variables:
    """The secret variables of the script in one leg, as of some minutes ago at most."""

    def __init__(self, leg: str) -> None:
        self._groups = ("batch" if leg == "batch" else "lambda", "both")
        self._values: Mapping[str, str] = {}
        self._until = 0.0

    def read(self) -> Mapping[str, str]:
        """Return them; what is not known any more is asked for again."""
        if time.monotonic() >= self._until:
            secret = _known(os.environ[POINTER], POINTER)
            groups = [group for name in self._groups if isinstance(group := secret.get(name), dict)]
            self._values = {name: str(text) for group in groups for name, text in group.items()}
            self._until = time.monotonic() + FRESH_S
        return self._values


def fetch(arn: str) -> dict[str, Any]:
    """Return the map that a secret holds, SecretEmpty when that is none yet; what passes is tried three times."""
    status, answer = _ask(arn)
    for pause in PAUSES_S:
        if status not in PASSING:
            break
        time.sleep(pause)
        status, answer = _ask(arn)
    if status != 200:
        reason = answer.get("Message") or answer.get("message") or answer.get("__type") or f"HTTP {status}"
        kind = SecretEmpty if EMPTY in reason else ProviderAuth
        raise kind(f"the secret {arn} cannot be read: {reason}")
    return _value(answer.get("SecretString"), arn)


def _ask(arn: str) -> tuple[int, dict[str, Any]]:
    """Return status and answer; 503 where nobody answers."""
    import http.client  # late: where Batch hands the value over, there is nobody to ask

    try:
        return _call({"SecretId": arn})
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 503, {"message": str(error) or type(error).__name__}


def _value(text: Any, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):  # whose message would quote the secret
        value = None
    if not isinstance(value, dict):
        raise ProviderAuth(f'the secret {name} is no JSON object such as {{"token": "..."}}')
    return value


def _call(payload: dict[str, str]) -> tuple[int, dict[str, Any]]:
    from hfaas_supervisor import signed  # late, too
    from hfaas_supervisor.keys import role_keys

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    call = signed.Call("secretsmanager", region, "/", HEADERS)
    status, answer = signed.post(call, json.dumps(payload).encode(), role_keys(), TIMEOUT_S)
    document = json.loads(answer or b"{}")
    return status, document if isinstance(document, dict) else {}


def close_memory() -> None:
    """Let no process of ours read what we know, by /proc or a debugger."""
    script.open_score()  # which we may not open any more afterwards
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # late: only Functions with own storage keys pay for it

        pr_set_dumpable = 4
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)
