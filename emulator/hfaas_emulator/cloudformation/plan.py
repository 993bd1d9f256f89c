"""What would change: the answer of a change set, worked out without touching anything.

A property counts as changed when its text in the template differs, when a parameter it mentions has another
value, or when it mentions a resource that will be replaced: then the new id is only known afterwards, so the
change is `Dynamic` and a replacement it may cause is `Conditional`, exactly as AWS words it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Any

from hfaas_emulator.cloudformation.intrinsics import mentions
from hfaas_emulator.cloudformation.template import Definition, Template

VERSIONED = frozenset({"AWS::Batch::JobDefinition"})
"""Types whose updates make a new version of the same thing, with another ARN that dependents must learn."""


class Action(StrEnum):
    ADD = "Add"
    MODIFY = "Modify"
    REMOVE = "Remove"
    IMPORT = "Import"


class Replacement(StrEnum):
    NONE = ""
    NO = "False"
    MAYBE = "Conditional"
    YES = "True"


@dataclass(frozen=True, slots=True)
class Detail:
    """Why one attribute or property of a resource changes."""

    scope: str  # Properties, Tags, Metadata, DeletionPolicy, UpdateReplacePolicy
    name: str = ""
    source: str = "DirectModification"
    cause: str = ""
    dynamic: bool = False
    recreates: bool = False

    @property
    def recreation(self) -> str:
        if not self.recreates:
            return "Never"
        return "Conditionally" if self.dynamic else "Always"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource's line in a change set."""

    action: Action
    logical: str
    type: str
    replacement: Replacement = Replacement.NONE
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plan cannot be carried out, found out before it is."""

    logical: str
    type: str
    check: str
    reason: str

    @property
    def path(self) -> str:
        return f"/Resources/{self.logical}/Properties"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a template, its parameters' values and the tags of its stack."""

    template: Template
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@cache
def create_only() -> Mapping[str, frozenset[str]]:
    """Return for each type the properties that cannot change on an existing resource."""
    text = (files("hfaas_emulator.cloudformation") / "replacements.json").read_text("utf-8")
    return {kind: frozenset(names) for kind, names in json.loads(text).items()}


def order(template: Template) -> list[str]:
    """Return the resources, each after all it depends on."""
    return list(TopologicalSorter(template.dependencies()).static_order())


def changes(old: Side, new: Side, taggable: AbstractSet[str] = frozenset()) -> list[Change]:
    """Compare two sides; `taggable` are the types that carry the stack's tags."""
    found: list[Change] = []
    replaced: set[str] = set()
    for name in order(new.template):
        wanted, had = new.template.resources[name], old.template.resources.get(name)
        if had is None:
            found.append(Change(Action.ADD, name, wanted.type))
        elif details := tuple(_details(had, wanted, old, new, replaced, taggable)):
            kind = _replacement(details)
            if kind is not Replacement.NO or (wanted.type in VERSIONED and _is_new_version(details)):
                replaced.add(name)
            found.append(Change(Action.MODIFY, name, wanted.type, kind, details))
    gone = [one for name, one in old.template.resources.items() if name not in new.template.resources]
    return found + [Change(Action.REMOVE, one.logical, one.type) for one in gone]


def _is_new_version(details: tuple[Detail, ...]) -> bool:
    return any(one.scope == "Properties" and one.name != "ResourceRetentionPolicy" for one in details)


def _replacement(details: tuple[Detail, ...]) -> Replacement:
    recreating = [one for one in details if one.recreates]
    if not recreating:
        return Replacement.NO
    return Replacement.MAYBE if all(one.dynamic for one in recreating) else Replacement.YES


def _details(
    had: Definition,
    wanted: Definition,
    old: Side,
    new: Side,
    replaced: AbstractSet[str],
    taggable: AbstractSet[str],
) -> Iterator[Detail]:
    fixed = create_only().get(wanted.type, frozenset())
    for key in sorted({*had.properties, *wanted.properties}):
        scope = "Tags" if key == "Tags" else "Properties"
        for reason in _reasons(had.properties.get(key), wanted.properties.get(key), old, new, replaced):
            source, cause, dynamic = reason
            yield Detail(scope, "" if key == "Tags" else key, source, cause, dynamic, key in fixed)
    if old.tags != new.tags and wanted.type in taggable and "Tags" not in wanted.properties:
        yield Detail("Tags")
    if had.metadata != wanted.metadata:
        yield Detail("Metadata")
    if had.deletion_policy != wanted.deletion_policy:
        yield Detail("DeletionPolicy")
    if had.replace_policy != wanted.replace_policy:
        yield Detail("UpdateReplacePolicy")


def _reasons(
    had: Any, wants: Any, old: Side, new: Side, replaced: AbstractSet[str]
) -> Iterator[tuple[str, str, bool]]:
    if had != wants:
        yield "DirectModification", "", False
        return
    for mention in dict.fromkeys(mentions(wants)):
        if mention.name in replaced:
            yield "ResourceAttribute" if mention.attribute else "ResourceReference", mention.text, True
        elif mention.name in new.parameters and old.parameters.get(mention.name) != new.parameters[mention.name]:
            yield "ParameterReference", mention.name, False
