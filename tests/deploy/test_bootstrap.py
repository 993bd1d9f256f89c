"""The Stack of image repositories that a promotion makes first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cfnlint import api as cfnlint

from hfaas_deploy import fdl, names
from hfaas_deploy.template import bootstrap

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""What ECR takes."""


def test_each_image_that_is_built_has_a_repository_whose_tags_cannot_be_moved() -> None:
    pipeline = fdl.read(GOLDEN / "films" / "pipeline.yaml")

    made = bootstrap.document(pipeline)["Resources"]

    assert list(made) == ["SplitRepository", "FacesRepository"]
    properties = made["SplitRepository"]["Properties"]
    assert (properties["RepositoryName"], properties["ImageTagMutability"]) == ("hfaas/split", "IMMUTABLE")
    assert (
        json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"][0]["selection"]["countNumber"]
        == 10
    )


def test_only_lambda_pulls_and_only_for_the_functions_that_run_the_image() -> None:
    pipeline = fdl.read(GOLDEN / "onedata" / "pipeline.yaml")

    (statement,) = bootstrap.document(pipeline)["Resources"]["AnonymiseRepository"]["Properties"][
        "RepositoryPolicyText"
    ]["Statement"]

    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    functions = [one["Fn::Sub"].rpartition(":")[2] for one in statement["Condition"]["ArnLike"]["aws:SourceArn"]]
    assert functions == ["anonymise", "anonymise-onetrigger", "anonymise-onetrigger-2"]


def test_an_image_of_the_own_registry_needs_no_repository_and_one_may_outlive_the_pipeline() -> None:
    films = fdl.read(GOLDEN / "films" / "pipeline.yaml")
    split, faces = films.functions
    functions = (
        replace(split, image="registry.test/team/split:1", create_image=False),
        replace(faces, delete_image=False),
    )

    made = bootstrap.document(replace(films, functions=functions), "registry.test")["Resources"]

    assert {name: one["DeletionPolicy"] for name, one in made.items()} == {
        "FacesRepository": "RetainExceptOnCreate"
    }
    assert made["FacesRepository"]["UpdateReplacePolicy"] == "Retain"


def test_an_image_that_is_taken_as_it_is_from_elsewhere_has_a_repository_too() -> None:
    films = fdl.read(GOLDEN / "films" / "pipeline.yaml")
    split, _ = films.functions
    ready = replace(films, functions=(replace(split, image="debian:bookworm", create_image=False),))

    assert list(bootstrap.document(ready, "registry.test")["Resources"]) == ["SplitRepository"]


def test_what_was_there_before_the_stack_may_stay_so_that_cloudformation_takes_it_over() -> None:
    films = fdl.read(GOLDEN / "films" / "pipeline.yaml")

    made = bootstrap.document(films, adopted=["hfaas/split"])["Resources"]

    assert [one["DeletionPolicy"] for one in made.values()] == ["RetainExceptOnCreate", "Delete"]


@pytest.mark.parametrize("name", ["split", "a", "Odd_Name-1x", "a__b", "a-b", "-x", "__", "x" * 64])
def test_every_function_name_makes_a_repository_that_ecr_takes(name: str) -> None:
    assert REPOSITORY.fullmatch(names.repository(name))
    assert len(names.repository(name)) <= 256


def test_repositories_of_different_functions_differ() -> None:
    near = ["a-b", "a_b", "A-b", "a--b", "-a-b"]

    assert len({names.repository(name) for name in near}) == len(near)


@pytest.mark.parametrize("stack", ["films", "f" * 128])
def test_the_stack_of_the_images_has_a_name_that_cloudformation_takes(stack: str) -> None:
    assert names.STACK.fullmatch(names.images_stack(stack))


def test_cfn_lint_finds_nothing_in_two_regions() -> None:
    pipeline = fdl.read(GOLDEN / "onedata" / "pipeline.yaml")
    document = bootstrap.document(pipeline, adopted=["hfaas/anonymise"])

    assert cfnlint.lint(json.dumps(document), regions=["us-east-1", "eu-west-1"]) == []
