"""Jobs that rules ask for: submitted once, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from hfaas_emulator.batch.intake import Asked, Intake
from hfaas_emulator.batch.records import JobDefinition, JobQueue
from hfaas_emulator.journal import Table
from hfaas_emulator.lambda_.function import RoleCredentials
from hfaas_emulator.trace import What

CONTAINER = {"image": "works:1", "vcpus": 1, "memory": 128}


class Control:
    """The queues of another, and a definition that is always there."""

    def __init__(self, queues: Any) -> None:
        self._queues = queues

    async def job_queue(self, account: str, region: str, name: str) -> JobQueue:
        found: JobQueue = await self._queues.job_queue(account, region, name)
        return found

    async def job_definition(self, account: str, region: str, name: str) -> JobDefinition:
        return JobDefinition(f"arn:{name}:1", name, 1, {"type": "container", "containerProperties": CONTAINER})

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        raise NotImplementedError(role)

    async def secret(self, account: str, region: str, source: str) -> str:
        raise NotImplementedError(source)

    async def publish(self, account: str, region: str, event: Mapping[str, Any]) -> None:
        raise NotImplementedError(event)


def asked(**changes: Any) -> Asked:
    request = {"jobName": "j", "jobDefinition": "d", "jobQueue": "q", **changes}
    return Asked("0f9b6a6e", "000000000000", "us-east-1", "rule r", request)


@pytest.fixture
async def intake(world: Any) -> AsyncIterator[Intake]:
    made = Intake(world.plane, Control(world.control), world.journal, world.trace)
    yield made
    await made.close()


async def test_a_wish_becomes_a_job_and_is_struck_off(world: Any, intake: Intake) -> None:
    wish = asked()
    world.journal.write([wish.put()])
    intake.accept(wish)
    await world.turn()
    assert world.running() == ["0f9b6a6e"]
    assert world.journal.get(Table.JOB, "0f9b6a6e?") is None


async def test_a_wish_that_a_crash_left_is_submitted_at_the_next_start(world: Any, intake: Intake) -> None:
    world.journal.write([asked().put()])
    intake.recover()
    await world.turn()
    assert world.running() == ["0f9b6a6e"]


async def test_a_wish_that_is_a_job_already_makes_no_second_one(world: Any, intake: Intake) -> None:
    intake.accept(asked())
    await world.turn()
    world.journal.write([asked().put()])
    intake.recover()
    await world.turn()
    assert [job.id for job in world.plane.jobs("000000000000", "us-east-1")] == ["0f9b6a6e"]
    assert world.journal.get(Table.JOB, "0f9b6a6e?") is None


async def test_a_wish_that_batch_refuses_is_a_problem_that_names_the_rule(world: Any, intake: Intake) -> None:
    world.journal.write([asked(jobName=None).put()])
    intake.recover()
    await world.turn()
    (problem,) = (hop for hop in world.trace.since(0) if hop.what is What.PROBLEM)
    assert problem.detail["message"].startswith("rule r: no job was submitted: Job name null must be")
    assert world.journal.get(Table.JOB, "0f9b6a6e?") is None
