"""Who starts when: capacity, order, environments, GPUs, and what the others are told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hfaas_emulator.batch import service
from hfaas_emulator.batch.capacity import Machine
from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpus import GpuMode, GpuPool
from hfaas_emulator.errors import AwsError, EngineError, StateError
from hfaas_emulator.trace import What

FULL = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - waits for 1 vCPU: 2 of 2 of ce are taken"


def two_gpus(mode: GpuMode = GpuMode.EXCLUSIVE, count: int = 2) -> GpuPool:
    return GpuPool([Gpu(f"GPU-{index}", "T4", 15_000) for index in range(count)], mode, "")


async def test_a_job_goes_through_awss_states(world: Any) -> None:
    job = await world.submit()
    await world.end(job)

    assert world.told(job) == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert [status for _, status in world.announced] == world.told(job)
    assert world.job(job).reason == "Essential container in task exited"


async def test_a_job_is_pending_for_idleness_until_it_is_final(world: Any) -> None:
    job = await world.submit("walk")
    (pending,) = world.idle.pending()
    assert (pending.kind, pending.id, pending.what) == ("job", job, "walk: RUNNING")

    await world.end(job)
    assert await world.idle.wait(60)


async def test_a_final_job_tells_its_exit_its_log_and_its_peak(world: Any) -> None:
    job = await world.submit()
    await world.end(job, 3)

    last = world.hops(job)[-1]
    assert last.detail["status"] == "FAILED"
    assert (last.detail["exit"], last.detail["peak_mb"], last.detail["log_group"]) == (3, 12, "/aws/batch/job")
    assert last.detail["log_stream"] == f"def/default/{job}/1"


async def test_a_delegated_job_belongs_to_the_run_and_the_function(world: Any) -> None:
    job = await world.submit(invocation="request", run="run")

    (submitted,) = world.hops(job, What.JOB_SUBMITTED)
    assert (submitted.run, submitted.invocation, submitted.detail["function"]) == ("run", "request", "def")


async def test_a_job_that_logs_to_its_functions_group_is_the_functions(world: Any) -> None:
    job = await world.submit(task={"log_group": "/aws/lambda/def"})
    other = await world.submit()

    assert world.hops(job, What.JOB_SUBMITTED)[0].detail["function"] == "def"
    assert "function" not in world.hops(other, What.JOB_SUBMITTED)[0].detail


async def test_maxvcpus_bounds_what_runs(world: Any) -> None:
    jobs = [await world.submit() for _ in range(3)]

    assert world.states(*jobs) == ["RUNNING", "RUNNING", "RUNNABLE"]
    assert world.job(jobs[2]).reason == FULL


async def test_the_reason_of_a_wait_is_told_once(world: Any) -> None:
    jobs = [await world.submit() for _ in range(4)]
    await world.end(jobs[0])

    reasons = [hop.detail["reason"] for hop in world.hops(jobs[3]) if hop.detail["status"] == "RUNNABLE"]
    assert reasons == ["", FULL]
    assert not any(hop.detail["stuck"] for hop in world.hops(jobs[3]))
    assert world.idle.pending()[-1].what == f"job: RUNNABLE: {FULL}"


async def test_a_freed_slot_is_given_away_at_once(world: Any) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await world.end(jobs[0])

    assert world.status(jobs[2]) == "RUNNING"
    assert world.container(jobs[0]).is_forgotten


async def test_jobs_of_one_queue_start_in_the_order_of_their_submission(world: Any) -> None:
    jobs = [await world.submit(vcpus=2) for _ in range(3)]
    order = []
    for _ in jobs:
        (runs,) = world.running()
        order.append(runs)
        await world.end(runs)

    assert order == jobs


async def test_100_jobs_keep_both_slots_busy(world: Any) -> None:
    jobs = [await world.submit() for _ in range(100)]
    for job in jobs[:-2]:
        assert len(world.running()) == 2
        await world.end(job)

    assert world.running() == jobs[-2:]


async def test_a_queue_of_higher_priority_goes_first(world: Any) -> None:
    shared = world.control.environment()
    world.control.queue("q", shared, priority=1)
    world.control.queue("urgent", shared, priority=10)
    first = await world.submit(vcpus=2)
    later = await world.submit(vcpus=2)
    urgent = await world.submit(vcpus=2, queue="urgent")
    await world.end(first)

    assert world.states(later, urgent) == ["RUNNABLE", "RUNNING"]


async def test_a_large_job_is_not_starved_by_small_ones_behind_it(world: Any) -> None:
    small = [await world.submit() for _ in range(2)]
    large = await world.submit(vcpus=2)
    behind = await world.submit()
    await world.end(small[0])
    assert world.states(large, behind) == ["RUNNABLE", "RUNNABLE"]
    assert world.job(behind).reason.endswith("1 of 2 of ce are taken, the rest is kept for a job before it")

    await world.end(small[1])
    assert world.states(large, behind) == ["RUNNING", "RUNNABLE"]


async def test_the_next_environment_takes_what_the_first_has_no_room_for(world: Any) -> None:
    control = world.control
    control.queue("q", control.environment("one", 1), control.environment("two", 1))
    jobs = [await world.submit() for _ in range(3)]

    assert [world.job(job).environment for job in jobs] == ["one", "two", ""]
    assert [work.environment for work in world.machinery.works] == ["one", "two"]


async def test_an_environment_is_shared_by_its_queues(world: Any) -> None:
    world.control.queue("other", world.control.environment())
    jobs = [await world.submit(vcpus=2), await world.submit(queue="other")]

    assert world.states(*jobs) == ["RUNNING", "RUNNABLE"]


NEVER = [
    ({"vcpus": 3}, "COMPUTE_ENVIRONMENT_MAX_RESOURCE - needs 3 vCPUs, ce has maxvCpus 2"),
    ({"vcpus": 65}, "needs 65 vCPUs, this machine has 64; start the emulator with --scale-down"),
    ({"memory_mb": 200_000}, "needs 200000 MB, this machine has 100000 MB for jobs; start the emulator with"),
    ({"gpus": 1}, "needs 1 GPU: no NVIDIA GPU here; start with --gpu fallback to run it on CPU"),
]


@pytest.mark.parametrize(("wants", "reason"), NEVER)
async def test_a_job_that_can_never_start_says_so_and_blocks_nobody(
    world: Any, wants: dict[str, int], reason: str
) -> None:
    stuck = await world.submit(**wants)
    other = await world.submit()

    assert world.states(stuck, other) == ["RUNNABLE", "RUNNING"]
    assert reason in world.job(stuck).reason
    assert world.job(stuck).reason.startswith("MISCONFIGURATION:")
    assert world.hops(stuck)[-1].detail["stuck"] is True


async def test_the_machine_bounds_several_environments_together(world: Any) -> None:
    await world.remake(machine=Machine(3, 1000))
    world.control.queue("other", world.control.environment("other", 2))
    jobs = [await world.submit(vcpus=2), await world.submit(vcpus=2, queue="other")]

    assert world.states(*jobs) == ["RUNNING", "RUNNABLE"]
    assert "waits for 2 vCPUs: 2 of 3 of this machine are taken" in world.job(jobs[1]).reason


async def test_memory_of_the_machine_is_waited_for(world: Any) -> None:
    await world.remake(machine=Machine(8, 1000))
    jobs = [await world.submit(memory_mb=600) for _ in range(2)]
    assert "waits for 600 MB: 600 of 1000 MB of this machine are taken" in world.job(jobs[1]).reason

    await world.end(jobs[0])
    assert world.status(jobs[1]) == "RUNNING"


async def test_scale_down_gives_what_the_machine_has_and_says_so(world: Any) -> None:
    await world.remake(machine=Machine(2, 15_000), scale_down=True)
    world.control.queue("q", world.control.environment(vcpus=16))
    job = await world.submit(vcpus=8, memory_mb=61_440)
    small = await world.submit()

    assert world.job(job).note == "2 of 8 vCPUs; 15000 of 61440 MB"
    (work,) = world.machinery.works
    assert (work.vcpus, work.memory_mb) == (2, 15_000)
    assert world.hops(job)[-1].detail["note"] == world.job(job).note
    assert world.status(small) == "RUNNABLE"


async def test_a_gpu_is_one_jobs_at_a_time(world: Any) -> None:
    await world.remake(gpus=two_gpus())
    jobs = [await world.submit(vcpus=0.25, gpus=1) for _ in range(3)]
    cpu = await world.submit()

    assert [work.gpus for work in world.machinery.works] == [("GPU-0",), ("GPU-1",), ()]
    assert world.status(cpu) == "RUNNING"
    assert "waits for 1 GPU: 2 of 2 here are taken" in world.job(jobs[2]).reason
    await world.end(jobs[1])
    assert world.container(jobs[2]).work.gpus == ("GPU-1",)


async def test_a_gpu_that_lambda_gives_back_starts_a_job(world: Any) -> None:
    pool = two_gpus(count=1)
    await world.remake(gpus=pool)
    taken = pool.take(1)
    job = await world.submit(gpus=1)
    assert pool.is_short

    pool.give(taken or ())
    await world.turn()
    assert world.status(job) == "RUNNING"


async def test_more_gpus_than_there_are_is_stuck(world: Any) -> None:
    await world.remake(gpus=two_gpus())
    job = await world.submit(gpus=3)

    assert world.job(job).reason.endswith("needs 3 GPUs, this machine has 2")
    assert world.job(job).is_stuck


async def test_shared_gpus_are_seen_by_all(world: Any) -> None:
    await world.remake(gpus=two_gpus(GpuMode.SHARE))
    for _ in range(2):
        await world.submit(gpus=1)

    assert [work.gpus for work in world.machinery.works] == [("GPU-0", "GPU-1")] * 2


async def test_a_gpu_job_falls_back_to_the_cpu_and_says_so(world: Any) -> None:
    await world.remake(gpus=GpuPool((), GpuMode.FALLBACK, "none"))
    job = await world.submit(gpus=1)

    assert (world.status(job), world.job(job).note) == ("RUNNING", "on CPU instead of 1 GPU")


async def test_an_environment_without_gpu_instances_gets_no_gpu_job(world: Any) -> None:
    await world.remake(gpus=two_gpus())
    plain, gpu = (world.control.environment(name, instance_types=types) for name, types in TYPES.items())
    world.control.queue("q", plain, gpu)
    job = await world.submit(gpus=1)
    assert world.job(job).environment == "gpu"

    world.control.queue("q2", plain)
    stuck = await world.submit(gpus=1, queue="q2")
    assert world.job(stuck).reason.endswith("needs 1 GPU, plain has none (optimal, m5.large)")


TYPES = {"plain": ("optimal", "m5.large"), "gpu": ("m5", "g4dn.xlarge")}


async def test_jobs_of_a_disabled_queue_wait_until_it_is_enabled(world: Any) -> None:
    world.control.queue("q", world.control.environment(), enabled=False)
    job = await world.submit()
    assert world.job(job).reason.endswith("the job queue q is DISABLED")
    assert world.job(job).is_stuck

    world.control.queue("q", world.control.environment())
    world.plane.wake()
    await world.turn()
    assert world.status(job) == "RUNNING"


async def test_a_disabled_environment_is_passed_over(world: Any) -> None:
    off = world.control.environment("off", enabled=False)
    world.control.queue("q", off, world.control.environment("on"))
    job = await world.submit()
    assert world.job(job).environment == "on"

    world.control.queue("q2", off)
    stuck = await world.submit(queue="q2")
    assert world.job(stuck).reason.endswith("the compute environment off is DISABLED")


async def test_a_queue_without_environments_says_so(world: Any) -> None:
    world.control.queue("q")
    job = await world.submit()

    assert world.job(job).reason.endswith("q has no compute environment")


async def test_the_jobs_of_a_queue_that_was_deleted_end(world: Any) -> None:
    world.control.queue("other", world.control.environment("another"))
    first, job, other = await world.submit(), await world.submit(vcpus=2), await world.submit(queue="other")
    del world.control.queues["q"]
    world.plane.wake()
    await world.turn()

    assert world.states(first, job) == ["FAILED", "FAILED"]
    assert world.job(job).reason == "The job queue q was deleted"
    assert world.status(other) == "RUNNING"


async def test_a_change_while_such_jobs_are_ended_is_seen(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 1)
    array = await world.submit(array=3, vcpus=3)
    world.control.queue("other", world.control.environment("another"), enabled=False)
    waiting = await world.submit(queue="other")
    del world.control.queues["q"]
    world.plane.wake()
    while world.status(f"{array}:0") != "FAILED":
        await asyncio.sleep(0)
    assert world.status(f"{array}:2") == "RUNNABLE"
    world.control.queue("other", world.control.environment("another"))
    world.plane.wake()
    await world.turn()
    assert world.states(array, waiting) == ["FAILED", "RUNNING"]


async def test_a_job_for_a_queue_that_never_was_is_refused(world: Any) -> None:
    with pytest.raises(AwsError, match="no queue nowhere"):
        await world.submit(queue="nowhere")
    assert not list(world.plane.jobs("000000000000", "us-east-1"))


async def test_more_maxvcpus_start_more(world: Any) -> None:
    jobs = [await world.submit() for _ in range(4)]
    world.control.queue("q", world.control.environment(vcpus=4))
    for _ in range(10):
        world.plane.wake()
    asked = world.control.asked
    await world.turn()

    assert world.states(*jobs) == ["RUNNING"] * 4
    assert world.control.asked == asked + 1


async def test_who_waits_longer_than_a_pause_of_the_engine_is_tried_again(world: Any) -> None:
    world.machinery.trouble = lambda _work: EngineError("no engine answers")
    job = await world.submit()
    other = await world.submit()
    assert world.states(job, other) == ["RUNNABLE", "RUNNABLE"]
    assert world.job(job).reason == "SERVICE:CONTAINER_ENGINE - no engine answers"
    assert world.job(job).attempts == ()
    assert not world.job(job).is_stuck

    world.machinery.trouble = lambda _work: None
    await world.advance(1)
    assert world.status(other) == "RUNNING"
    await world.advance(3)
    assert world.status(job) == "RUNNING"


async def test_a_dead_engine_is_asked_less_and_less_and_then_all_count_as_stuck(world: Any) -> None:
    world.machinery.trouble = lambda _work: EngineError("no engine answers")
    jobs = [await world.submit() for _ in range(50)]
    for _ in range(300):
        await world.advance(1)

    assert len(world.machinery.works) < 40
    assert all(world.job(job).is_stuck for job in jobs)


async def test_waking_tries_a_dead_engine_at_once(world: Any) -> None:
    world.machinery.trouble = lambda _work: EngineError("no engine answers")
    job = await world.submit()
    world.machinery.trouble = lambda _work: None
    world.plane.wake()
    await world.turn()

    assert world.status(job) == "RUNNING"


async def test_a_job_is_not_accepted_on_a_full_disk(world: Any) -> None:
    world.journal.trouble = StateError("full")
    with pytest.raises(StateError):
        await world.submit()

    assert not list(world.plane.jobs("000000000000", "us-east-1"))
    assert not world.idle.pending()


async def test_an_end_that_cannot_be_written_is_written_later(world: Any) -> None:
    job = await world.submit()
    world.journal.trouble = StateError("full")
    await world.end(job)
    assert world.status(job) == "RUNNING"
    assert not world.container(job).is_forgotten
    assert world.hops(job, What.PROBLEM)

    world.journal.trouble = None
    await world.advance(1)
    assert world.status(job) == "SUCCEEDED"
    assert world.container(job).is_forgotten


async def test_nothing_starts_whose_start_cannot_be_written(world: Any) -> None:
    first, job = await world.submit(vcpus=2), await world.submit()
    container = world.container(first)
    container.end()
    world.journal.trouble = StateError("full")
    await world.turn()
    assert len(world.machinery.works) == 1

    world.journal.trouble = None
    await world.advance(5)
    assert world.states(first, job) == ["SUCCEEDED", "RUNNING"]


async def test_the_front_of_a_queue_is_in_the_order_of_starting(world: Any) -> None:
    jobs = [await world.submit(vcpus=vcpus) for vcpus in (2, 2, 1, 2)]

    front = world.plane.front("000000000000", "us-east-1", "q")
    assert [job.id for job in front] == jobs[1:]


async def test_jobs_are_listed_by_queue(world: Any) -> None:
    world.control.queue("other", world.control.environment("other"))
    jobs = [await world.submit(), await world.submit(queue="other")]

    def listed(*names: str) -> list[str]:
        return [job.id for job in world.plane.jobs("000000000000", "us-east-1", *names)]

    assert listed() == jobs
    assert listed("other") == jobs[1:]
    assert not list(world.plane.jobs("111111111111", "us-east-1"))


def calls(action: Callable[[], object]) -> int:
    """Return how many functions an action calls, however busy the machine is."""
    called = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return called


async def test_thousands_of_waiting_jobs_cost_a_round_nothing(world: Any) -> None:
    await world.submit(vcpus=2)
    await world.submit("few", array=2)
    await world.turn()
    with_few = calls(world.plane._scheduler.dispatch)
    await world.submit("many", array=2_000)
    await world.turn()

    assert 0 < calls(world.plane._scheduler.dispatch) <= 2 * with_few
