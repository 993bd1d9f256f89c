"""How attempts end, and whether another one follows: retries, rules, timeouts, cancelling, terminating."""

from __future__ import annotations

from typing import Any

import pytest

from hfaas_emulator.batch.job import Attempt, Retry, Rule
from hfaas_emulator.batch.retry import again
from hfaas_emulator.batch.runner import NotStarted
from hfaas_emulator.errors import EngineError
from hfaas_emulator.trace import What

EXITED = "Essential container in task exited"
NO_IMAGE = "CannotPullContainerError: no image"
RULES = {
    "no rule": ((), True),
    "exit code": ((Rule("EXIT", exit_code="1"),), False),
    "another exit code": ((Rule("EXIT", exit_code="2"),), True),
    "the start of an exit code": ((Rule("EXIT", exit_code="1*"),), False),
    "the letters of an exit code": ((Rule("EXIT", exit_code="11"),), True),
    "any exit code": ((Rule("EXIT", exit_code="*"),), False),
    "status reason": ((Rule("EXIT", status_reason=EXITED),), False),
    "the start of a status reason": ((Rule("EXIT", status_reason="Essential*"),), False),
    "the start without a star": ((Rule("EXIT", status_reason="Essential"),), True),
    "letters in another case": ((Rule("EXIT", status_reason="essential*"),), True),
    "a star amid the pattern": ((Rule("EXIT", status_reason="Ess*exited"),), True),
    "reason": ((Rule("EXIT", reason="OutOfMemoryError*"),), False),
    "all of a rule": ((Rule("EXIT", exit_code="1", reason="OutOfMemory*", status_reason="E*"),), False),
    "not all of a rule": ((Rule("EXIT", exit_code="1", reason="Cannot*"),), True),
    "the first rule": ((Rule("RETRY", exit_code="1"), Rule("EXIT", exit_code="*")), True),
    "the second rule": ((Rule("RETRY", exit_code="2"), Rule("EXIT", exit_code="*")), False),
    "an action in small letters": ((Rule("exit", exit_code="1"),), False),
    "retry in small letters": ((Rule("retry", exit_code="1"), Rule("exit", exit_code="1")), True),
}


@pytest.mark.parametrize(("rules", "retried"), RULES.values(), ids=RULES.keys())
def test_the_first_rule_that_matches_decides(rules: tuple[Rule, ...], retried: bool) -> None:
    last = Attempt(1, 2, 1, "OutOfMemoryError: killed", EXITED, "", "")

    assert again(Retry(2, rules), 1, last) is retried
    assert not again(Retry(2, rules), 2, last)


def test_an_attempt_without_exit_code_matches_no_exit_code() -> None:
    last = Attempt(None, 2, None, NO_IMAGE, "Task failed to start", "", "")

    assert again(Retry(2, (Rule("EXIT", exit_code="0"), Rule("EXIT", exit_code="1*"))), 1, last)
    assert not again(Retry(2, (Rule("EXIT", reason="CannotPull*"),)), 1, last)


async def test_a_job_succeeds_only_with_exit_code_zero(world: Any) -> None:
    good, bad = await world.submit(), await world.submit()
    await world.end(good, 0)
    await world.end(bad, 1)

    assert world.states(good, bad) == ["SUCCEEDED", "FAILED"]
    assert (world.job(bad).reason, world.job(bad).current.exit) == (EXITED, 1)


async def test_a_job_runs_as_often_as_its_strategy_allows(world: Any) -> None:
    job = await world.submit(retry=3)
    for code in (1, 2, 3):
        await world.end(job, code)

    assert world.status(job) == "FAILED"
    assert [each.exit for each in world.job(job).attempts] == [1, 2, 3]
    assert [work.attempt for work in world.machinery.works] == [1, 2, 3]
    states = ["RUNNABLE", "STARTING", "RUNNING"]
    assert world.told(job) == ["SUBMITTED", *states * 3, "FAILED"]
    assert [hop.attempt for hop in world.hops(job) if hop.detail["status"] == "RUNNING"] == [1, 2, 3]


async def test_a_retry_that_succeeds_is_a_success(world: Any) -> None:
    job = await world.submit(retry=5)
    await world.end(job, 1)
    await world.end(job, 0)

    assert world.status(job) == "SUCCEEDED"
    assert len(world.job(job).attempts) == 2


async def test_an_attempt_is_recorded_with_its_times_and_its_log(world: Any) -> None:
    job = await world.submit()
    begun = int(world.clock.now() * 1000)
    await world.advance(10)
    await world.end(job, 137, "OutOfMemoryError: Container killed due to memory usage")

    (attempt,) = world.job(job).attempts
    assert attempt == Attempt(
        begun,
        begun + 10_000,
        137,
        "OutOfMemoryError: Container killed due to memory usage",
        EXITED,
        f"def/default/{job}/1",
        f"arn:task/{job}/1",
    )
    assert (world.job(job).started, world.job(job).stopped) == (begun, begun + 10_000)


async def test_a_retried_job_goes_before_those_submitted_later(world: Any) -> None:
    first = await world.submit(vcpus=2, retry=2)
    second = await world.submit(vcpus=2)
    await world.end(first, 1)

    assert world.states(first, second) == ["RUNNING", "RUNNABLE"]


async def test_a_job_that_cannot_start_fails_with_the_reason_of_the_container(world: Any) -> None:
    world.machinery.trouble = lambda _work: NotStarted(NO_IMAGE)
    job = await world.submit()

    assert world.told(job) == ["SUBMITTED", "RUNNABLE", "STARTING", "FAILED"]
    (attempt,) = world.job(job).attempts
    assert (attempt.started, attempt.exit, attempt.reason) == (None, None, NO_IMAGE)
    assert (world.job(job).reason, world.job(job).current.reason) == ("Task failed to start", NO_IMAGE)


async def test_a_start_that_failed_is_retried_as_the_strategy_says(world: Any) -> None:
    world.machinery.trouble = lambda _work: NotStarted(NO_IMAGE)
    retried = await world.submit(retry=2)
    given_up = await world.submit(retry=Retry(5, (Rule("EXIT", reason="CannotPullContainerError*"),)))

    assert world.states(retried, given_up) == ["FAILED", "FAILED"]
    assert [len(world.job(each).attempts) for each in (retried, given_up)] == [2, 1]


async def test_a_job_that_could_not_start_gives_its_room_away(world: Any) -> None:
    world.machinery.trouble = lambda work: NotStarted(NO_IMAGE) if work.job.startswith("bad") else None
    jobs = [await world.submit(name, vcpus=2) for name in ("bad", "bad", "good")]

    assert world.states(*jobs) == ["FAILED", "FAILED", "RUNNING"]


async def test_a_start_that_breaks_fails_the_job_and_not_the_plane(world: Any) -> None:
    world.machinery.trouble = lambda _work: ValueError("a bug")
    job = await world.submit()

    assert world.job(job).current.reason == "CannotStartContainerError: ValueError: a bug"


async def test_a_wait_that_breaks_fails_the_job_and_ends_its_container(world: Any) -> None:
    job = await world.submit()
    world.container(job).break_off(ValueError("a bug"))
    await world.turn()

    assert world.job(job).current.reason == "CannotInspectContainerError: ValueError: a bug"
    assert world.container(job).graces == [0]


async def test_an_attempt_that_the_engine_lost_is_made_again(world: Any) -> None:
    job = await world.submit()
    world.container(job).break_off(EngineError("gone"))
    await world.turn()

    assert world.status(job) == "RUNNING"
    assert world.job(job).attempts[0].status_reason == "Host EC2 (instance i-hfaas) terminated."


async def test_what_the_engine_lost_runs_again_only_when_it_surely_ended(world: Any) -> None:
    job = await world.submit()
    lost = world.container(job)
    lost.stop_fails = EngineError("gone")
    lost.break_off(EngineError("gone"))
    await world.turn()
    assert world.status(job) == "RUNNING"
    assert len(world.machinery.works) == 1

    await world.advance(1)
    assert lost.graces == [0, 0]
    assert len(world.machinery.works) == 2


async def test_a_job_that_aws_accepts_only_to_fail_it_never_runs(world: Any) -> None:
    job = await world.submit(fault="no such thing")
    array = await world.submit(fault="no such thing", array=2)

    assert world.told(job) == ["SUBMITTED", "FAILED"]
    assert (world.status(array), world.job(array).reason) == ("FAILED", "no such thing")
    assert not world.machinery.works


async def test_an_attempt_that_takes_too_long_is_stopped_and_not_retried(world: Any) -> None:
    job = await world.submit(retry=5, timeout_s=60)
    await world.advance(59)
    assert world.status(job) == "RUNNING"
    await world.advance(1)

    assert world.container(job).graces == [30]
    assert (world.status(job), world.job(job).reason) == ("FAILED", "Job attempt duration exceeded timeout")
    assert len(world.job(job).attempts) == 1


async def test_exit_zero_after_the_timeout_is_a_failure(world: Any) -> None:
    job = await world.submit(timeout_s=60)
    world.container(job).ignores_stop = True
    await world.advance(60)
    await world.end(job, 0)

    assert world.status(job) == "FAILED"


async def test_the_timeout_counts_from_running_and_for_each_attempt_anew(world: Any) -> None:
    blocking = await world.submit(vcpus=2)
    job = await world.submit(retry=2, timeout_s=60)
    await world.advance(100)
    await world.end(blocking)
    await world.advance(50)
    await world.end(job, 1)
    await world.advance(50)
    assert world.status(job) == "RUNNING"

    await world.advance(10)
    assert world.status(job) == "FAILED"


async def test_a_timeout_of_a_job_that_ended_is_forgotten(world: Any) -> None:
    job = await world.submit(timeout_s=60)
    await world.end(job)
    await world.advance(60)

    assert world.status(job) == "SUCCEEDED"
    assert not world.container(job).graces


@pytest.mark.parametrize("act", ["cancel", "terminate"])
async def test_a_waiting_job_fails_at_once_with_the_callers_reason(world: Any, act: str) -> None:
    await world.submit(vcpus=2)
    job = await world.submit(retry=3)
    pending = await world.submit(after=(job,))
    await getattr(world.plane, act)(job, "enough")
    await world.turn()

    assert (world.status(job), world.job(job).reason) == ("FAILED", "enough")
    assert (world.job(job).is_cancelled, world.job(job).is_terminated) == (act == "cancel", act == "terminate")
    assert world.job(job).attempts == ()
    assert world.job(pending).reason == "Dependent Job failed"
    assert len(world.machinery.works) == 1


@pytest.mark.parametrize("act", ["cancel", "terminate"])
async def test_a_pending_job_fails_at_once_too(world: Any, act: str) -> None:
    first = await world.submit()
    job = await world.submit(after=(first,))
    await getattr(world.plane, act)(job, "enough")
    await world.end(first)

    assert world.told(job) == ["SUBMITTED", "PENDING", "FAILED"]


async def test_cancelling_does_not_touch_a_job_that_runs(world: Any) -> None:
    job = await world.submit()
    await world.plane.cancel(job, "enough")
    await world.turn()

    assert world.status(job) == "RUNNING"
    assert not world.container(job).graces


async def test_cancelling_does_not_touch_a_job_that_starts(world: Any) -> None:
    world.machinery.gate.clear()
    job = await world.submit()
    await world.plane.cancel(job, "enough")
    world.machinery.gate.set()
    await world.turn()

    assert world.status(job) == "RUNNING"


async def test_terminating_stops_the_container_with_its_grace_and_ends_retries(world: Any) -> None:
    job = await world.submit(retry=3)
    await world.plane.terminate(job, "enough")
    await world.turn()

    assert world.container(job).graces == [30]
    assert (world.status(job), world.job(job).reason) == ("FAILED", "enough")
    assert world.job(job).current.exit == 143
    assert world.job(job).is_terminated


async def test_a_job_that_is_terminated_while_it_starts_is_stopped_once_it_runs(world: Any) -> None:
    world.machinery.gate.clear()
    job = await world.submit()
    await world.plane.terminate(job, "enough")
    assert world.status(job) == "STARTING"
    world.machinery.gate.set()
    await world.turn()

    assert (world.status(job), world.job(job).reason) == ("FAILED", "enough")
    assert world.container(job).graces == [30]


@pytest.mark.parametrize("error", [NotStarted(NO_IMAGE), EngineError("no engine")])
async def test_a_terminated_job_that_then_cannot_start_is_not_tried_again(world: Any, error: Exception) -> None:
    world.machinery.gate.clear()
    job = await world.submit(retry=3)
    await world.plane.terminate(job, "enough")
    world.machinery.trouble = lambda _work: error
    world.machinery.gate.set()
    await world.advance(100)

    assert (world.status(job), world.job(job).reason) == ("FAILED", "enough")
    assert len(world.machinery.works) == 1


async def test_a_stop_that_the_engine_refuses_is_tried_again(world: Any) -> None:
    job = await world.submit()
    world.container(job).stop_fails = EngineError("busy")
    await world.plane.terminate(job, "enough")
    await world.advance(1)

    assert world.status(job) == "FAILED"
    assert world.hops(job, What.PROBLEM)[0].detail["message"] == "busy"


@pytest.mark.parametrize("act", ["cancel", "terminate"])
async def test_a_final_or_unknown_job_stays_as_it_is(world: Any, act: str) -> None:
    job = await world.submit()
    await world.end(job)
    await getattr(world.plane, act)(job, "enough")
    await getattr(world.plane, act)("unknown", "enough")

    assert world.told(job)[-1] == "SUCCEEDED"
    assert world.plane.job("unknown") is None


async def test_a_cancelled_job_that_waits_for_the_engine_is_not_tried_again(world: Any) -> None:
    world.machinery.trouble = lambda _work: EngineError("no engine")
    job = await world.submit()
    await world.plane.cancel(job, "enough")
    await world.advance(100)

    assert world.status(job) == "FAILED"
    assert len(world.machinery.works) == 1
