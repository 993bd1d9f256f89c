"""${NAME} in the file is filled at deploy and not before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hfaas_deploy.errors import MissingVariable
from hfaas_deploy.pipeline import Batch, Function, Pipeline
from hfaas_deploy.references import resolve

FUNCTION = Function(
    "functions.aws[0]",
    "f",
    image="registry/${IMAGE}:1",
    variables={"URL": "http://${HOST}/${PATH_2}"},
    environment={"PLAIN": "$HOST $${HOST} {HOST}"},
    build_args={"BASE": "${BASE_IMAGE}"},
)
PIPELINE = Pipeline(Path("p.yaml"), "s", (FUNCTION,))


def test_references_are_replaced_everywhere_they_may_stand() -> None:
    (function,) = resolve(
        PIPELINE, {"HOST": "h", "PATH_2": "p", "BASE_IMAGE": "debian:12", "IMAGE": "app"}
    ).functions

    assert function.image == "registry/app:1"
    assert function.variables == {"URL": "http://h/p"}
    assert function.build_args == {"BASE": "debian:12"}


def test_only_names_in_braces_are_references() -> None:
    function = replace(FUNCTION, image="", variables={}, build_args={}, environment={"A": "$HOST {HOST} ${1X} ${}"})

    (resolved,) = resolve(replace(PIPELINE, functions=(function,)), {}).functions

    assert resolved.environment == {"A": "$HOST {HOST} ${1X} ${}"}


def test_variables_of_jobs_are_filled_too() -> None:
    function = replace(
        FUNCTION, image="", variables={}, environment={}, build_args={}, batch=Batch(variables={"A": "${ONE}"})
    )

    (resolved,) = resolve(replace(PIPELINE, functions=(function,)), {"ONE": "1"}).functions

    assert resolved.batch.variables == {"A": "1"}


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(MissingVariable, match="BASE_IMAGE, HOST, IMAGE, PATH_2"):
        resolve(PIPELINE, {})


def test_a_value_is_not_read_again() -> None:
    function = replace(FUNCTION, image="", build_args={}, environment={}, variables={"A": "${ONE}"})

    (resolved,) = resolve(replace(PIPELINE, functions=(function,)), {"ONE": "${TWO}"}).functions

    assert resolved.variables == {"A": "${TWO}"}
