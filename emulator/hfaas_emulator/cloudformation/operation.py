"""Carries out one operation of one stack: apply, clean up, roll back, delete.

The stack's status is the program counter. Each step of the table at the end works towards the next status and may
be repeated: it compares what the template wants (all references resolved) with what was made, and touches only
what differs. So a rollback is the same walk towards the old version, a replaced resource reaches its dependents
by itself, and an operation that a crash interrupted is simply run again from the status it had.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from hfaas_emulator.cloudformation import values
from hfaas_emulator.cloudformation.history import History
from hfaas_emulator.cloudformation.plan import order
from hfaas_emulator.cloudformation.resources import Resources, Tools
from hfaas_emulator.cloudformation.stack import OnFailure, Operation, Resource, Stack, Status, Version
from hfaas_emulator.cloudformation.template import EMPTY, Template
from hfaas_emulator.cloudformation.walk import walk
from hfaas_emulator.errors import AwsError, StateError


class Superseded(Exception):
    """The stack was given another operation, or the emulator stops: leave things as they are written."""


class Operator:
    """One run of one operation."""

    def __init__(self, stack: Stack, operation: Operation, tools: Tools) -> None:
        self._stack = stack
        self._operation = operation
        self._tools = tools
        self._history = History(stack, operation, tools.store, tools.clock)
        self._resources = Resources(stack, operation, tools, self._history)

    async def run(self) -> None:
        """Step from status to status until the stack rests; an accident ends in a failed status, never in a hang."""
        while self._stack.status.running:
            try:
                self._check_current()
                await STEPS[self._stack.status](self)
            except Superseded:
                return
            except Exception as error:  # noqa: BLE001 - a stack must never stay in progress
                self._break_off(error)

    def enter(self, status: Status, why: str = "") -> None:
        """Give the stack a status, with its event."""
        self._history.enter(status, why)

    # -- steps --

    async def apply(self) -> None:
        """Go to the stack's version, from nothing or from the version before it."""
        stack = self._stack
        creates = stack.status is Status.CREATE_IN_PROGRESS
        why = await self._converge(stack.version, stack.base.template if stack.base else EMPTY)
        if why:
            self._after_failure(creates, why)
        elif creates:
            self._finish(Status.CREATE_COMPLETE)
        else:
            stack.base = None
            self.enter(Status.UPDATE_CLEANUP)

    def _after_failure(self, creates: bool, why: str) -> None:
        match self._operation.on_failure:
            case OnFailure.DO_NOTHING:
                self.enter(Status.CREATE_FAILED if creates else Status.UPDATE_FAILED, why)
            case OnFailure.DELETE if creates:
                self.enter(Status.DELETE_IN_PROGRESS, f"{why} Delete requested by user.")
            case _ if creates:
                self.enter(Status.ROLLBACK_IN_PROGRESS, f"{why} Rollback requested by user.")
            case _:
                self.enter(Status.UPDATE_ROLLBACK, why)

    async def clean_up(self) -> None:
        """Delete what the new version replaced or lost; what refuses to go is reported and left, as AWS does."""
        await self._drop_garbage()
        undone = self._stack.status is Status.UPDATE_ROLLBACK_CLEANUP
        self._finish(Status.UPDATE_ROLLBACK_COMPLETE if undone else Status.UPDATE_COMPLETE)

    async def roll_back_update(self) -> None:
        """Go back to the version before, its parameters and tags included."""
        stack = self._stack
        target = stack.base or stack.version
        self._restore_replaced()
        why = await self._converge(target, stack.version.template)
        if why:
            self.enter(Status.UPDATE_ROLLBACK_FAILED, why)
            return
        stack.version, stack.base = target, None
        self.enter(Status.UPDATE_ROLLBACK_CLEANUP)

    def _restore_replaced(self) -> None:
        """Put the old ones of replaced resources back in their places; the new, fresh ones become garbage."""
        stack = self._stack
        olds = [one for one in stack.garbage if not one.fresh]
        stack.garbage = [one for one in stack.garbage if one.fresh]
        for old in olds:
            new = stack.resources.get(old.logical)
            stack.resources[old.logical] = old
            if new is not None and new.made is not None:
                stack.garbage.append(new)
        self._tools.store.save(stack, *(old.logical for old in olds), whole=True)

    async def roll_back_create(self) -> None:
        """Take away all that a failed creation made."""
        stuck = await self._delete_all()
        if stuck:
            self.enter(Status.ROLLBACK_FAILED, _sentence("delete", stuck))
        else:
            self.enter(Status.ROLLBACK_COMPLETE)

    async def delete(self) -> None:
        """Take the stack away."""
        stuck = [*await self._drop_garbage(), *await self._delete_all()]
        if stuck:
            self.enter(Status.DELETE_FAILED, _sentence("delete", stuck))
            return
        self._stack.deleted = self._tools.clock.now()
        self.enter(Status.DELETE_COMPLETE)

    def _finish(self, status: Status) -> None:
        """What the operation made or imported is from now on a resource like any other."""
        stack = self._stack
        for name, one in stack.resources.items():
            stack.resources[name] = replace(one, fresh=False, imported=False)
        self._tools.store.save(stack, *stack.resources)
        self.enter(status)

    def _break_off(self, error: Exception) -> None:
        status = BROKEN[self._stack.status]
        said = error.message if isinstance(error, (AwsError, StateError)) else f"Internal failure: {error!r}"
        with suppress(StateError):  # then it is known in memory at least
            self.enter(status, said)

    # -- towards a version --

    async def _converge(self, target: Version, other: Template) -> str:
        """Make the stack what `target` says; return why not. `other` orders what it no longer has."""
        failed = self._resources.failed = []
        graph = target.template.dependencies()
        await walk(graph, lambda name: self._resources.bring(name, target), stop=True, halted=self._superseded)
        self._check_current()
        if failed:
            return " ".join(_sentence(verb.lower(), names) for verb, names in _by_verb(failed).items())
        try:
            self._stack.outputs = values.outputs(self._stack, target)
        except AwsError as error:
            return error.message
        self._set_aside(target.template, other)
        return ""

    def _set_aside(self, template: Template, other: Template) -> None:
        """Resources that the template lost are garbage, dependents last so that they are dropped first."""
        stack = self._stack
        rank = {name: n for n, name in enumerate(order(other))}
        gone = sorted(set(stack.resources) - set(template.resources), key=lambda name: rank.get(name, -1))
        stack.garbage += [stack.resources.pop(name) for name in gone]
        if gone:
            self._tools.store.save(stack, *gone, whole=True)

    # -- away --

    async def _drop_garbage(self) -> list[str]:
        """Delete what was set aside; return what refused."""
        stack, stuck = self._stack, []
        while stack.garbage:
            self._check_current()
            old = stack.garbage[-1]
            if not await self._resources.discard(old, self._garbage_policy(old), listed=False):
                stuck.append(old.logical)
            stack.garbage.pop()
            self._tools.store.save(stack, whole=True)
        return stuck

    def _garbage_policy(self, old: Resource) -> str:
        """A replaced resource has its own policy; a replacement that was not to be goes in any case."""
        if old.logical not in self._stack.resources:
            return old.deletion_policy
        return "Delete" if old.fresh else old.replace_policy

    async def _delete_all(self) -> list[str]:
        """Delete every resource, each after its dependents; return those that would not go."""
        stack = self._stack
        dependents: dict[str, set[str]] = {name: set() for name in stack.resources}
        for version in filter(None, (stack.version, stack.base)):
            for name, needed in version.template.dependencies().items():
                for one in needed & set(dependents) if name in dependents else ():
                    dependents[one].add(name)
        await walk(dependents, self._delete_one, stop=False, halted=self._superseded)
        self._check_current()
        return list(stack.resources)

    async def _delete_one(self, name: str) -> bool:
        stack, resource = self._stack, self._stack.resources[name]
        gone = await self._resources.discard(resource, resource.deletion_policy, listed=True)
        if gone or self._operation.force:
            del stack.resources[name]
            self._tools.store.save(stack, name)
            return True
        return False

    def _superseded(self) -> bool:
        return self._tools.closing.is_set() or self._stack.operation != self._operation

    def _check_current(self) -> None:
        if self._superseded():
            raise Superseded


def _by_verb(failed: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, verb in sorted(failed, key=lambda one: one[1]):
        found.setdefault(verb, []).append(name)
    return found


def _sentence(verb: str, names: list[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(names)}]."


STEPS: Mapping[Status, Callable[[Operator], Awaitable[None]]] = {
    Status.CREATE_IN_PROGRESS: Operator.apply,
    Status.UPDATE_IN_PROGRESS: Operator.apply,
    Status.UPDATE_CLEANUP: Operator.clean_up,
    Status.UPDATE_ROLLBACK: Operator.roll_back_update,
    Status.UPDATE_ROLLBACK_CLEANUP: Operator.clean_up,
    Status.ROLLBACK_IN_PROGRESS: Operator.roll_back_create,
    Status.DELETE_IN_PROGRESS: Operator.delete,
}
BROKEN: Mapping[Status, Status] = {
    Status.CREATE_IN_PROGRESS: Status.CREATE_FAILED,
    Status.UPDATE_IN_PROGRESS: Status.UPDATE_FAILED,
    Status.UPDATE_CLEANUP: Status.UPDATE_COMPLETE,
    Status.UPDATE_ROLLBACK: Status.UPDATE_ROLLBACK_FAILED,
    Status.UPDATE_ROLLBACK_CLEANUP: Status.UPDATE_ROLLBACK_COMPLETE,
    Status.ROLLBACK_IN_PROGRESS: Status.ROLLBACK_FAILED,
    Status.DELETE_IN_PROGRESS: Status.DELETE_FAILED,
}
