"""When something is due, in time zones whose clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hfaas_emulator.scheduler.expression import ExpressionError, Rate, Timing, read_rule, read_schedule, zone

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def dues(text: str, place: str, since: str, count: int) -> list[str]:
    timing, found, at = Timing(read_schedule(text), zone=place), [], moment(since)
    for _ in range(count):
        due = timing.after(at)
        if due is None:
            break
        at = due
        found.append(datetime.fromtimestamp(due, UTC).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("text", "place", "since", "found"),
    [
        ("cron(30 2 * * ? *)", BERLIN, "2024-03-30", ["03-30 01:30", "04-01 00:30"]),  # 2:30 is missing on 31 March
        (
            "cron(30 2 * * ? *)",
            BERLIN,
            "2024-10-26T12:00",
            ["10-27 00:30", "10-28 01:30"],
        ),  # there twice, once is enough
        ("cron(0 9 * * ? *)", BERLIN, "2024-03-30", ["03-30 08:00", "03-31 07:00"]),
        ("cron(0 * * * ? *)", NEW_YORK, "2024-03-10T05:30", ["03-10 06:00", "03-10 07:00", "03-10 08:00"]),
        ("cron(0 * * * ? *)", NEW_YORK, "2024-11-03T04:30", ["11-03 05:00", "11-03 07:00", "11-03 08:00"]),
        ("cron(0/30 * * * ? *)", "Australia/Lord_Howe", "2024-10-05T14:45", ["10-05 15:00", "10-05 15:30"]),
        ("cron(0 0 1 1 ? *)", "Asia/Kathmandu", "2024-06-01", ["12-31 18:15"]),
        ("at(2024-07-01T12:00:00)", BERLIN, "2024-01-01", ["07-01 10:00"]),
        ("at(2024-03-31T02:30:00)", BERLIN, "2024-01-01", []),
        ("at(2024-10-27T02:30:00)", BERLIN, "2024-01-01", ["10-27 00:30"]),
        ("at(2024-01-01T00:00:00)", "UTC", "2024-01-01", []),
    ],
)
def test_clocks_that_jump_skip_and_do_not_repeat(text: str, place: str, since: str, found: list[str]) -> None:
    assert dues(text, place, since, max(len(found), 1)) == found


def test_a_day_of_a_rate_is_24_hours_whatever_clocks_do() -> None:
    timing = Timing(read_schedule("rate(1 day)"), moment("2024-03-30T12:00"), BERLIN)
    assert timing.after(moment("2024-03-30T12:00")) == moment("2024-03-31T12:00")


@pytest.mark.parametrize(
    ("since", "due"), [(0, 100), (99, 100), (100, 160), (160, 220), (1_000_000, 1_000_060), (159.9, 160)]
)
def test_a_rate_counts_from_its_first_moment(since: float, due: float) -> None:
    found = Timing(Rate(60), 100).after(since)
    assert found is not None
    assert found == due or (since, found) == (1_000_000, 1_000_060 - (1_000_060 - 100) % 60)


def test_a_rate_begins_at_its_start_and_stops_before_its_end() -> None:
    timing = Timing(Rate(60), 0, start=1_000, end=1_090)
    assert [timing.after(0), timing.after(1_000), timing.after(1_060)] == [1_000, 1_060, None]


def test_a_cron_waits_for_its_start_and_stops_after_its_end() -> None:
    start, end = moment("2024-01-02T10:00"), moment("2024-01-03T10:00")
    timing = Timing(read_rule("cron(0 10 * * ? *)"), start=start, end=end)
    assert [timing.after(0), timing.after(start), timing.after(end)] == [start, end, None]


def test_a_window_puts_each_firing_off_by_a_part_of_it_and_always_the_same() -> None:
    timing = Timing(Rate(3_600), window_s=600)
    delays = [timing.fires(due) - due for due in range(0, 36_000, 3_600)]
    assert delays == [timing.fires(due) - due for due in range(0, 36_000, 3_600)]
    assert len(set(delays)) == 10
    assert all(0 <= delay <= 600 for delay in delays)


@pytest.mark.parametrize(
    "text",
    [
        "rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "rate(-1 minutes)", "rate(1.5 hours)", "rate(5 weeks)",
        "rate(5minutes)", "rate(5 minutes", "rate()", "RATE(5 minutes)", "at(2030-01-01T00:00:00)", "cron()", "5 minutes",
        "rate(5 minutes) ",
    ],
)  # fmt: skip
def test_a_rule_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises(ExpressionError):
        read_rule(text)


@pytest.mark.parametrize(
    "text",
    ["at(2030-13-01T00:00:00)", "at(2030-01-01)", "at(2030-01-01T00:00:00Z)", "at(9999-01-01T00:00:00)", "rate(x)"],
)
def test_a_schedule_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises(ExpressionError):
        read_schedule(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("rate(1 minute)", 60), ("rate(1 minutes)", 60), ("rate(2 hours)", 7_200), ("rate(1 day)", 86_400)],
)
def test_scheduler_reads_rates_in_either_number(text: str, seconds: int) -> None:
    assert read_schedule(text) == Rate(seconds)


@pytest.mark.parametrize("name", ["Mars/Phobos", "../etc/passwd", "Europe", "", "/etc/localtime"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ExpressionError, match="no time zone"):
        zone(name)
