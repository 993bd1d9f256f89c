"""What a stack is: its versions, its resources, its events, and the operation that is changing it."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hfaas_emulator.cloudformation.plan import Change, Problem, Side
from hfaas_emulator.cloudformation.providers.base import Made, Props
from hfaas_emulator.cloudformation.template import Template, parse

STACK_TYPE = "AWS::CloudFormation::Stack"
LETTERS = string.ascii_letters + string.digits


class Status(StrEnum):
    """Where a stack stands, in AWS's words."""

    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    CREATE_FAILED = "CREATE_FAILED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_CLEANUP = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    DELETE_FAILED = "DELETE_FAILED"

    @property
    def running(self) -> bool:
        """Whether an operation is under way; a stack in review waits for a person."""
        return self.endswith("_IN_PROGRESS") and self is not Status.REVIEW_IN_PROGRESS


UPDATABLE = frozenset(
    {
        Status.CREATE_COMPLETE,
        Status.UPDATE_COMPLETE,
        Status.UPDATE_FAILED,
        Status.UPDATE_ROLLBACK_COMPLETE,
    }
)


ROLLING_BACK = frozenset(
    {
        Status.ROLLBACK_IN_PROGRESS,
        Status.ROLLBACK_COMPLETE,
        Status.ROLLBACK_FAILED,
        Status.UPDATE_ROLLBACK,
        Status.UPDATE_ROLLBACK_CLEANUP,
        Status.UPDATE_ROLLBACK_COMPLETE,
        Status.UPDATE_ROLLBACK_FAILED,
    }
)


class OnFailure(StrEnum):
    """What becomes of a stack whose operation failed."""

    ROLLBACK = "ROLLBACK"
    DELETE = "DELETE"
    DO_NOTHING = "DO_NOTHING"


@dataclass(frozen=True, slots=True)
class Version:
    """A template with its inputs: what a stack is, was, or shall be."""

    body: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()

    @property
    def template(self) -> Template:
        return parse(self.body)

    @property
    def side(self) -> Side:
        return Side(self.template, self.parameters, self.tags)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a stack.

    `made.properties` is what was last asked for; while that is not known to have worked, `before` holds what was
    there earlier. `fresh` and `imported` tell what the running operation did, for its rollback.
    """

    logical: str
    type: str
    name: str
    status: str
    changed: float
    reason: str = ""
    made: Made | None = None
    before: Props | None = None
    fresh: bool = True
    imported: bool = False
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"

    @property
    def physical(self) -> str:
        return self.made.id if self.made else ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a stack's history."""

    seq: int
    time: float
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""
    token: str = ""
    operation: str = ""
    kind: str = ""


class Kind(StrEnum):
    """What an operation does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ROLLBACK = "rollback"
    CONTINUE = "continue"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a person asked of a stack.

    `imports` are taken over, `retain` is left behind by a deletion (`force`: whatever refuses to go, too), `skip`
    is left as it is by a rollback; `spares_none` deletes what is new in a rollback, whatever its policy says.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    kind: Kind = Kind.CREATE
    token: str = ""
    on_failure: OnFailure = OnFailure.ROLLBACK
    imports: tuple[str, ...] = ()
    retain: tuple[str, ...] = ()
    force: bool = False
    skip: tuple[str, ...] = ()
    spares_none: bool = False

    def part(self, status: Status) -> tuple[str, Kind]:
        """Return id and kind of what is under way; a rollback that nobody asked for is an operation of its own."""
        if status in ROLLING_BACK and self.kind in (Kind.CREATE, Kind.UPDATE):
            return str(uuid.uuid5(uuid.UUID(self.id), Kind.ROLLBACK)), Kind.ROLLBACK
        return self.id, self.kind


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A planned change of a stack: what it would become, and the lines of the plan."""

    arn: str
    name: str
    kind: str
    created: float
    version: Version
    changes: tuple[Change, ...]
    status: str
    reason: str = ""
    execution: str = "AVAILABLE"
    token: str = ""
    description: str = ""
    on_failure: OnFailure | None = None
    imports_existing: bool = False
    nested: bool = False
    operation: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def imports(self) -> tuple[str, ...]:
        return tuple(one.logical for one in self.changes if one.action == "Import")


@dataclass(slots=True)
class Stack:
    """A stack; belongs to the event loop."""

    id: str
    name: str
    account: str
    region: str
    created: float
    status: Status = Status.REVIEW_IN_PROGRESS
    reason: str = ""
    updated: float = 0.0
    deleted: float = 0.0
    protected: bool = False
    version: Version = field(default_factory=Version)
    base: Version | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    operation: Operation | None = None
    change_set: str = ""
    garbage: list[Resource] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)

    def generated_name(self, logical: str) -> str:
        """Return a name nobody has, as CloudFormation makes them."""
        return f"{self.name}-{logical}-{''.join(secrets.choice(LETTERS) for _ in range(12))}"


def stack_arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}"


def change_set_arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:cloudformation:{region}:{account}:changeSet/{name}/{uuid.uuid4()}"
