from __future__ import annotations

from dataclasses import replace
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui import why
from hfaas_tui.why import Story

OBJECT = {"bucket": "b", "key": "in/x"}


def hop(what: What, invocation: str = "", **detail: Any) -> Hop:
    return Hop(0, 0.0, "test", what, "run", invocation, 1, detail)


def tell(hops: list[Hop], bucket: str, key: str) -> Story:
    return why.tell([replace(each, seq=number) for number, each in enumerate(hops, 1)], bucket, key)


def created() -> Hop:
    return hop(What.OBJECT_CREATED, **OBJECT)


def matched() -> Hop:
    return hop(What.FILTER_MATCHED, "i", function="f", **OBJECT)


def test_an_object_nobody_put_is_unknown() -> None:
    assert "knows no s3://b/in/x" in tell([], "b", "in/x").verdict


def test_a_bucket_without_triggers_stops_the_object() -> None:
    story = tell([created(), hop(What.TRIGGER_NONE, **OBJECT)], "b", "in/x")

    assert story.verdict == "stopped at the bucket: it notifies nobody"


def test_a_filter_that_does_not_match_says_why() -> None:
    story = tell([created(), hop(What.FILTER_REJECTED, reason="suffix .jpg", **OBJECT)], "b", "in/x")

    assert story.verdict == "stopped at the filter: suffix .jpg"


def test_a_refused_permission_stops_the_object() -> None:
    denied = hop(What.PERMISSION_DENIED, function="f", reason="no statement", **OBJECT)

    assert tell([created(), matched(), denied], "b", "in/x").verdict == "stopped at the permission: no statement"


def test_a_failed_invocation_is_where_it_stopped() -> None:
    failed = hop(What.INVOCATION_FAILED, "i", function="f", error_type="E", message="m")

    assert tell([created(), matched(), failed], "b", "in/x").verdict == "stopped in f: E: m"


def test_an_object_that_went_through_arrived_with_its_outputs() -> None:
    hops = [created(), matched(), hop(What.OUTPUT_UPLOADED, "i"), hop(What.INVOCATION_SUCCEEDED, "i", function="f")]
    story = tell(hops, "b", "in/x")

    assert story.arrived
    assert story.verdict == "went through f; 1 output uploaded"


def test_only_the_latest_put_of_an_object_is_told() -> None:
    assert [told.seq for told in tell([created(), created()], "b", "in/x").hops] == [2]


def test_the_producer_of_an_object_is_not_its_consumer() -> None:
    produced = hop(What.OBJECT_CREATED, "producer", **OBJECT)
    ended = hop(What.INVOCATION_SUCCEEDED, "producer", function="p")

    assert [told.what for told in tell([produced, matched(), ended], "b", "in/x").hops] == [
        produced.what,
        matched().what,
    ]


def test_a_failure_that_is_tried_again_has_not_stopped_it() -> None:
    retry = hop(What.EVENT_RETRY, "i", function="f", after_s=60)
    failed = hop(What.INVOCATION_FAILED, "i", function="f", error_type="E", message="m")

    assert tell([created(), matched(), retry, failed], "b", "in/x").verdict == "failed; f tries again after 60 s"


def test_what_a_function_wrote_and_no_other_takes_arrived() -> None:
    written = hop(What.OBJECT_CREATED, "i", **OBJECT)
    rejected = hop(What.FILTER_REJECTED, reason="the key does not begin with 'in/'", **OBJECT)

    assert tell([written, rejected], "b", "in/x").arrived


def second_leg(status: str, attempt: int = 1, **more: Any) -> Hop:
    detail = {"job": "j", "name": "f-i", "function": "f", "status": status, **more}
    return replace(hop(What.JOB_STATE, "i", **detail), attempt=attempt)


def verdict_of(*more: Hop) -> str:
    first_leg = [
        created(),
        matched(),
        hop(What.INVOCATION_STARTED, "i", function="f"),
        hop(What.JOB_SUBMITTED, "i", job="j", name="f-i", function="f"),
        hop(What.INVOCATION_DELEGATED, "i", function="f", job="j", cause="time after 285.0 s"),
    ]
    return tell([*first_leg, *more, hop(What.INVOCATION_SUCCEEDED, "i", function="f")], "b", "in/x").verdict


DELEGATED = "f delegated it to Batch because time was over after 285.0 s"


def test_a_delegated_object_is_as_far_as_its_job_not_as_the_answer_of_the_function() -> None:
    assert verdict_of() == f"{DELEGATED}; job j waits, SUBMITTED"
    assert verdict_of(second_leg("RUNNING")) == f"{DELEGATED}; job j runs"


def test_a_job_says_what_it_waits_for() -> None:
    waits = second_leg("RUNNABLE", reason="waits for 1 vCPU")
    again = second_leg("RUNNABLE", attempt=2, reason="waits for 1 vCPU")
    never = second_leg("RUNNABLE", reason="no GPU here", stuck=True)

    assert verdict_of(waits) == f"{DELEGATED}; job j waits: waits for 1 vCPU"
    assert verdict_of(again) == f"{DELEGATED}; job j waits for attempt 2: waits for 1 vCPU"
    assert verdict_of(never) == f"{DELEGATED}; job j can never start: no GPU here"


def test_a_failed_job_stops_its_object_with_its_reason_and_exit_code() -> None:
    failed = second_leg("FAILED", reason="Essential container in task exited", exit=3)

    assert verdict_of(failed) == f"{DELEGATED}; stopped in job j: Essential container in task exited, exit code 3"


def test_what_a_job_uploads_arrived_and_the_note_is_not_forgotten() -> None:
    done = second_leg("SUCCEEDED", note="on CPU instead of 1 GPU")

    told = verdict_of(hop(What.OUTPUT_UPLOADED, "i"), done)

    assert told == f"{DELEGATED}; job j succeeded (on CPU instead of 1 GPU); 1 output uploaded"


FILE = "/films/in/x"


def tell_of_space(*hops: Hop) -> Story:
    return why.tell_of_space([replace(each, seq=number) for number, each in enumerate(hops, 1)], "films", "in/x")


def changed(change: str, path: str = FILE) -> Hop:
    return replace(hop(What.SPACE_CHANGED, space="films", path=path, change=change), run="")


def queued(origin: str, invocation: str) -> Hop:
    return hop(What.EVENT_QUEUED, invocation, function="f", origin=origin)


SEEN = (changed("created"), changed("finished"), queued("onedata:films", "look"))


def test_a_file_that_nobody_put_into_the_space_is_unknown() -> None:
    assert "knows no onedata://films/in/x" in tell_of_space(changed("created", "/films/in/y")).verdict


def test_an_upload_that_is_not_finished_is_waited_for() -> None:
    assert tell_of_space(changed("created"), changed("written")).verdict.startswith("its upload is not finished")


def test_a_space_that_nobody_watches_stops_the_file() -> None:
    story = tell_of_space(changed("created"), changed("finished"))

    assert (story.verdict.partition(":")[0], story.arrived) == ("stopped in the space", False)


def test_a_file_that_onetrigger_passed_over_is_told() -> None:
    assert "sent no event of it" in tell_of_space(*SEEN).verdict


def test_the_event_of_a_file_is_followed_into_its_function() -> None:
    other = queued("onetrigger:/films/in/y", "j")
    failed = hop(What.INVOCATION_FAILED, "i", function="f", error_type="E", message="m")

    story = tell_of_space(*SEEN, queued(f"onetrigger:{FILE}", "i"), other, failed)
    assert story.verdict == "stopped in f: E: m"
    assert "j" not in {each.invocation for each in story.hops}


def test_a_file_that_went_through_arrived() -> None:
    done = hop(What.INVOCATION_SUCCEEDED, "i", function="f")

    story = tell_of_space(*SEEN, queued(f"onetrigger:{FILE}", "i"), hop(What.OUTPUT_UPLOADED, "i"), done)
    assert (story.verdict, story.arrived) == ("went through f; 1 output uploaded", True)


def test_a_result_in_a_space_has_arrived() -> None:
    wrote = hop(What.OUTPUT_UPLOADED, "i", url="onedata://films/in/x")

    assert tell_of_space(*SEEN, wrote).arrived


def test_a_removed_file_is_said_to_be_so() -> None:
    assert tell_of_space(*SEEN, changed("removed")).verdict == "it was removed"


def test_the_story_of_a_replaced_file_is_that_of_its_last_content() -> None:
    before = (*SEEN, queued(f"onetrigger:{FILE}", "old"), hop(What.INVOCATION_FAILED, "old", function="f"))

    story = tell_of_space(*before, changed("finished"), queued(f"onetrigger:{FILE}", "new"))
    assert "old" not in {each.invocation for each in story.hops}
    assert story.verdict == "waits in the queue of f"


def test_a_role_that_lacks_a_permission_is_named_with_it() -> None:
    lacking = {"role": "r", "action": "s3:PutObject", "resource": "arn:aws:s3:::b/out/x"}
    reason = "because no identity-based policy allows the s3:PutObject action"
    denied = hop(What.ROLE_DENIED, "i", reason=reason, **lacking)
    failed = hop(What.INVOCATION_FAILED, "i", function="f", error_type="E", message="m")

    story = tell([created(), matched(), denied, failed, denied, failed], "b", "in/x")

    assert story.verdict == "stopped in f: E: m; the role r lacks s3:PutObject on arn:aws:s3:::b/out/x"


def test_what_is_odd_about_a_refusal_is_told_with_it() -> None:
    reason = "with an explicit deny in a resource-based policy (the policy of the bucket b denies it)"
    denied = hop(What.ROLE_DENIED, "i", role="r", action="a", resource="x", reason=reason)
    failed = hop(What.INVOCATION_FAILED, "i", function="f", error_type="E", message="m")

    assert tell([created(), matched(), denied, failed], "b", "in/x").verdict.endswith(
        f"the role r lacks a on x ({reason})"
    )
