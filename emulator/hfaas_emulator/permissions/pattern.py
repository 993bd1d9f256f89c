"""The wildcards of policies: `*` and `?`, and variables like `${aws:PrincipalAccount}`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from hfaas_emulator.permissions.context import Context

VARIABLE = re.compile(r"\$\{([^{}]*)\}")
SEGMENTS = 5
"""Colons between the parts of an ARN; behind the last one, a colon is a letter like any other."""

_LITERALS = {"*": "*", "?": "?", "$": "$"}
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Globs:
    """Several patterns of one kind: those without variables as one expression, and those with."""

    fixed: re.Pattern[str]
    varying: tuple[str, ...] = ()
    are_arns: bool = False

    def match(self, text: str, context: Context) -> bool:
        """Tell whether one of them fits."""
        if self.fixed.fullmatch(text):
            return True
        return any(_varied(each, context, arn=self.are_arns).fullmatch(text) for each in self.varying)


def arns(patterns: Iterable[str], *, variables: bool = True) -> Globs:
    """Compile patterns of ARNs, part by part; `*` alone is everything."""
    return _globs(patterns, variables=variables, are_arns=True)


def texts(patterns: Iterable[str], *, variables: bool = True) -> Globs:
    """Compile patterns of any texts."""
    return _globs(patterns, variables=variables, are_arns=False)


def actions(patterns: Iterable[str]) -> Globs:
    """Compile patterns of actions, which are compared in lower case and have no variables."""
    return Globs(_joined([_text(pattern.lower()) for pattern in patterns]))


def filled(text: str, context: Context) -> str | None:
    """Replace variables in a text without wildcards; None when one of them has no single value."""
    parts, at = [], 0
    for found in VARIABLE.finditer(text):
        value = _value(found[1], context)
        if value is None:
            return None
        parts += [text[at : found.start()], value]
        at = found.end()
    return "".join([*parts, text[at:]])


def _globs(patterns: Iterable[str], *, variables: bool, are_arns: bool) -> Globs:
    given = list(patterns)
    varying = tuple(each for each in given if variables and "${" in each)
    compiled = _arn if are_arns else _text
    return Globs(_joined([compiled(each) for each in given if each not in varying]), varying, are_arns)


def _joined(expressions: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in expressions), re.DOTALL) if expressions else _NEVER


def _text(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _arn(pattern: str) -> str:
    if pattern == "*":
        return ".*"
    *parts, last = pattern.split(":", SEGMENTS)
    if len(parts) < SEGMENTS:
        return _text(pattern) if not pattern.startswith("arn:") else "(?!)"  # IAM takes no shortened ARN
    inner = [re.escape(part).replace(r"\*", "[^:]*").replace(r"\?", "[^:]") for part in parts]
    return ":".join([*inner, _text(last)])


def _varied(pattern: str, context: Context, *, arn: bool) -> re.Pattern[str]:
    values = tuple(_value(found[1], context) for found in VARIABLE.finditer(pattern))
    return _NEVER if None in values else _filled_pattern(pattern, values, arn)


@lru_cache(maxsize=4096)
def _filled_pattern(pattern: str, values: tuple[str, ...], arn: bool) -> re.Pattern[str]:
    """Compile a pattern whose variables stand for themselves, wildcards in their values included."""
    marks = [f"\x00{number}\x00" for number in range(len(values))]
    given = iter(marks)
    expression = (_arn if arn else _text)(VARIABLE.sub(lambda _: next(given), pattern))
    for mark, value in zip(marks, values, strict=True):
        expression = expression.replace(re.escape(mark), re.escape(value)).replace(mark, re.escape(value))
    return re.compile(expression, re.DOTALL)


def _value(variable: str, context: Context) -> str | None:
    """Return what a variable stands for: `*`, `?` and `$` for themselves, `key, 'default'` with a default."""
    name, comma, default = variable.partition(",")
    if name in _LITERALS:
        return _LITERALS[name]
    values = context.get(name.strip().lower(), ())
    if len(values) == 1:
        return values[0]
    return default.strip().strip("'") if comma and not values else None
