"""The records of schedules as the scheduler sees them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services.bridge import Request
from hfaas_emulator.moto_services.thread import Moto
from hfaas_emulator.scheduler.records import Firing, Schedule


class MotoSchedules:
    """The scheduler's `ControlPlane`; moto is imported by the first question."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    async def schedules(self) -> tuple[Schedule, ...]:
        """Return all schedules that are enabled."""
        found: tuple[Schedule, ...] = await self._moto.call(_ask, "schedules")
        return found

    async def fire(self, firing: Firing) -> None:
        """Give the targets what they get, in one transaction; AwsError."""
        await self._moto.call(_ask, "fire", firing)

    async def bury(self, firing: Firing, code: str, message: str, condition: str) -> None:
        """Put a firing that is given up into the dead-letter queue; AwsError."""
        await self._moto.call(_ask, "bury", firing, code, message, condition)

    async def delete(self, schedule: Schedule) -> None:
        """Delete a schedule by a request like anybody's, so that a restart repeats it; AwsError."""
        scope = f"{schedule.account}/20000101/{schedule.region}/scheduler/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        request = Request(
            "DELETE",
            f"/schedules/{quote(schedule.name)}",
            f"groupName={quote(schedule.group)}",
            {"authorization": signed, "host": f"scheduler.{schedule.region}.amazonaws.com"},
            record=True,
        )
        answer = await self._moto.request(request)
        if answer.status >= 400 and answer.status != 404:
            raise AwsError("InternalFailure", answer.body.decode("utf-8", "replace"), answer.status)


def _ask(question: str, *about: Any) -> Any:
    from hfaas_emulator.moto_services import schedule_records

    return getattr(schedule_records, question)(*about)
