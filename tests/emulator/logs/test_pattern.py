"""Filter patterns."""

from __future__ import annotations

import json

import pytest

from hfaas_emulator.errors import AwsError
from hfaas_emulator.logs.pattern import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR here", True),
        ("ERROR", "an error here", False),
        ("ERROR disk", "disk: ERROR", True),
        ("ERROR disk", "net: ERROR", False),
        ('"out of memory"', "it is out of memory", True),
        ('"out of memory"', "memory of out", False),
        ('"say \\"hi\\""', 'say "hi"', True),
        ("?ERROR ?WARN", "a WARN", True),
        ("?ERROR ?WARN", "an INFO", False),
        ("ERROR ?x", "ERROR only", True),
        ("-DEBUG", "a DEBUG", False),
        ("-DEBUG", "an INFO", True),
        ('ERROR -"known bug"', "ERROR: known bug", False),
        ("%[0-9]+ ms%", "took 12 ms", True),
        ("%[0-9]+ ms%", "took long", False),
        ("3f2a-uuid", "RequestId: 3f2a-uuid", True),
    ],
)
def test_terms(pattern: str, message: str, matches: bool) -> None:
    assert compile_pattern(pattern)(message) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.level = "error" }', True),
        ('{ $.level = "err*" }', True),
        ('{ $.level != "error" }', False),
        ("{ $.ms > 10 }", True),
        ("{ $.ms <= 10 }", False),
        ("{ $.deep.list[1] = 2 }", True),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.nothing IS NULL }", True),
        ('{ ($.level = "info") || ($.ms = 12) }', True),
        ('{ $.level = "error" && $.ms = 13 }', False),
    ],
)
def test_properties_of_json(pattern: str, matches: bool) -> None:
    line = json.dumps({"level": "error", "ms": 12, "deep": {"list": [1, 2]}, "nothing": None})
    assert compile_pattern(pattern)(line) is matches


def test_a_line_that_is_no_json_does_not_match() -> None:
    assert compile_pattern("{ $.a = 1 }")("text") is False


@pytest.mark.parametrize("pattern", ["[a, b]", "%(%", '"open', "{ nonsense }", "{ $.a > x }"])
def test_what_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(AwsError, match="Invalid filter pattern"):
        compile_pattern(pattern)
