"""CloudWatch's filter patterns: terms, phrases, options, exclusions, regular expressions and simple JSON.

ERROR timeout           both, in any order        ?ERROR ?WARN      at least one
"out of memory"         the phrase                -DEBUG            not this one
%[0-9]+ ms%             a regular expression      { $.a.b = "x*" }  a property of a JSON line; && and || join
"""

from __future__ import annotations

import fnmatch
import json
import operator
import re
from collections.abc import Callable
from typing import Any

from hfaas_emulator.errors import AwsError

Match = Callable[[str], bool]

TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]*)%|([^\s"]+))')
CLAUSE = re.compile(
    r"\s*\$(?P<path>(?:\.[\w-]+|\[\d+\])+)\s*"
    r"(?:(?P<sign>=|!=|<=|>=|<|>)\s*(?P<value>\"(?:[^\"\\]|\\.)*\"|[^\s&|()]+)"
    r"|(?P<test>NOT EXISTS|EXISTS|IS NULL|IS TRUE|IS FALSE))\s*"
)
MISSING = object()
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_pattern(pattern: str) -> Match:
    """Turn a pattern into a test of one message; AwsError when it cannot be read."""
    text = pattern.strip()
    if not text:
        return lambda _: True
    if text.startswith("{") and text.endswith("}"):
        return _json(text[1:-1])
    if text.startswith("["):
        raise _invalid("space-delimited patterns are not supported here; use terms or { $.property = value }")
    return _terms(text)


def _terms(text: str) -> Match:
    groups: dict[str, list[Match]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(text):
        found = TERM.match(text, at)
        if found is None:
            raise _invalid(f"unexpected {text[at:]!r}")
        groups[found[1]].append(_term(found))
        at = found.end()
    needed, options, excluded = groups[""], groups["?"], groups["-"]

    def matches(message: str) -> bool:
        if any(test(message) for test in excluded) or not all(test(message) for test in needed):
            return False
        # As on AWS, options only decide when nothing else is demanded.
        return bool(needed) or not options or any(test(message) for test in options)

    return matches


def _term(found: re.Match[str]) -> Match:
    _, phrase, expression, word = found.groups()
    if expression is not None:
        try:
            compiled = re.compile(expression)
        except re.error as error:
            raise _invalid(str(error)) from error
        return lambda message: compiled.search(message) is not None
    wanted = re.sub(r"\\(.)", r"\1", phrase) if phrase is not None else word
    return lambda message: wanted in message


def _json(text: str) -> Match:
    either = [[_clause(part) for part in both.split("&&")] for both in text.split("||")]

    def matches(message: str) -> bool:
        try:
            value = json.loads(message)
        except ValueError:
            return False
        return any(all(test(value) for test in both) for both in either)

    return matches


def _clause(text: str) -> Callable[[Any], bool]:
    found = CLAUSE.fullmatch(text.strip().removeprefix("(").removesuffix(")"))
    if found is None:
        raise _invalid(f"{text.strip()!r} is no condition")
    steps = re.findall(r"\.([\w-]+)|\[(\d+)\]", found["path"])
    test = _existence(found["test"]) if found["test"] else _comparison(found["sign"], found["value"])
    return lambda value: test(_select(value, steps))


def _select(value: Any, steps: list[tuple[str, str]]) -> Any:
    for name, index in steps:
        if name and isinstance(value, dict):
            value = value.get(name, MISSING)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return MISSING
    return value


def _existence(test: str) -> Callable[[Any], bool]:
    return {
        "EXISTS": lambda value: value is not MISSING,
        "NOT EXISTS": lambda value: value is MISSING,
        "IS NULL": lambda value: value is None,
        "IS TRUE": lambda value: value is True,
        "IS FALSE": lambda value: value is False,
    }[test]


def _comparison(sign: str, raw: str) -> Callable[[Any], bool]:
    wanted = _number(raw)
    if sign in ORDER:
        if wanted is None:
            raise _invalid(f"{raw} is no number")
        return lambda value: isinstance(value, int | float) and ORDER[sign](value, wanted)
    glob = raw.strip('"')

    def equal(value: Any) -> bool:
        if wanted is not None and isinstance(value, int | float):
            return value == wanted
        return isinstance(value, str) and fnmatch.fnmatchcase(value, glob.replace("[", "[[]"))

    return equal if sign == "=" else lambda value: value is not MISSING and not equal(value)


def _number(raw: str) -> float | None:
    try:
        return float(raw)
    except ValueError:
        return None


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidParameterException", f"Invalid filter pattern: {why}")
