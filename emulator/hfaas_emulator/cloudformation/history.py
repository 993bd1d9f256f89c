"""Writes what happens to a stack: a status, its event and the row it concerns, in one write."""

from __future__ import annotations

from dataclasses import replace

from hfaas_emulator.clock import Clock
from hfaas_emulator.cloudformation.stack import STACK_TYPE, Event, Operation, Resource, Stack, Status
from hfaas_emulator.cloudformation.store import Store


class History:
    """The pen of one operation on one stack."""

    def __init__(self, stack: Stack, operation: Operation, store: Store, clock: Clock) -> None:
        self._stack = stack
        self._operation = operation
        self._store = store
        self._clock = clock

    def enter(self, status: Status, why: str = "") -> None:
        """Give the stack a status."""
        stack = self._stack
        stack.status, stack.reason = status, why
        event = self._event(stack.name, stack.id, STACK_TYPE, status, why)
        self._store.save(stack, event=event, whole=True)
        stack.events.append(event)

    def note(self, resource: Resource, status: str, why: str = "", *, whole: bool = False) -> Resource:
        """Give a resource a status and return it; `whole` writes the stack's own row too."""
        noted = replace(resource, status=status, reason=why, changed=self._clock.now())
        event = self._event(noted.logical, noted.physical, noted.type, status, why)
        self._stack.resources[noted.logical] = noted
        self._store.save(self._stack, noted.logical, event=event, whole=whole)
        self._stack.events.append(event)
        return noted

    def tell(self, resource: Resource, status: str, why: str = "") -> None:
        """Tell of a resource that the stack lists no longer."""
        event = self._event(resource.logical, resource.physical, resource.type, status, why)
        self._store.save(self._stack, event=event)
        self._stack.events.append(event)

    def keep(self, resource: Resource) -> Resource:
        """Write a resource without a word about it."""
        self._stack.resources[resource.logical] = resource
        self._store.save(self._stack, resource.logical)
        return resource

    def _event(self, logical: str, physical: str, kind: str, status: str, why: str) -> Event:
        seq, token = len(self._stack.events), self._operation.token
        operation, does = self._operation.part(self._stack.status)
        return Event(seq, self._clock.now(), logical, physical, kind, status, why, token, operation, does)
