"""The `Condition` of a statement: operators, and the keys that this emulator knows.

A key that is known and not there (a request without a prefix has no `s3:prefix`) is evaluated as IAM does. An operator
or key that is not known makes the answer unsure: whoever asks decides what that is worth, and can say why.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hfaas_emulator.permissions.context import Context
from hfaas_emulator.permissions.pattern import Globs, arns, filled, texts

KNOWN = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid", "aws:username",
    "aws:sourceip", "aws:securetransport", "aws:currenttime", "aws:epochtime",
    "aws:requestedregion", "aws:useragent", "aws:referer", "aws:resourceaccount",
    "aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist",
    "aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast",
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:multifactorauthpresent",
    "aws:multifactorauthage", "aws:federatedprovider", "aws:sourceidentity",
    "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid", "s3:x-amz-acl", "s3:x-amz-storage-class",
    "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-copy-source", "s3:x-amz-metadata-directive", "s3:x-amz-content-sha256",
    "s3:resourceaccount", "s3:if-match", "s3:if-none-match",
    "sts:externalid", "sts:rolesessionname",
})  # fmt: skip
"""Keys that are either in a request's context or, on AWS too, would not be in it."""

KNOWN_BEGINNINGS = ("aws:principaltag/", "s3:requestobjecttag/")


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of one operator; `unknown` says what of it this emulator does not know."""

    operator: str
    key: str
    values: tuple[str, ...]
    globs: Globs
    quantifier: str = ""
    if_exists: bool = False
    unknown: str = ""

    def holds(self, context: Context) -> bool:
        """Evaluate it, as far as it is known."""
        given = context.get(self.key, ())
        if self.operator == "null":
            return (not given) == (self.values[:1] == ("true",))
        negated = self.operator in NEGATED
        if not given:
            return self.quantifier == "forallvalues" or self.if_exists or (negated and not self.quantifier)
        return self._each(given, context, negated=negated)

    def _each(self, given: Iterable[str], context: Context, *, negated: bool) -> bool:
        test = TESTS[NEGATED.get(self.operator, self.operator)]
        outcomes = (test(self, value, context) != negated for value in given)
        every = self.quantifier == "forallvalues" or (negated and not self.quantifier)
        return all(outcomes) if every else any(outcomes)


Test = Callable[[Condition, str, Context], bool]


def compiled(conditions: Any, *, variables: bool) -> tuple[Condition, ...]:
    """Compile a `Condition` block."""
    if not isinstance(conditions, Mapping):
        return ()
    return tuple(
        _one(str(operator), str(key).lower(), values, variables=variables)
        for operator, keys in conditions.items()
        if isinstance(keys, Mapping)
        for key, values in keys.items()
    )


def _one(operator: str, key: str, values: Any, *, variables: bool) -> Condition:
    quantifier, colon, name = operator.rpartition(":")
    plain = name.lower().removesuffix("ifexists")
    kind = plain if plain in TESTS or plain in NEGATED or plain == "null" else ""
    known = bool(kind) and quantifier.lower() in {"", "forallvalues", "foranyvalue"}
    given = tuple(_spelled(value) for value in (values if isinstance(values, list) else [values]))
    unknown = "" if known else f"the operator {operator}"
    if known and not (key in KNOWN or key.startswith(KNOWN_BEGINNINGS)):
        unknown = f"the condition key {key}"
    is_arn = kind.startswith("arn")
    globs = (arns if is_arn else texts)(given, variables=variables) if kind in _PATTERNS else texts(())
    lower = tuple(value.lower() for value in given) if kind in {"bool", "null"} else given
    return Condition(
        kind, key, lower, globs, quantifier.lower() if colon else "", name.lower().endswith("ifexists"), unknown
    )


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equals(condition: Condition, value: str, context: Context) -> bool:
    return any(value == filled(wanted, context) for wanted in condition.values)


def _equals_folded(condition: Condition, value: str, context: Context) -> bool:
    return any(value.lower() == (filled(wanted, context) or "").lower() for wanted in condition.values)


def _like(condition: Condition, value: str, context: Context) -> bool:
    return condition.globs.match(value, context)


def _bool(condition: Condition, value: str, _context: Context) -> bool:
    return value.lower() in condition.values


def _compared(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    def test(condition: Condition, value: str, _context: Context) -> bool:
        given = read(value)
        wanted = [read(each) for each in condition.values]
        return given is not None and any(each is not None and compare(given, each) for each in wanted)

    return test


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _date(text: str) -> float | None:
    """Read an ISO 8601 date or Unix seconds."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _inside(condition: Condition, value: str, _context: Context) -> bool:
    try:
        address = ipaddress.ip_address(value)
        return any(address in ipaddress.ip_network(each, strict=False) for each in condition.values)
    except ValueError:
        return False


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda a, b: bool(a == b),
    "lessthan": lambda a, b: bool(a < b),
    "lessthanequals": lambda a, b: bool(a <= b),
    "greaterthan": lambda a, b: bool(a > b),
    "greaterthanequals": lambda a, b: bool(a >= b),
}
TESTS: Mapping[str, Test] = {
    "stringequals": _equals,
    "stringequalsignorecase": _equals_folded,
    "stringlike": _like,
    "arnequals": _like,
    "arnlike": _like,
    "bool": _bool,
    "binaryequals": _equals,
    "ipaddress": _inside,
    **{f"numeric{name}": _compared(_number, compare) for name, compare in _COMPARISONS.items()},
    **{f"date{name}": _compared(_date, compare) for name, compare in _COMPARISONS.items()},
}
NEGATED: Mapping[str, str] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
_PATTERNS = {"stringlike", "stringnotlike", "arnequals", "arnlike", "arnnotequals", "arnnotlike"}
