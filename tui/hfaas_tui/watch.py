"""The only module that talks to the emulator's own interface: status, idleness and the trace."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfaas_emulator.state import running
from hfaas_emulator.trace import Hop
from hfaas_tui.errors import NoEmulator, UsageError

PROJECT_STATE = Path(".hfaas")
"""Where `hfaas up` keeps its state unless told otherwise, relative to the working directory."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, known by its endpoint."""

    endpoint: str

    def status(self) -> dict[str, Any]:
        """Return what it runs on: version, engine, state directory, account."""
        return self._json("GET", "/_hfaas/status")

    def idle(self, wait: float = 0) -> dict[str, Any]:
        """Return whether nothing is pending, after waiting up to `wait` seconds for it."""
        return self._json("GET", f"/_hfaas/idle?wait={wait}", timeout=wait + 30)

    def stop(self) -> None:
        """Ask it to end everything it runs and exit."""
        self._json("POST", "/_hfaas/stop")

    def hops(self, since: int = 0) -> list[Hop]:
        """Return the hops it still knows above `since`."""
        return list(self._trace(since, follow=False))

    def follow(self, since: int = 0) -> Iterator[Hop]:
        """Yield hops above `since` as they happen, until the emulator ends."""
        return self._trace(since, follow=True)

    def _trace(self, since: int, *, follow: bool) -> Iterator[Hop]:
        path = f"/_hfaas/trace?since={since}&follow={int(follow)}"
        connection, answer = self._request("GET", path, timeout=None if follow else 60)
        try:
            for line in answer:
                if line.strip():
                    yield Hop.load(json.loads(line))
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _json(self, method: str, path: str, timeout: float = 30) -> dict[str, Any]:
        connection, answer = self._request(method, path, timeout)
        try:
            body: dict[str, Any] = json.loads(answer.read() or b"{}")
            return body
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()

    def _request(
        self, method: str, path: str, timeout: float | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        address = urlsplit(self.endpoint)
        if address.scheme != "http" or not address.hostname:
            raise UsageError(f"{self.endpoint!r} is no emulator's address", "it looks like http://127.0.0.1:4566")
        connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._silent(error) from error
        if answer.status not in {http.client.OK, http.client.ACCEPTED}:
            connection.close()
            raise NoEmulator(
                f"{self.endpoint} answers {answer.status} to {path}: it is no hfaas emulator",
                "start one with `hfaas up`, or name one with --endpoint",
            )
        return connection, answer

    def _silent(self, error: Exception) -> NoEmulator:
        return NoEmulator(
            f"no emulator answers at {self.endpoint} ({error})",
            "start one with `hfaas up`, or name one with --endpoint",
        )


def find(endpoint: str | None, state: Path | None) -> Emulator:
    """Choose the emulator: the one named, else AWS_ENDPOINT_URL's, else the one running on the project's state."""
    named = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    if named and state is None:
        return Emulator(named.rstrip("/"))
    about = running(state or PROJECT_STATE)
    if about is None:
        raise NoEmulator(
            f"no emulator runs on the state in {state or PROJECT_STATE}",
            "start one with `hfaas up --detach`, or name one with --endpoint",
        )
    return Emulator(about.endpoint)
