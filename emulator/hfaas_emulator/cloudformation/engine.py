"""All stacks of the emulator, and the operations under way on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hfaas_emulator.clock import Clock, SystemClock
from hfaas_emulator.cloudformation import documents
from hfaas_emulator.cloudformation.clients import Clients, Threads
from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.operation import Operator
from hfaas_emulator.cloudformation.plan import Action, Change, Problem
from hfaas_emulator.cloudformation.providers import TYPES, services
from hfaas_emulator.cloudformation.providers.base import AlreadyExists, Context, Made
from hfaas_emulator.cloudformation.resources import Tools
from hfaas_emulator.cloudformation.stack import Operation, Stack, Status, Version, stack_arn
from hfaas_emulator.cloudformation.store import Store
from hfaas_emulator.cloudformation.template import Definition, Template
from hfaas_emulator.cloudformation.validation import NAME_TAKEN
from hfaas_emulator.errors import AwsError, StateError
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.trace import Trace, What

DELETED_KEPT = 100
"""Deleted stacks that can still be described by their ARN."""

GRACE = 5.0
"""Seconds that calls under way get to end when the emulator stops."""


class StackEngine:
    """Finds stacks, begins operations, and takes up at `open` what a crash interrupted."""

    def __init__(
        self,
        endpoint: Callable[[], str],
        journal: Journal,
        idle: Idle,
        trace: Trace,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.store = Store(journal)
        self._idle = idle
        self._trace = trace
        self._stacks: dict[str, Stack] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._warming: set[asyncio.Task[None]] = set()
        self._endpoint = endpoint
        self._tools = Tools(Clients(endpoint), Threads(), self.store, self.clock, asyncio.Event())

    # -- life --

    async def open(self) -> None:
        """Read the stacks and go on with unfinished operations; the endpoint must answer by now."""
        for stack in sorted(self.store.load(), key=lambda one: one.created):
            self._stacks[stack.id] = stack
            if stack.status.running and stack.operation is not None:
                self._start(stack, stack.operation)

    async def close(self) -> None:
        """Begin nothing more, give calls under way a moment, and leave the rest to the next `open`."""
        self._tools.closing.set()
        tasks = {*self._tasks.values(), *self._warming}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE)
            for task in late:
                task.cancel()

    @property
    def closing(self) -> bool:
        """Whether the emulator is about to stop."""
        return self._tools.closing.is_set()

    # -- stacks --

    def stacks(self, account: str, region: str) -> Iterator[Stack]:
        """Yield the caller's stacks, newest first, deleted ones included."""
        for stack in reversed(self._stacks.values()):
            if (stack.account, stack.region) == (account, region):
                yield stack

    def living(self, account: str, region: str, name: str) -> Stack | None:
        """Return the stack of that name which is not deleted."""
        own = self.stacks(account, region)
        return next((one for one in own if one.name == name and one.status is not Status.DELETE_COMPLETE), None)

    def find(self, account: str, region: str, name: str) -> Stack:
        """Return a stack by name or ARN; deleted ones answer to their ARN only."""
        by_arn = name.startswith("arn:")
        found = self._stacks.get(name) if by_arn else self.living(account, region, name)
        if found is None:
            raise invalid(f"Stack with id {name} does not exist")
        return found

    def add(self, account: str, region: str, name: str) -> Stack:
        """Enter a new stack, under review."""
        stack = Stack(stack_arn(account, region, name), name, account, region, self.clock.now())
        self._stacks[stack.id] = stack
        self._forget_oldest()
        return stack

    def _forget_oldest(self) -> None:
        deleted = [one for one in self._stacks.values() if one.status is Status.DELETE_COMPLETE]
        for stack in deleted[:-DELETED_KEPT]:
            del self._stacks[stack.id]
            self.store.forget(stack)

    # -- operations --

    def review(self, stack: Stack, operation: Operation) -> None:
        """Say that a stack exists only as a plan so far."""
        Operator(stack, operation, self._tools).enter(Status.REVIEW_IN_PROGRESS, "User Initiated")

    def create(self, stack: Stack, operation: Operation, version: Version) -> None:
        self._begin(stack, operation, Status.CREATE_IN_PROGRESS, version=version)

    def update(self, stack: Stack, operation: Operation, version: Version) -> None:
        """Go to a new version; the last one that worked is what a rollback returns to."""
        base, now = stack.base or stack.version, self.clock.now()
        self._begin(stack, operation, Status.UPDATE_IN_PROGRESS, version=version, base=base, updated=now)

    def delete(self, stack: Stack, operation: Operation) -> None:
        self._begin(stack, operation, Status.DELETE_IN_PROGRESS)

    def take_back(self, stack: Stack, operation: Operation) -> None:
        """Take away what a failed creation left."""
        self._begin(stack, operation, Status.ROLLBACK_IN_PROGRESS)

    def roll_back(self, stack: Stack, operation: Operation) -> None:
        """Return an update to the version before it, whether it is under way or got stuck."""
        self._begin(stack, operation, Status.UPDATE_ROLLBACK)

    def _begin(self, stack: Stack, operation: Operation, status: Status, **fields: Any) -> None:
        """Write that the operation begins, then begin it; what cannot be written has not begun."""
        fields["operation"] = operation
        before = {name: getattr(stack, name) for name in ("status", "reason", *fields)}
        _assign(stack, fields)
        try:
            Operator(stack, operation, self._tools).enter(status, "User Initiated")
        except StateError:
            _assign(stack, before)
            raise
        self._start(stack, operation)

    def _start(self, stack: Stack, operation: Operation) -> None:
        before = self._tasks.get(stack.id)
        task = asyncio.create_task(self._carry_out(stack, operation, before), name=f"stack {stack.name}")
        self._tasks[stack.id] = task
        self._idle.begin("stack", stack.id, f"stack {stack.name}: {stack.status}")
        task.add_done_callback(lambda done: self._ended(stack, done))

    async def _carry_out(self, stack: Stack, operation: Operation, before: asyncio.Task[None] | None) -> None:
        """An operation that takes over waits until the calls of the one before it have ended."""
        if before is not None:
            await asyncio.wait([before])
        await Operator(stack, operation, self._tools).run()

    def _ended(self, stack: Stack, task: asyncio.Task[None]) -> None:
        if self._tasks.get(stack.id) is not task:
            return
        del self._tasks[stack.id]
        self._idle.end("stack", stack.id)
        if stack.status.endswith("_FAILED") or "ROLLBACK" in stack.status:
            self._trace.hop("cloudformation", What.PROBLEM, message=f"stack {stack.name}: {_headline(stack)}")

    # -- looking at what exists --

    async def document(self, account: str, region: str, url: str) -> str:
        """Return a template that lies in S3."""
        bucket, key = documents.place(url, self._endpoint())

        def read() -> str:
            return documents.read(self._tools.clients.get(account, region, "s3"), bucket, key)

        return await self._tools.threads.run(read)

    def warm(self, stack: Stack, template: Template) -> None:
        """Make the clients of a plan's services while the caller reads the plan."""
        names = services(template)
        task = asyncio.create_task(self._warm(stack, names))
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)

    async def _warm(self, stack: Stack, names: Iterable[str]) -> None:
        with suppress(Exception):  # whoever needs a client that cannot be made will say so
            await self._tools.threads.run(self._tools.clients.warm, stack.account, stack.region, names)

    async def with_imports(
        self, stack: Stack, template: Template, changes: Iterable[Change]
    ) -> tuple[list[Change], list[Problem]]:
        """Turn additions of things that exist under their literal name, and may be kept, into imports.

        What exists and is another account's, or another stack's, is a problem.
        """
        found, problems = [], []
        for change in changes:
            definition = template.resources.get(change.logical)
            there = None
            if change.action is Action.ADD and definition is not None:
                try:
                    there = await self._there(stack, definition)
                    self._refuse_owned(stack, definition, there)
                except AlreadyExists as error:
                    problems.append(Problem(change.logical, change.type, NAME_TAKEN, str(error)))
            found.append(replace(change, action=Action.IMPORT) if there else change)
        return found, problems

    def _refuse_owned(self, stack: Stack, definition: Definition, there: Made | None) -> None:
        """AlreadyExists when another stack has the resource: each of them could delete it."""
        for other in self.stacks(stack.account, stack.region) if there else ():
            if other is stack or other.status is Status.DELETE_COMPLETE:
                continue
            owned = [one.made.id for one in other.resources.values() if one.made and one.type == definition.type]
            if there and there.id in owned:
                raise AlreadyExists(definition.type, there.id, other.name)

    async def _there(self, stack: Stack, definition: Definition) -> Made | None:
        provider = TYPES[definition.type]
        literal = definition.properties.get(provider.name) if provider.name else None
        if (
            provider.find is None
            or not isinstance(literal, str)
            or not definition.deletion_policy.startswith("Retain")
        ):
            return None
        context = Context(
            lambda service: self._tools.clients.get(stack.account, stack.region, service),
            stack.account,
            stack.region,
            literal,
        )
        return await self._tools.threads.run(provider.find, context, {provider.name: literal})


def _assign(stack: Stack, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(stack, name, value)


def _headline(stack: Stack) -> str:
    """Return the first failure of the stack's last operation."""
    operation = stack.operation.id if stack.operation else ""
    failed = [one for one in stack.events if one.operation == operation and one.status.endswith("_FAILED")]
    return f"{failed[0].logical}: {failed[0].reason}" if failed else f"{stack.status} {stack.reason}"


def refuse_busy(stack: Stack) -> None:
    """Refuse to change a stack that something else is changing."""
    if stack.status.running:
        raise AwsError("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
