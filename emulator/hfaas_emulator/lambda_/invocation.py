"""One event given to one function: created once, never changed, its id on every hop, log line and label."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass

from hfaas_emulator.journal import Delete, Put, Table
from hfaas_emulator.lambda_.lineage import FRESH, Lineage


@dataclass(frozen=True, slots=True)
class Invocation:
    """`function` is an ARN (qualified or not), `origin` says who asked (`api`, `s3:BUCKET`), `accepted` is Unix time.

    `lineage` is that of its cause.
    """

    id: str
    function: str
    payload: bytes
    origin: str
    accepted: float
    run: str
    lineage: Lineage = FRESH

    def put(self) -> Put:
        """Return the journal row that keeps this invocation until it is done."""
        row = {
            "function": self.function,
            "payload": base64.b64encode(self.payload).decode(),
            "origin": self.origin,
            "accepted": self.accepted,
            "run": self.run,
            "lineage": str(self.lineage),
        }
        return Put(Table.INVOCATION, self.id, json.dumps(row).encode())

    def delete(self) -> Delete:
        """Return the change that forgets this invocation."""
        return Delete(Table.INVOCATION, self.id)

    @classmethod
    def load(cls, id: str, row: bytes) -> Invocation:
        """Read a journal row back."""
        kept = json.loads(row)
        return cls(
            id,
            kept["function"],
            base64.b64decode(kept["payload"]),
            kept["origin"],
            kept["accepted"],
            kept["run"],
            Lineage.read(kept.get("lineage", "")),
        )


def new_id() -> str:
    """Return a fresh request id."""
    return str(uuid.uuid4())
