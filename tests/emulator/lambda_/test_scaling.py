"""When another environment pays."""

from __future__ import annotations

import dataclasses
from typing import Any

from hfaas_emulator.lambda_.scaling import MAX_STARTING, Estimate, Load, starts

NOBODY = Load(waiting=0, environments=0, starting=0, duration_s=0.1, start_s=0.5, pressed_s=0)


def load(**changes: Any) -> Load:
    return dataclasses.replace(NOBODY, **changes)


def test_nobody_waiting_starts_nothing() -> None:
    assert starts(load()) == 0


def test_the_first_event_starts_the_first_environment() -> None:
    assert starts(load(waiting=1)) == 1


def test_an_event_waits_for_a_start_that_is_under_way() -> None:
    assert starts(load(waiting=1, environments=1, starting=1, pressed_s=9)) == 0


def test_short_events_queue_on_one_environment() -> None:
    assert starts(load(waiting=50, environments=1, duration_s=0.002)) == 0


def test_long_events_get_more_environments() -> None:
    assert starts(load(waiting=50, environments=1, duration_s=1)) == MAX_STARTING


def test_a_wait_shorter_than_a_start_is_waited() -> None:
    assert starts(load(waiting=1, environments=1, duration_s=0.4)) == 0


def test_a_wait_longer_than_a_start_is_not() -> None:
    assert starts(load(waiting=1, environments=1, duration_s=0.6)) == 1


def test_lasting_pressure_gives_everybody_an_environment() -> None:
    assert starts(load(waiting=3, environments=5, duration_s=0.1, pressed_s=0.5)) == 3


def test_lasting_pressure_does_not_start_twice_for_the_same_event() -> None:
    assert starts(load(waiting=3, environments=8, starting=3, duration_s=0.1, pressed_s=0.5)) == 0


def test_no_more_start_than_wait() -> None:
    assert starts(load(waiting=2, environments=0, duration_s=100)) == 2


def test_an_estimate_begins_with_the_first_measurement_and_follows_the_newest() -> None:
    estimate = Estimate(9)
    estimate.add(1)
    assert estimate.value == 1
    estimate.add(2)
    assert 1 < estimate.value < 2
