"""What CloudFormation tells of a Stack while it works, and which of its failures is the cause of an end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hfaas_deploy.errors import StackFailed

CANCELLED = ("Resource creation cancelled", "Resource update cancelled")
STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a resource, or to the Stack itself.

    `token` is that of whoever asked for it, `physical` what the resource is called outside of the Stack, once it is there.
    """

    id: str
    resource: str
    kind: str
    status: str
    reason: str
    own: bool = False
    token: str = ""
    physical: str = ""

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def ends(self) -> bool:
        """Tell whether the Stack's operation is over with it."""
        return self.own and self.status.endswith(("_COMPLETE", "_FAILED"))


@dataclass(frozen=True, slots=True)
class Fault:
    """What AWS says against a resource."""

    resource: str
    kind: str
    reason: str
    physical: str = ""

    @property
    def essence(self) -> tuple[str, str]:
        """What it has in common with faults of other resources that differ in the resource's names alone."""
        reason = self.reason
        for name in filter(None, (self.physical, self.resource)):
            reason = reason.replace(name, "*")
        return self.kind, reason


def together(faults: Iterable[Fault]) -> list[str]:
    """Faults in words, in their order: those for one reason are told once, with the names of all resources."""
    alike: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        alike.setdefault(fault.essence, []).append(fault)
    told = []
    for first, *others in alike.values():
        also = f"; the same of {', '.join(one.resource for one in others)}" if others else ""
        told.append(f"{first.resource} ({first.kind}): {first.reason}{also}")
    return told


def read_event(raw: Any) -> Event:
    """Read an event, as DescribeStackEvents tells it."""
    return Event(
        id=raw["EventId"],
        resource=raw["LogicalResourceId"],
        kind=raw["ResourceType"],
        status=raw["ResourceStatus"],
        reason=raw.get("ResourceStatusReason", ""),
        own=raw["ResourceType"] == STACK and raw.get("PhysicalResourceId", raw["StackId"]) == raw["StackId"],
        token=raw.get("ClientRequestToken", ""),
        physical=raw.get("PhysicalResourceId", ""),
    )


class Told:
    """What an operation has told of its failures so far: the first one is the cause."""

    def __init__(self) -> None:
        self._failures: dict[str, Fault] = {}
        self._begun: dict[str, str] = {}
        self._turned = ""

    @property
    def at(self) -> tuple[str, ...]:
        """The resources that it has begun with and not ended, each with its type."""
        return tuple(f"{resource} ({kind.rpartition('::')[2]})" for resource, kind in self._begun.items())

    def note(self, event: Event) -> None:
        """Remember a failure, why the Stack turned back, and what is under way."""
        if event.status.endswith("_IN_PROGRESS") and not event.own:
            self._begun[event.resource] = event.kind
        else:
            self._begun.pop(event.resource, None)
        if event.own and "ROLLBACK_IN_PROGRESS" in event.status:
            self._turned = self._turned or event.reason
        elif event.failed and not event.own and event.reason not in CANCELLED:
            fault = Fault(event.resource, event.kind, event.reason, event.physical)
            self._failures.setdefault(event.resource, fault)

    def failure(self, stack: str, end: Event) -> StackFailed:
        """The error for an operation that ended like this."""
        causes = together(self._failures.values())
        if end.status == "DELETE_FAILED" and causes:
            return StackFailed("; ".join(causes), UNDONE["DELETE_FAILED"])
        hint = UNDONE.get(end.status, f"the Stack is now {end.status}")
        cause = causes[0] if causes else self._turned or end.reason
        return StackFailed(cause or f"Stack {stack} is {end.status}", hint)


UNDONE = {
    "ROLLBACK_COMPLETE": "everything it had made was removed again",
    "UPDATE_ROLLBACK_COMPLETE": "the Stack is as it was before",
    "DELETE_COMPLETE": "somebody deleted the Stack meanwhile",
    "DELETE_FAILED": "the rest is gone; free what is named, then run it again: it goes on with what is left",
    "UPDATE_ROLLBACK_FAILED": "mend what is named, then run it again: it goes on with the rollback first",
}
"""What has become of the Stack, by how an operation ended."""
