"""What a version's values become with the resources that a stack has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfaas_emulator.cloudformation.intrinsics import NO_VALUE, Scope, invalid
from hfaas_emulator.cloudformation.parameters import is_list
from hfaas_emulator.cloudformation.providers.base import Props, Provider, Tagging
from hfaas_emulator.cloudformation.stack import Stack, Version
from hfaas_emulator.cloudformation.template import Definition


def properties(stack: Stack, version: Version, definition: Definition, provider: Provider) -> Props:
    """Return a resource's properties with all references resolved and the stack's tags added."""
    wanted: dict[str, Any] = _scope(stack, version).resolve(dict(definition.properties))
    if provider.taggable and version.tags and provider.tagging is Tagging.MAP:
        wanted["Tags"] = {**version.tags, **wanted.get("Tags", {})}
    elif provider.taggable and version.tags:
        own = {one["Key"] for one in wanted.get("Tags", [])}
        shared = [{"Key": key, "Value": value} for key, value in version.tags.items() if key not in own]
        wanted["Tags"] = [*wanted.get("Tags", []), *shared]
    return wanted


def outputs(stack: Stack, version: Version) -> dict[str, str]:
    """Return the outputs' values."""
    scope = _scope(stack, version)
    return {key: str(scope.resolve(one["Value"])) for key, one in version.template.outputs.items()}


def _scope(stack: Stack, version: Version) -> Scope:
    known = pseudo(stack)

    def ref(name: str) -> Any:
        if name in known:
            return known[name]
        if name in version.template.resources:
            return stack.resources[name].physical
        return parameter(version.template.parameters[name], version.parameters[name])

    def att(name: str, attribute: str) -> str:
        made = stack.resources[name].made
        if made is None or attribute not in made.attributes:
            raise invalid(
                f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
            )
        return made.attributes[attribute]

    return Scope(ref, att)


def parameter(declared: Mapping[str, Any], value: str) -> str | list[str]:
    """Return what a Ref to a parameter gives."""
    return [one.strip() for one in value.split(",")] if is_list(declared) else value


def pseudo(stack: Stack) -> dict[str, Any]:
    """Return the pseudo parameters of a stack."""
    return {
        "AWS::AccountId": stack.account,
        "AWS::NoValue": NO_VALUE,
        "AWS::Partition": "aws",
        "AWS::Region": stack.region,
        "AWS::StackId": stack.id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }
