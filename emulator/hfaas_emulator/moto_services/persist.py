"""The control planes on disk: every request since the last snapshot that changed one, replayed at start with the
same random seed.

Objects, messages and invocations have rows of their own and are never replayed. While requests are replayed,
whatever they would set in motion is dropped: it has happened already.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import Callable

from hfaas_emulator.errors import AwsError
from hfaas_emulator.journal import Journal, Put, Table
from hfaas_emulator.lambda_.lineage import Lineage
from hfaas_emulator.moto_services import commit
from hfaas_emulator.moto_services.bridge import Answer, Request
from hfaas_emulator.moto_services.dispatcher import Dispatcher
from hfaas_emulator.wire.caller import SCOPE

KEPT_HEADERS = ("content-type", "host", "user-agent", "x-amz-target", "x-amz-date")

log = logging.getLogger("hfaas.moto")


class Recorder:
    """moto, writing down what a restart has to replay."""

    def __init__(self, dispatcher: Dispatcher, journal: Journal, changed: Callable[[], None], last: str) -> None:
        self._dispatcher = dispatcher
        self._journal = journal
        self._changed = changed
        self._number = int(last or 0)

    def __call__(self, request: Request) -> Answer:
        """Answer a request; its row is part of the command's transaction when it succeeded."""
        seed = secrets.randbits(64)
        commit.descend(Lineage.of(request.headers))
        answer = self._dispatcher.seeded(request, seed)
        if request.record and answer.status < 400:
            self._number += 1
            commit.record(Put(Table.REQUEST, request_key(self._number), dump(request, seed)))
            commit.after(self._changed)
        return answer

    def replay(self, problem: Callable[[str], None]) -> int:
        """Repeat what no snapshot holds, and count it; what fails is reported."""
        rows = tuple(self._journal.rows(Table.REQUEST))
        for key, row in rows:
            self._number = max(self._number, int(key))
            request, seed = load(row)
            failure = _failure(self._dispatcher, request, seed)
            commit.discard()
            if failure:
                problem(f"{request.method} {request.path} could not be repeated at start: {failure}")
        return len(rows)


def request_key(number: int) -> str:
    """Return the journal key of a request: as text, they are in the order of their numbers."""
    return f"{number:016d}"


def _failure(dispatcher: Dispatcher, request: Request, seed: int) -> str:
    try:
        answer = dispatcher.seeded(request, seed)
    except AwsError as error:
        return error.message
    return "" if answer.status < 400 else answer.body[:500].decode("utf-8", "replace")


def dump(request: Request, seed: int) -> bytes:
    """Return the journal row of a request, without its signature and credentials."""
    row = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": _headers(request),
        "body": base64.b64encode(request.body).decode(),
        "account": request.account,
        "seed": seed,
    }
    return json.dumps(row, separators=(",", ":")).encode()


def load(row: bytes) -> tuple[Request, int]:
    """Read a journal row back."""
    kept = json.loads(row)
    body = base64.b64decode(kept["body"])
    return Request(kept["method"], kept["path"], kept["query"], kept["headers"], body, kept["account"]), kept[
        "seed"
    ]


def _headers(request: Request) -> dict[str, str]:
    headers = {
        name: value
        for name, value in request.headers.items()
        if name in KEPT_HEADERS or (name.startswith("x-amz-") and name != "x-amz-security-token")
    }
    if scope := SCOPE.search(request.headers.get("authorization", "")):
        headers["authorization"] = f"AWS4-HMAC-SHA256 {scope.group(0)}, SignedHeaders=host, Signature=0"
    return headers
