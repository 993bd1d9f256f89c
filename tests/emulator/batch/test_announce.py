"""Events of Batch: as a job stood when its state changed, and only where somebody listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hfaas_emulator.batch.announce import Announcer
from hfaas_emulator.batch.families import grow
from hfaas_emulator.batch.job import Resources, Status, Submission, Task
from hfaas_emulator.batch.state import Job, Wait
from hfaas_emulator.clock import ManualClock
from hfaas_emulator.errors import AwsError
from hfaas_emulator.trace import Trace, What


class Bus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.watched = True
        self.error: AwsError | None = None
        self.told: list[Mapping[str, Any]] = []

    async def is_watched(self, account: str, region: str) -> bool:
        return self.watched

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None:
        if self.error:
            raise self.error
        self.told.append(event["detail"])


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def trace() -> Trace:
    return Trace(ManualClock())


@pytest.fixture
def announcer(bus: Bus, trace: Trace) -> Announcer:
    return Announcer(bus, trace, ManualClock())


def job(**more: Any) -> Job:
    task = Task("image", Resources(1, 100, 0))
    return grow(
        Submission("id", "name", "1", "r", "arn:q", "arn:d:1", "d", created=1, tasks=(task,), **more), number=1
    )


async def test_an_event_tells_how_the_job_stood_when_it_was_announced(bus: Bus, announcer: Announcer) -> None:
    array = job(array=2)
    announcer.announce(array)
    array.status, array.wait = Status.RUNNABLE, Wait("no room")
    array.summary[Status.RUNNABLE] += 2
    announcer.announce(array)
    array.wait.reason = "another"
    await announcer.close()

    assert [event["status"] for event in bus.told] == ["SUBMITTED", "RUNNABLE"]
    assert [event.get("statusReason") for event in bus.told] == [None, "no room"]
    assert [event["arrayProperties"]["statusSummary"]["RUNNABLE"] for event in bus.told] == [0, 2]


async def test_nothing_is_published_where_no_rule_listens(bus: Bus, announcer: Announcer) -> None:
    bus.watched = False
    announcer.announce(job())
    await announcer.close()

    assert bus.told == []


async def test_an_event_that_is_refused_is_a_problem_that_names_the_job(
    bus: Bus, announcer: Announcer, trace: Trace
) -> None:
    bus.error = AwsError("ValidationException", "no")
    announcer.announce(job())
    await announcer.close()

    (problem,) = (hop for hop in trace.since(0) if hop.what is What.PROBLEM)
    assert problem.detail["message"] == "arn:aws:batch:r:1:job/id: its SUBMITTED was not published: no"
