"""An emulator dies and comes back: each job goes on exactly once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from hfaas_emulator.batch.job import Dependency, Kind, Retry, Rule, Status
from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpus import GpuPool
from hfaas_emulator.errors import EngineError, StateError
from hfaas_emulator.journal import Delete, Put, Table
from hfaas_emulator.trace import What

LOST = "Host EC2 (instance i-hfaas) terminated."
WEEK_S = 7 * 24 * 3600


async def test_what_was_submitted_is_read_back_whole(world: Any) -> None:
    first = await world.submit()
    job = await world.submit(
        after=(Dependency(first),),
        retry=Retry(3, (Rule("EXIT", "1", "a*", "b*"),)),
        timeout_s=60,
        task={"command": ("a", "b"), "environment": {"A": "1"}, "secrets": {"S": "arn"}, "document": {"x": [1]}},
        tags={"t": "1"},
        document={"y": None},
        run="run",
    )
    before = world.job(job).submission
    await world.restart()

    assert world.job(job).submission == before
    assert world.job(job).submission is not before


async def test_a_running_job_goes_on_with_its_container(world: Any) -> None:
    job = await world.submit()
    await world.restart()
    assert world.status(job) == "RUNNING"
    assert world.job(job).current.log_stream == f"def/default/{job}/1"
    assert not world.announced

    await world.end(job)
    assert world.status(job) == "SUCCEEDED"
    assert len(world.machinery.works) == 1
    assert world.container(job).is_forgotten


async def test_a_job_that_ended_while_nobody_looked_is_ended_as_it_did(world: Any) -> None:
    job = await world.submit(retry=2)
    await world.plane.close()
    world.container(job).end(0)
    await world.restart()

    assert world.status(job) == "SUCCEEDED"
    assert len(world.machinery.works) == 1


async def test_an_adopted_job_holds_its_room(world: Any) -> None:
    await world.remake(gpus=GpuPool([Gpu("GPU-0", "T4", 0)]))
    jobs = [await world.submit(gpus=gpus) for gpus in (1, 1, 0, 0)]
    await world.restart()
    assert world.states(*jobs) == ["RUNNING", "RUNNABLE", "RUNNING", "RUNNABLE"]

    await world.end(jobs[0])
    assert world.states(*jobs) == ["SUCCEEDED", "RUNNING", "RUNNING", "RUNNABLE"]


async def test_a_job_whose_container_is_gone_counts_the_attempt_and_runs_again(world: Any) -> None:
    job = await world.submit()
    await world.restart(gone=True)

    assert world.status(job) == "RUNNING"
    (attempt,) = world.job(job).attempts
    assert (attempt.exit, attempt.status_reason) == (None, LOST)
    assert attempt.log_stream == f"def/default/{job}/1"
    assert [work.key for work in world.machinery.works] == [f"{job}/1", f"{job}/2"]
    assert world.told(job) == ["RUNNING", "RUNNABLE", "STARTING", "RUNNING"]


async def test_a_lost_attempt_counts_for_the_strategy(world: Any) -> None:
    job = await world.submit(retry=2)
    await world.restart(gone=True)
    await world.end(job, 1)

    assert world.status(job) == "FAILED"
    assert len(world.job(job).attempts) == 2


async def test_a_job_that_was_only_starting_is_lost_too(world: Any) -> None:
    world.machinery.gate.clear()
    job = await world.submit()
    assert world.status(job) == "STARTING"
    world.machinery.gate.set()
    await world.restart()

    assert world.status(job) == "RUNNING"
    (attempt,) = world.job(job).attempts
    assert (attempt.started, attempt.status_reason) == (None, LOST)


async def test_a_job_that_was_starting_and_has_a_container_goes_on(world: Any) -> None:
    job = await world.submit()
    row = world.journal.get(Table.JOB, job)
    world.journal.write([])
    _overwrite(world, job, row.replace(b'"RUNNING"', b'"STARTING"'))
    await world.restart()

    assert world.told(job) == ["STARTING", "RUNNING"]
    assert len(world.machinery.works) == 1


def _overwrite(world: Any, key: str, value: bytes) -> None:
    world.journal.write([Put(Table.JOB, key, value)])


async def test_a_container_whose_end_is_written_is_removed_and_not_run_again(world: Any) -> None:
    job = await world.submit()
    await world.end(job)
    world.container(job).is_forgotten = False
    await world.restart()

    assert world.container(job).is_forgotten
    assert world.status(job) == "SUCCEEDED"
    assert len(world.machinery.works) == 1


async def test_a_container_of_an_attempt_that_was_given_up_is_killed_before_the_next(world: Any) -> None:
    job = await world.submit(vcpus=2)
    row = world.journal.get(Table.JOB, job)
    _overwrite(world, job, row.replace(b'"RUNNING"', b'"RUNNABLE"'))
    stray = world.container(job)
    stray.end(0)
    world.machinery.containers = {"other/1": stray}
    await world.restart()

    assert stray.is_forgotten
    assert world.status(job) == "RUNNING"


async def test_what_waits_goes_on_waiting_in_its_order(world: Any) -> None:
    running = await world.submit(vcpus=2)
    waiting = [await world.submit(vcpus=2) for _ in range(3)]
    pending = await world.submit(after=(running,))
    await world.restart()
    assert world.states(*waiting, pending) == ["RUNNABLE"] * 3 + ["PENDING"]
    assert {each.id for each in world.idle.pending()} == {running, *waiting, pending}

    await world.end(running)
    assert world.states(*waiting, pending) == ["RUNNING", "RUNNABLE", "RUNNABLE", "RUNNABLE"]
    later = await world.submit(vcpus=2)
    assert world.job(later).order > world.job(waiting[-1]).order


@pytest.mark.parametrize(("exit", "status"), [(0, "RUNNING"), (1, "FAILED")])
async def test_an_end_of_which_the_others_had_not_heard_reaches_them(world: Any, exit: int, status: str) -> None:
    first = await world.submit()
    last = await world.submit(after=(first,))
    row = world.journal.get(Table.JOB, last)
    await world.end(first, exit)
    _overwrite(world, last, row)
    world.machinery.containers.pop(f"{last}/1", None)
    await world.restart()

    assert world.status(last) == status


async def test_a_terminated_job_stays_terminated(world: Any) -> None:
    jobs = [await world.submit(retry=3) for _ in range(2)]
    for job in jobs:
        world.container(job).ignores_stop = True
        await world.plane.terminate(job, "enough")
    await world.turn()
    del world.machinery.containers[f"{jobs[1]}/1"]
    world.container(jobs[0]).ignores_stop = False
    await world.restart()

    assert world.states(*jobs) == ["FAILED", "FAILED"]
    assert [world.job(job).reason for job in jobs] == ["enough", "enough"]
    assert len(world.machinery.works) == 2


async def test_a_timeout_goes_on_counting(world: Any) -> None:
    job = await world.submit(timeout_s=60)
    await world.advance(40)
    await world.restart()
    await world.advance(19)
    assert world.status(job) == "RUNNING"
    await world.advance(1)

    assert world.job(job).reason == "Job attempt duration exceeded timeout"


async def test_a_time_that_ran_out_meanwhile_is_noticed(world: Any) -> None:
    job = await world.submit(timeout_s=60)
    await world.plane.close()
    world.clock.advance(100)
    await world.restart()

    assert world.status(job) == "FAILED"


async def test_an_array_goes_on_where_it_was(world: Any) -> None:
    array = await world.submit(array=5)
    await world.end(f"{array}:0")
    await world.restart()
    assert +world.job(array).summary == {Status.SUCCEEDED: 1, Status.RUNNING: 2, Status.RUNNABLE: 2}

    for index in range(1, 5):
        await world.end(f"{array}:{index}")
    assert world.status(array) == "SUCCEEDED"
    assert len(world.machinery.works) == 5


async def test_an_array_whose_children_nobody_looked_at_yet_goes_on(world: Any) -> None:
    array = await world.submit(array=2, after=(Dependency("", Kind.SEQUENTIAL),))
    before = [key for key, _ in world.journal.rows(Table.JOB) if ":" in key]
    for key in before:
        _forget(world, key)
    world.machinery.containers.clear()
    await world.restart()

    assert world.states(f"{array}:0", f"{array}:1") == ["RUNNING", "PENDING"]


def _forget(world: Any, key: str) -> None:
    world.journal.write([Delete(Table.JOB, key)])


async def test_an_array_that_was_complete_but_for_its_own_row_is_ended(world: Any) -> None:
    array = await world.submit(array=2)
    row = world.journal.get(Table.JOB, array)
    for index in (0, 1):
        await world.end(f"{array}:{index}")
    _overwrite(world, array, row)
    await world.restart()

    assert world.status(array) == "SUCCEEDED"


async def test_a_group_goes_on_with_its_nodes(world: Any) -> None:
    job = await world.submit(nodes=2)
    await world.restart()
    assert world.states(job, f"{job}#0", f"{job}#1") == ["RUNNING"] * 3

    await world.end(f"{job}#0")
    assert world.states(job, f"{job}#0", f"{job}#1") == ["SUCCEEDED"] * 3
    assert len(world.machinery.works) == 2


async def test_a_group_whose_other_nodes_were_stopped_already_ends_with_its_main_node(world: Any) -> None:
    job = await world.submit(nodes=2)
    await world.plane.close()
    world.container(f"{job}#0").end(0)
    del world.machinery.containers[f"{job}#1/1"]
    await world.restart()

    assert world.status(job) == "SUCCEEDED"
    assert len(world.machinery.works) == 2


async def test_a_group_without_its_main_node_is_lost_and_the_rest_is_killed(world: Any) -> None:
    job = await world.submit(nodes=2)
    rest = world.container(f"{job}#1")
    del world.machinery.containers[f"{job}#0/1"]
    await world.restart()

    assert rest.graces == [0]
    assert world.status(job) == "RUNNING"
    assert world.job(job).attempts[0].status_reason == LOST
    assert [work.attempt for work in world.machinery.works] == [1, 1, 2, 2]


async def test_a_clean_stop_marks_nothing_failed(world: Any) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await world.plane.close()
    for job in jobs[:2]:
        world.container(job).end(137)
    await world.turn()

    assert world.states(*jobs) == ["RUNNING", "RUNNING", "RUNNABLE"]
    await world.restart(gone=True)
    assert world.states(*jobs) == ["RUNNING", "RUNNING", "RUNNABLE"]


async def test_final_jobs_are_remembered_for_a_week(world: Any) -> None:
    job = await world.submit()
    array = await world.submit(array=2)
    await world.end(job)
    world.clock.advance(WEEK_S - 1)
    await world.restart()
    assert world.status(job) == "SUCCEEDED"

    for index in (0, 1):
        await world.end(f"{array}:{index}")
    world.clock.advance(2)
    await world.restart()
    assert world.plane.job(job) is None
    assert world.status(array) == "SUCCEEDED"

    world.clock.advance(WEEK_S)
    await world.restart()
    assert not list(world.journal.rows(Table.JOB))


async def test_a_job_may_wait_for_one_that_is_forgotten(world: Any) -> None:
    done, slow = await world.submit(), await world.submit()
    last = await world.submit(after=(done, slow))
    await world.end(done)
    world.clock.advance(WEEK_S + 1)
    await world.restart()
    await world.restart()
    assert world.status(last) == "PENDING"

    await world.end(slow)
    assert world.status(last) == "RUNNING"


async def test_a_dead_engine_at_the_start_is_a_problem_and_no_end(world: Any) -> None:
    job = await world.submit()

    async def refuse() -> Any:
        raise EngineError("no engine")

    world.machinery.adopt = refuse
    world.machinery.containers.clear()
    await world.restart()

    assert [hop.detail["message"] for hop in world.trace.since(0) if hop.what is What.PROBLEM] == ["no engine"]
    assert world.status(job) == "RUNNING"


async def test_the_jobs_of_a_queue_that_was_deleted_just_before_a_crash_end(world: Any) -> None:
    running, job = await world.submit(vcpus=2), await world.submit()
    world.control.queues = {}
    await world.restart()

    assert world.states(running, job) == ["FAILED", "FAILED"]
    assert {world.job(each).reason for each in (running, job)} == {"The job queue q was deleted"}
    assert world.idle.pending() == ()


async def test_a_job_is_on_disk_when_submit_returns(world: Any) -> None:
    job = await world.submit()

    assert {f"{job}/", job} <= {key for key, _ in world.journal.rows(Table.JOB)}


async def test_rows_of_others_in_the_same_table_are_left_alone(world: Any) -> None:
    _overwrite(world, "asked?", b"{}")
    await world.restart()

    assert world.journal.get(Table.JOB, "asked?") == b"{}"


async def test_a_crash_at_any_write_neither_loses_nor_doubles_a_job(world: Any) -> None:
    """Whatever write of a job's life was the last one that the emulator made, the job succeeds once, run once."""
    for last in range(1, 6):
        before = len(world.machinery.works)
        world.journal.writes_left = last
        with suppress(StateError):
            await world.submit(f"after-{last}")
        for container in world.machinery.containers.values():
            container.end(0)
        await world.turn()
        world.journal.writes_left = None
        await world.restart()
        for container in world.machinery.containers.values():
            container.end(0)
        await world.turn()

        (job,) = (each for each in world.plane.jobs("000000000000", "us-east-1") if each.name == f"after-{last}")
        assert job.status is Status.SUCCEEDED
        assert len(world.machinery.works) == before + 1


async def test_a_job_that_aws_accepts_only_to_fail_it_fails_after_a_crash_too(world: Any) -> None:
    world.journal.writes_left = 1
    job = await world.submit(fault="no such thing")
    world.journal.writes_left = None
    await world.restart()

    assert (world.status(job), world.job(job).reason) == ("FAILED", "no such thing")
    assert not world.machinery.works
