"""Promotions in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hfaas_deploy import fdl, messages, template
from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.events import Event
from hfaas_deploy.preview import Action, Preview, Step
from hfaas_deploy.promote.promotion import (
    Adoption,
    BucketPlan,
    Identity,
    ImagePlan,
    Owner,
    Promotion,
    Rehearsal,
    SecretPlan,
    Upload,
)
from hfaas_deploy.promote.purging import Contents
from hfaas_deploy.promote.remains import Remains
from hfaas_deploy.settings import Setting
from hfaas_tui import promotions
from hfaas_tui.promotions import Tone

HELLO = Path(__file__).parents[2] / "samples/hello/pipeline.yaml"
IDENTITY = Identity("210987654321", "arn:aws:sts::210987654321:user/a", "eu-west-1", "sts.eu-west-1.amazonaws.com")


@pytest.fixture(scope="module")
def promotion() -> Promotion:
    """A first promotion of the sample, rehearsed, with one image to push."""
    pipeline = fdl.read(HELLO)
    rendered = template.render(pipeline)
    image = ImagePlan("hello", "hfaas/hello:1", "hfaas/hello", "1", Upload.PUSH, "sha256:1", "", 2048)
    return Promotion(
        pipeline,
        rendered,
        IDENTITY,
        stack_status="",
        is_first=True,
        rehearsal=Rehearsal("hfaas-hello", rendered.sha256, {"hello": "sha256:1"}, 0),
        preview=Preview("hfaas-hello", True, (Step(Action.ADD, "function", "hello"),)),
        images=(image,),
        changes=(Change("Add", "Hello", "AWS::Lambda::Function"),),
    )


def left(promotion: Promotion, *, yes: bool = False, account: str = "", replace: bool = False) -> list[str]:
    return list(promotions.demands(promotion, yes=yes, account=account, replace=replace))


def removing(promotion: Promotion) -> Promotion:
    return replace(promotion, is_first=False, changes=(Change("Remove", "Old", "AWS::Lambda::Function"),))


def test_a_first_promotion_wants_a_yes_and_the_account(promotion: Promotion) -> None:
    assert left(promotion) == ["--yes", "--account 4321"]
    assert left(promotion, yes=True, account="1111") == ["--account 4321"]
    assert left(promotion, yes=True, account="4321") == []


def test_a_removal_wants_its_own_word(promotion: Promotion) -> None:
    assert left(removing(promotion), yes=True) == ["--replace"]
    assert left(removing(promotion), yes=True, replace=True) == []


def test_the_sum_counts_what_happens_to_resources_and_images(promotion: Promotion) -> None:
    assert promotions.total(promotion) == "1 to add; 1 image to push, 2.0 KB at most"
    assert "1 to remove" in promotions.total(removing(promotion))


def test_what_was_not_rehearsed_is_a_danger_and_says_so_first(promotion: Promotion) -> None:
    unproven = replace(promotion, rehearsal=None)

    assert "NOT REHEARSED" in promotions.route(unproven)
    (dangers,) = [each for each in promotions.summary(unproven) if each.title == "Dangers"]
    assert [row.tone for row in dangers.rows] == [Tone.DANGER]


def test_a_deploy_that_no_run_went_through_is_told_as_that(promotion: Promotion) -> None:
    told = [
        row.cells for section in promotions.summary(promotion) for row in section.rows if section.title == "Notes"
    ]

    assert promotions.route(promotion).startswith("LOCAL deploy ")
    assert told == [
        ("it came up here by a deploy; whether its functions ran then is not noted, as `hfaas run` notes it",)
    ]


def test_a_run_is_a_rehearsal_and_what_it_left_idle_is_told(promotion: Promotion) -> None:
    assert promotion.rehearsal
    run = replace(promotion, rehearsal=replace(promotion.rehearsal, how="run"))
    idle = replace(promotion, rehearsal=replace(promotion.rehearsal, how="run", idle=("hello",)))

    assert promotions.route(run).startswith("LOCAL rehearsal ")
    assert promotions.unproved(run) == ""
    assert promotions.unproved(idle).startswith("its rehearsal ran no container of hello: ")


def test_a_bucket_that_is_taken_over_has_lines_of_its_own_and_what_it_loses_is_agreed_to(
    promotion: Promotion,
) -> None:
    adoption = Adoption(1000, 2048, is_more=True, losses=("does not notify others any more",))
    bucket = BucketPlan("films", Owner.OURS, is_adopted=True, adoption=adoption)
    step = Step(Action.CHANGE, "bucket", "films", is_adopted=True)
    adopting = replace(promotion, buckets=(bucket,), preview=Preview("hfaas-hello", True, (step,)))

    (resources,) = [one for one in promotions.summary(adopting) if one.title == "Resources"]
    assert [row.cells for row in resources.rows] == [("~", "bucket", "films", "is taken over")]
    (section,) = [one for one in promotions.summary(adopting) if one.title == "Taken over"]
    told = [" ".join(row.cells) for row in section.rows]
    assert (
        told[0] == "~ films its content stays: at least 1000 objects, 2.0 KB; so do its policy and lifecycle rules"
    )
    assert told[-1] == "! films does not notify others any more; not so with hfaas.buckets.films.existing: true"
    assert promotions.destroyed(adopting) == "films does not notify others any more"
    assert left(adopting, yes=True, account="4321") == ["--replace"]


def test_the_rows_of_a_section_have_the_same_number_of_cells(promotion: Promotion) -> None:
    full = replace(removing(promotion), rehearsal=None, secrets=(SecretPlan("hub", missing=("TOKEN",)),))

    for section in promotions.summary(full):
        assert len({len(row.cells) for row in section.rows}) == 1, section.title


def test_a_document_that_changes_is_told_by_its_name_alone(promotion: Promotion) -> None:
    settings = (Setting("memory", "128", "256"), Setting("rights", "x" * 500, "y" * 500))
    step = Step(Action.CHANGE, "function", "hello", settings)
    told = promotions.summary(replace(promotion, preview=Preview("hfaas-hello", False, (step,))))

    (row,) = next(each for each in told if each.title == "Resources").rows
    assert row.cells[-1] == "memory 128 -> 256, rights changes"


def test_a_secret_without_a_value_is_needed_and_one_that_has_one_is_not(promotion: Promotion) -> None:
    keys = (SecretPlan("hub", missing=("TOKEN",), is_first=True), SecretPlan("other", missing=("KEY",)))
    asked = replace(promotion, secrets=keys)

    assert promotions.missing(asked) == [("hub", "TOKEN"), ("other", "KEY")]
    assert promotions.is_needed(asked, "hub")
    assert not promotions.is_needed(asked, "other")


def test_what_goes_and_what_stays_are_told_apart() -> None:
    buckets = (Contents("films", 3, 2048), Contents("kept", 1, 10))
    goes, stays = promotions.remains(Remains("video", "CREATE_COMPLETE", buckets=buckets), {"films"}, images=False)

    assert ("-", "bucket", "films", "3 objects, 2.0 KB, for good") in [row.cells for row in goes.rows]
    assert [row.cells[2] for row in stays.rows] == ["kept"]


def test_a_bucket_that_may_still_call_functions_is_told() -> None:
    told = promotions.lines(messages.StillListening("scans", "Access Denied"))

    assert list(told) == ["s3://scans: it may still call functions of this pipeline: Access Denied"]


def test_an_empty_stack_of_images_goes_and_is_told() -> None:
    (goes,) = promotions.remains(Remains("video", "", hollow="video-images"), (), images=False)

    assert [row.cells for row in goes.rows] == [("-", "stack", "video-images", "of images, without any")]


def test_the_end_of_an_event_is_told_with_its_reason_and_routine_is_not() -> None:
    failed = Event("1", "Hello", "AWS::Lambda::Function", "CREATE_FAILED", "no such image")
    routine = replace(failed, status="CREATE_IN_PROGRESS", reason="Resource creation Initiated")

    assert list(promotions.lines(messages.Happened(failed))) == ["Hello (Function): CREATE_FAILED: no such image"]
    assert promotions.failed(messages.Happened(failed))
    assert list(promotions.lines(messages.Happened(routine))) == []


def test_what_aws_has_been_at_for_minutes_is_told_with_the_way_out() -> None:
    (told,) = promotions.lines(messages.StillAt("video", ("Jobs (ComputeEnvironment)",), 240.0))

    assert told == (
        "video: AWS is still at Jobs (ComputeEnvironment), nothing new for 4 min; "
        "Ctrl-C leaves it to AWS, the same command watches on"
    )
