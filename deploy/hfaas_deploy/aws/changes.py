"""What a change set would do: its resources, why each changes, and the change set itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Detail:
    """Why a resource changes: `attribute` is Properties, Tags, ...; `cause` a parameter or another resource.

    `recreation` is CloudFormation's word: Never, Conditionally or Always.
    """

    attribute: str
    name: str = ""
    cause: str = ""
    recreation: str = "Never"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan."""

    action: str
    resource: str
    kind: str
    replacement: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def destroys(self) -> bool:
        return self.action == "Remove" or self.replacement in ("True", "Conditional")

    @property
    def is_of_tags(self) -> bool:
        """Tell whether nothing but tags changes, as it does on every resource when those of the Stack do."""
        return bool(self.details) and all(detail.attribute == "Tags" for detail in self.details)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change set that is ready and not executed; `fresh` says that it would make the Stack."""

    stack: str
    stack_id: str
    change_set: str
    changes: tuple[Change, ...]
    fresh: bool


def read_detail(raw: Any) -> Detail:
    """Read why a resource changes, as DescribeChangeSet tells it."""
    target = raw.get("Target", {})
    return Detail(
        attribute=target.get("Attribute", ""),
        name=target.get("Name", ""),
        cause=raw.get("CausingEntity", ""),
        recreation=target.get("RequiresRecreation", "Never"),
    )
