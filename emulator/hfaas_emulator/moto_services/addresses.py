"""Where endpoints are: the URLs that moto's records show instead of AWS's hosts. Imports nothing of moto.

Path forms, because names below `localhost` do not resolve everywhere; made anew for each answer, because the port may be
another after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Connected:
    base: str = "http://127.0.0.1:4566"
    registry: str = ""


_connected = _Connected()


def connect(base: str, registry: str = "") -> None:
    """Say where the emulator answers, and where the registry does (HOST:PORT) if there is one."""
    _connected.base = base
    _connected.registry = registry


def of_api(id: str) -> str:
    """Return the URL of an API, to which stage and path are appended."""
    return f"{_connected.base}/_aws/execute-api/{id}"


def of_function(id: str) -> str:
    """Return a function URL."""
    return f"{_connected.base}/_aws/lambda-url/{id}/"


def of_repository(name: str) -> str:
    """Return what a repository is called before a tag or digest; nothing without a registry."""
    return f"{_connected.registry}/{name}" if _connected.registry else ""


def of_registry() -> str:
    """Return the URL that a client of images logs in to; nothing without a registry."""
    return f"http://{_connected.registry}" if _connected.registry else ""
