from __future__ import annotations

import itertools
from typing import Any

import pytest

from hfaas_emulator.trace import Hop, What
from hfaas_tui.run import find_stuck
from hfaas_tui.summary import Summary
from hfaas_tui.tally import Tally

numbers = itertools.count(1)
JOB = "7f3c1e2a-0000-4000-8000-000000000000"


def hop(what: What, invocation: str = "i", attempt: int = 1, time: float = 0, **detail: Any) -> Hop:
    return Hop(next(numbers), time, "test", what, "run", invocation, attempt, {"function": "f", **detail})


def state(
    status: str, invocation: str = "i", job: str = JOB, attempt: int = 1, time: float = 0, **more: Any
) -> Hop:
    return hop(What.JOB_STATE, invocation, attempt, time, job=job, name="f-i", status=status, **more)


def delegated() -> list[Hop]:
    """The first leg, until its function has answered."""
    return [
        hop(What.EVENT_QUEUED),
        hop(What.INVOCATION_STARTED),
        hop(What.JOB_SUBMITTED, job=JOB, name="f-i"),
        hop(What.INVOCATION_DELEGATED, job=JOB, cause="time after 285.0 s"),
        hop(What.INVOCATION_SUCCEEDED, duration_ms=285_000, peak_mb=60, memory_mb=128),
    ]


def summary(*hops: Hop) -> Summary:
    result = Summary()
    result.feed(hops)
    return result


def tally(*hops: Hop) -> Tally:
    (only,) = summary(*hops).tallies()
    return only


def test_the_answer_of_the_function_does_not_end_what_it_delegated() -> None:
    counted = tally(*delegated())

    assert (counted.succeeded, counted.queued, counted.invocations) == (0, 1, 1)


@pytest.mark.parametrize(
    ("status", "counts_as"),
    [
        ("SUBMITTED", "queued"),
        ("PENDING", "queued"),
        ("RUNNABLE", "queued"),
        ("STARTING", "queued"),
        ("RUNNING", "running"),
        ("SUCCEEDED", "succeeded"),
        ("FAILED", "failed"),
    ],
)
def test_a_delegated_invocation_is_as_far_as_its_job(status: str, counts_as: str) -> None:
    counted = tally(*delegated(), state(status))

    assert {name: getattr(counted, name) for name in ("queued", "running", "succeeded", "failed")} == {
        **dict.fromkeys(("queued", "running", "succeeded", "failed"), 0),
        counts_as: 1,
    }


def test_two_legs_are_one_invocation_that_says_why_it_was_delegated() -> None:
    told = tally(*delegated(), state("RUNNING"), state("SUCCEEDED")).to_json()

    assert (told["invocations"], told["delegated"], told["jobs"]) == (1, 1, 1)
    assert told["delegated_because"] == {"time": 1}


def test_time_and_memory_are_those_of_the_leg_that_did_the_work() -> None:
    counted = tally(*delegated(), state("RUNNING", time=10), state("SUCCEEDED", time=70, peak_mb=900))

    assert (counted.durations, counted.peak_mb, counted.memory_mb) == ([60_000], 900, 0)


def test_the_times_a_job_tells_are_better_than_those_of_its_hops() -> None:
    counted = tally(state("RUNNING", time=10, started=9_000), state("SUCCEEDED", time=70, stopped=69_500))

    assert counted.durations == [60_500]


def test_each_attempt_of_a_job_is_measured_and_those_beyond_the_first_are_retries() -> None:
    counted = tally(
        state("RUNNABLE"),
        state("RUNNING", time=1),
        state("RUNNABLE", attempt=2, time=3),
        state("RUNNING", attempt=2, time=5),
        state("SUCCEEDED", attempt=2, time=9),
    )

    assert (counted.retries, counted.durations, counted.succeeded) == (1, [2000, 4000], 1)


def test_a_job_nobody_delegated_counts_under_the_name_of_its_definition() -> None:
    counted = tally(state("SUCCEEDED", invocation=JOB, function="annotate"))

    assert (counted.function, counted.invocations, counted.delegated, counted.jobs) == ("annotate", 1, 0, 1)


def test_what_a_job_got_less_is_noted_once_for_each_job() -> None:
    note = "on CPU instead of 1 GPU"
    told = tally(state("RUNNING", note=note), state("SUCCEEDED", note=note))

    assert told.notes == {note: 1}


def test_a_failed_job_names_the_input_and_the_log_of_its_leg() -> None:
    hops = [
        hop(What.FILTER_MATCHED, bucket="b", key="in/x.jpg"),
        *delegated(),
        state("FAILED", reason="Essential container in task exited", exit=3, log_group="g", log_stream="batch/s"),
    ]
    (failure,) = summary(*hops).failures()

    assert (failure.function, failure.cause, failure.job) == ("f", "s3://b/in/x.jpg", JOB)
    assert (failure.log_group, failure.log_stream) == ("g", "batch/s")
    assert failure.message == f"job {JOB}: Essential container in task exited, exit code 3"


def test_what_the_container_says_of_its_end_is_told_too() -> None:
    failed = state("FAILED", reason="Task failed to start", container_reason="CannotPullContainerError: no image")

    (failure,) = summary(failed).failures()

    assert failure.message == f"job {JOB}: Task failed to start: CannotPullContainerError: no image"


def test_an_array_is_one_invocation_and_its_failure_is_that_of_a_child() -> None:
    told = summary(
        state("PENDING", JOB),
        state("RUNNING", JOB, f"{JOB}:0"),
        state("RUNNING", JOB, f"{JOB}:1"),
        state("SUCCEEDED", JOB, f"{JOB}:0"),
        state("FAILED", JOB, f"{JOB}:1", exit=9, log_group="g", log_stream="one"),
        state("FAILED", JOB, reason="Array Child Job failed"),
    )

    counted = told.tallies()[0]
    assert (counted.invocations, counted.failed, counted.jobs, len(counted.durations)) == (1, 1, 1, 2)
    assert [(each.log_stream, each.message) for each in told.failures()] == [
        ("one", f"job {JOB}: Array Child Job failed in :1, exit code 9")
    ]


def test_an_array_runs_while_a_child_does() -> None:
    assert tally(state("PENDING", JOB), state("RUNNING", JOB, f"{JOB}:0")).running == 1


def pending(*ids: str, kind: str = "job") -> list[dict[str, str]]:
    return [{"kind": kind, "id": each, "what": each} for each in ids]


def test_a_job_that_waits_for_its_turn_is_not_stuck() -> None:
    assert find_stuck(pending(JOB), summary(state("RUNNABLE", reason="waits for 1 vCPU"))) == []


def test_a_job_that_nothing_can_help_is_told_with_what_to_do() -> None:
    told = summary(
        state(
            "RUNNABLE",
            stuck=True,
            reason="needs 1 GPU: no NVIDIA GPU here; start with --gpu fallback to run it on CPU",
        )
    )

    (stuck,) = find_stuck(pending(JOB), told)

    assert (stuck.function, stuck.job, stuck.reason) == (
        "f",
        JOB,
        "needs 1 GPU: no NVIDIA GPU here; start with --gpu fallback to run it on CPU",
    )
    assert "--gpu fallback" in stuck.hint


def test_a_job_too_large_for_the_machine_may_be_scaled_down() -> None:
    reason = "needs 8 vCPUs, this machine has 2; start the emulator with --scale-down to run it with less"

    assert "--scale-down" in find_stuck(pending(JOB), summary(state("RUNNABLE", stuck=True, reason=reason)))[0].hint


def test_nothing_is_stuck_while_anything_else_goes_on() -> None:
    told = summary(state("RUNNABLE", stuck=True, reason="r"))

    assert find_stuck([*pending(JOB), *pending("e", kind="event")], told) == []
    told.feed([state("RUNNING", "other", "other")])
    assert find_stuck(pending(JOB, "other"), told) == []


def test_what_waits_for_a_stuck_job_does_not_hide_it() -> None:
    told = summary(state("RUNNABLE", stuck=True, reason="r"), state("PENDING", "other", "other"))

    assert [each.job for each in find_stuck(pending(JOB, "other"), told)] == [JOB]


def test_a_job_the_trace_does_not_know_is_waited_for() -> None:
    told = summary(state("RUNNABLE", stuck=True, reason="r"))

    assert find_stuck(pending(JOB, "unknown"), told) == []


def test_a_job_that_could_start_after_all_is_stuck_no_more() -> None:
    told = summary(state("RUNNABLE", stuck=True, reason="r"), state("RUNNING"))

    assert find_stuck(pending(JOB), told) == []
