"""What a resource type is to the stack engine, and the spelling help its rows share."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_emulator.errors import AwsError

Props = Mapping[str, Any]

SUFFIX = 13
"""Length of `-` and the random end of a generated name."""


class PropertyError(Exception):
    """A property the type does not have, or cannot read."""


class ResourceError(Exception):
    """A resource cannot be what the template wants."""


class AlreadyExists(ResourceError):
    """Somebody made a thing of that name before: another account, or a stack that has it still."""

    def __init__(self, type: str, name: str, stack: str = "") -> None:
        where = f" in stack {stack}" if stack else ""
        super().__init__(f"Resource of type '{type}' with identifier '{name}' already exists{where}.")


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists: its physical id, its attributes, and the properties applied to it so far."""

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    properties: Props = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a resource is made and under which generated name."""

    client: Callable[[str], Any]
    account: str
    region: str
    name: str

    def short(self, limit: int = 64) -> str:
        """Return the generated name cut to `limit`, its random end kept."""
        return self.name if len(self.name) <= limit else self.name[: limit - SUFFIX] + self.name[-SUFFIX:]


class Tagging(Enum):
    """How a type carries tags: as a list of `{Key, Value}`, as a mapping, or for good from its creation on."""

    LIST = auto()
    MAP = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class Provider:
    """One type: `create` makes it, `update` brings it from old properties to new ones, `find` looks for one by name.

    `create` may leave properties out of `Made.properties`; the engine then calls `update` for the rest, so that
    a thing which is refused half-way is known and can be taken back. All calls must bear being repeated.
    `update` returns the resource when it has another id or other attributes from then on.
    """

    services: tuple[str, ...]
    properties: frozenset[str]
    create: Callable[[Context, Props], Made]
    delete: Callable[[Context, Made], None]
    update: Callable[[Context, Made, Props, Props], Made | None] | None = None
    find: Callable[[Context, Props], Made | None] | None = None
    name: str = ""
    tagging: Tagging = Tagging.LIST

    @property
    def taggable(self) -> bool:
        """Whether the stack's tags become the resource's; never where that would mean another resource."""
        return "Tags" in self.properties and self.tagging is not Tagging.FIXED


def check(properties: Props, known: frozenset[str]) -> None:
    """Refuse properties that would be dropped in silence."""
    if strange := sorted(set(properties) - known):
        raise PropertyError(
            f"#: extraneous key [{strange[0]}] is not permitted; this emulator knows {', '.join(sorted(known))}"
        )


def call(context: Context, service: str, operation: str, properties: Props) -> Any:
    """Call an operation with properties in CloudFormation's spelling."""
    client = context.client(service)
    return getattr(client, operation)(**fit(client, operation, properties))


def fit(client: Any, operation: str, properties: Props) -> dict[str, Any]:
    """Give properties the spelling and the types that the operation's input shape wants."""
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    fitted: dict[str, Any] = _fit(model.input_shape, dict(properties), "#")
    return fitted


def _fit(shape: Any, value: Any, where: str) -> Any:
    match shape.type_name, value:
        case "structure", dict():
            return _fit_structure(shape, value, where)
        case "list", list():
            return [_fit(shape.member, one, f"{where}/{n}") for n, one in enumerate(value)]
        case "map", dict():
            return {str(key): _fit(shape.value, one, f"{where}/{key}") for key, one in value.items()}
        case "string", dict() | list():
            return json.dumps(value)
        case "string", _:
            return text(value)
        case (("integer" | "long"), str()):
            return _number(value, where)
        case "boolean", str():
            return value.lower() == "true"
    return value


def _fit_structure(shape: Any, value: dict[str, Any], where: str) -> dict[str, Any]:
    spelled = {member.lower(): member for member in shape.members}
    if strange := [key for key in value if key.lower() not in spelled]:
        raise PropertyError(f"{where}: extraneous key [{strange[0]}] is not permitted")
    return {
        spelled[key.lower()]: _fit(shape.members[spelled[key.lower()]], one, f"{where}/{key}")
        for key, one in value.items()
    }


def _number(value: str, where: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise PropertyError(f"{where}: expected type: Integer, found: String") from error


def text(value: Any) -> str:
    """Return a value as AWS writes it in a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def changed(old: Props, new: Props) -> set[str]:
    """Return the keys whose values differ."""
    return {key for key in {*old, *new} if old.get(key) != new.get(key)}


def without(properties: Props, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in keys}


def tag_map(properties: Props) -> dict[str, str]:
    """Return a list of `{Key, Value}` as a mapping."""
    return {str(one["Key"]): text(one["Value"]) for one in properties.get("Tags", [])}


def tag_changes(old: Props, new: Props) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the tags to take off."""
    had, wanted = tag_map(old), tag_map(new)
    return {key: value for key, value in wanted.items() if had.get(key) != value}, sorted(set(had) - set(wanted))


ABSENT = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "404")


def is_absent(error: ClientError) -> bool:
    """Whether a service says that the thing is not there."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return any(word in code for word in ABSENT)


def absent_is_none(find: Callable[[Context, Props], Made]) -> Callable[[Context, Props], Made | None]:
    """Have a look-up return None where its service says that the thing is not there."""

    @functools.wraps(find)
    def found(context: Context, properties: Props) -> Made | None:
        try:
            return find(context, properties)
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    return found


def reason(error: Exception, logical: str, type: str) -> str:
    """Say why a resource failed, as CloudFormation quotes the service."""
    match error:
        case ClientError():
            return f'Resource handler returned message: "{_quoted(error, type.split("::")[1])}"'
        case PropertyError():
            return f"Properties validation failed for resource {logical} with message:\n{error}"
        case AwsError():
            return error.message
        case ResourceError() | BotoCoreError():
            return f'Resource handler returned message: "{error}"'
    return f"Internal failure: {error.__class__.__name__}: {error}"


def _quoted(error: ClientError, service: str) -> str:
    said, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    status, code = meta.get("HTTPStatusCode", 400), said.get("Code", "")
    return f"{said.get('Message', '')} (Service: {service}, Status Code: {status}, Error Code: {code})"
