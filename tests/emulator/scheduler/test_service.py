"""What fires when, on a clock that the test moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.emulator.scheduler.conftest import START, Lab, settled

from hfaas_emulator.errors import AwsError
from hfaas_emulator.scheduler.records import Firing, Retries
from hfaas_emulator.trace import What


def at(seconds: float) -> str:
    return (datetime.fromtimestamp(START, UTC) + timedelta(seconds=seconds)).strftime("at(%Y-%m-%dT%H:%M:%S)")


async def test_a_rate_fires_at_once_and_then_again_and_again(lab: Lab) -> None:
    lab.put("a", "rate(1 minute)")
    await settled()
    assert lab.fired == [("a", 0)]
    await lab.pass_(150, step=10)
    assert lab.fired == [("a", 0), ("a", 60), ("a", 120)]


async def test_a_cron_fires_on_the_minute(lab: Lab) -> None:
    lab.put("a", "cron(* * * * ? *)")
    await lab.pass_(120, step=1)
    assert [(START + due) % 60 for _, due in lab.fired] == [0, 0]


async def test_one_time_is_once(lab: Lab) -> None:
    lab.put("a", at(90))
    await lab.pass_(600, step=30)
    lab.scheduler.wake()
    await settled()
    assert lab.fired == [("a", 90)]


async def test_what_is_past_never_fires(lab: Lab) -> None:
    lab.put("a", at(-1))
    await lab.pass_(60)
    assert lab.fired == []


async def test_several_schedules_take_turns(lab: Lab) -> None:
    lab.put("a", at(30))
    lab.put("b", at(10))
    lab.put("c", at(10))
    await lab.pass_(60, step=5)
    assert lab.fired == [("b", 10), ("c", 10), ("a", 30)]


async def test_a_schedule_that_was_deleted_is_silent(lab: Lab) -> None:
    lab.put("a", at(30))
    await settled()
    lab.drop("a")
    await lab.pass_(60, step=5)
    assert lab.fired == []


async def test_another_target_does_not_move_the_next_firing(lab: Lab) -> None:
    first = lab.put("a", "rate(1 minute)")
    await lab.pass_(30, step=10)
    lab.control.kept["a"] = replace(first, targets=("arn:other",), made=lab.clock.now())
    lab.scheduler.wake()
    await lab.pass_(40, step=10)
    assert lab.fired == [("a", 0), ("a", 60)]
    assert lab.hops(What.SCHEDULE_FIRED)[-1].detail["target"] == "arn:other"


async def test_a_changed_expression_begins_anew(lab: Lab) -> None:
    lab.put("a", "rate(1 hour)")
    await lab.pass_(30, step=10)
    lab.put("a", "rate(1 minute)")
    await lab.pass_(65, step=5)
    assert lab.fired == [("a", 0), ("a", 30), ("a", 90)]


async def test_nothing_is_caught_up_after_a_start() -> None:
    lab = Lab()
    lab.put("rate", "rate(1 hour)", anchor=START - 5_400, made=START - 5_400)
    lab.put("once", at(-100), made=START - 5_400)
    lab.scheduler.open()
    try:
        await lab.pass_(3_600)
        assert lab.fired == [("rate", 1_800)]
    finally:
        await lab.scheduler.close()


async def test_what_a_sleeping_machine_missed_is_left_out(lab: Lab) -> None:
    lab.put("a", at(60))
    lab.put("b", "rate(1 minute)", anchor=START + 60)
    await settled()
    lab.clock.advance(8 * 3_600 + 30)
    await settled()
    assert lab.fired == []
    await lab.pass_(30)
    assert lab.fired == [("b", 8 * 3_600 + 60)]


async def test_a_window_puts_a_firing_off(lab: Lab) -> None:
    one = lab.put("a", at(60), window_s=600)
    delay = one.timing.fires(START + 60) - START
    await settled()
    await lab.pass_(delay - 1)
    assert lab.fired == []
    await lab.pass_(2)
    assert lab.fired == [("a", 60)]


async def test_a_schedule_is_over_when_its_last_firing_is(lab: Lab) -> None:
    lab.put("once", at(60), ends=True)
    lab.put("ended", "rate(1 minute)", end=START + 90, ends=True)
    lab.put("kept", at(60))
    await lab.pass_(30, step=10)
    assert lab.control.deleted == []
    await lab.pass_(120, step=10)
    assert sorted(lab.control.deleted) == ["ended", "once"]


async def test_waiting_is_idle_and_firing_is_not(lab: Lab) -> None:
    lab.put("a", at(60))
    await settled()
    assert lab.idle.pending() == ()
    seen: list[Any] = []
    lab.control.trouble = lambda _: seen.extend(lab.idle.pending()) or None  # type: ignore[func-returns-value]
    await lab.pass_(60)
    assert [one.what for one in seen] == ["schedule a fires"]
    assert lab.idle.pending() == ()


async def test_a_firing_is_a_hop_of_the_run_it_begins(lab: Lab) -> None:
    lab.put("a", at(60))
    await settled()
    await lab.pass_(60)
    (hop,) = lab.hops(What.SCHEDULE_FIRED)
    assert dict(hop.detail) == {"schedule": "arn:a", "target": "arn:target:a"}
    assert hop.run == lab.control.fired[0].execution


async def test_nobody_asks_for_records_while_nothing_changes(lab: Lab) -> None:
    lab.put("a", "rate(1 minute)")
    await settled()
    before = lab.control.reads
    await lab.pass_(600, step=30)
    assert len(lab.fired) == 11
    assert lab.control.reads == before


async def test_a_target_that_is_missing_goes_to_the_dead_letters_at_once(lab: Lab) -> None:
    lab.control.trouble = lambda _: AwsError("ResourceNotFoundException", "no function", 404)
    lab.put("a", at(60))
    await settled()
    await lab.pass_(60)
    assert lab.control.buried == [("ResourceNotFoundException", "", 1)]
    (problem,) = lab.hops(What.PROBLEM)
    assert "no function" in problem.detail["message"]


async def test_what_may_pass_is_tried_again(lab: Lab) -> None:
    lab.control.trouble = lambda firing: AwsError("Busy", "busy", 503) if firing.attempt < 3 else None
    lab.put("a", at(60))
    await settled()
    await lab.pass_(120, step=1)
    assert [one.attempt for one in lab.control.fired] == [1, 2, 3]
    assert len({one.execution for one in lab.control.fired}) == 1
    assert lab.control.buried == []


@pytest.mark.parametrize(
    ("retries", "condition", "attempts"),
    [
        (Retries(2, 86_400), "MaximumRetryAttempts", 3),
        (Retries(0, 86_400), "MaximumRetryAttempts", 1),
        (Retries(185, 60), "MaximumEventAgeInSeconds", 6),
    ],
)
async def test_attempts_come_to_an_end(lab: Lab, retries: Retries, condition: str, attempts: int) -> None:
    lab.control.trouble = lambda _: AwsError("TooManyRequestsException", "slow down", 429)
    lab.put("a", at(60), retries=retries)
    await settled()
    await lab.pass_(300, step=1)
    assert lab.control.buried == [("TooManyRequestsException", condition, attempts)]


def test_a_firing_says_its_time_as_aws_does() -> None:
    schedule = Lab().put("a", at(60))
    assert Firing(schedule, START + 60.9, "e").time == "2023-11-14T22:14:20Z"
