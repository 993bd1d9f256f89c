"""Change sets against the emulator's real CloudFormation API, in a process of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import deploy, fdl, steps
from hfaas_deploy.aws import artifacts
from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import FunctionSource
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import ArtifactsError, FdlError, StackBroken, StackFailed, TargetUnreachable
from hfaas_deploy.messages import (
    BucketReady,
    Checked,
    Deployed,
    Happened,
    ImageReady,
    ImageSaid,
    ImageStarted,
    Message,
    Planned,
    Recovering,
)
from hfaas_deploy.pipeline import Mode, Pipeline
from hfaas_deploy.template import Template, render

FILMS = Path(__file__).parent / "golden" / "films" / "pipeline.yaml"


@pytest.fixture
def pipeline() -> Pipeline:
    """The films, under names that no other test has used."""
    unique = uuid.uuid4().hex[:8]
    films = fdl.read(FILMS)
    split, faces = films.functions
    bucket = f"films-{unique}"
    return replace(
        films,
        stack=f"films-{unique}",
        functions=(
            replace(
                split,
                name=f"split-{unique}",
                inputs=(replace(split.inputs[0], path=f"{bucket}/in"),),
                outputs=(replace(split.outputs[0], path=f"{bucket}/frames"),),
            ),
            replace(
                faces,
                name=f"faces-{unique}",
                inputs=(replace(faces.inputs[0], path=f"{bucket}/frames"),),
                outputs=(replace(faces.outputs[0], path=f"{bucket}/faces"),),
            ),
        ),
    )


@pytest.fixture
def stack(target: Target, pipeline: Pipeline) -> Stack:
    return Stack(target.client("cloudformation"), pipeline.stack)


class Refusing:
    """Builds nothing, to show that nothing was asked for."""

    def build(self, function: FunctionSource, progress: Callable[[str], None]) -> str:
        raise AssertionError(function.name)


def layers(target: Target, pipeline: Pipeline) -> dict[str, str]:
    builder = LayerImages(target.endpoint)
    images = {f.name: builder.build(steps.source(f), lambda _: None) for f in pipeline.functions}
    return steps.parameters(images)


def bring_up(pipeline: Pipeline, target: Target) -> tuple[Deployed, list[Message]]:
    told: list[Message] = []
    return deploy.deploy(pipeline, target, LayerImages(target.endpoint), told.append), told


def bucket_of(pipeline: Pipeline) -> str:
    return pipeline.buckets[0].name


def with_timeout(template: Template, old: int, new: int) -> Template:
    return replace(template, body=template.body.replace(f'"Timeout":{old}', f'"Timeout":{new}'))


def test_a_plan_names_every_resource_and_touches_nothing(stack: Stack, target: Target, pipeline: Pipeline) -> None:
    plan = stack.plan(render(pipeline), layers(target, pipeline))

    assert plan
    assert plan.fresh
    assert {change.action for change in plan.changes} == {"Add"}
    assert len(plan.changes) == 12
    functions = target.client("lambda")
    for function in pipeline.functions:
        with pytest.raises(functions.exceptions.ResourceNotFoundException):
            functions.get_function(FunctionName=function.name)
    assert stack.status() == "REVIEW_IN_PROGRESS"
    stack.discard(plan)
    assert stack.status() == ""


def test_a_deploy_tells_its_steps_in_order_and_ends_with_outputs(target: Target, pipeline: Pipeline) -> None:
    deployed, told = bring_up(pipeline, target)

    kinds = list(dict.fromkeys(type(message) for message in told))
    assert kinds == [Checked, ImageStarted, ImageSaid, ImageReady, Planned, Happened, Deployed]
    assert deployed.changed
    assert bucket_of(pipeline) in deployed.outputs.values()
    events = [message.event for message in told if isinstance(message, Happened)]
    assert (events[0].own, events[0].status) == (True, "CREATE_IN_PROGRESS")
    assert (events[-1].own, events[-1].status) == (True, "CREATE_COMPLETE")


def with_jobs(pipeline: Pipeline) -> Pipeline:
    """Its first function alone, which may go on in Batch."""
    split, _ = pipeline.functions
    return replace(pipeline, functions=(replace(split, mode=Mode.LAMBDA_BATCH),))


def test_a_function_with_jobs_gets_its_queue_and_its_definition(
    stack: Stack, target: Target, pipeline: Pipeline
) -> None:
    deployed, told = bring_up(with_jobs(pipeline), target)

    assert [type(message) for message in told[:3]] == [Checked, BucketReady, ImageStarted]
    (name,) = (function.name for function in with_jobs(pipeline).functions)
    batch, functions = target.client("batch"), target.client("lambda")
    (definition,) = batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert definition["containerProperties"]["image"] == deployed.images[name]
    (queue,) = batch.describe_job_queues(jobQueues=[variables["HFAAS_JOB_QUEUE"]])["jobQueues"]
    assert queue["jobQueueArn"] in deployed.outputs.values()
    assert variables["HFAAS_SPILL"] == "s3://hfaas-artifacts-000000000000-us-east-1/events/"

    deploy.remove(stack, lambda _: None)

    assert batch.describe_job_queues(jobQueues=[queue["jobQueueArn"]])["jobQueues"] == []


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_bucket_for_large_events_is_made_once_closed_and_emptied_by_itself(target: Target, region: str) -> None:
    there = replace(target, region=region)
    s3 = there.client("s3")

    names = {artifacts.ensure(s3, there.account, region) for _ in range(2)}

    (bucket,) = names
    assert bucket == f"hfaas-artifacts-000000000000-{region}"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [rule["Filter"] for rule in rules] == [{"Prefix": "events/"}, {"Prefix": "templates/"}]
    assert all(rule["Expiration"] == {"Days": 7} for rule in rules)


def test_a_bucket_that_cannot_be_had_is_told_with_its_purpose(target: Target) -> None:
    with pytest.raises(ArtifactsError, match="where large events wait for their jobs"):
        artifacts.ensure(target.client("s3"), "NOBODY", target.region)


def test_without_jobs_there_is_no_such_bucket_to_make(target: Target, pipeline: Pipeline) -> None:
    assert not any(isinstance(message, BucketReady) for message in bring_up(pipeline, target)[1])


def test_a_second_deploy_of_the_same_has_nothing_to_do(target: Target, pipeline: Pipeline) -> None:
    bring_up(pipeline, target)

    again, told = bring_up(pipeline, target)

    assert not again.changed
    assert not any(isinstance(message, Happened) for message in told)
    assert again.outputs


def test_an_update_changes_only_what_differs(target: Target, pipeline: Pipeline) -> None:
    bring_up(pipeline, target)
    split, faces = pipeline.functions

    _, told = bring_up(replace(pipeline, functions=(replace(split, memory=2048), faces)), target)

    (plan,) = [message.plan for message in told if isinstance(message, Planned)]
    assert plan
    assert not plan.fresh
    (change,) = [change for change in plan.changes if change.kind == "AWS::Lambda::Function"]
    assert (change.action, change.destroys) == ("Modify", False)
    live = target.client("lambda").get_function_configuration(FunctionName=split.name)
    assert live["MemorySize"] == 2048


def test_removing_a_function_is_called_out(stack: Stack, target: Target, pipeline: Pipeline) -> None:
    bring_up(pipeline, target)
    less = replace(pipeline, functions=pipeline.functions[:1])

    plan = stack.plan(render(less), layers(target, less))

    assert plan
    removed = [change for change in plan.changes if change.destroys]
    assert {change.action for change in removed} == {"Remove"}
    stack.discard(plan)


def test_the_first_cause_is_the_headline_and_everything_is_undone(
    stack: Stack, target: Target, pipeline: Pipeline
) -> None:
    plan = stack.plan(with_timeout(render(pipeline), 300, 90_000), layers(target, pipeline))
    assert plan

    with pytest.raises(StackFailed) as caught:
        list(stack.apply(plan))

    assert "AWS::Lambda::Function" in caught.value.message
    assert "everything it had made was removed again" in caught.value.hint
    assert stack.status() == "ROLLBACK_COMPLETE"


def test_a_failed_first_deploy_is_cleared_before_the_next_and_said_so(
    stack: Stack, target: Target, pipeline: Pipeline
) -> None:
    plan = stack.plan(with_timeout(render(pipeline), 300, 90_000), layers(target, pipeline))
    assert plan
    with pytest.raises(StackFailed):
        list(stack.apply(plan))
    with pytest.raises(StackBroken, match="ROLLBACK_COMPLETE"):
        stack.plan(render(pipeline), {})

    deployed, told = bring_up(pipeline, target)

    assert Recovering(pipeline.stack, "ROLLBACK_COMPLETE") in told
    assert deployed.changed
    assert stack.status() == "CREATE_COMPLETE"


def test_a_failed_update_leaves_the_stack_as_it_was(stack: Stack, target: Target, pipeline: Pipeline) -> None:
    bring_up(pipeline, target)
    plan = stack.plan(with_timeout(render(pipeline), 300, 90_000), layers(target, pipeline))
    assert plan

    with pytest.raises(StackFailed) as caught:
        list(stack.apply(plan))

    assert caught.value.hint == "the Stack is as it was before"
    live = target.client("lambda").get_function_configuration(FunctionName=pipeline.functions[0].name)
    assert live["Timeout"] == 300


def test_an_operation_under_way_is_watched_from_its_start(stack: Stack, target: Target, pipeline: Pipeline) -> None:
    plan = stack.plan(render(pipeline), layers(target, pipeline))
    assert plan
    next(stack.apply(plan))

    events = list(stack.watch())

    assert events[0].status == "CREATE_IN_PROGRESS"
    assert events[-1].status == "CREATE_COMPLETE"


def test_a_deploy_that_was_cut_off_is_taken_up_by_the_next(
    stack: Stack, target: Target, pipeline: Pipeline
) -> None:
    plan = stack.plan(render(pipeline), layers(target, pipeline))
    assert plan
    next(stack.apply(plan))

    deployed, _ = bring_up(pipeline, target)

    assert not deployed.changed
    assert stack.status() == "CREATE_COMPLETE"


def test_watching_again_does_not_blame_an_older_failure(stack: Stack, target: Target, pipeline: Pipeline) -> None:
    bring_up(pipeline, target)
    bad = stack.plan(with_timeout(render(pipeline), 300, 90_000), layers(target, pipeline))
    assert bad
    with pytest.raises(StackFailed):
        list(stack.apply(bad))
    split, faces = pipeline.functions
    better = replace(pipeline, functions=(replace(split, memory=256), faces))
    bring_up(better, target)

    assert not any(event.failed for event in stack.watch())


def test_removing_keeps_the_bucket_and_the_next_deploy_adopts_it(
    stack: Stack, target: Target, pipeline: Pipeline
) -> None:
    bring_up(pipeline, target)
    s3: Any = target.client("s3")
    s3.put_object(Bucket=bucket_of(pipeline), Key="faces/kept.jpg", Body=b"x")

    deploy.remove(stack, lambda _: None)

    assert stack.status() == ""
    assert s3.list_objects_v2(Bucket=bucket_of(pipeline))["KeyCount"] == 1
    deployed, _ = bring_up(pipeline, target)
    assert deployed.changed
    assert s3.list_objects_v2(Bucket=bucket_of(pipeline))["KeyCount"] == 1


def test_removing_what_is_not_there_is_no_error(stack: Stack) -> None:
    assert list(stack.remove()) == []
    assert stack.outputs() == {}


def test_errors_in_the_file_stop_before_anything_is_made(target: Target, pipeline: Pipeline) -> None:
    split, faces = pipeline.functions
    wrong = replace(pipeline, functions=(replace(split, init_script=Path("/nowhere/x.sh")), faces))

    with pytest.raises(FdlError, match="does not exist"):
        deploy.deploy(wrong, target, Refusing(), lambda _: None)


def test_an_endpoint_where_nothing_answers_is_told_before_images_are_built(pipeline: Pipeline) -> None:
    with pytest.raises(TargetUnreachable, match="nothing answers at"):
        deploy.deploy(pipeline, Target.local("http://127.0.0.1:1"), Refusing(), lambda _: None)


@pytest.mark.parametrize(
    ("change", "destroys"),
    [
        (Change("Add", "A", "t"), False),
        (Change("Modify", "A", "t", "False"), False),
        (Change("Modify", "A", "t", "True"), True),
        (Change("Modify", "A", "t", "Conditional"), True),
        (Change("Remove", "A", "t"), True),
    ],
)
def test_a_change_that_may_destroy_is_marked(change: Change, destroys: bool) -> None:
    assert change.destroys is destroys


def test_a_template_too_large_for_a_request_is_fetched_from_the_artifacts(
    target: Target, pipeline: Pipeline
) -> None:
    split = pipeline.functions[0]
    many = tuple(replace(split, name=f"{split.name}-n{number}", inputs=()) for number in range(60))
    large = replace(pipeline, stack=f"{pipeline.stack}-large", functions=many)
    rendered, stack = render(large), Stack(target.client("cloudformation"), large.stack)
    values = steps.parameters({function.name: "image:1" for function in many})

    plan = stack.plan(rendered, values, steps.published(rendered, target))

    assert plan and len(plan.changes) == 4 * 60 + 2
    stack.discard(plan)
