"""How long, how many and of which letters: what a request may hold at most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hfaas_emulator.cloudformation.intrinsics import invalid

BODY = 51_200
DOCUMENT = 1_000_000
NAME = 128
TOKEN = 128
PARAMETER = 4096
TAGS, TAG_KEY, TAG_VALUE = 50, 128, 256

STARTS_WITH_LETTER = "[a-zA-Z][-a-zA-Z0-9]*"
LETTERS_AND_DIGITS = "[a-zA-Z0-9][-a-zA-Z0-9]*"


def text(where: str, value: str, longest: int, pattern: str = "") -> str:
    """Return a member's text when it is short enough and made of what it may be made of."""
    if len(value.encode()) > longest:
        raise _unsatisfied(where, value, f"Member must have length less than or equal to {longest}")
    if pattern and not re.fullmatch(pattern, value):
        raise _unsatisfied(where, value, f"Member must satisfy regular expression pattern: {pattern}")
    return value


def tags(given: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags as a mapping."""
    if len(given) > TAGS:
        raise _unsatisfied("tags", f"{len(given)} tags", f"Member must have length less than or equal to {TAGS}")
    found: dict[str, str] = {}
    for key, value in _pairs(given):
        if key.startswith("aws:"):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
        if key in found:
            raise invalid("Duplicate tag keys found. Please ensure all tag keys are unique.")
        found[key] = value
    return found


def _pairs(given: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    for number, one in enumerate(given, 1):
        where = f"tags.{number}.member"
        yield (
            text(f"{where}.key", str(one.get("Key", "")), TAG_KEY),
            text(f"{where}.value", str(one.get("Value", "")), TAG_VALUE),
        )


def parameters(given: Sequence[Mapping[str, Any]]) -> None:
    """Refuse values that are too long; they are not repeated, since one may be a secret."""
    for number, one in enumerate(given, 1):
        if len(str(one.get("ParameterValue", "")).encode()) > PARAMETER:
            where = f"parameters.{number}.member.parameterValue"
            raise _unsatisfied(where, "", f"Member must have length less than or equal to {PARAMETER}")


def _unsatisfied(where: str, value: str, must: str) -> Exception:
    shown = f"Value '{value}' at '{where}'" if value else f"Value at '{where}'"
    return invalid(f"1 validation error detected: {shown} failed to satisfy constraint: {must}")
