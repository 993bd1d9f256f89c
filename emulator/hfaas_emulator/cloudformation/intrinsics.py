"""Template values: what they mention, and what they become once those things exist."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.errors import AwsError

VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
KNOWN = frozenset({"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Base64"})
PSEUDO = frozenset(
    f"AWS::{name}" for name in ("AccountId", "NoValue", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that a value refers to, with the attribute asked of it (empty for Ref)."""

    name: str
    attribute: str = ""

    @property
    def text(self) -> str:
        return f"{self.name}.{self.attribute}" if self.attribute else self.name


class NoValue:
    """What `AWS::NoValue` becomes: the property around it is left out."""


NO_VALUE = NoValue()


def invalid(message: str) -> AwsError:
    """Return CloudFormation's commonest refusal."""
    return AwsError("ValidationError", message)


def function_of(value: Any) -> str:
    """Return the intrinsic function a value calls, or an empty string; unknown ones are refused by name."""
    if not (isinstance(value, dict) and len(value) == 1):
        return ""
    name = str(next(iter(value)))
    if name not in KNOWN and (name.startswith("Fn::") or name == "Condition"):
        raise invalid(f"Template error: the function {name} is not supported by this emulator")
    return name if name in KNOWN else ""


def mentions(value: Any) -> Iterator[Mention]:
    """Yield every name a value refers to, pseudo parameters included."""
    match function_of(value):
        case "Ref":
            yield Mention(str(value["Ref"]))
        case "Fn::GetAtt":
            yield _get_att(value["Fn::GetAtt"])
        case "Fn::Sub":
            text, own = _sub(value["Fn::Sub"])
            yield from (
                _variable(name) for literal, name in VARIABLE.findall(text) if not literal and name not in own
            )
            yield from mentions(list(own.values()))
        case "Fn::Join":
            yield from mentions(_join(value["Fn::Join"])[1])
        case _:
            inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            for one in inner:
                yield from mentions(one)


@dataclass(frozen=True, slots=True)
class Scope:
    """Answers Ref and GetAtt with what exists."""

    ref: Callable[[str], Any]
    att: Callable[[str, str], Any]

    def resolve(self, value: Any) -> Any:
        """Return the value with every function call replaced by its result."""
        match function_of(value):
            case "Ref":
                return self.ref(str(value["Ref"]))
            case "Fn::GetAtt":
                asked = _get_att(value["Fn::GetAtt"])
                return self.att(asked.name, asked.attribute)
            case "Fn::Sub":
                return self._substitute(*_sub(value["Fn::Sub"]))
            case "Fn::Join":
                glue, parts = _join(value["Fn::Join"])
                return glue.join(_text(part) for part in self._items(parts))
            case "Fn::Base64":
                return base64.b64encode(_text(self.resolve(value["Fn::Base64"])).encode()).decode()
            case _:
                return self._inside(value)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            resolved = {key: self.resolve(inner) for key, inner in value.items()}
            return {key: inner for key, inner in resolved.items() if inner is not NO_VALUE}
        return self._items(value) if isinstance(value, list) else value

    def _items(self, values: Any) -> list[Any]:
        listed = values if isinstance(values, list) else self.resolve(values)
        resolved = (self.resolve(inner) for inner in listed)
        return [inner for inner in resolved if inner is not NO_VALUE]

    def _substitute(self, text: str, own: Mapping[str, Any]) -> str:
        def fill(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return "${" + name + "}"
            if name in own:
                return _text(self.resolve(own[name]))
            asked = _variable(name)
            return _text(self.att(asked.name, asked.attribute) if asked.attribute else self.ref(asked.name))

        return VARIABLE.sub(fill, text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _variable(name: str) -> Mention:
    name, _, attribute = name.strip().partition(".")
    return Mention(name, attribute)


def _get_att(argument: Any) -> Mention:
    match argument:
        case [str(name), str(attribute)]:
            return Mention(name, attribute)
        case str(text) if "." in text:
            return _variable(text)
    raise invalid(
        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
    )


def _sub(argument: Any) -> tuple[str, Mapping[str, Any]]:
    match argument:
        case str(text):
            return text, {}
        case [str(text), dict(own)]:
            return text, own
    raise invalid(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"
    )


def _join(argument: Any) -> tuple[str, Any]:
    match argument:
        case [str(glue), list() | dict() as parts]:
            return glue, parts
    raise invalid(
        "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
    )
