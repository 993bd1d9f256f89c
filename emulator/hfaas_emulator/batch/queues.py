"""The records of the queues that jobs wait in, as the control plane told them last."""

from __future__ import annotations

from hfaas_emulator.batch.lines import QueueKey
from hfaas_emulator.batch.records import ControlPlane, JobQueue
from hfaas_emulator.errors import AwsError


class Queues:
    """Asks once for each queue; `refresh` asks for all of them again."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control
        self._records: dict[QueueKey, JobQueue | None] = {}

    def get(self, key: QueueKey) -> JobQueue | None:
        """Return a queue, None when it is gone."""
        return self._records.get(key)

    async def learn(self, key: QueueKey) -> None:
        """Know a queue; AwsError when there is none."""
        if not self._records.setdefault(key, None):
            self._records[key] = await self._control.job_queue(*key)

    async def refresh(self) -> None:
        """Ask for all known queues again."""
        for key in tuple(self._records):
            try:
                self._records[key] = await self._control.job_queue(*key)
            except AwsError:
                self._records[key] = None
