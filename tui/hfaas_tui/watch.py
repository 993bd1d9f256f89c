"""The only module that talks to the emulator's own interface: status, idleness, the trace, log lines, the machine."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from hfaas_emulator.state import running
from hfaas_emulator.trace import Hop
from hfaas_tui.errors import CliError, NoEmulator, UsageError

PROJECT_STATE = Path(".hfaas")
"""Where `hfaas up` keeps its state unless told otherwise, relative to the working directory."""

SPACES = "/_hfaas/spaces"
INVOCATIONS = "/_hfaas/invocations"
SPEAKING = (SPACES, INVOCATIONS)
"""What may be refused by an emulator in words of its own."""

ANSWERS = {200, 202, 204}
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Lines:
    """Log lines that came together: Unix time, function, request or `job:ID`, level, text. `seq` is where to go on."""

    seq: int
    lines: Sequence[tuple[float, str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, known by its endpoint."""

    endpoint: str

    def status(self) -> dict[str, Any]:
        """Return what it runs on: version, engine, state directory, account."""
        return self._json("GET", "/_hfaas/status")

    def idle(self, wait: float = 0) -> dict[str, Any]:
        """Return whether nothing is pending, after waiting up to `wait` seconds for it."""
        deadline = time.monotonic() + wait
        while True:  # one request waits a minute at most
            left = max(0.0, deadline - time.monotonic())
            found = self._json("GET", f"/_hfaas/idle?wait={left}", timeout=left + 30)
            if found["idle"] or time.monotonic() >= deadline:
                return found

    def spaces(self) -> list[dict[str, Any]]:
        """Return the spaces of its Oneprovider: name, spaceId, bytes, quota, host."""
        found: list[dict[str, Any]] = self._json("GET", SPACES)["spaces"]
        return found

    def make_space(self, name: str) -> dict[str, Any]:
        """Make a space, or find the one of this name: name, spaceId, host, internalHost, ca, token."""
        return self._json("PUT", f"{SPACES}/{quote(name, safe='')}")

    def remove_space(self, name: str) -> None:
        """Remove a space with all that is in it."""
        self._json("DELETE", f"{SPACES}/{quote(name, safe='')}")

    def space_token(self, name: str, *, readonly: bool) -> str:
        """Return a new token for one space."""
        asked = {"scope": "readonly" if readonly else "full"}
        return str(self._json("POST", f"{SPACES}/{quote(name, safe='')}/tokens", body=asked)["token"])

    def space_tokens(self, name: str) -> list[dict[str, str]]:
        """Return the tokens that were issued for one space: id, scope."""
        found: list[dict[str, str]] = self._json("GET", f"{SPACES}/{quote(name, safe='')}/tokens")["tokens"]
        return found

    def revoke_space_token(self, name: str, id: str) -> None:
        """Let a token open nothing any more."""
        self._json("DELETE", f"{SPACES}/{quote(name, safe='')}/tokens/{quote(id, safe='')}")

    def stop(self) -> None:
        """Ask it to end everything it runs and exit."""
        self._json("POST", "/_hfaas/stop")

    def hops(self, since: int = 0) -> list[Hop]:
        """Return the hops it still knows above `since`."""
        return list(self._trace(since, follow=False))

    def follow(self, since: int = 0) -> Iterator[Hop]:
        """Yield hops above `since` as they happen, until the emulator ends."""
        return self._trace(since, follow=True)

    def log_lines(self, since: int = 0, *, follow: bool = True) -> Generator[Lines, None, None]:
        """Yield the log lines after `since` (0: the newest there are) of all functions and jobs, as they are written."""
        for batch in self._documents(f"/_hfaas/logs?since={since}&follow={int(follow)}", follow=follow):
            yield Lines(batch["seq"], [tuple(line) for line in batch["lines"]])

    def invocation(self, id: str) -> dict[str, Any]:
        """Return what an invocation or a job was asked with; CliError when that is not known any more.

        id, kind, function, event, truncated, origin, environment with its secrets hidden; of a job also its command.
        """
        return self._json("GET", f"{INVOCATIONS}/{quote(id, safe='')}")

    def machine(self) -> dict[str, Any]:
        """Return how busy the machine is: cpu, memory, disk, GPUs, the containers that run, requests by service."""
        return self._json("GET", "/_hfaas/machine")

    def _trace(self, since: int, *, follow: bool) -> Iterator[Hop]:
        for hop in self._documents(f"/_hfaas/trace?since={since}&follow={int(follow)}", follow=follow):
            yield Hop.load(hop)

    def _documents(self, path: str, *, follow: bool) -> Iterator[dict[str, Any]]:
        """Yield what the emulator tells line by line, until it ends."""
        connection, answer = self._request("GET", path, timeout=None if follow else 60)
        try:
            for line in answer:
                if line.strip():
                    yield json.loads(line)
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _json(
        self, method: str, path: str, timeout: float = 30, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        connection, answer = self._request(method, path, timeout, json.dumps(body) if body else None)
        try:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            return found
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()

    def _address(self) -> tuple[str, int]:
        """Return host and port; UsageError when the endpoint has none, or a port that cannot be."""
        try:
            address = urlsplit(self.endpoint)
            host, port = address.hostname if address.scheme == "http" else None, address.port or 80
        except ValueError:
            host, port = None, 0
        if not host:
            raise UsageError(f"{self.endpoint!r} is no emulator's address", "it looks like http://127.0.0.1:4566")
        return host, port

    def _request(
        self, method: str, path: str, timeout: float | None, body: str | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(*self._address(), timeout=timeout)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._silent(error) from error
        if answer.status not in ANSWERS:
            said = _message(answer)
            connection.close()
            if said and path.startswith(SPEAKING):
                is_space = path.startswith(SPACES) and answer.status == NOT_FOUND
                raise CliError(said, "`hfaas space ls` shows the spaces" if is_space else "")
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


def _message(answer: http.client.HTTPResponse) -> str:
    """Return what the emulator says of a request that it refuses; empty when that is not how it talks."""
    try:
        return str(json.loads(answer.read())["message"])
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return ""


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
