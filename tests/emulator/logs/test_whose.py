"""Whose a line is: the same answer as `hfaas logs --request-id` gives for one request."""

from __future__ import annotations

import pytest

from hfaas_emulator.logs.whose import Whose, level
from hfaas_tui.log import RequestFilter

A, B = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000"
TASK = "0123456789abcdef" * 2
STREAM = "2026/07/31/[$LATEST]0123"
LINES = [
    "loading the model\n",
    f"START RequestId: {A} Version: $LATEST\n",
    "one\n",
    f"END RequestId: {A}\n",
    f"REPORT RequestId: {A}\tDuration: 1.00 ms\n",
    f"2026-07-31T12:00:00.000Z {A} Task timed out after 3.00 seconds\n\n",
    "printed by a thread of the first\n",
    f"START RequestId: {B} Version: $LATEST\n",
    "two\n",
    f"END RequestId: {B}\n",
    f"REPORT RequestId: {B}\tDuration: 1.00 ms\n",
    "printed before the answer\n",
    "INIT_START Runtime Version: provided\n",
    "loading the model\n",
]


def told(group: str, stream: str, lines: list[str], job: tuple[str, str] | None = None) -> list[str]:
    whose = Whose(group, stream, job)
    return [whose.take(line) for line in lines]


@pytest.mark.parametrize("request_id", [A, B])
def test_a_function_s_lines_are_those_that_the_command_line_finds(request_id: str) -> None:
    mine = [
        line for line, whose in zip(LINES, told("/aws/lambda/f", STREAM, LINES), strict=True) if whose == request_id
    ]
    events = [{"logStreamName": STREAM, "message": line} for line in LINES]
    assert mine == [event["message"] for event in RequestFilter(request_id).keep(events)]
    assert len(mine) >= 4


def test_what_comes_before_the_first_request_is_nobody_s() -> None:
    assert told("/aws/lambda/f", STREAM, LINES)[0] == ""


def test_lines_that_only_look_like_a_start_name_no_request() -> None:
    assert told("/aws/lambda/f", STREAM, ["START RequestId: \n", f"START RequestId: {'x' * 100}\n"]) == ["", ""]


def test_a_job_s_lines_are_the_job_s_in_both_logs() -> None:
    said = [f"START RequestId: {A} Version: 1", "text"]
    known = Whose("/aws/batch/job", f"def/default/{TASK}", ("j-1", "my-job"))
    assert ([known.take(line) for line in said], known.function) == (["job:j-1"] * 2, "my-job")
    delegated = Whose("/aws/lambda/split", f"batch/default/{TASK}")
    lines = ["early", f"JOB RequestId: {A} JobId: j-2 Attempt: 1", "text"]
    assert ([delegated.take(line) for line in lines], delegated.function) == (["", "job:j-2", "job:j-2"], "split")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-07-31 12:00:00 - supervisor - INFO - Reading storage event", "INFO"),
        ("2026-07-31 12:00:00,123 - my.module - CRITICAL - gone", "ERROR"),
        ('{"timestamp": "2026-07-31T12:00:00Z", "level": "warning", "message": "x"}', "WARN"),
        ("[DEBUG]\t2026-07-31T12:00:00Z\tid\ttext", "DEBUG"),
        ("2026-07-31 12:00:00 - supervisor - LOUD - text", ""),
        ("12 - 3 - INFO", ""),
        ("an INFO in the text", ""),
        ("[INF", ""),
        ("", ""),
        ("{" * 100_000, ""),
        ("1 - " * 100_000, ""),
    ],
)
def test_the_level_is_what_the_line_itself_says(line: str, expected: str) -> None:
    assert level(line) == expected
