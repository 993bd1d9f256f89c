"""The plan says what AWS's change sets would say."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.cloudformation import templates as t

from hfaas_emulator.cloudformation.plan import Replacement, Side, changes, create_only, order
from hfaas_emulator.cloudformation.providers import TYPES
from hfaas_emulator.cloudformation.template import parse


def side(text: str, tags: dict[str, str] | None = None, **parameters: str) -> Side:
    return Side(parse(text), {"Image": t.IMAGE, **parameters}, tags or {})


@cache
def index() -> dict[str, str]:
    """Find cfn-lint's copy of AWS's schemas without importing cfn-lint, which takes seconds."""
    found: dict[str, str] = json.loads((schemas() / "providers" / "us-east-1.json").read_text("utf-8"))
    return found


def schemas() -> Path:
    spec = find_spec("cfnlint")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "schemas"


def schema_of(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((schemas() / "resources" / f"{index()[kind]}.json").read_text("utf-8"))
    return found


def plan(old: Side, new: Side) -> dict[str, Replacement]:
    return {one.logical: one.replacement for one in changes(old, new, frozenset({"AWS::SQS::Queue"}))}


def test_equal_sides_plan_nothing() -> None:
    assert plan(side(t.pipeline()), side(t.pipeline())) == {}


def test_resources_come_after_what_they_need() -> None:
    found = order(parse(t.pipeline()))
    assert found.index("Function") < found.index("Permission") < found.index("Bucket")


@pytest.mark.parametrize(
    ("name", "changed", "replacement"),
    [
        ("Function", t.function(MemorySize=1), Replacement.NO),
        ("Function", t.function("renamed"), Replacement.YES),
        ("Function", t.function(PackageType="Zip"), Replacement.YES),
        ("Bucket", t.bucket("other"), Replacement.YES),
        ("Bucket", t.bucket(Tags=[]), Replacement.NO),
    ],
)
def test_create_only_properties_mean_replacement(name: str, changed: Any, replacement: Replacement) -> None:
    assert plan(side(t.pipeline()), side(t.pipeline(**{name: changed})))[name] is replacement


def test_a_parameter_touches_only_who_mentions_it() -> None:
    assert plan(side(t.pipeline()), side(t.pipeline(), Image=t.OTHER_IMAGE)) == {"Function": Replacement.NO}


def test_new_stack_tags_touch_types_that_carry_them() -> None:
    assert plan(side(t.pipeline()), side(t.pipeline(), {"a": "b"})) == {"DeadLetters": Replacement.NO}


def test_a_deletion_policy_is_a_change_of_its_own() -> None:
    kept = {**t.bucket(), "DeletionPolicy": "Retain"}
    (change,) = changes(side(t.pipeline()), side(t.pipeline(Bucket=kept)))
    assert [one.scope for one in change.details] == ["DeletionPolicy"]


def test_replacements_travel_along_chains() -> None:
    """A renamed function replaces its permission for certain or perhaps; the bucket behind it is only modified."""
    found = plan(side(t.pipeline()), side(t.pipeline(Function=t.function("renamed"))))
    assert found["Permission"] is Replacement.MAYBE
    assert found["Bucket"] is Replacement.NO


def test_the_shipped_extract_is_what_awss_schemas_say() -> None:
    for kind, ours in create_only().items():
        schema = schema_of(kind)
        fixed = {path.split("/")[2] for path in schema.get("createOnlyProperties", []) if path.count("/") == 2}
        known = TYPES[kind].properties
        assert ours & known == fixed & known, kind


def test_every_property_of_the_table_is_one_of_awss() -> None:
    for kind, provider in TYPES.items():
        assert provider.properties <= set(schema_of(kind)["properties"]), kind


def test_every_type_says_what_replaces_it() -> None:
    assert set(create_only()) == set(TYPES)
