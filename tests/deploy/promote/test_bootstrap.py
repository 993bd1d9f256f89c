"""The Stack of image repositories, brought up where an emulator plays AWS."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.registry import Registry

from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import CredentialsError, RegistryError
from hfaas_deploy.messages import Happened, Message, Planned, Unheard
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.promote import bootstrap
from hfaas_deploy.promote.repositories import Repositories


@pytest.fixture
def pipeline() -> Pipeline:
    """Two Functions under names that no other test has used."""
    unique = uuid.uuid4().hex[:8]
    functions = (Function("", f"split-{unique}"), Function("", f"faces-{unique}"))
    return Pipeline(Path("pipeline.yaml"), f"films-{unique}", functions)


def ensure(pipeline: Pipeline, target: Target) -> tuple[dict[str, str], list[Message]]:
    told: list[Message] = []
    return bootstrap.ensure(pipeline, target, told.append), told


def of(target: Target, pipeline: Pipeline) -> Stack:
    return Stack(target.client("cloudformation"), f"{pipeline.stack}-images")


def repositories(target: Target, pipeline: Pipeline) -> list[str]:
    """The Functions that have a repository."""
    asked = Repositories(target, pipeline)
    return [one.name for one in pipeline.functions if asked.has(f"hfaas/{one.name}")]


def remove(target: Target, pipeline: Pipeline) -> None:
    list(of(target, pipeline).remove())


def keeping(pipeline: Pipeline) -> Pipeline:
    """The same with images that outlive it."""
    return replace(pipeline, functions=tuple(replace(one, delete_image=False) for one in pipeline.functions))


def policy(target: Target, pipeline: Pipeline) -> set[Any]:
    standing = of(target, pipeline).standing()
    assert standing
    return {one["DeletionPolicy"] for one in standing.template["Resources"].values()}


def test_each_function_gets_a_repository_and_its_uri_is_told(
    aws: Target, registry: Registry, pipeline: Pipeline
) -> None:
    uris, told = ensure(pipeline, aws)

    assert uris == {one.name: f"{registry.address}/hfaas/{one.name}" for one in pipeline.functions}
    assert isinstance(told[0], Planned)
    events = [message.event for message in told if isinstance(message, Happened)]
    assert (events[0].own, events[0].status) == (True, "CREATE_IN_PROGRESS")
    assert (events[-1].own, events[-1].status) == (True, "CREATE_COMPLETE")
    described = aws.client("ecr").describe_repositories(repositoryNames=[f"hfaas/{one}" for one in uris])
    assert {one["imageTagMutability"] for one in described["repositories"]} == {"IMMUTABLE"}


def test_a_second_time_there_is_nothing_to_do(aws: Target, pipeline: Pipeline) -> None:
    first, _ = ensure(pipeline, aws)

    again, told = ensure(pipeline, aws)

    assert again == first
    assert told == [Planned(f"{pipeline.stack}-images", None)]


def test_a_new_function_gets_its_repository_and_one_that_left_keeps_its_images_until_tidied(
    aws: Target, pipeline: Pipeline
) -> None:
    split, faces = pipeline.functions
    ensure(replace(pipeline, functions=(split,)), aws)
    later = replace(pipeline, functions=(faces,))

    ensure(later, aws)

    assert repositories(aws, pipeline) == [split.name, faces.name]

    bootstrap.tidy(later, aws, lambda _: None)

    assert repositories(aws, pipeline) == [faces.name]
    told: list[Message] = []
    bootstrap.tidy(later, aws, told.append)
    assert not told, "there is nothing left to tidy"


def test_a_stack_whose_last_function_left_goes_when_tidied(aws: Target, pipeline: Pipeline) -> None:
    ensure(pipeline, aws)

    bootstrap.tidy(replace(pipeline, functions=()), aws, lambda _: None)

    assert of(aws, pipeline).status() == ""
    assert repositories(aws, pipeline) == []


def test_a_pipeline_whose_images_are_in_the_account_makes_no_stack(
    aws: Target, registry: Registry, pipeline: Pipeline
) -> None:
    there = tuple(
        replace(one, image=f"{registry.address}/team/x:1", create_image=False) for one in pipeline.functions
    )

    assert ensure(replace(pipeline, functions=there), aws) == ({}, [])
    assert of(aws, pipeline).status() == ""


def test_images_go_with_their_stack_unless_the_file_keeps_them(
    aws: Target, registry: Registry, pipeline: Pipeline
) -> None:
    split, faces = pipeline.functions
    mixed = replace(pipeline, functions=(split, replace(faces, delete_image=False)))
    ensure(mixed, aws)
    for function in mixed.functions:
        registry.push(f"hfaas/{function.name}", "abc", text=function.name)

    remove(aws, mixed)

    assert repositories(aws, mixed) == [faces.name]
    assert Repositories(aws, mixed).stored(f"hfaas/{faces.name}", "abc")


@pytest.mark.slow
@pytest.mark.parametrize("keeps", [True, False])
def test_repositories_that_were_kept_are_taken_over_with_their_images(
    aws: Target, registry: Registry, pipeline: Pipeline, keeps: bool
) -> None:
    kept = keeping(pipeline)
    ensure(kept, aws)
    repository = f"hfaas/{pipeline.functions[0].name}"
    registry.push(repository, "abc", text=repository)
    remove(aws, kept)
    wanted = kept if keeps else pipeline

    _, told = ensure(wanted, aws)

    plans = [message.plan for message in told if isinstance(message, Planned)]
    assert plans[0]
    assert {change.action for change in plans[0].changes} == {"Import"}
    assert Repositories(aws, wanted).stored(repository, "abc")
    assert policy(aws, wanted) == {"RetainExceptOnCreate" if keeps else "Delete"}
    assert ensure(wanted, aws)[1] == [Planned(f"{pipeline.stack}-images", None)]


def test_what_was_cut_off_is_taken_up_again(aws: Target, pipeline: Pipeline) -> None:
    with faults.before(aws.endpoint) as proxy:
        behind = Target.aws(aws.region, stand_in=proxy.url).within(aws.account)
        proxy.refuse("Action=DescribeStackEvents", code="ExpiredToken", message="it has expired", skip=1)
        with pytest.raises(CredentialsError, match="have expired"):
            ensure(pipeline, behind)

    ensure(pipeline, aws)

    assert of(aws, pipeline).status() == "CREATE_COMPLETE"
    assert len(repositories(aws, pipeline)) == 2


def test_a_repository_that_was_deleted_behind_the_stacks_back_is_told(aws: Target, pipeline: Pipeline) -> None:
    ensure(pipeline, aws)
    gone = f"hfaas/{pipeline.functions[0].name}"
    aws.client("ecr").delete_repository(repositoryName=gone, force=True)

    with pytest.raises(RegistryError, match=f"{gone} was deleted") as caught:
        ensure(pipeline, aws)

    assert f"delete Stack {pipeline.stack}-images" in caught.value.hint


@pytest.mark.slow
def test_a_silence_of_cloudformation_is_told_and_borne(aws: Target, pipeline: Pipeline) -> None:
    with faults.before(aws.endpoint) as proxy:
        behind = Target.aws(aws.region, stand_in=proxy.url).within(aws.account)
        proxy.cut("Action=DescribeStackEvents", skip=1, times=3)  # once with botocore's own attempts

        _, told = ensure(pipeline, behind)

    assert [message.stack for message in told if isinstance(message, Unheard)] == [f"{pipeline.stack}-images"]
    assert len(repositories(aws, pipeline)) == 2
