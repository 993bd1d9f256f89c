"""Stacks on disk: a row for each stack, resource, event and change set, written before the next step begins.

A step that is about to call a service is written first, so after `kill -9` it is known what may exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from hfaas_emulator.cloudformation.plan import Action, Detail, Problem, Replacement
from hfaas_emulator.cloudformation.plan import Change as Planned
from hfaas_emulator.cloudformation.providers.base import Made
from hfaas_emulator.cloudformation.stack import (
    ChangeSet,
    Event,
    Kind,
    OnFailure,
    Operation,
    Resource,
    Stack,
    Status,
    Version,
)
from hfaas_emulator.journal import Change, Delete, Journal, Put, Table

APART = ("resources", "events", "change_sets")
"""Fields of a stack that have rows of their own."""


class Store:
    """Writes what changed of a stack, and reads all of them back."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def save(self, stack: Stack, *logical: str, event: Event | None = None, whole: bool = False) -> None:
        """Write the named resources, the event, and (`whole`) the stack itself, all or none."""
        changes = [self._resource(stack, one) for one in logical]
        if event is not None:
            changes.append(_put(f"{stack.id}#event#{event.seq:08d}", asdict(event)))
        if whole:
            changes.append(_put(stack.id, _stack(stack)))
        self._journal.write(changes)

    def save_change_sets(self, stack: Stack, *gone: str) -> None:
        """Write all change sets of a stack; `gone` are the ARNs of those that were dropped."""
        kept = [_put(f"{stack.id}#set#{arn}", asdict(one)) for arn, one in stack.change_sets.items()]
        self._journal.write([*kept, *(Delete(Table.STACK, f"{stack.id}#set#{arn}") for arn in gone)])

    def forget(self, stack: Stack) -> None:
        """Remove every row of a stack."""
        keys = [key for key, _ in self._journal.rows(Table.STACK) if key.split("#")[0] == stack.id]
        self._journal.write([Delete(Table.STACK, key) for key in keys])

    def load(self) -> Iterator[Stack]:
        """Yield the stacks as they were left."""
        found: dict[str, Stack] = {}
        for key, value in self._journal.rows(Table.STACK):  # a stack's own row sorts before its parts
            owner, _, part = key.partition("#")
            fields = json.loads(value)
            if not part:
                found[owner] = _read_stack(fields)
            elif owner in found:
                _read_part(found[owner], part.split("#")[0], fields)
        yield from found.values()

    def _resource(self, stack: Stack, logical: str) -> Change:
        key = f"{stack.id}#resource#{logical}"
        resource = stack.resources.get(logical)
        return Delete(Table.STACK, key) if resource is None else _put(key, asdict(resource))


def _put(key: str, fields: Mapping[str, Any]) -> Put:
    return Put(Table.STACK, key, json.dumps(fields, separators=(",", ":")).encode())


def _stack(stack: Stack) -> dict[str, Any]:
    plain = {name: getattr(stack, name) for name in Stack.__slots__ if name not in APART}
    for name in ("version", "base", "operation"):
        plain[name] = None if plain[name] is None else asdict(plain[name])
    plain["garbage"] = [asdict(one) for one in stack.garbage]
    return plain


def _read_stack(fields: dict[str, Any]) -> Stack:
    fields["status"] = Status(fields["status"])
    fields["version"] = _version(fields["version"])
    fields["base"] = fields["base"] and _version(fields["base"])
    fields["operation"] = fields["operation"] and _operation(fields["operation"])
    fields["garbage"] = [_read_resource(one) for one in fields["garbage"]]
    return Stack(**fields)


def _read_part(stack: Stack, kind: str, fields: dict[str, Any]) -> None:
    match kind:
        case "resource":
            stack.resources[fields["logical"]] = _read_resource(fields)
        case "event":
            stack.events.append(Event(**fields))
        case "set":
            stack.change_sets[fields["arn"]] = _change_set(fields)


def _version(fields: dict[str, Any]) -> Version:
    return Version(**{**fields, "capabilities": tuple(fields["capabilities"])})


def _operation(fields: dict[str, Any]) -> Operation:
    listed = {name: tuple(fields.get(name, ())) for name in ("imports", "retain", "skip")}
    enums = {"on_failure": OnFailure(fields["on_failure"]), "kind": Kind(fields["kind"])}
    return Operation(**{**fields, **listed, **enums})


def _read_resource(fields: dict[str, Any]) -> Resource:
    return Resource(**{**fields, "made": fields["made"] and Made(**fields["made"])})


def _change_set(fields: dict[str, Any]) -> ChangeSet:
    fields["version"] = _version(fields["version"])
    fields["changes"] = tuple(_planned(one) for one in fields["changes"])
    fields["on_failure"] = fields["on_failure"] and OnFailure(fields["on_failure"])
    fields["problems"] = tuple(Problem(**one) for one in fields.get("problems", ()))
    return ChangeSet(**fields)


def _planned(fields: dict[str, Any]) -> Planned:
    details = tuple(Detail(**one) for one in fields["details"])
    enums = {"action": Action(fields["action"]), "replacement": Replacement(fields["replacement"])}
    return Planned(**{**fields, **enums, "details": details})
