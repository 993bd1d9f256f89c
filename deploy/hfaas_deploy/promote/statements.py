"""Who may do what: the IAM statements that a new template adds and removes, apart from all other changes.

Roles' own policies, whom they trust, and what resources let others do (permissions of Functions, policies of Queues) are
told alike. Ids of an account that a template leaves open are filled in, so that a person reads whole ARNs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hfaas_deploy.preview import Action
from hfaas_deploy.promote.promotion import Statement

Json = Mapping[str, Any]
OPEN = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
CONDITIONS = ("SourceArn", "SourceAccount", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "EventSourceToken")
MANAGED = "all of the policy"


def differences(
    old: Json, new: Json, known: Mapping[str, str], was: Mapping[str, str] | None = None
) -> tuple[Statement, ...]:
    """What the template `new` allows and `old` does not, and the other way round; added ones come first.

    Both are templates as data; `known` gives values of parameters and pseudo parameters, as AWS::AccountId, and `was`
    those that parameters had for `old`.
    """
    had = dict.fromkeys(_statements(old, {**known, **(was or {})}))
    will = dict.fromkeys(_statements(new, known))
    added = [one for one in will if one not in had]
    removed = [replace(one, action=Action.REMOVE) for one in had if one not in will]
    return (*sorted(added, key=_order), *sorted(removed, key=_order))


def _order(one: Statement) -> tuple[str, ...]:
    return (one.role, one.principal, *one.actions)


def _statements(template: Json, known: Mapping[str, str]) -> Iterator[Statement]:
    for logical, resource in sorted(template.get("Resources", {}).items()):
        for raw, about in _raw(logical, resource.get("Type", ""), resource.get("Properties", {})):
            yield _statement(about, raw, known)


def _raw(logical: str, kind: str, properties: Json) -> Iterator[tuple[Json, str]]:
    """The statements of a resource, and whose role or resource each is about."""
    documents = [one.get("PolicyDocument", {}) for one in properties.get("Policies", ())]
    documents += [properties.get("AssumeRolePolicyDocument", {}), properties.get("PolicyDocument", {})]
    for document in documents:
        statements = document.get("Statement", [])
        yield from ((one, logical) for one in (statements if isinstance(statements, list) else [statements]))
    for policy in properties.get("ManagedPolicyArns", ()):
        yield {"Effect": "Allow", "Action": MANAGED, "Resource": policy}, logical
    if kind == "AWS::Lambda::Permission":
        whose = properties.get("FunctionName", "")
        conditions = {name: properties[name] for name in CONDITIONS if name in properties}
        yield (
            {
                "Effect": "Allow",
                "Action": properties.get("Action", ""),
                "Resource": whose,
                "Principal": properties.get("Principal", ""),
                "Condition": conditions,
            },
            _text(whose, {}),
        )


def _statement(about: str, raw: Json, known: Mapping[str, str]) -> Statement:
    condition = raw.get("Condition") or ""
    return Statement(
        action=Action.ADD,
        role=about,
        effect=str(raw.get("Effect", "Allow")),
        actions=_texts(raw.get("Action", raw.get("NotAction", ())), known, "NotAction" in raw),
        resources=_texts(raw.get("Resource", raw.get("NotResource", ())), known, "NotResource" in raw),
        condition=_condition(condition, known),
        principal=", ".join(_principals(raw.get("Principal", ""), known)),
    )


def _texts(value: Any, known: Mapping[str, str], is_not: object = False) -> tuple[str, ...]:
    many = value if isinstance(value, list | tuple) else [value]
    return tuple(sorted(f"{'all but ' if is_not else ''}{_text(one, known)}" for one in many))


def _principals(value: Any, known: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, Mapping) and not _is_intrinsic(value):
        for names in value.values():
            yield from _texts(names, known)
    else:
        yield from filter(None, _texts(value, known))


def _condition(value: Any, known: Mapping[str, str]) -> str:
    if not isinstance(value, Mapping):
        return _text(value, known)
    if _is_intrinsic(value):
        return _text(value, known)
    parts = (f"{name} {_condition(one, known)}" for name, one in sorted(value.items()))
    return ", ".join(parts)


def _is_intrinsic(value: Json) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _text(value: Any, known: Mapping[str, str]) -> str:
    """A value as a person reads it: a resource by its logical id, an ARN with what is known of it."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return known.get(name, name)
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::Sub": str(text)}:
            return OPEN.sub(lambda found: known.get(found[1], found[1]), text)
        case bool() | int() | float():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(_texts(value, known))
        case _:
            return json.dumps(value, sort_keys=True)
