"""Policy documents, compiled once: what each statement is for, and whether it fits what is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hfaas_emulator.permissions.condition import Condition, compiled
from hfaas_emulator.permissions.context import Context
from hfaas_emulator.permissions.pattern import Globs, actions, arns, texts

WITH_VARIABLES = "2012-10-17"
"""The version of documents in which `${...}` is a variable."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One action on one resource (an ARN, or `*`) as IAM sees it, and what conditions may look at.

    `shown` is the resource in words where those differ from the ARN.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """The principal of a session: its own ARN, its role's, and the account."""

    session: str
    role: str
    account: str


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement of a resource policy is for; `is_not` turns it round."""

    names: frozenset[str] = frozenset()
    is_not: bool = False

    def directly(self, who: Who) -> bool:
        """Tell whether the session, its role or everybody is named."""
        named = not self.names.isdisjoint({"*", who.session, who.role})
        if self.is_not:
            return not named and not self._names_account(who)
        return named

    def through_account(self, who: Who) -> bool:
        """Tell whether it is for the session, be it only by naming its account."""
        return self.directly(who) or (not self.is_not and self._names_account(who))

    def _names_account(self, who: Who) -> bool:
        return not self.names.isdisjoint({who.account, f"arn:aws:iam::{who.account}:root"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `actions` and `resources` fit unless the `not_` beside them says otherwise."""

    sid: str
    actions: Globs
    resources: Globs
    conditions: tuple[Condition, ...]
    not_actions: bool = False
    not_resources: bool = False
    principals: Principals | None = None

    def concerns(self, ask: Ask) -> bool:
        """Tell whether action and resource fit."""
        if self.actions.match(ask.action.lower(), ask.context) == self.not_actions:
            return False
        return self.resources.match(ask.resource, ask.context) != self.not_resources

    def objection(self, context: Context) -> str | None:
        """Return nothing when its conditions hold, None when one does not, else what of them is not known."""
        unknown = ""
        for condition in self.conditions:
            if condition.unknown:
                unknown = unknown or condition.unknown
            elif not condition.holds(context):
                return None
        return unknown


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled document."""

    name: str
    allows: tuple[Statement, ...] = ()
    denies: tuple[Statement, ...] = ()


@lru_cache(maxsize=4096)
def compile_policy(name: str, text: str) -> Policy:
    """Compile a document; what is no policy allows and denies nothing."""
    try:
        document = json.loads(text)
    except ValueError:
        return Policy(name)
    if not isinstance(document, Mapping):
        return Policy(name)
    variables = document.get("Version") == WITH_VARIABLES
    given = [each for each in _many(document.get("Statement")) if isinstance(each, Mapping)]
    return Policy(
        name,
        tuple(_statement(each, variables=variables) for each in given if each.get("Effect") == "Allow"),
        tuple(_statement(each, variables=variables) for each in given if each.get("Effect") == "Deny"),
    )


def _statement(given: Mapping[str, Any], *, variables: bool) -> Statement:
    not_actions, not_resources = "NotAction" in given, "NotResource" in given
    resources = _texts(given.get("NotResource" if not_resources else "Resource"))
    return Statement(
        str(given.get("Sid") or ""),
        actions(_texts(given.get("NotAction" if not_actions else "Action"))),
        # What a function's or a queue's own policy is about may go without saying.
        arns(resources, variables=variables) if resources else texts(["*"]),
        compiled(given.get("Condition"), variables=variables),
        not_actions,
        not_resources,
        _principals(given),
    )


def _principals(given: Mapping[str, Any]) -> Principals | None:
    is_not = "NotPrincipal" in given
    if not is_not and "Principal" not in given:
        return None
    named = given["NotPrincipal" if is_not else "Principal"]
    names = (
        [name for kind in named.values() for name in _texts(kind)] if isinstance(named, Mapping) else _texts(named)
    )
    return Principals(frozenset(names), is_not)


def _texts(value: Any) -> list[str]:
    return [str(each) for each in _many(value)]


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
