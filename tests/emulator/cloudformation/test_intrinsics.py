"""Template values resolve as CloudFormation resolves them."""

from __future__ import annotations

from typing import Any

import pytest

from hfaas_emulator.cloudformation.intrinsics import NO_VALUE, Scope, mentions
from hfaas_emulator.errors import AwsError

SCOPE = Scope(
    lambda name: {"AWS::NoValue": NO_VALUE, "List": ["a", "b"], "On": True}.get(name, f"<{name}>"),
    lambda name, attribute: f"<{name}.{attribute}>",
)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "A"}, "<A>"),
        ({"Fn::GetAtt": ["A", "Arn"]}, "<A.Arn>"),
        ({"Fn::GetAtt": "A.Arn"}, "<A.Arn>"),
        ({"Fn::Sub": "x-${A}-${A.Arn}-${!B}"}, "x-<A>-<A.Arn>-${B}"),
        ({"Fn::Sub": ["${own}-${A}", {"own": {"Ref": "C"}}]}, "<C>-<A>"),
        ({"Fn::Sub": "${On}"}, "true"),
        ({"Fn::Join": ["/", ["a", {"Ref": "A"}]]}, "a/<A>"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b"),
        ({"Fn::Base64": {"Ref": "A"}}, "PEE+"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"Nested": [{"Ref": "A"}, True, 3]}, {"Nested": ["<A>", True, 3]}),
    ],
)
def test_a_value_resolves(value: Any, resolved: Any) -> None:
    assert SCOPE.resolve(value) == resolved


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Select": [0, []]},
        {"Fn::If": ["a", 1, 2]},
        {"Fn::ImportValue": "x"},
        {"Fn::GetAtt": "A"},
        {"Fn::Join": ["a"]},
        {"Fn::Sub": [1, 2]},
    ],
)
def test_what_cannot_be_resolved_is_refused_by_name(value: Any) -> None:
    with pytest.raises(AwsError, match=next(iter(value))):
        SCOPE.resolve(value)


def test_mentions_are_found_everywhere() -> None:
    value = {
        "a": [{"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn"]}],
        "b": {"Fn::Sub": ["${C} ${D.Arn} ${!E} ${f}", {"f": {"Ref": "G"}}]},
        "c": {"Fn::Join": ["", [{"Fn::Base64": {"Ref": "H"}}]]},
    }
    assert {one.text for one in mentions(value)} == {"A", "B.Arn", "C", "D.Arn", "G", "H"}
