"""What a plan changes, value by value: each resource's properties before and after, as far as they are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from hfaas_emulator.cloudformation import values
from hfaas_emulator.cloudformation.intrinsics import Scope
from hfaas_emulator.cloudformation.parameters import shown
from hfaas_emulator.cloudformation.plan import VERSIONED, Action, Change, Detail, Replacement
from hfaas_emulator.cloudformation.stack import ChangeSet, Stack, Version

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
ABSENT = object()


class Values:
    """The two sides of a change set that was not executed yet."""

    def __init__(self, stack: Stack, found: ChangeSet) -> None:
        self._before = _reader(stack, stack.version, frozenset())
        self._after = _reader(stack, found.version, {one.logical for one in found.changes if _is_new(one)})

    def contexts(self, change: Change) -> dict[str, str]:
        """Return a resource's properties before and after, as JSON in text."""
        sides: dict[str, str] = {}
        if change.action not in (Action.ADD, Action.IMPORT):
            sides["BeforeContext"] = json.dumps({"Properties": self._before(change.logical)})
        if change.action is not Action.REMOVE:
            sides["AfterContext"] = json.dumps({"Properties": self._after(change.logical)})
        return sides

    def target(self, change: Change, detail: Detail) -> dict[str, str]:
        """Return where a changed property is, and both its values."""
        name = detail.name or ("Tags" if detail.scope == "Tags" else "")
        if not name:
            return {}
        before = self._before(change.logical).get(name, ABSENT)
        after = self._after(change.logical).get(name, ABSENT)
        told = {"Path": f"/Properties/{name}", "AttributeChangeType": _kind(before, after)}
        sides = {"BeforeValue": before, "AfterValue": after}
        return told | {key: _text(value) for key, value in sides.items() if value is not ABSENT}


def _is_new(change: Change) -> bool:
    """Whether the resource will have another id, or its first one."""
    if change.action in (Action.ADD, Action.IMPORT):
        return True
    return change.replacement in (Replacement.YES, Replacement.MAYBE) or change.type in VERSIONED


def _reader(stack: Stack, version: Version, new: AbstractSet[str]) -> Callable[[str], Mapping[str, Any]]:
    """Return what gives the properties of a resource in a version; `new` ones are not known yet."""
    declared = version.template.parameters
    known = values.pseudo(stack) | {
        name: values.parameter(declared[name], value)
        for name, value in shown(version.template, version.parameters).items()
        if name in declared
    }
    made = {name: one.made for name, one in stack.resources.items() if one.made and name not in new}

    def ref(name: str) -> Any:
        if name in known:
            return known[name]
        return made[name].id if name in made else LATER

    def att(name: str, attribute: str) -> str:
        return made[name].attributes.get(attribute, LATER) if name in made else LATER

    scope = Scope(ref, att)

    def read(logical: str) -> Mapping[str, Any]:
        definition = version.template.resources.get(logical)
        return scope.resolve(dict(definition.properties)) if definition else {}

    return read


def _kind(before: Any, after: Any) -> str:
    if before is ABSENT:
        return "Add"
    return "Remove" if after is ABSENT else "Modify"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
