"""Where endpoints are: the URLs that moto's records show instead of AWS's hosts. Imports nothing of moto.

Path forms, because names below `localhost` do not resolve everywhere; made anew for each answer, because the port may be
another after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Connected:
    base: str = "http://127.0.0.1:4566"


_connected = _Connected()


def connect(base: str) -> None:
    """Say where the emulator answers."""
    _connected.base = base


def of_api(id: str) -> str:
    """Return the URL of an API, to which stage and path are appended."""
    return f"{_connected.base}/_aws/execute-api/{id}"


def of_function(id: str) -> str:
    """Return a function URL."""
    return f"{_connected.base}/_aws/lambda-url/{id}/"
