"""The way to the emulator: found anew for each call, since it may have been started again on another port."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfaas_tui import watch
from hfaas_tui.errors import CliError, NoEmulator
from hfaas_tui.ui.aws.failures import told
from hfaas_tui.watch import Emulator

START = "S starts one, or `hfaas up`"
NOT_FOUND = 404
OLD = "this emulator is of an older version; start it again"


class Link:
    """Knows how to reach the emulator; may be used from several threads."""

    def __init__(self, state: Path | None, endpoint: str | None = None) -> None:
        self.state = state
        self.endpoint = endpoint
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def emulator(self) -> Emulator:
        """Return the emulator that is there now; NoEmulator."""
        try:
            return watch.find(self.endpoint, None if self.endpoint else self.state)
        except NoEmulator as error:
            raise NoEmulator(error.message, START) from error

    def client(self, service: str) -> Any:
        """Return a boto3 client of one of its services, the same as long as it stays where it is."""
        at = (self.emulator().endpoint, service)
        with self._lock:
            if at not in self._clients:
                from hfaas_tui.transfer import client

                self._clients = {known: it for known, it in self._clients.items() if known[0] == at[0]}
                self._clients[at] = client(*at)
            return self._clients[at]

    def told(self, what: str = "") -> AbstractContextManager[None]:
        """Turn what its clients or the disk say into a CliError that begins with `what`."""
        return told(what)

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            for each in self._clients.values():
                each.close()
            self._clients = {}

    def document(self, path: str, timeout: float = 10) -> dict[str, Any]:
        """Return what the emulator's own interface says; CliError with its words when it refuses."""
        endpoint = self.emulator().endpoint
        address = urlsplit(endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException) as error:
            raise NoEmulator(f"no emulator answers at {endpoint} ({error})", START) from error
        except ValueError as error:
            raise CliError(f"{endpoint} answers {path} with no JSON", "is that an hfaas emulator?") from error
        finally:
            connection.close()
        if answer.status == NOT_FOUND and str(found.get("message", "")).startswith("there is no GET"):
            raise CliError(f"the emulator does not know {path}", OLD)
        if answer.status != http.client.OK:
            raise CliError(str(found.get("message") or f"{path}: {answer.status}"))
        return found
