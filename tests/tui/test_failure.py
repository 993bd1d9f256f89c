from __future__ import annotations

from dataclasses import replace

from hfaas_tui.failure import SHOWN_LINES, explanation
from hfaas_tui.tally import Failure


def failure(message: str, cause: str = "s3://b/in/x.jpg") -> Failure:
    return Failure("detect", "i", cause, "Hfaas.ScriptFailed", message, "g", "s")


def test_a_failure_is_told_with_its_object_once_and_the_scripts_last_lines_below() -> None:
    told = explanation(failure("the script ended with code 3 on s3://b/in/x.jpg\nlast output:\nno frame\nbye"), [])

    assert told.splitlines() == [
        "detect on s3://b/in/x.jpg: the script ended with code 3 (Hfaas.ScriptFailed)",
        "  | no frame",
        "  | bye",
    ]


def test_what_the_message_does_not_quote_comes_from_the_log_without_the_platforms_lines() -> None:
    told = explanation(failure("Task timed out"), ["START RequestId: i", "reading", "REPORT RequestId: i"])

    assert told.splitlines()[1:] == ["  | reading"]


def test_a_long_output_is_cut_to_its_end() -> None:
    told = explanation(failure("out", cause=""), [f"line {n}" for n in range(100)])

    assert told.splitlines()[0] == "detect: out (Hfaas.ScriptFailed)"
    assert told.splitlines()[-1] == "  | line 99"
    assert len(told.splitlines()) == 1 + SHOWN_LINES


def test_the_log_does_not_tell_the_failure_again() -> None:
    told = explanation(failure("killed; it printed nothing"), ["[ERROR] Hfaas.X: killed; it printed nothing"])

    assert len(told.splitlines()) == 1


JOB_LOG = [
    "JOB RequestId: i JobId: j Attempt: 1",
    "reading",
    "2026-11-22 21:25:22 - supervisor - ERROR - Hfaas.ScriptFailed: the script ended with code 3 on s3://b/in/x.jpg",
    "last output:",
    "no frame",
]


def test_a_failed_job_is_told_as_the_supervisor_in_it_does() -> None:
    failed = replace(failure("job j: Essential container in task exited, exit code 3"), job="j")

    assert explanation(failed, JOB_LOG).splitlines() == [
        "detect on s3://b/in/x.jpg: the script ended with code 3 (Hfaas.ScriptFailed, job j)",
        "  | no frame",
    ]


def test_a_job_without_our_supervisor_is_told_as_batch_does() -> None:
    failed = replace(failure("job j: Essential container in task exited, exit code 3"), job="j")

    told = explanation(failed, ["no such file"]).splitlines()

    assert told[0].startswith("detect on s3://b/in/x.jpg: job j: Essential container in task exited, exit code 3")
    assert told[1:] == ["  | no such file"]
