"""Finds the container engine as Docker's own command line does, and says what to do when there is none."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any, TypeAlias

import docker
import requests
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.context import ContextAPI
from docker.errors import APIError, DockerException
from docker.errors import ImageNotFound as NoSuchImage
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from hfaas_emulator.errors import EngineError, ImageNotFound

Client: TypeAlias = Any
"""The SDK's low-level client: its published types lack half of the calls."""

DEADLINE_S = 3
"""For the first answer where something else is there to be used: an engine that is well answers in milliseconds."""

PATIENCE_S = 30
"""For the first answer where nothing else is: less than whoever starts an emulator waits for it."""

TIMEOUT_S = 60
"""For every later answer."""

OLDEST_API = (1, 41)
"""Docker 20.10. Before 20.10.10 its system-call filter may keep programs with a new C library from starting threads."""

NEWEST_API = tuple(map(int, DEFAULT_DOCKER_API_VERSION.split(".")))
"""What the SDK was written for."""

DEFAULT_SOCKET = "unix:///var/run/docker.sock"

POOL = 32
"""Connections kept: one for each thread, and the streams."""


def connect(deadline_s: float = PATIENCE_S) -> Client:
    """Connect to DOCKER_HOST, else the current context, else the default socket; EngineError says what is wrong."""
    try:
        where = _endpoint()
        _knock(where.get("base_url") or DEFAULT_SOCKET, deadline_s)
        version = _version(where, deadline_s)
    except (DockerException, requests.RequestException, OSError) as error:
        raise _explained(error, deadline_s) from error
    spoken = _number(version.get("ApiVersion", "0"))
    if spoken < OLDEST_API:
        raise EngineError(
            f"the Docker engine {version.get('Version', '')} is too old",
            f"hfaas needs Docker 20.10 or newer (API {'.'.join(map(str, OLDEST_API))})",
        )
    return docker.APIClient(
        version=".".join(map(str, min(spoken, NEWEST_API))),
        timeout=TIMEOUT_S,
        num_pools=POOL,
        max_pool_size=POOL,
        **where,
    )


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except NoSuchImage as error:
        raise ImageNotFound(
            f"cannot {doing}: the image is not on this machine", "build it, or load it with `docker load`"
        ) from error
    except APIError as error:
        raise EngineError(f"cannot {doing}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException) as error:
        raise EngineError(
            f"cannot {doing}: the Docker engine does not answer", "is Docker still running?"
        ) from error


def _knock(address: str, deadline_s: float) -> None:
    """Try a local socket first: its refusal is plain, and the SDK would leave a socket open."""
    if not address.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(deadline_s)
        probe.connect(address.removeprefix("unix://"))


def _version(where: dict[str, Any], deadline_s: float) -> dict[str, Any]:
    waits: dict[str, Any] = {"timeout": deadline_s}  # the SDK's types want whole seconds, and nothing else does
    with contextlib.closing(docker.APIClient(version="1.41", **waits, **where)) as client:
        return dict(client.version(api_version=False))


def _endpoint() -> dict[str, Any]:
    if os.environ.get("DOCKER_HOST"):
        return dict(kwargs_from_env())
    name = os.environ.get("DOCKER_CONTEXT") or None
    context = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
    if context is None:
        raise EngineError(f"there is no Docker context {name!r}", "`docker context ls` shows those there are")
    tls = context.TLSConfig
    return {"base_url": context.Host or None, **({"tls": tls} if isinstance(tls, TLSConfig) else {})}


def _explained(error: Exception, deadline_s: float) -> EngineError:
    where = os.environ.get("DOCKER_HOST") or "the default socket"
    for cause in _causes(error):
        match cause:
            case PermissionError():
                return EngineError(
                    f"no permission to use the Docker engine at {where}",
                    "add yourself to the group `docker` and log in again, or use --engine process",
                )
            case FileNotFoundError():
                return EngineError(
                    f"no Docker engine: there is no socket at {where}",
                    "install and start Docker, or point DOCKER_HOST to an engine, or use --engine process",
                )
            case ConnectionRefusedError():
                return EngineError(
                    f"no Docker engine: nobody answers at {where}",
                    "start Docker (for example `sudo systemctl start docker`), or use --engine process",
                )
            case TimeoutError() | requests.Timeout():
                return EngineError(
                    f"the Docker engine at {where} does not answer within {deadline_s} s",
                    "restart Docker, check DOCKER_HOST, or use --engine process",
                )
    return EngineError(f"the Docker engine cannot be used: {error}", "check DOCKER_HOST, or use --engine process")


def _causes(error: object, depth: int = 8) -> Iterator[BaseException]:
    """Yield an exception and all that is wrapped in it: requests hides the OSError in `args`."""
    if not isinstance(error, BaseException) or not depth:
        return
    yield error
    for inner in (*error.args, error.__cause__, error.__context__, getattr(error, "reason", None)):
        yield from _causes(inner, depth - 1)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
