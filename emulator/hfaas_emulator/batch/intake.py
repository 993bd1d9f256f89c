"""Jobs on their way in: by SubmitJob, where the caller waits for the answer, or by a rule of EventBridge.

What a rule asks for is a row of its own, written with what matched the rule, until it is a job: a crash in between
submits it at the next start, once.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.batch import submission
from hfaas_emulator.batch.job import Submission
from hfaas_emulator.batch.records import ControlPlane
from hfaas_emulator.batch.service import Batch
from hfaas_emulator.errors import AwsError
from hfaas_emulator.journal import Delete, Journal, Put, Table
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.trace import Trace, What

MARK = "?"
"""How the key of what is asked for differs from a job's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A SubmitJob that nobody waits for; `id` is the job's, `origin` who asks for it."""

    id: str
    account: str
    region: str
    origin: str
    request: Mapping[str, Any]

    def put(self) -> Put:
        """Return the row that keeps it."""
        return Put(Table.JOB, self.id + MARK, json.dumps(dataclasses.asdict(self)).encode())


async def settle(
    request: Mapping[str, Any], control: ControlPlane, entry: submission.Entry, run_of: Callable[[str], str]
) -> Submission:
    """Look up what a SubmitJob names, and settle it; AwsError ClientException."""
    submission.check(request)
    queue = await control.job_queue(entry.account, entry.region, request["jobQueue"])
    definition = await control.job_definition(entry.account, entry.region, request["jobDefinition"])
    made = submission.make(request, queue, definition, entry)
    return dataclasses.replace(made, run=run_of(made.invocation))


def entry(id: str, account: str, region: str) -> submission.Entry:
    """Return what is settled now about a job."""
    return submission.Entry(id, account, region, time.time_ns() // 1_000_000)


class Intake:
    """Submits what rules ask for; belongs to the event loop."""

    def __init__(self, batch: Batch, control: ControlPlane, journal: Journal, trace: Trace) -> None:
        self._batch = batch
        self._control = control
        self._journal = journal
        self._trace = trace
        self._background = Background(trace, "batch")

    def recover(self) -> None:
        """Submit what an earlier emulator did not get to."""
        for key, row in self._journal.rows(Table.JOB):
            if key.endswith(MARK):
                self.accept(Asked(**json.loads(row)))

    async def close(self) -> None:
        """Submit nothing any more; the rows stay."""
        await self._background.close()

    def accept(self, asked: Asked) -> None:
        """Submit a job whose row is written."""
        self._background.start(self._submit(asked))

    async def _submit(self, asked: Asked) -> None:
        if self._batch.job(asked.id) is None:
            try:
                told = entry(asked.id, asked.account, asked.region)
                await self._batch.submit(await settle(asked.request, self._control, told, self._trace.run_of))
            except AwsError as error:
                self._trace.hop(
                    "batch", What.PROBLEM, message=f"{asked.origin}: no job was submitted: {error.message}"
                )
        self._journal.write([Delete(Table.JOB, asked.id + MARK)])
