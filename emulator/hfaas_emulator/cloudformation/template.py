"""One template, read and checked as CloudFormation does before it touches anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml

from hfaas_emulator.cloudformation.intrinsics import PSEUDO, Mention, invalid, mentions

DESCRIPTION_LIMIT = 1024
RESOURCES_LIMIT = 500
PARAMETERS_LIMIT = 200
OUTPUTS_LIMIT = 200
SECTIONS = frozenset({"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Resources", "Outputs"})
UNSUPPORTED = frozenset({"Conditions", "Mappings", "Rules", "Transform", "Hooks"})
RESOURCE_KEYS = frozenset({"Type", "Properties", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"})
POLICIES = ("Delete", "Retain", "RetainExceptOnCreate")
PARAMETER_TYPE = re.compile(
    r"String|Number|CommaDelimitedList|List<(String|Number|AWS::\w+::[\w:]+)>|AWS::(?!SSM::)\w+::[\w:]+"
)
LOGICAL = re.compile(r"[A-Za-z0-9]{1,255}")


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource as the template wants it."""

    logical: str
    type: str
    properties: Mapping[str, Any]
    after: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    metadata: Any = None

    def mentions(self) -> tuple[Mention, ...]:
        return tuple(mentions(dict(self.properties)))


@dataclass(frozen=True, slots=True)
class Template:
    """What a template says, with its resources in the order of their names' first appearance."""

    resources: Mapping[str, Definition]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    description: str = ""
    version: str = ""

    def dependencies(self) -> dict[str, set[str]]:
        """Return for each resource the resources that must exist before it."""
        return {
            name: {*one.after, *(m.name for m in one.mentions() if m.name in self.resources)}
            for name, one in self.resources.items()
        }


EMPTY = Template({})


@lru_cache(maxsize=64)
def parse(body: str) -> Template:
    """Read a JSON or YAML template; ValidationError in AWS's words when it cannot work."""
    if not body.strip():
        return EMPTY
    document = _load(body)
    template = Template(
        {name: _definition(name, one) for name, one in _section(document, "Resources").items()},
        _section(document, "Parameters"),
        _section(document, "Outputs"),
        str(document.get("Description", "")),
        str(document.get("AWSTemplateFormatVersion", "")),
    )
    _check_counts(template)
    _check_mentions(template)
    _check_cycles(template)
    return template


def _load(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, _Loader)  # noqa: S506
    except json.JSONDecodeError as error:
        raise invalid(
            f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno})"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise invalid(f"Template format error: YAML not well-formed.{where}") from error
    if not isinstance(document, dict):
        raise invalid("Template format error: unsupported structure.")
    _check_sections(document)
    return document


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref x`, `!Sub x`, `!GetAtt a.b`."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)} if isinstance(node, yaml.MappingNode) else {}


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_multi_constructor("!", _short_form)
# A template's version looks like a date to YAML; CloudFormation takes it as text.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


def _check_sections(document: Mapping[str, Any]) -> None:
    if found := sorted(UNSUPPORTED & set(document)):
        raise invalid(f"Template error: the section {found[0]} is not supported by this emulator")
    if strange := sorted(set(document) - SECTIONS):
        raise invalid(f"Invalid template property or properties [{', '.join(strange)}]")
    if not document.get("Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name) or {}
    if not isinstance(section, dict):
        raise invalid(f"Template format error: [/{name}] '{name}' must be an object.")
    for key, one in section.items():
        if not (isinstance(key, str) and LOGICAL.fullmatch(key)):
            raise invalid(f"Template format error: {name} name {key} is non alphanumeric.")
        if not isinstance(one, dict):
            raise invalid(f"Template format error: [/{name}/{key}] Any {name} member must be an object.")
    return section


def _definition(name: str, one: Mapping[str, Any]) -> Definition:
    where = f"[/Resources/{name}]"
    if strange := sorted(set(one) - RESOURCE_KEYS):
        raise invalid(f"Invalid template resource property '{strange[0]}'")
    if not isinstance(one.get("Type"), str):
        raise invalid(f"Template format error: {where} Every Resources object must contain a Type member.")
    properties = one.get("Properties") or {}
    if not isinstance(properties, dict):
        raise invalid(f"Template format error: {where} 'Properties' must be an object.")
    deletion, replace = one.get("DeletionPolicy", "Delete"), one.get("UpdateReplacePolicy", "Delete")
    for key, policy, allowed in (
        ("DeletionPolicy", deletion, POLICIES),
        ("UpdateReplacePolicy", replace, POLICIES[:2]),
    ):
        if policy not in allowed:
            raise invalid(f"Template error: Unrecognized {key} {policy} for resource {name}")
    after = one.get("DependsOn") or ()
    return Definition(name, one["Type"], properties, _names(after), deletion, replace, one.get("Metadata"))


def _names(after: Any) -> tuple[str, ...]:
    return (after,) if isinstance(after, str) else tuple(map(str, after))


def _check_counts(template: Template) -> None:
    for what, limit, count in (
        ("resources", RESOURCES_LIMIT, len(template.resources)),
        ("parameters", PARAMETERS_LIMIT, len(template.parameters)),
        ("outputs", OUTPUTS_LIMIT, len(template.outputs)),
    ):
        if count > limit:
            raise invalid(
                f"Template format error: Number of {what}, {count}, is greater than maximum allowed, {limit}"
            )
    if len(template.description.encode()) > DESCRIPTION_LIMIT:
        raise invalid(f"Template format error: 'Description' length is greater than {DESCRIPTION_LIMIT}.")
    for name, one in template.parameters.items():
        if "Type" not in one:
            raise invalid(
                f"Template format error: [/Parameters/{name}] Every Parameters object must contain a Type member."
            )
        if not PARAMETER_TYPE.fullmatch(str(one["Type"])):
            raise invalid(f"Template format error: Unrecognized parameter type: {one['Type']}")
    for name, one in template.outputs.items():
        if "Value" not in one:
            raise invalid(
                f"Template format error: [/Outputs/{name}] Every Outputs member must contain a Value object"
            )


def _check_mentions(template: Template) -> None:
    """Every Ref and GetAtt must lead somewhere."""
    resources = [m for one in template.resources.values() for m in (*one.mentions(), *map(Mention, one.after))]
    _check_block(template, resources, "Resources")
    _check_block(template, mentions([one["Value"] for one in template.outputs.values()]), "Outputs")


def _check_block(template: Template, found: Iterable[Mention], block: str) -> None:
    lost = []
    for mention in found:
        if mention.attribute and mention.name not in template.resources:
            raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {mention.name}")
        if (
            mention.name not in template.resources
            and mention.name not in template.parameters
            and mention.name not in PSEUDO
        ):
            lost.append(mention.name)
    if lost:
        names = ", ".join(dict.fromkeys(lost))
        raise invalid(
            f"Template format error: Unresolved resource dependencies [{names}] in the {block} block of the template"
        )


def _check_cycles(template: Template) -> None:
    try:
        TopologicalSorter(template.dependencies()).prepare()
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise invalid(f"Circular dependency between resources: [{names}]") from error
