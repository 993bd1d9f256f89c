"""What a promotion would do, against an emulator that plays AWS and a registry that plays ECR."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.deploy.promote import stage
from tests.registry import Registry
from tests.standin import StandIn

from hfaas_deploy import fdl, messages, names, steps, template
from hfaas_deploy.aws import artifacts
from hfaas_deploy.aws.changes import Change, Detail
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import EngineImage, FunctionSource
from hfaas_deploy.errors import CredentialsError, FdlError, RegistryError, StackError, WrongAccount
from hfaas_deploy.preview import Action, Step
from hfaas_deploy.promote import planning
from hfaas_deploy.promote.promotion import Owner, Rehearsal, Upload
from hfaas_deploy.promote.rehearsals import Rehearsals
from hfaas_deploy.settings import Setting, Side

FDL = """\
hfaas: {{stack: stage-{id}}}
functions:
  aws:
  - lambda:
      name: split-{id}
      init_script: a.sh
      memory: 256
      container: {{image: "debian:bookworm-slim"}}
      input: [{{storage_provider: s3, path: stage-{id}/in}}]
      output: [{{storage_provider: s3, path: stage-{id}/mid}}]
  - lambda:
      name: join-{id}
      init_script: b.sh
      container: {{image: "debian:bookworm-slim"}}
      input: [{{storage_provider: s3, path: stage-{id}/mid}}]
      output: [{{storage_provider: s3, path: stage-{id}/out}}]
"""


class Engine(stage.Engine):
    """An engine that has what it built, and nothing else."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.has: dict[str, EngineImage] = {}
        self.knows_bases = True

    def foresee(self, function: FunctionSource) -> str:
        if not self.knows_bases:
            return ""
        return super().foresee(function) if function.create_image else function.image

    def build(self, function: FunctionSource, progress: object) -> str:
        reference = self.foresee(function)
        self.has[reference] = self.made(reference)
        return reference

    def identity(self, reference: str) -> EngineImage | None:
        return self.has.get(reference)


class Project(stage.Project):
    """A pipeline without secrets, what is rehearsed of it, and what a promotion would do."""

    engine: Engine

    def __post_init__(self) -> None:
        super().__post_init__()
        self.engine = Engine(self.registry)
        self.rehearsals = Rehearsals(self.folder / "rehearsals")
        self.scripts = self.folder / "a.sh", self.folder / "b.sh"
        self.file.write_text(FDL.format(id=self.id))

    def build(self) -> dict[str, str]:
        pipeline = fdl.read(self.file)
        return {one.name: self.engine.build(steps.source(one), print) for one in pipeline.functions}

    def rehearse(self, how: Any = "deploy") -> Rehearsal:
        """Note what a rehearsal would."""
        built = self.build()
        ids = {name: self.engine.has[reference].id for name, reference in built.items()}
        pipeline = steps.checked(fdl.read(self.file), self.said.append)
        done = Rehearsal(pipeline.stack, template.render(pipeline).sha256, ids, 1_700_000_000.0, how)
        self.rehearsals.note(done)
        return done


@pytest.fixture
def project(tmp_path: Path, aws: Target, registry: Registry) -> Project:
    return Project(tmp_path, aws, registry)


def everything(target: Target) -> dict[str, Any]:
    """What an account has, as its own services tell it."""
    cfn, s3 = target.client("cloudformation"), target.client("s3")
    stacks = cfn.describe_stacks()["Stacks"]
    buckets = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    found = {
        "stacks": [(one["StackName"], one["StackStatus"], one.get("LastUpdatedTime")) for one in stacks],
        "change sets": [cfn.list_change_sets(StackName=one["StackName"])["Summaries"] for one in stacks],
        "repositories": target.client("ecr").describe_repositories()["repositories"],
        "objects": {one: s3.list_objects_v2(Bucket=one).get("Contents") for one in buckets},
        "notifications": {one: s3.get_bucket_notification_configuration(Bucket=one) for one in buckets},
        "functions": target.client("lambda").list_functions()["Functions"],
        "secrets": target.client("secretsmanager").list_secrets()["SecretList"],
        "roles": target.client("iam").list_roles()["Roles"],
    }
    for told in found["notifications"].values():
        told.pop("ResponseMetadata")
    return found


def test_before_the_first_promotion_everything_is_new_and_nothing_is_touched(project: Project) -> None:
    before = everything(project.target)

    found = project.plan()

    assert everything(project.target) == before
    assert found.preview.is_new
    assert found.stack_status == ""
    assert {change.action for change in found.changes} == {"Add"}
    assert [image.upload for image in found.images] == [Upload.BUILD, Upload.BUILD]
    assert set(found.repositories) == {f"hfaas/split-{project.id}", f"hfaas/join-{project.id}"}
    assert [(one.name, one.owner) for one in found.buckets if one.name == project.name] == [
        (project.name, Owner.FREE)
    ]
    assert not found.is_empty
    assert found.faults == ()
    assert found.identity.account == project.target.account


def test_images_that_the_engine_has_are_pushed_and_others_are_built(project: Project) -> None:
    project.build()
    project.scripts[1].write_text("#!/bin/sh\necho other\n")

    split, join = project.plan().images

    assert (split.upload, split.id) == (Upload.PUSH, project.engine.has[split.reference].id)
    assert split.size == 100
    assert (join.upload, join.id, join.digest) == (Upload.BUILD, "", "")


def test_an_image_whose_base_is_not_here_is_built_under_a_name_that_nobody_knows_yet(project: Project) -> None:
    project.engine.knows_bases = False

    image, _ = project.plan().images

    assert (image.upload, image.reference, image.tag) == (Upload.BUILD, "", "")


def test_what_was_promoted_is_empty_the_second_time_and_nothing_is_touched(project: Project) -> None:
    project.promote()
    before = everything(project.target)

    found = project.plan()

    assert everything(project.target) == before
    assert found.changes == ()
    assert [image.upload for image in found.images] == [Upload.NONE, Upload.NONE]
    assert all(image.deployed.endswith(f"@{image.digest}") for image in found.images)
    assert found.preview.changes == ()
    assert found.statements == ()
    assert found.is_empty
    assert found.stack_status == "CREATE_COMPLETE"


def test_an_edited_script_is_exactly_one_other_image(project: Project) -> None:
    project.promote()
    project.scripts[0].write_text("#!/bin/sh\necho edited\n")
    before = everything(project.target)

    found = project.plan()

    assert everything(project.target) == before
    assert [(image.function, image.upload) for image in found.images] == [
        (f"split-{project.id}", Upload.BUILD),
        (f"join-{project.id}", Upload.NONE),
    ]
    assert [(change.action, change.kind) for change in found.changes] == [("Modify", "AWS::Lambda::Function")]
    (step,) = found.preview.changes
    assert (step.action, step.name, [one.name for one in step.settings]) == (
        Action.CHANGE,
        f"split-{project.id}",
        ["image"],
    )
    assert found.statements == ()


def test_the_tags_of_a_stack_are_no_changes_of_its_resources(project: Project) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")

    found = project.plan()

    assert [change.resource for change in found.changes] == [names.logical(f"split-{project.id}", "Function")]
    assert found.preview.changes == (
        Step(Action.CHANGE, "function", f"split-{project.id}", (Setting("memory", "256", "512"),)),
    )


def test_tags_that_the_file_asks_for_are_changes() -> None:
    def side(tags: list[Any]) -> Side:
        return Side.of(Standing({"Resources": {"F": {"Type": "t", "Properties": {"Tags": tags}}}}))

    tags_only = Change("Modify", "F", "t", "False", (Detail("Tags"),))

    assert planning.meant([tags_only], side([]), side([])) == ()
    assert planning.meant([tags_only], side([]), side([{"Key": "a", "Value": "b"}])) == (tags_only,)


def test_replaced_and_removed_resources_are_dangers(project: Project) -> None:
    project.promote()
    project.edit(f"name: join-{project.id}", f"name: glue-{project.id}")

    found = project.plan()

    removed = {danger.resource for danger in found.dangers if danger.text == "is removed"}
    assert names.logical(f"join-{project.id}", "Function") in removed
    assert {one.action for one in found.statements} == {Action.ADD, Action.REMOVE}


def test_what_was_rehearsed_is_known_by_template_and_images(project: Project) -> None:
    done = project.rehearse("run")

    assert project.plan().rehearsal == done


def test_an_edit_after_the_rehearsal_is_said(project: Project) -> None:
    project.rehearse()
    project.scripts[0].write_text("#!/bin/sh\necho edited\n")
    project.build()

    found = project.plan()

    assert found.rehearsal is None
    (note,) = [note for note in found.notes if "not rehearsed" in note]
    assert f"the image of split-{project.id} is another one" in note
    assert "pipeline file" not in note


def test_a_changed_file_after_the_rehearsal_is_said(project: Project) -> None:
    project.rehearse()
    project.edit("memory: 256", "memory: 512")

    found = project.plan()

    assert found.rehearsal is None
    assert any("the pipeline file changed" in note for note in found.notes)


def test_what_was_never_rehearsed_is_said(project: Project) -> None:
    assert any("nothing of this pipeline was rehearsed" in note for note in project.plan().notes)


def test_an_image_that_somebody_else_built_from_the_same_files_is_not_the_rehearsed_one(project: Project) -> None:
    project.promote()
    project.engine.has = {name: project.engine.made(f"{name} again") for name in project.engine.has}

    found = project.plan()

    assert [image.upload for image in found.images] == [Upload.NONE, Upload.NONE]
    assert sum("was built elsewhere" in note for note in found.notes) == 2
    assert not {image.id for image in found.images} & {one.id for one in project.engine.has.values()}


def test_what_only_the_registry_still_has_can_have_been_rehearsed(project: Project) -> None:
    done = project.rehearse()
    project.promote()
    project.engine.has.clear()

    assert project.plan().rehearsal == done


def test_an_image_of_the_account_that_is_not_there_is_refused(project: Project) -> None:
    image = f"{project.registry.address}/team/none:1"
    project.edit('{image: "debian:bookworm-slim"}', f'{{image: "{image}", create_image: false}}')

    with pytest.raises(RegistryError, match="there is no image"):
        project.plan()


def test_a_bucket_that_is_ours_already_is_taken_over(project: Project) -> None:
    artifacts.stand_in(project.target.client("s3"), project.name, project.target.region)

    found = project.plan()

    (bucket,) = [one for one in found.buckets if one.name == project.name]
    assert (bucket.owner, bucket.is_adopted) == (Owner.OURS, True)
    assert [change.resource for change in found.changes if change.action == "Import"]
    assert [(step.name, step.action) for step in found.preview.steps if step.is_adopted] == [
        (project.name, Action.CHANGE)
    ]


@pytest.mark.slow
def test_functions_and_log_groups_of_others_with_the_same_name_are_found_before_anything_is_made(
    project: Project,
) -> None:
    project.target.client("logs").create_log_group(logGroupName=f"/aws/lambda/join-{project.id}")
    assert [fault.partition(" that is")[0] for fault in project.plan().faults] == [
        f"there is a log group /aws/lambda/join-{project.id}"
    ]
    project.target.client("logs").delete_log_group(logGroupName=f"/aws/lambda/join-{project.id}")

    project.promote()

    assert project.plan().faults == ()
    project.edit(f"stack: stage-{project.id}", f"stack: other-{project.id}")
    assert any(f"a Function split-{project.id}" in fault for fault in project.plan().faults)
    assert any(f"belongs to Stack stage-{project.id}" in fault for fault in project.plan().faults)


def test_a_stack_that_never_came_up_is_removed_first(project: Project) -> None:
    broken = {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/x/{project.id}"}}}
    project.target.client("logs").create_log_group(logGroupName=f"/x/{project.id}")
    with pytest.raises(StackError):
        made(project, broken)
    assert project.stack.status() == "ROLLBACK_COMPLETE"

    found = project.plan()

    assert any("ROLLBACK_COMPLETE: it is removed first" in note for note in found.notes)
    assert {change.action for change in found.changes} == {"Add"}
    assert project.stack.status() == "ROLLBACK_COMPLETE"


def made(project: Project, resources: dict[str, Any]) -> None:
    """Bring the project's Stack up with other resources."""
    body = json.dumps({"Resources": resources})
    plan = project.stack.plan(template.Template(body, (), hashlib.sha256(body.encode()).hexdigest()), {})
    assert plan
    list(project.stack.apply(plan))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("UPDATE_ROLLBACK_FAILED", "its rollback is continued first"),
        ("UPDATE_IN_PROGRESS", "is watched first"),
        ("ROLLBACK_FAILED", "it is removed first"),
        ("DELETE_FAILED", "it is removed first"),
        ("DELETE_IN_PROGRESS", "is watched first"),
    ],
)
def test_a_stack_that_must_be_helped_first_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, status: str, words: str
) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")
    described = Stack._described

    def told(stack: Stack) -> Any:
        found = described(stack)
        return {**found, "StackStatus": status} if found and stack.name == project.name else found

    monkeypatch.setattr(Stack, "_described", told)

    found = project.plan()

    assert any(status in note and words in note for note in found.notes)
    assert found.faults == ()
    if found.preview.is_new:
        assert {change.action for change in found.changes} == {"Add", "Import"}, "the bucket outlives its Stack"
    else:
        assert [change.resource for change in found.changes] == [names.logical(f"split-{project.id}", "Function")]
        assert any("read off the templates" in note for note in found.notes)


@pytest.mark.slow
def test_secrets_are_new_known_or_missing_and_never_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.edit("memory: 256", "memory: 256\n      environment: {Variables: {MAP_TOKEN: '${OTHER_SECRET}'}}")
    monkeypatch.delenv("OTHER_SECRET", raising=False)
    (secret,) = project.plan().secrets
    assert (secret.missing, secret.is_new) == (("OTHER_SECRET",), False)

    monkeypatch.setenv("OTHER_SECRET", "hush-4711")
    found = project.plan()
    (secret,) = found.secrets
    assert (secret.missing, secret.is_new, secret.is_first) == ((), True, True)
    assert "hush-4711" not in json.dumps(found.to_json()) + repr(found)

    project.promote()
    (secret,) = project.plan().secrets
    assert (secret.is_new, secret.is_first) == (False, False)

    monkeypatch.setenv("OTHER_SECRET", "other-4711")
    (secret,) = project.plan().secrets
    assert (secret.is_new, secret.is_first) == (True, False)
    assert not project.plan().is_empty


@pytest.mark.slow
def test_a_template_that_is_too_large_for_a_request_lies_in_the_bucket_only_while_it_is_needed(
    project: Project,
) -> None:
    more = "".join(
        f"  - lambda:\n      name: more-{number}-{project.id}\n      init_script: b.sh\n"
        f'      container: {{image: "debian:bookworm-slim"}}\n'
        f"      environment: {{Variables: {{PAD: {'x' * 3000}}}}}\n"
        for number in range(10)
    )
    project.file.write_text(project.file.read_text() + more)
    project.promote()
    project.edit("memory: 256", "memory: 512")
    before = everything(project.target)

    found = project.plan()

    assert found.template.needs_bucket
    assert everything(project.target) == before
    assert [change.resource for change in found.changes] == [names.logical(f"split-{project.id}", "Function")]
    assert not any("read off the templates" in note for note in found.notes)


def test_a_plan_takes_away_its_own_copy_of_a_template_and_no_other(project: Project) -> None:
    s3, account = project.target.client("s3"), project.target.account
    bucket = artifacts.ensure(s3, account, project.target.region)
    template = project.plan().template

    def copies() -> set[str]:
        return {one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="templates/").get("Contents", [])}

    before = copies()
    with artifacts.lent(s3, bucket, template, account):
        (mine,) = copies() - before
        artifacts.publish(s3, bucket, template, account)  # a promotion begins meanwhile
        with artifacts.lent(s3, bucket, template, account):  # and another plan
            assert len(copies() - before) == 3
        assert mine in copies()

    assert copies() - before == {f"templates/{template.sha256}.json"}


def test_a_plan_is_told_to_programs_without_the_template(project: Project) -> None:
    project.rehearse()

    told = json.loads(json.dumps(project.plan().to_json()))

    assert told["stack"] == project.name
    assert told["identity"]["account"] == project.target.account
    assert told["images"][0]["upload"] == "push"
    assert told["rehearsal"]["how"] == "deploy"
    assert told["preview"]["steps"][0]["action"] == "+"
    assert told["template"]["sha256"]
    assert not told["is_empty"]
    assert "Resources" not in json.dumps(told["template"])


def test_a_pinned_account_is_kept(project: Project) -> None:
    project.edit(f"{{stack: stage-{project.id}}}", f'{{stack: stage-{project.id}, account: "111122223333"}}')

    with pytest.raises(WrongAccount, match="is for account 111122223333"):
        project.plan()


def test_a_faulty_file_is_found_before_anybody_is_asked(project: Project) -> None:
    project.edit("memory: 256", "memory: 1")
    project.target = Target.aws("eu-west-1", stand_in="http://127.0.0.1:1")

    with pytest.raises(FdlError, match="memory 1 is below 128"):
        project.plan()


@pytest.mark.slow
def test_credentials_that_expire_while_it_is_planned_are_said(stand_in: StandIn, project: Project) -> None:
    project.promote()
    project.edit("memory: 256", "memory: 512")
    with faults.before(stand_in.url) as proxy:
        proxy.refuse("Action=CreateChangeSet", code="ExpiredToken", status=403)
        project.target = replace(project.target, endpoint=proxy.url)
        with pytest.raises(CredentialsError, match="have expired"):
            project.plan()


def test_a_change_set_that_aws_refuses_says_which_resource_is_at_fault(project: Project) -> None:
    project.promote()
    wrong = {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"NoSuchThing": "often"}}}
    body = json.dumps({"Resources": wrong})

    with pytest.raises(StackError) as caught:
        project.stack.plan(template.Template(body, (), hashlib.sha256(body.encode()).hexdigest()), {})

    assert "A (AWS::Logs::LogGroup)" in caught.value.message
    assert project.target.client("cloudformation").list_change_sets(StackName=project.name)["Summaries"] == []


def test_what_cloudformation_remarks_about_a_plan_is_a_note(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator has no remarks; AWS tells them as events of the change set, page by page."""
    project.promote()
    project.edit("memory: 256", "memory: 512")
    call = Stack._call

    def answered(stack: Stack, operation: str, **arguments: Any) -> Any:
        if operation != "describe_events":
            return call(stack, operation, **arguments)
        assert arguments["Filters"] == {"FailedEvents": True}
        said = "second" if "NextToken" in arguments else "first"
        event = {"LogicalResourceId": "B", "ResourceType": "T", "ValidationStatusReason": said}
        return {"OperationEvents": [event], **({} if "NextToken" in arguments else {"NextToken": "more"})}

    monkeypatch.setattr(Stack, "_call", answered)

    found = project.plan()

    assert {"B (T): first", "B (T): second"} <= set(found.notes)
    assert found.changes


def test_what_is_looked_at_is_told(project: Project) -> None:
    project.plan()

    looked = [message.at for message in project.said if isinstance(message, messages.Looking)]
    assert looked[0] == "whose credentials these are"
    assert len(looked) > 2
