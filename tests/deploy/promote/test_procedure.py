"""Promotions from their plan to their record, against an emulator that plays AWS and a registry that plays ECR."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests import faults
from tests.deploy.promote import stage
from tests.standin import OTHER, REGION, StandIn, somebody_else

from hfaas_deploy import names, template
from hfaas_deploy.aws import artifacts
from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.errors import (
    CredentialsError,
    DeployError,
    NotAgreed,
    NotRehearsed,
    StackFailed,
    TemplateUnsound,
    WrongAccount,
)
from hfaas_deploy.messages import Happened, Planned, Recorded, Recovering, SecretStored, StillListening, Unheard
from hfaas_deploy.promote import agreement, listening, record
from hfaas_deploy.promote.promotion import Promotion

pytestmark = pytest.mark.slow


@contextmanager
def meanwhile(moment: faults.Moment, act: Callable[[], None]) -> Iterator[None]:
    """Do something as soon as a request is held, and let it go on."""

    def run() -> None:
        moment.wait()
        act()
        moment.release()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def stacks_of(project: stage.Project) -> list[str]:
    """What is left of Stacks, by name and status."""
    stacks = project.target.client("cloudformation").describe_stacks()["Stacks"]
    return [f"{one['StackName']} {one['StackStatus']}" for one in stacks if project.id in one["StackName"]]


def test_the_first_promotion_brings_up_what_was_planned_and_writes_it_down(project: stage.Project) -> None:
    planned = project.plan()

    promoted = project.promote(planned)

    assert project.asked == []
    assert promoted.changed
    assert project.stack.status() == "CREATE_COMPLETE"
    standing = project.stack.standing()
    assert standing is not None
    assert (standing.fingerprint, promoted.template) == (planned.template.sha256, planned.template.sha256)
    assert set(promoted.images.values()) <= set(standing.parameters.values())
    for function, value in promoted.images.items():
        live = project.target.client("lambda").get_function(FunctionName=function)
        assert live["Code"]["ImageUri"] == value
        assert value.startswith(f"{project.registry.address}/hfaas/{function}@sha256:")
    assert {one.function: one.id for one in planned.images} == dict(promoted.ids)
    assert (promoted.account, promoted.region, promoted.by) == (
        project.target.account,
        REGION,
        planned.identity.arn,
    )
    assert record.latest(project.target, project.name) == promoted
    assert [type(message) for message in project.said][-1] is Recorded


def test_a_second_promotion_of_the_same_changes_nothing_and_says_so(project: stage.Project) -> None:
    first = project.promote()
    project.said.clear()
    planned = project.plan()

    again = project.promote(planned)

    assert planned.is_empty
    assert not again.changed
    assert again.outputs == first.outputs
    assert project.told(Happened) == project.told(SecretStored) == project.told(Recorded) == []
    assert record.history(project.target, project.name) == [first]


def test_a_stack_that_was_made_anew_before_it_was_cut_off_is_recorded(project: stage.Project) -> None:
    first = project.promote()
    record.write(project.target, replace(first, at=first.at + 0.01, outputs={"Url": "of a Stack that is gone"}))

    again = project.promote()

    assert not again.changed
    assert record.latest(project.target, project.name) == again


def test_a_changed_script_is_one_image_and_one_change_and_nobody_is_asked_again(project: stage.Project) -> None:
    project.promote()
    project.engine.pushed.clear()
    (project.folder / "a.sh").write_text("#!/bin/sh\necho other\n")

    promoted = project.promote()

    assert project.engine.pushed == [f"split-{project.id}"]
    assert project.asked == []
    (plan,) = [one.plan for one in project.told(Planned)[-1:]]
    assert plan is not None
    assert [one.kind for one in plan.changes] == ["AWS::Lambda::Function"]
    live = project.target.client("lambda").get_function(FunctionName=f"split-{project.id}")
    assert live["Code"]["ImageUri"] == promoted.images[f"split-{project.id}"]
    assert len(record.history(project.target, project.name)) == 2


def test_as_many_changes_are_told_as_were_planned(project: stage.Project) -> None:
    """The Stack's own tag, which goes to every resource, does not count; nor does it for the images."""
    project.promote()
    project.edit("memory: 256", "memory: 512")
    project.file.write_text(project.file.read_text() + LAST.format(id=project.id))
    planned = project.plan()
    project.said.clear()

    project.promote(planned)

    images, stack = project.told(Planned)
    assert stack.plan.changes == planned.changes
    assert [one.action for one in images.plan.changes] == ["Add"]


LAST = """\
  - lambda:
      name: last-{id}
      init_script: b.sh
      container: {{image: "debian:bookworm-slim"}}
"""


def test_buckets_that_a_promotion_left_untold_are_told_by_the_next_however_often_it_is_cut_off(
    project: stage.Project, stand_in: StandIn
) -> None:
    first, second, third = (project.borrow(name) for name in ("first", "second", "third"))
    project.listen_to(first)
    project.promote()
    with faults.before(stand_in.url) as proxy:
        proxy.cut(f"/{first}?notification", times=faults.ALWAYS)
        for bucket in (second, third):
            project.listen_to(bucket)
            with pytest.raises(DeployError, match="does not answer"):
                project.promote(project.plan(), replace(project.target, endpoint=proxy.url))
    assert project.heard(first) == project.heard(third) == 1

    project.promote()

    assert [project.heard(one) for one in (first, second, third)] == [0, 0, 1]
    assert listening.left(project.target, project.name) == []


def test_a_bucket_that_does_not_let_us_is_told_and_tried_again(project: stage.Project, stand_in: StandIn) -> None:
    first, second = project.borrow("first"), project.borrow("second")
    project.listen_to(first)
    project.promote()
    project.listen_to(second)
    with faults.before(stand_in.url) as proxy:
        proxy.refuse(f"/{first}?notification", code="AccessDenied", status=403)
        project.promote(project.plan(), replace(project.target, endpoint=proxy.url))
    assert [one.bucket for one in project.told(StillListening)] == [first]
    assert listening.left(project.target, project.name) == [first]

    project.promote()

    assert (project.heard(first), project.heard(second)) == (0, 1)
    assert listening.left(project.target, project.name) == []


def test_what_is_no_list_of_buckets_is_passed_over(project: stage.Project) -> None:
    project.promote()
    s3 = project.target.client("s3")
    for text in (b"nothing", b"{}", b'[1, "../x", "NO NAME"]', b"[" * 100_000):
        key = f"{listening.FOLDER}{project.name}.json"
        s3.put_object(Bucket=record.bucket(project.target), Key=key, Body=text)

        assert listening.left(project.target, project.name) == []


def test_what_somebody_changed_between_plan_and_promotion_is_asked_about(project: stage.Project) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")
    mine = project.plan()
    project.edit("memory: 512", "memory: 1024")
    project.promote()  # somebody else is faster
    before = project.stack.standing()
    project.answer = lambda _: False

    with pytest.raises(NotAgreed, match="something else than was agreed to"):
        project.promote(mine)

    (asked,) = project.asked
    assert asked.deployed != mine.deployed
    assert asked.template == mine.template
    assert project.stack.standing() == before
    cfn = project.target.client("cloudformation")
    left = cfn.list_change_sets(StackName=project.name)["Summaries"]
    assert [one for one in left if one["ExecutionStatus"] == "AVAILABLE"] == []


def test_who_agrees_anew_gets_what_was_planned(project: stage.Project) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")
    mine = project.plan()
    project.edit("memory: 512", "memory: 1024")
    project.promote()

    project.promote(mine)

    assert len(project.asked) == 1
    live = project.target.client("lambda").get_function_configuration(FunctionName=f"split-{project.id}")
    assert live["MemorySize"] == 512


def test_a_resource_that_aws_refuses_is_the_headline_and_nothing_stays(project: stage.Project) -> None:
    name = f"split-{project.id}"
    planned = project.plan()
    logs = project.target.client("logs")
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")  # somebody is faster, so the Stack cannot make it

    with pytest.raises(DeployError, match=r"AWS::Logs::LogGroup.*already exists") as caught:
        project.promote(planned)

    assert not isinstance(caught.value, StackFailed) or "removed again" in caught.value.hint
    assert project.stack.status() in ("", "ROLLBACK_COMPLETE")
    assert record.latest(project.target, project.name) is None

    logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
    project.promote()

    assert project.stack.status() == "CREATE_COMPLETE"


def test_an_update_that_aws_refuses_leaves_the_stack_on_the_old_images(project: stage.Project) -> None:
    first = project.promote()
    (project.folder / "a.sh").write_text("#!/bin/sh\necho other\n")
    planned = project.plan()
    bad = planned.template.body.replace('"Timeout":30', '"Timeout":90000', 1)
    sha = template_sha(bad)
    broken = replace(planned, template=replace(planned.template, body=bad, sha256=sha))

    with pytest.raises(StackFailed, match="AWS::Lambda::Function") as caught:
        project.promote(broken)

    assert caught.value.hint == "the Stack is as it was before"
    assert project.stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    live = project.target.client("lambda").get_function(FunctionName=f"split-{project.id}")
    assert live["Code"]["ImageUri"] == first.images[f"split-{project.id}"]
    project.promote(planned)
    assert project.stack.status() == "UPDATE_COMPLETE"


def template_sha(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def test_a_stack_that_never_came_up_is_removed_first(project: stage.Project) -> None:
    planned = project.plan()
    bad = planned.template.body.replace('"Timeout":30', '"Timeout":90000', 1)
    broken = replace(planned, template=replace(planned.template, body=bad, sha256=template_sha(bad)))
    with pytest.raises(StackFailed):
        project.promote(broken)
    assert project.stack.status() == "ROLLBACK_COMPLETE"

    project.promote()

    assert Recovering(project.name, "ROLLBACK_COMPLETE") in project.said
    assert project.stack.status() == "CREATE_COMPLETE"


def test_a_rollback_that_failed_is_continued_before_anything_else(project: stage.Project) -> None:
    """The old image was deleted, so the function cannot go back to it when another one fails."""
    name = f"split-{project.id}"
    repository = {"repositoryName": f"hfaas/{name}"}
    ecr = project.target.client("ecr")
    project.promote()
    (old,) = [one for one in project.plan().images if one.function == name]
    (project.folder / "a.sh").write_text("#!/bin/sh\necho other\n")
    planned = project.plan()
    document = json.loads(planned.template.body)
    split, join = (names.logical(f"{one}-{project.id}", "Function") for one in ("split", "join"))
    document["Resources"][join]["Properties"]["Timeout"] = 90_000
    document["Resources"][join]["DependsOn"].append(split)
    bad = json.dumps(document, sort_keys=True, separators=(",", ":"))
    ecr.batch_delete_image(**repository, imageIds=[{"imageDigest": old.digest}])
    with pytest.raises(StackFailed) as caught:
        project.promote(replace(planned, template=replace(planned.template, body=bad, sha256=template_sha(bad))))
    assert project.stack.status() == "UPDATE_ROLLBACK_FAILED"
    assert "it goes on with the rollback first" in caught.value.hint
    project.registry.push(old.repository, old.tag, text=old.reference)  # what was missing is there again

    project.promote()

    assert Recovering(project.name, "UPDATE_ROLLBACK_FAILED") in project.said
    assert project.stack.status() == "UPDATE_COMPLETE"


def test_ctrl_c_in_the_question_leaves_no_change_set(project: stage.Project) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")
    mine = project.plan()
    project.edit("memory: 512", "memory: 1024")
    project.promote()

    def pressed(_: object) -> bool:
        raise KeyboardInterrupt

    project.answer = pressed
    with pytest.raises(KeyboardInterrupt):
        project.promote(mine)

    sets = project.target.client("cloudformation").list_change_sets(StackName=project.name)["Summaries"]
    assert not [one for one in sets if one["ExecutionStatus"] == "AVAILABLE"]
    assert project.stack.status() == "UPDATE_COMPLETE"


def test_a_template_that_is_not_what_its_fingerprint_says_goes_nowhere(project: stage.Project) -> None:
    planned = project.plan()
    forged = replace(planned, template=replace(planned.template, body=planned.template.body + " "))

    with pytest.raises(TemplateUnsound):
        project.promote(forged)

    assert stacks_of(project) == []


def test_a_change_set_of_another_template_is_not_executed(project: stage.Project) -> None:
    """Somebody changes the text where it lies for CloudFormation: the hash does not fit any more."""
    planned = project.plan()
    other = planned.template.body.replace('"MemorySize":256', '"MemorySize":257')
    assert other != planned.template.body
    carried = replace(_standing(planned), template=json.loads(other))

    with pytest.raises(NotRehearsed, match="another template"):
        agreement.verify(carried, planned, {})


def test_a_change_set_with_another_image_is_not_executed(project: stage.Project) -> None:
    planned = project.plan()

    with pytest.raises(NotRehearsed, match="SplitImage"):
        agreement.verify(
            replace(_standing(planned), parameters={"SplitImage": "a@sha256:1"}),
            planned,
            {"SplitImage": "a@sha256:2"},
        )


def _standing(planned: Promotion) -> Standing:
    return Standing(json.loads(planned.template.body))


def test_an_image_that_somebody_replaced_since_the_plan_stops_it(project: stage.Project) -> None:
    project.promote()
    planned = project.plan()
    images = tuple(replace(one, digest=f"sha256:{'0' * 64}") for one in planned.images)

    with pytest.raises(NotRehearsed, match="not the one that was planned with"):
        project.promote(replace(planned, images=images))

    assert project.stack.status() == "CREATE_COMPLETE"


def test_other_credentials_than_those_of_the_plan_are_refused(project: stage.Project) -> None:
    planned = project.plan()

    with somebody_else(), pytest.raises(WrongAccount, match=OTHER):
        project.promote(planned)

    assert stacks_of(project) == []


def test_a_bucket_that_is_somebody_elses_stops_it_before_anything_is_made(
    project: stage.Project, stand_in: StandIn
) -> None:
    with somebody_else():
        other = stand_in.target().client("s3")
        other.create_bucket(Bucket=project.name, CreateBucketConfiguration={"LocationConstraint": REGION})
    planned = project.plan()

    with pytest.raises(DeployError, match=project.name) as caught:
        project.promote(planned)

    assert caught.value.hint == "nothing was done"
    assert stacks_of(project) == []


def test_a_bucket_that_somebody_takes_after_the_plan_is_told_and_all_is_undone(
    project: stage.Project, stand_in: StandIn
) -> None:
    planned = project.plan()
    with somebody_else():
        other = stand_in.target().client("s3")
        other.create_bucket(Bucket=project.name, CreateBucketConfiguration={"LocationConstraint": REGION})

    with pytest.raises(DeployError, match=r"AWS::S3::Bucket"):
        project.promote(planned)

    assert project.stack.status() in ("", "ROLLBACK_COMPLETE")
    assert other.head_bucket(Bucket=project.name)


def test_credentials_that_expire_while_aws_works_are_told_and_the_next_run_attaches(
    project: stage.Project, stand_in: StandIn
) -> None:
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        there = replace(project.target, endpoint=proxy.url)
        moment = proxy.hold("Action=ExecuteChangeSet", project.fingerprint)

        def expire() -> None:
            proxy.refuse("Action=DescribeStackEvents", code="ExpiredToken", message="The security token expired")

        with meanwhile(moment, expire), pytest.raises(CredentialsError, match="have expired") as caught:
            project.promote(planned, there)
    assert "goes on by itself" in caught.value.hint

    promoted = project.promote()

    assert project.stack.status() == "CREATE_COMPLETE"
    assert record.latest(project.target, project.name) == promoted


@pytest.mark.parametrize(
    "words",
    [
        ("Action=CreateChangeSet",),
        ("-images", "Action=ExecuteChangeSet"),
        ("X-Amz-Target", "PutSecretValue"),
        ("PUT", "/promotions/"),
        ("PUT", "lifecycle"),
    ],
    ids=lambda words: words[-1],
)
def test_credentials_that_expire_anywhere_are_told_as_that(
    project: stage.Project, stand_in: StandIn, words: tuple[str, ...]
) -> None:
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        proxy.refuse(*words, code="ExpiredToken", message="The security token expired")

        with pytest.raises(CredentialsError, match="have expired") as caught:
            project.promote(planned, replace(project.target, endpoint=proxy.url))
    assert caught.value.hint.endswith("; then run it again: it goes on from there")

    project.promote()
    assert project.stack.status() == "CREATE_COMPLETE"
    assert len(record.history(project.target, project.name)) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("Action=GetCallerIdentity",),
        ("PUT", "lifecycle"),
        ("-images", "Action=DescribeStackEvents"),
        ("Action=CreateChangeSet",),
        ("X-Amz-Target", "PutSecretValue"),
        ("PUT", "/promotions/"),
    ],
    ids=" ".join,
)
def test_a_network_that_stays_away_is_told_and_that_the_next_run_goes_on(
    project: stage.Project, stand_in: StandIn, words: tuple[str, ...]
) -> None:
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        proxy.cut(*words, times=faults.ALWAYS)

        with pytest.raises(DeployError) as caught:
            project.promote(planned, replace(project.target, endpoint=proxy.url))
    assert caught.value.hint.endswith("run it again: it goes on from there")

    project.promote()
    assert project.stack.status() == "CREATE_COMPLETE"


@pytest.mark.usefixtures("eager")
def test_a_network_that_is_gone_for_a_while_is_borne_while_aws_works(
    project: stage.Project, stand_in: StandIn
) -> None:
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        moment = proxy.hold("Action=ExecuteChangeSet", project.fingerprint)

        def cut() -> None:
            proxy.cut("Action=DescribeStackEvents", times=3)

        with meanwhile(moment, cut):
            project.promote(planned, replace(project.target, endpoint=proxy.url))

    assert len(project.told(Unheard)) == 1
    assert project.stack.status() == "CREATE_COMPLETE"


@pytest.mark.usefixtures("eager")
def test_throttling_is_waited_out(project: stage.Project, stand_in: StandIn) -> None:
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        moment = proxy.hold("Action=ExecuteChangeSet", project.fingerprint)

        def throttle() -> None:
            proxy.refuse("Action=DescribeStackEvents", code="Throttling", message="Rate exceeded", times=3)

        with meanwhile(moment, throttle):
            project.promote(planned, replace(project.target, endpoint=proxy.url))

    assert [message.reason for message in project.told(Unheard)] == ["Rate exceeded"]
    assert project.stack.status() == "CREATE_COMPLETE"


def test_an_order_whose_answer_is_lost_is_found_to_be_under_way(project: stage.Project, stand_in: StandIn) -> None:
    planned = project.plan()
    with faults.before(stand_in.url) as proxy:
        proxy.cut("Action=ExecuteChangeSet", project.fingerprint, late=True, times=3)

        project.promote(planned, replace(project.target, endpoint=proxy.url))

    assert project.stack.status() == "CREATE_COMPLETE"


def test_a_template_too_large_for_a_request_is_fetched_from_the_artifacts_bucket(project: stage.Project) -> None:
    one = project.file.read_text()
    head, _, body = one.partition("  - lambda:")
    first = f"  - lambda:{body}".partition("  - lambda:\n      name: join")[0]
    more = "".join(
        first.replace(f"split-{project.id}", f"s{number}-{project.id}").replace("/in}", f"/in{number}/}}")
        for number in range(24)
    )
    project.file.write_text(head + more)
    planned = project.plan()
    assert planned.template.needs_bucket

    promoted = project.promote(planned)

    standing = project.stack.standing()
    assert standing is not None
    assert template_sha(json.dumps(standing.template, sort_keys=True, separators=(",", ":"))) == promoted.template


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "https://bkt.s3.eu-west-1.amazonaws.com/a/b.json"),
        ("https://s3.amazonaws.com", "https://bkt.s3.amazonaws.com/a/b.json"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "https://bkt.s3.cn-north-1.amazonaws.com.cn/a/b.json"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/bkt/a/b.json"),
    ],
)
def test_a_template_is_fetched_from_where_the_region_has_its_buckets(endpoint: str, url: str) -> None:
    assert artifacts.address(endpoint, "bkt", "a/b.json") == url


def test_a_change_that_was_not_planned_is_asked_about_and_one_that_vanished_with_an_image_is_not(
    project: stage.Project,
) -> None:
    planned = project.plan()
    none = replace(planned, changes=(), images=())
    image, removed = Change("Modify", "A", "t", "False"), Change("Remove", "B", "t")
    unknown = replace(planned, changes=(image,))

    assert agreement.differs(none, replace(none, changes=(removed,)), None)
    assert agreement.differs(replace(none, changes=(removed,)), none, None)
    assert not agreement.differs(unknown, replace(unknown, changes=()), None)
    assert agreement.differs(replace(none, changes=(image,)), none, None)


def test_the_template_of_a_promotion_is_that_of_its_pipeline(project: stage.Project) -> None:
    planned = project.plan()

    assert template.render(planned.pipeline) == planned.template
