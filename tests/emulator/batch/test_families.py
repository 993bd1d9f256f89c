"""Arrays and their children, multi-node jobs and their nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest

from hfaas_emulator.batch import service
from hfaas_emulator.batch.capacity import Machine
from hfaas_emulator.batch.gang import MAIN_ADDRESS
from hfaas_emulator.batch.job import Status
from hfaas_emulator.batch.runner import NotStarted
from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpus import GpuPool
from hfaas_emulator.errors import EngineError, StateError


async def test_an_array_runs_each_child_with_its_index(world: Any) -> None:
    array = await world.submit(array=2)

    assert [work.job for work in world.machinery.works] == [f"{array}:0", f"{array}:1"]
    assert [work.variables for work in world.machinery.works] == [
        {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "2"},
        {"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "2"},
    ]
    assert not world.machinery.works[0].own_network


async def test_an_array_is_pending_until_its_children_are_final_and_sums_them_up(world: Any) -> None:
    array = await world.submit(array=3)
    await world.end(f"{array}:0")
    job = world.job(array)
    assert job.status is Status.PENDING
    assert +job.summary == {Status.SUCCEEDED: 1, Status.RUNNING: 2}
    assert world.idle.pending()[0].what == "job: PENDING: 2 RUNNING, 1 SUCCEEDED"

    await world.end(f"{array}:1")
    await world.end(f"{array}:2")
    assert world.told(array) == ["SUBMITTED", "PENDING", "SUCCEEDED"]
    assert (job.started, job.stopped) == (job.children[0].started, job.children[2].stopped)
    assert not world.idle.pending()


async def test_an_array_fails_when_all_are_final_and_one_failed(world: Any) -> None:
    array = await world.submit(array=2)
    await world.end(f"{array}:0", 1)
    assert world.status(array) == "PENDING"
    await world.end(f"{array}:1")

    assert (world.status(array), world.job(array).reason) == ("FAILED", "Array Child Job failed")


async def test_each_child_has_retries_of_its_own(world: Any) -> None:
    array = await world.submit(array=2, retry=2)
    for index in (0, 1):
        await world.end(f"{array}:{index}", 1)
        await world.end(f"{array}:{index}")

    assert world.status(array) == "SUCCEEDED"
    assert [len(child.attempts) for child in world.job(array).children] == [2, 2]


async def test_an_array_of_100_succeeds(world: Any) -> None:
    array = await world.submit(array=100)
    while running := world.running():
        await world.end(running[0])

    assert world.job(array).summary[Status.SUCCEEDED] == 100
    assert len(world.machinery.works) == 100


async def test_cancelling_an_array_ends_the_children_that_wait(world: Any) -> None:
    array = await world.submit(array=4)
    await world.plane.cancel(array, "enough")
    await world.turn()
    assert +world.job(array).summary == {Status.RUNNING: 2, Status.FAILED: 2}

    for index in (0, 1):
        await world.end(f"{array}:{index}")
    assert (world.status(array), world.job(array).reason) == ("FAILED", "enough")
    assert world.job(array).is_cancelled


async def test_terminating_an_array_ends_all_children(world: Any) -> None:
    array = await world.submit(array=4)
    await world.end(f"{array}:0")
    await world.plane.terminate(array, "enough")
    await world.turn()

    assert [str(child.status) for child in world.job(array).children] == ["SUCCEEDED", *["FAILED"] * 3]
    assert (world.status(array), world.job(array).reason) == ("FAILED", "enough")


async def test_children_that_nobody_looked_at_yet_are_cancelled_too(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 1)
    array = await world.submit(array=50)
    assert world.job(array).summary[Status.SUBMITTED] > 0
    await world.plane.cancel(array, "enough")
    for _ in range(2):
        await world.turn()

    assert +world.job(array).summary == {Status.RUNNING: 2, Status.FAILED: 48}
    assert len(world.machinery.works) == 2


async def _looked_at_meanwhile(world: Any, array: str, ending: Coroutine[Any, Any, None]) -> list[int]:
    """Return how many children had failed at each turn that others got on the loop until `ending` was done."""
    seen = []
    task = asyncio.create_task(ending)
    while not task.done():
        await asyncio.sleep(0)
        seen.append(world.job(array).summary[Status.FAILED])
    await task
    return seen


@pytest.mark.parametrize("act", ["terminate", "cancel"])
async def test_others_have_their_turn_while_a_large_array_is_ended(world: Any, act: str) -> None:
    array = await world.submit(array=10_000)
    for _ in range(10):
        await world.turn()
    assert world.job(array).summary[Status.RUNNING] == 2

    seen = await _looked_at_meanwhile(world, array, getattr(world.plane, act)(array, "enough"))

    steps = [after - before for before, after in pairwise(seen)]
    assert max(steps) < 2 * service.CHUNK
    assert seen[-1] >= 9_998
    assert len(seen) >= 10_000 // service.CHUNK


@pytest.mark.parametrize("act", ["terminate", "cancel"])
async def test_no_child_starts_while_its_array_is_ended(
    world: Any, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(service, "CHUNK", 1)
    array = await world.submit(array=50)
    for _ in range(4):
        await world.turn()

    ending = asyncio.create_task(getattr(world.plane, act)(array, "enough"))
    await asyncio.sleep(0)
    await world.end(f"{array}:0")
    await world.end(f"{array}:1")
    await ending
    await world.turn()

    assert len(world.machinery.works) == 2
    assert world.status(array) == "FAILED"


async def test_children_whose_end_could_not_be_written_go_on(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 1)
    array = await world.submit(array=8)
    await world.turn()
    world.journal.writes_left = 4

    with pytest.raises(StateError):
        await world.plane.terminate(array, "enough")
    world.journal.writes_left = None
    await world.turn()

    assert world.job(array).summary[Status.RUNNING] == 2
    assert world.job(array).summary[Status.RUNNABLE] > 0


async def test_a_termination_that_a_crash_cut_off_is_finished(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 1)
    array = await world.submit(array=8)
    await world.turn()
    ending = asyncio.create_task(world.plane.terminate(array, "enough"))
    for _ in range(4):
        await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending])
    assert world.job(array).summary[Status.RUNNABLE]

    await world.restart()
    for _ in range(2):
        await world.turn()
    assert (world.status(array), world.job(array).reason) == ("FAILED", "enough")
    assert len(world.machinery.works) == 2


async def test_one_child_can_be_terminated(world: Any) -> None:
    array = await world.submit(array=2)
    await world.plane.terminate(f"{array}:1", "enough")
    await world.turn()
    assert world.states(f"{array}:0", f"{array}:1") == ["RUNNING", "FAILED"]

    await world.end(f"{array}:0")
    assert world.job(array).reason == "Array Child Job failed"


async def test_an_array_whose_children_can_never_start_says_so_itself(world: Any) -> None:
    array = await world.submit(array=2, vcpus=3)

    assert world.hops(array)[-1].detail["stuck"] is True
    assert "ce has maxvCpus 2" in world.job(array).reason
    assert "ce has maxvCpus 2" in world.idle.pending()[0].what

    world.control.queue("q", world.control.environment(vcpus=3))
    world.plane.wake()
    await world.turn()
    assert world.job(array).reason == ""


async def test_an_array_of_10000_is_accepted_before_all_its_children_are_looked_at(world: Any) -> None:
    array = await world.submit(array=10_000)

    assert world.job(array).summary[Status.SUBMITTED] > 0, "others had their turns meanwhile"
    await world.turn()
    assert world.states(array, f"{array}:0", f"{array}:9999")[:2] == ["PENDING", "RUNNING"]


async def test_nodes_start_together_the_main_one_first(world: Any) -> None:
    job = await world.submit(nodes=3, vcpus=0.5, main_node=1)

    works = world.machinery.works
    assert [work.job for work in works] == [f"{job}#1", f"{job}#0", f"{job}#2"]
    assert [work.variables["AWS_BATCH_JOB_NODE_INDEX"] for work in works] == ["1", "0", "2"]
    assert {work.variables["AWS_BATCH_JOB_NUM_NODES"] for work in works} == {"3"}
    assert {work.variables["AWS_BATCH_JOB_MAIN_NODE_INDEX"] for work in works} == {"1"}
    address = world.container(f"{job}#1").address
    assert [work.variables.get(MAIN_ADDRESS) for work in works] == [None, address, address]
    assert all(work.own_network for work in works)


async def test_nodes_wait_until_there_is_room_for_all(world: Any) -> None:
    first = await world.submit()
    job = await world.submit(nodes=2)
    behind = await world.submit()
    assert world.states(job, f"{job}#0", f"{job}#1", behind) == ["RUNNABLE"] * 4
    assert "waits for 2 vCPUs: 1 of 2 of ce are taken" in world.job(job).reason

    await world.end(first)
    assert world.states(job, f"{job}#0", f"{job}#1", behind) == ["RUNNING"] * 3 + ["RUNNABLE"]


async def test_the_end_of_the_main_node_is_the_end_of_all(world: Any) -> None:
    job = await world.submit(nodes=2)
    await world.end(f"{job}#0")

    assert world.container(f"{job}#1").graces == [30]
    assert world.states(job, f"{job}#0", f"{job}#1") == ["SUCCEEDED"] * 3
    assert [node.current.exit for node in world.job(job).nodes] == [0, 143]
    assert all(each.is_forgotten for each in world.machinery.containers.values())


async def test_the_room_of_a_group_is_free_only_when_all_its_nodes_ended(world: Any) -> None:
    job = await world.submit(nodes=2)
    behind = await world.submit()
    world.container(f"{job}#1").ignores_stop = True
    await world.end(f"{job}#0")
    assert world.states(job, behind) == ["RUNNING", "RUNNABLE"]

    await world.end(f"{job}#1", 137)
    assert world.states(job, behind) == ["SUCCEEDED", "RUNNING"]


async def test_the_end_of_another_node_changes_nothing(world: Any) -> None:
    job = await world.submit(nodes=2)
    await world.end(f"{job}#1", 1)
    assert world.status(job) == "RUNNING"

    await world.end(f"{job}#0")
    assert world.status(job) == "SUCCEEDED"
    assert world.job(f"{job}#1").current.exit == 1


async def test_a_group_is_retried_as_a_whole(world: Any) -> None:
    job = await world.submit(nodes=2, retry=2)
    await world.end(f"{job}#0", 1)

    assert [work.key for work in world.machinery.works] == [f"{job}#{n}/{a}" for a in (1, 2) for n in (0, 1)]
    assert [len(each.attempts) for each in (world.job(job), *world.job(job).nodes)] == [1, 1, 1]


async def test_nodes_of_a_group_that_can_never_start_say_so_too(world: Any) -> None:
    job = await world.submit(nodes=3)

    assert [world.hops(each)[-1].detail["stuck"] for each in (job, f"{job}#0", f"{job}#2")] == [True] * 3


async def test_a_group_that_the_engine_fails_leaves_nothing_behind(world: Any) -> None:
    def refuse(work: Any) -> Exception | None:
        if not work.job.endswith("#1"):
            return None
        world.container(work.job[:-1] + "0").stop_fails = EngineError("busy")
        return EngineError("no engine")

    world.machinery.trouble = refuse
    job = await world.submit(nodes=2)
    assert world.status(job) == "STARTING"
    await world.advance(1)

    assert world.status(job) == "RUNNABLE"
    assert world.container(f"{job}#0").graces == [0, 0]
    assert world.container(f"{job}#0").is_forgotten


async def test_a_node_that_cannot_start_takes_the_others_with_it(world: Any) -> None:
    world.machinery.trouble = lambda work: NotStarted("no image") if work.job.endswith("#1") else None
    job = await world.submit(nodes=3, vcpus=0.5)

    assert (world.status(job), world.job(job).current.reason) == ("FAILED", "no image")
    assert [each.graces for each in world.machinery.containers.values()] == [[0], [0]]
    assert all(each.is_forgotten for each in world.machinery.containers.values())


async def test_the_main_nodes_end_counts_though_another_cannot_be_stopped(world: Any) -> None:
    job = await world.submit(nodes=2)
    world.container(f"{job}#1").stop_fails = EngineError("busy")
    await world.end(f"{job}#0")

    assert world.status(job) == "SUCCEEDED"
    assert world.job(f"{job}#1").current.reason == "busy"


async def test_terminating_a_group_or_one_of_its_nodes_stops_all(world: Any) -> None:
    for suffix in ("", "#1"):
        job = await world.submit(nodes=2)
        await world.plane.terminate(job + suffix, "enough")
        await world.turn()

        assert world.states(job, f"{job}#0", f"{job}#1") == ["FAILED"] * 3
        assert world.job(job).reason == "enough"


async def test_gpus_are_dealt_out_to_the_nodes(world: Any) -> None:
    await world.remake(gpus=GpuPool([Gpu(f"GPU-{index}", "T4", 15_000) for index in range(2)]))
    await world.submit(nodes=2, gpus=1)

    assert [work.gpus for work in world.machinery.works] == [("GPU-0",), ("GPU-1",)]


async def test_a_scaled_down_group_shares_what_the_machine_has(world: Any) -> None:
    await world.remake(machine=Machine(2, 1000), scale_down=True)
    world.control.queue("q", world.control.environment(vcpus=16))
    job = await world.submit(nodes=4, vcpus=2, memory_mb=500)

    assert world.job(job).note == "2 of 8 vCPUs; 1000 of 2000 MB"
    assert {(work.vcpus, work.memory_mb) for work in world.machinery.works} == {(0.5, 250)}


async def test_a_group_that_waits_for_another_job_is_pending_with_its_nodes(world: Any) -> None:
    first = await world.submit()
    job = await world.submit(nodes=2, after=(first,))
    assert world.states(job, f"{job}#1") == ["PENDING"] * 2

    await world.end(first, 1)
    assert world.states(job, f"{job}#1") == ["FAILED"] * 2
