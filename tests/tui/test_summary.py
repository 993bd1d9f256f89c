from __future__ import annotations

import itertools
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui.summary import Summary

numbers = itertools.count(1)


def hop(what: What, invocation: str = "i", **detail: Any) -> Hop:
    return Hop(next(numbers), 0.0, "test", what, "run", invocation, 1, {"function": "f", **detail})


def summary(*hops: Hop) -> Summary:
    result = Summary()
    result.feed(hops)
    return result


def test_an_invocation_counts_once_however_far_it_is() -> None:
    tally = summary(hop(What.EVENT_QUEUED), hop(What.INVOCATION_STARTED)).tallies()[0]

    assert (tally.queued, tally.running, tally.invocations) == (0, 1, 1)


def test_durations_and_peak_memory_are_those_of_the_attempts() -> None:
    tally = summary(
        hop(What.INVOCATION_SUCCEEDED, "a", duration_ms=10, peak_mb=30, memory_mb=128),
        hop(What.INVOCATION_SUCCEEDED, "b", duration_ms=30, peak_mb=50, memory_mb=128),
    ).tallies()[0]

    assert (tally.p50, max(tally.durations), tally.peak_mb) == (20, 30, 50)


def test_a_failure_names_its_input_and_its_log() -> None:
    failure = summary(
        hop(What.FILTER_MATCHED, bucket="b", key="in/x.jpg"),
        hop(
            What.INVOCATION_FAILED, error_type="Hfaas.ScriptFailed", message="exit 1", log_group="g", log_stream="s"
        ),
    ).failures()[0]

    assert (failure.cause, failure.error_type, failure.log_group) == ("s3://b/in/x.jpg", "Hfaas.ScriptFailed", "g")


def test_a_retry_that_succeeds_is_no_failure() -> None:
    told = summary(
        hop(What.INVOCATION_FAILED, error_type="E"),
        hop(What.EVENT_RETRY, after_s=60),
        hop(What.INVOCATION_SUCCEEDED),
    )

    assert told.failures() == []
    assert (told.tallies()[0].retries, told.tallies()[0].succeeded) == (1, 1)


def test_an_event_discarded_after_its_failure_keeps_the_cause_of_the_failure() -> None:
    told = summary(
        hop(What.INVOCATION_FAILED, error_type="E", message="why"), hop(What.EVENT_DISCARDED, reason="retries")
    )

    assert [failure.message for failure in told.failures()] == ["why"]
    assert told.tallies()[0].failed == 1


def test_a_denied_permission_is_a_problem_of_the_run() -> None:
    told = summary(hop(What.PERMISSION_DENIED, "", bucket="b", key="k", reason="no statement allows it"))

    assert told.problems == ["s3://b/k: no statement allows it"]


def test_function_arns_and_names_are_one_function() -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    told = summary(hop(What.EVENT_QUEUED, function=arn), hop(What.INVOCATION_SUCCEEDED))

    assert [tally.function for tally in told.tallies()] == ["f"]


def test_onetrigger_is_counted_apart_from_the_users_functions() -> None:
    told = summary(
        hop(What.INVOCATION_SUCCEEDED, "a", function="cut-onetrigger", duration_ms=5, peak_mb=20),
        hop(What.INVOCATION_SUCCEEDED, "b", function="cut-onetrigger-2"),
        hop(What.INVOCATION_SUCCEEDED, "c", function="cut"),
    )

    assert [each.function for each in told.tallies()] == ["cut"]
    assert [(each.function, each.watched) for each in told.watchers()] == [
        ("cut-onetrigger", "cut"),
        ("cut-onetrigger-2", "cut"),
    ]


def test_a_look_that_failed_is_a_failure() -> None:
    told = summary(hop(What.INVOCATION_FAILED, function="cut-onetrigger", error_type="E", message="m"))

    assert [each.function for each in told.failures()] == ["cut-onetrigger"]


def test_a_failure_names_the_file_in_the_space() -> None:
    told = summary(
        hop(What.EVENT_QUEUED, origin="onetrigger:/films/in/x.avi"),
        hop(What.INVOCATION_FAILED, error_type="E", message="m"),
    )

    assert told.failures()[0].cause == "onedata://films/in/x.avi"


def test_the_images_that_containers_were_started_of_are_known_by_their_reference() -> None:
    told = summary(
        hop(What.IMAGE_RAN, "", image="f:1", id="sha256:1"),
        hop(What.IMAGE_RAN, "", image="f:1", id="sha256:2"),
        hop(What.IMAGE_RAN, "", image="g:1", id="sha256:3"),
    )

    assert told.images == {"f:1": {"sha256:1", "sha256:2"}, "g:1": {"sha256:3"}}
    assert not told.tallies()


LACKING = {"role": "r", "action": "s3:PutObject", "resource": "x"}


def test_a_failure_says_what_its_role_lacked_once_for_all_attempts() -> None:
    failed = hop(What.INVOCATION_FAILED, error_type="E", message="m")
    told = summary(hop(What.ROLE_DENIED, **LACKING), failed, hop(What.ROLE_DENIED, **LACKING), failed)

    assert [failure.message for failure in told.failures()] == ["m; the role r lacks s3:PutObject on x"]


def test_an_invocation_that_copes_with_a_refusal_has_no_problem() -> None:
    told = summary(hop(What.ROLE_DENIED, **LACKING), hop(What.INVOCATION_SUCCEEDED))

    assert (told.failures(), told.problems) == ([], [])


def test_a_refusal_of_nobodys_invocation_is_a_problem() -> None:
    told = summary(hop(What.ROLE_DENIED, "", **LACKING), hop(What.ROLE_DENIED, "", **LACKING))

    assert told.problems == ["the role r lacks s3:PutObject on x"]
