from __future__ import annotations

from hfaas_tui.log import RequestFilter, of_request


def events(*lines: tuple[str, str]) -> list[dict[str, str]]:
    return [{"logStreamName": stream, "message": text} for stream, text in lines]


def kept(lines: list[dict[str, str]], request: str | None) -> list[str]:
    return [each["message"] for each in of_request(lines, request)]


TWO_LEGS = events(
    ("2026/e", "START RequestId: r1"),
    ("2026/e", "working"),
    ("2026/e", "DELEGATED RequestId: r1 JobId: j Cause: time after 1.0 s"),
    ("2026/e", "REPORT RequestId: r1"),
    ("batch/default/1", "JOB RequestId: r1 JobId: j Attempt: 1"),
    ("2026/e", "START RequestId: r2"),
    ("batch/default/1", "START RequestId: what a script prints"),
    ("2026/e", "other work"),
    ("batch/default/1", "done"),
    ("batch/default/2", "JOB RequestId: r2 JobId: k Attempt: 1"),
)


def test_a_request_has_the_lines_of_both_its_legs() -> None:
    assert kept(TWO_LEGS, "r1") == [
        "START RequestId: r1",
        "working",
        "DELEGATED RequestId: r1 JobId: j Cause: time after 1.0 s",
        "REPORT RequestId: r1",
        "JOB RequestId: r1 JobId: j Attempt: 1",
        "START RequestId: what a script prints",
        "done",
    ]


def test_without_a_request_nothing_is_left_out() -> None:
    assert len(kept(TWO_LEGS, None)) == len(TWO_LEGS)


def test_a_request_goes_on_in_lines_that_come_later() -> None:
    of_request = RequestFilter("r1")

    first = list(of_request.keep(TWO_LEGS[:1]))
    second = list(of_request.keep(TWO_LEGS[1:2]))

    assert [each["message"] for each in first + second] == ["START RequestId: r1", "working"]


def test_what_arrives_after_the_report_is_the_request_s_until_the_next_begins() -> None:
    late = events(
        ("2026/e", "START RequestId: r1"),
        ("2026/e", "REPORT RequestId: r1"),
        ("2026/e", "printed before the answer"),
        ("2026/e", "INIT_START Runtime Version: provided"),
        ("2026/e", "loading"),
        ("2026/e", "START RequestId: r2"),
    )
    assert kept(late, "r1") == ["START RequestId: r1", "REPORT RequestId: r1", "printed before the answer"]
