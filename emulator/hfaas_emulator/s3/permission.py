"""May S3, or another service or caller, do this? The part of a resource policy that decides over invocations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SERVICE = "s3.amazonaws.com"

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Who asks: a bucket or API, by ARN, and the account that owns it.

    `principal` is the service or account that acts (nothing: a stranger), `known` more condition keys in lower case.
    """

    arn: str
    account: str
    principal: str = SERVICE
    known: Mapping[str, str] = field(default_factory=dict)


def denial(statements: Iterable[Statement], action: str, resource: str, source: Source) -> str:
    """Say why the source may not do `action` (`lambda:InvokeFunction`); nothing when it may."""
    allowed = False
    near = ""
    for statement in statements:
        objection = _objection(statement, action, resource, source)
        if not objection and statement.get("Effect") == "Deny":
            return f"statement {name_of(statement)} denies it"
        allowed = allowed or not objection
        near = near or objection
    if allowed:
        return ""
    return f"no statement of the resource policy allows {source.principal or 'everybody'} to {action}" + (
        f" ({near})" if near else ""
    )


def name_of(statement: Statement) -> str:
    """Return a statement's Sid, for people."""
    return str(statement.get("Sid") or "without Sid")


def _objection(statement: Statement, action: str, resource: str, source: Source) -> str:
    if not _is_for(statement.get("Principal"), source.principal):
        return f"{name_of(statement)} is for another principal"
    if not any(_like(str(pattern), action, fold=True) for pattern in _many(statement.get("Action"))):
        return f"{name_of(statement)} is for another action"
    resources = _many(statement.get("Resource", "*"))
    if not any(_like(str(pattern), resource) for pattern in resources):
        return f"{name_of(statement)} is for another resource"
    return _condition(statement, source)


def _is_for(principal: Any, who: str) -> bool:
    meant = {"*"} | ({who, f"arn:aws:iam::{who}:root"} if who else set())
    if isinstance(principal, Mapping):
        return any(name in meant for names in principal.values() for name in _many(names))
    return principal in meant


def _condition(statement: Statement, source: Source) -> str:
    known = {"aws:sourcearn": source.arn, "aws:sourceaccount": source.account, **source.known}
    for operator, wanted in (statement.get("Condition") or {}).items():
        for key, patterns in wanted.items():
            value = known.get(key.lower(), "")
            if not _holds(operator.lower(), value, [str(pattern) for pattern in _many(patterns)]):
                return f"{name_of(statement)} asks for {key} {patterns}"
    return ""


def _holds(operator: str, value: str, patterns: list[str]) -> bool:
    match operator.removesuffix("ifexists"):
        case "arnlike" | "arnequals":
            return any(_arn_like(pattern, value) for pattern in patterns)
        case "stringlike":
            return any(_like(pattern, value) for pattern in patterns)
        case "stringequals":
            return value in patterns
        case "bool":
            return value.lower() in {pattern.lower() for pattern in patterns}
        case "stringequalsignorecase":
            return value.lower() in {pattern.lower() for pattern in patterns}
        case "stringnotequals":
            return value not in patterns
        case "arnnotlike" | "arnnotequals":
            return not any(_arn_like(pattern, value) for pattern in patterns)
        case _:
            return False


def _arn_like(pattern: str, arn: str) -> bool:
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(_like, wanted, given))


def _like(pattern: str, value: str, *, fold: bool = False) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
