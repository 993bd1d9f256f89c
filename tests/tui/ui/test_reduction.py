"""Hops become runs, steps and writers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hfaas_emulator.trace import Hop, What
from hfaas_tui.ui.emulator.reduction import Reduction
from hfaas_tui.ui.model import Condition, Run

EVENT, J = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"
T = 1_790_000_000.0
FRAME: dict[str, Any] = {"bucket": "video", "key": "frames/1.jpg"}
ARN = "arn:aws:lambda:us-east-1:000000000000:function:detect"


class Story:
    """Hops of one invocation and one job, as the emulator writes them."""

    def __init__(self) -> None:
        self.reduction = Reduction()
        self.writers: dict[str, tuple[str, str]] = {}
        self._seq = itertools.count(1)

    def tell(self, what: What, at: float = 0, attempt: int = 1, where: str = "lambda", **detail: Any) -> None:
        invocation = detail.pop("invocation", EVENT)
        hop = Hop(next(self._seq), T + at, where, what, "r", invocation, attempt, detail)
        self.writers |= self.reduction.take([hop]).writers or {}

    def queued(self, origin: str = "s3:video") -> None:
        self.tell(What.EVENT_QUEUED, 0, 0, function="detect", origin=origin)

    def started(self, at: float = 1, attempt: int = 1) -> None:
        self.tell(What.ENVIRONMENT_LEASED, at, attempt, function="detect", environment="e", start="warm")
        self.tell(What.INVOCATION_STARTED, at, attempt, function="detect", environment="e")

    def ended(self, at: float = 3, attempt: int = 1, error: str = "") -> None:
        figures: dict[str, Any] = {
            "function": "detect",
            "duration_ms": 2000,
            "billed_ms": 2000,
            "memory_mb": 512,
            "peak_mb": 80,
        }
        failure: dict[str, Any] = {"error_type": error, "message": "it broke"} if error else {}
        what = What.INVOCATION_FAILED if error else What.INVOCATION_SUCCEEDED
        self.tell(what, at, attempt, **figures, **failure, log_group="/aws/lambda/detect", log_stream="s")

    def job(self, status: str = "", at: float = 5, attempt: int = 1, job: str = J, **more: Any) -> None:
        named = {"job": job, "name": "detect", "queue": "q", "function": "detect"}
        if not status:
            self.tell(What.JOB_SUBMITTED, at, attempt, "batch", **named, **more)
        else:
            self.tell(What.JOB_STATE, at, attempt, "batch", **named, status=status, **more)

    def run(self, name: str = EVENT) -> Run:
        found = self.reduction.run(name)
        assert found
        return found


@pytest.fixture
def story() -> Story:
    return Story()


def test_an_event_waits_runs_and_ends(story: Story) -> None:
    story.queued()
    assert (story.run().state, story.run().queued) == (Condition.QUEUED, T)
    story.started()
    assert (story.run().state, story.run().started) == (Condition.RUNNING, T + 1)
    story.ended()
    run = story.run()
    assert (run.state, run.ended, run.billed_ms, run.peak_mb) == (Condition.OK, T + 3, 2000, 80)
    assert (run.where, run.log_stream, run.seconds(T)) == ("lambda", "s", 2)


def test_the_origin_is_the_object_that_caused_it(story: Story) -> None:
    story.tell(What.PERMISSION_GRANTED, **FRAME, function=ARN, where="s3")
    story.queued()
    assert (story.run().origin, story.run().function) == ("s3://video/frames/1.jpg", "detect")


@pytest.mark.parametrize(
    ("told", "origin"),
    [
        ("onetrigger:/space/in/a.jpg", "onedata://space/in/a.jpg"),
        ("onedata:space", "onedata://space"),
        ("scheduler", "schedule"),
        ("api", "invoke"),
        ("destination:first", "destination:first"),
    ],
)
def test_origins_are_told_as_people_call_them(story: Story, told: str, origin: str) -> None:
    story.queued(told)
    assert story.run().origin == origin


def test_a_call_over_http_comes_from_the_api(story: Story) -> None:
    story.started()
    assert story.run().origin == "invoke"
    story.tell(What.ENDPOINT_CALLED, function="detect", method="GET", path="/", status=200)
    assert story.run().origin == "api"


def test_a_cold_start_is_told_with_its_time(story: Story) -> None:
    story.tell(What.ENVIRONMENT_STARTED, invocation="", environment="e", function="detect", init_ms=410)
    story.tell(What.ENVIRONMENT_LEASED, environment="e", function="detect", start="cold")
    assert (story.run().is_cold, story.run().init_ms) == (True, 410)


def test_a_failure_is_over_only_after_the_last_retry_whichever_hop_comes_first(story: Story) -> None:
    story.queued()
    story.started()
    story.tell(What.EVENT_RETRY, 3, 1, function="detect", after_s=60, reason="Boom")
    story.ended(3, 1, "Boom")
    run = story.run()
    assert (run.state, run.ended, run.message) == (
        Condition.RETRYING,
        None,
        "tried again at 14:14:23, after Boom: it broke",
    )
    story.started(63, 2)
    assert (story.run().state, story.run().attempt) == (Condition.RUNNING, 2)
    story.tell(What.EVENT_DISCARDED, 65, 2, function="detect", reason="RetriesExhausted")
    story.ended(65, 2, "Boom")
    run = story.run()
    assert (run.state, run.ended, run.error_type, run.message) == (Condition.FAILED, T + 65, "Boom", "it broke")


def test_a_time_limit_is_no_ordinary_failure(story: Story) -> None:
    story.started()
    story.ended(error="Sandbox.Timedout")
    assert story.run().state is Condition.TIMED_OUT


def test_a_refused_call_failed_at_once_and_a_throttled_event_waits(story: Story) -> None:
    story.queued()
    story.tell(What.EVENT_THROTTLED, function="detect", limit="10 of 10", where="lambda.pool")
    assert (story.run().state, story.run().message) == (Condition.QUEUED, "waits for room: 10 of 10")
    story.tell(What.EVENT_THROTTLED, invocation="other", function="detect", limit="10 of 10")
    assert story.run("other").state is Condition.FAILED


def test_both_legs_of_a_delegated_event_point_to_each_other(story: Story) -> None:
    story.queued()
    story.started()
    story.tell(What.INVOCATION_DELEGATED, 2, function="detect", job=J, cause="time", seconds=2)
    story.job(at=2)
    story.ended()
    first, second = story.run(), story.run(J)
    assert (first.state, first.job, first.cause, first.where) == (Condition.TIMED_OUT, J, "time", "λ→batch")
    assert (second.kind, second.invocation, second.cause, second.origin) == ("job", EVENT, "time", first.origin)


def test_a_job_waits_says_why_and_runs(story: Story) -> None:
    story.job(invocation=J)
    story.job("RUNNABLE", invocation=J, reason="no room: 2 of 2 vCPUs are taken")
    assert (story.run(J).state, story.run(J).message) == (Condition.QUEUED, "no room: 2 of 2 vCPUs are taken")
    story.job("RUNNING", invocation=J, started=(T + 7) * 1000)
    story.job(
        "SUCCEEDED", invocation=J, started=(T + 7) * 1000, stopped=(T + 9) * 1000, exit=0, log_stream="batch/x"
    )
    run = story.run(J)
    assert (run.state, run.seconds(T), run.exit, run.log_stream) == (Condition.OK, 2, 0, "batch/x")
    assert (run.invocation, run.queue) == ("", "q")


def test_another_attempt_of_a_job_waits_again(story: Story) -> None:
    story.job(invocation=J)
    story.job("RUNNING", invocation=J, started=T * 1000)
    story.job("RUNNABLE", attempt=2, invocation=J)
    run = story.run(J)
    assert (run.state, run.started, run.attempt) == (Condition.QUEUED, None, 2)


@pytest.mark.parametrize(
    ("reason", "began", "state"),
    [
        ("Job attempt duration exceeded timeout", True, Condition.TIMED_OUT),
        ("Essential container in task exited", True, Condition.FAILED),
        ("stopped with `hfaas-tui`", True, Condition.STOPPED),
        ("I changed my mind", False, Condition.STOPPED),
        ("Dependent Job failed", False, Condition.FAILED),
    ],
)
def test_how_a_job_failed_is_told_apart(story: Story, reason: str, began: bool, state: Condition) -> None:
    story.job(invocation=J)
    story.job("FAILED", invocation=J, reason=reason, started=T * 1000 if began else None)
    assert story.run(J).state is state


def test_an_array_runs_while_its_children_do(story: Story) -> None:
    story.job(invocation=J)
    story.job("PENDING", invocation=J)
    story.job(invocation=J, job=f"{J}:0")
    story.job("RUNNING", invocation=J, job=f"{J}:0", started=T * 1000)
    story.job("PENDING", invocation=J)
    assert story.run(J).state is Condition.RUNNING
    assert story.run(f"{J}:0").invocation == ""


def test_who_wrote_an_object_is_known_also_after_the_work_went_to_a_job(story: Story) -> None:
    story.started()
    story.tell(What.OUTPUT_UPLOADED, 2, function="detect", url="s3://video/out/1.png", bytes=9)
    story.job(at=2)
    story.ended()
    story.tell(What.OUTPUT_UPLOADED, 9, function="detect", url="s3://video/out/2.png", bytes=9, where="supervisor")
    story.tell(What.OBJECT_CREATED, 9, invocation="", bucket="video", key="in/3.mp4", size=1)
    assert story.writers == {
        "s3://video/out/1.png": ("detect", EVENT),
        "s3://video/out/2.png": ("detect", J),
        "s3://video/in/3.mp4": ("", ""),
    }
    assert (story.run().outputs, story.run(J).outputs) == (("s3://video/out/1.png",), ("s3://video/out/2.png",))


def test_an_object_that_went_is_told_as_a_change_without_writers(story: Story) -> None:
    hop = Hop(1, T, "s3", What.OBJECT_REMOVED, detail=FRAME)
    assert story.reduction.take([hop]).writers == {}


def test_what_was_under_way_is_stopped_when_the_emulator_ends_until_the_next_takes_it_up(story: Story) -> None:
    story.queued()
    story.started()
    (run,) = story.reduction.interrupted(T + 9).runs
    assert (run.state, run.ended) == (Condition.STOPPED, T + 9)
    story.queued()
    assert (story.run().state, story.run().ended) == (Condition.QUEUED, None)


def test_every_hop_of_a_run_is_one_of_its_steps_in_words(story: Story) -> None:
    story.queued()
    story.started()
    story.ended(error="Boom")
    steps = story.reduction.steps(EVENT)
    assert [each.what for each in steps][-2:] == ["invocation.started", "invocation.failed"]
    assert steps[-1].text == "Boom: it broke  2.0s"
    assert {each.run for each in steps} == {EVENT}


def test_every_kind_of_hop_has_words(story: Story) -> None:
    for what in What:
        news = story.reduction.take([Hop(1, T, "x", what, invocation="y", detail={})])
        assert news.steps[0].text, what
