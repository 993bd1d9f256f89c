"""Carries out one operation of one stack: apply, clean up, roll back, delete.

The stack's status is the program counter. Each step of the table at the end works towards the next status and may
be repeated: it compares what the template wants (all references resolved) with what was made, and touches only
what differs. So a rollback is the same walk towards the old version, a replaced resource reaches its dependents
by itself, and an operation that a crash interrupted is simply run again from the status it had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.clock import Clock
from hfaas_emulator.cloudformation.clients import Clients, Threads
from hfaas_emulator.cloudformation.intrinsics import NO_VALUE, Scope, invalid
from hfaas_emulator.cloudformation.parameters import is_list
from hfaas_emulator.cloudformation.plan import create_only, order
from hfaas_emulator.cloudformation.providers import TYPES
from hfaas_emulator.cloudformation.providers.base import (
    Context,
    Made,
    Props,
    Provider,
    ResourceError,
    changed,
    check,
    is_absent,
    reason,
)
from hfaas_emulator.cloudformation.stack import (
    STACK_TYPE,
    Event,
    OnFailure,
    Operation,
    Resource,
    Stack,
    Status,
    Version,
)
from hfaas_emulator.cloudformation.store import Store
from hfaas_emulator.cloudformation.template import Definition, Template
from hfaas_emulator.errors import AwsError, StateError

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
INITIATED = "Resource creation Initiated"


class Superseded(Exception):
    """The stack was given another operation, or the emulator stops: leave things as they are written."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every operation works with."""

    clients: Clients
    threads: Threads
    store: Store
    clock: Clock
    closing: asyncio.Event


class Operator:
    """One run of one operation."""

    def __init__(self, stack: Stack, operation: Operation, tools: Tools) -> None:
        self._stack = stack
        self._operation = operation
        self._tools = tools
        self._failed: list[tuple[str, str]] = []

    async def run(self) -> None:
        """Step from status to status until the stack rests; an accident ends in a failed status, never in a hang."""
        while self._stack.status.running:
            try:
                await STEPS[self._stack.status](self)
            except Superseded:
                return
            except Exception as error:  # noqa: BLE001 - a stack must never stay in progress
                self._break_off(error)

    # -- steps --

    async def _apply(self) -> None:
        stack = self._stack
        creates = stack.status is Status.CREATE_IN_PROGRESS
        why = await self._converge(stack.version, stack.base.template if stack.base else Template({}))
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

    async def _clean_up(self) -> None:
        await self._drop_garbage()
        undone = self._stack.status is Status.UPDATE_ROLLBACK_CLEANUP
        self._finish(Status.UPDATE_ROLLBACK_COMPLETE if undone else Status.UPDATE_COMPLETE)

    async def _roll_back_update(self) -> None:
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

    async def _roll_back_create(self) -> None:
        stuck = await self._delete_all()
        if stuck:
            self.enter(Status.ROLLBACK_FAILED, _sentence("delete", stuck))
        else:
            self.enter(Status.ROLLBACK_COMPLETE)

    async def _delete(self) -> None:
        await self._drop_garbage()
        stuck = await self._delete_all()
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
        self._stack.status, self._stack.reason = status, said
        with suppress(StateError):
            self.enter(status, said)

    # -- towards a version --

    async def _converge(self, target: Version, other: Template) -> str:
        """Make the stack what `target` says; return why not. `other` orders what it no longer has."""
        template = target.template
        self._failed = []
        await self._walk(template.dependencies(), lambda name: self._bring(name, target), stop=True)
        if self._failed:
            return " ".join(
                _sentence(verb, names)
                for verb in ("create", "import", "update")
                if (names := [name for name, tried in self._failed if tried == verb.upper()])
            )
        try:
            self._stack.outputs = self._outputs(target)
        except AwsError as error:
            return error.message
        self._set_aside(template, other)
        return ""

    def _set_aside(self, template: Template, other: Template) -> None:
        """Resources that the template lost are garbage, dependents last so that they are dropped first."""
        stack = self._stack
        gone = [name for name in stack.resources if name not in template.resources]
        rank = {name: n for n, name in enumerate(order(other))}
        for name in sorted(gone, key=lambda name: rank.get(name, -1)):
            stack.garbage.append(stack.resources.pop(name))
        if gone:
            self._tools.store.save(stack, *gone, whole=True)

    async def _bring(self, name: str, target: Version) -> bool:
        definition = target.template.resources[name]
        provider = TYPES[definition.type]
        try:
            wanted = self._properties(definition, provider, target)
            await self._bring_to(definition, provider, wanted)
        except (Superseded, StateError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a service says becomes the reason of an event
            self._fail(definition, reason(error, name, definition.type))
            return False
        return True

    async def _bring_to(self, definition: Definition, provider: Provider, wanted: Props) -> None:
        current = self._stack.resources.get(definition.logical)
        if current is None or (current.made is None and current.status.endswith("_FAILED")):
            await self._create(self._begin_create(definition), provider, wanted)
        elif current.made is None or (current.fresh and current.before is None and not _is_complete(current)):
            await self._create(current, provider, wanted, resumed=True)
        elif current.before is None and current.made.properties == wanted:
            self._adjust_policies(current, definition)
        else:
            await self._change(current, definition, provider, wanted)

    def _begin_create(self, definition: Definition) -> Resource:
        imported = definition.logical in self._operation.imports
        verb = "IMPORT" if imported else "CREATE"
        resource = self._new(definition, f"{verb}_IN_PROGRESS", imported)
        return self._note(resource, resource.status, "Resource import started." if imported else "")

    def _new(self, definition: Definition, status: str, imported: bool = False) -> Resource:
        name = self._stack.generated_name(definition.logical)
        return Resource(
            definition.logical,
            definition.type,
            name,
            status,
            self._tools.clock.now(),
            imported=imported,
            deletion_policy=definition.deletion_policy,
            replace_policy=definition.replace_policy,
        )

    async def _create(self, resource: Resource, provider: Provider, wanted: Props, resumed: bool = False) -> None:
        verb = resource.status.partition("_")[0]
        check(wanted, provider.properties)
        made = resource.made
        if made is None:
            look = resumed or resource.imported
            made = await self._tools.threads.run(_make, provider, self._context(resource), wanted, look, resource)
            resource = self._note(
                replace(resource, made=made), f"{verb}_IN_PROGRESS", "" if resource.imported else INITIATED
            )
        if made.properties != wanted and provider.update is not None:
            await self._tools.threads.run(provider.update, self._context(resource), made, made.properties, wanted)
        made = replace(made, properties=wanted)
        done = "Resource import completed." if resource.imported else ""
        self._note(replace(resource, made=made), f"{verb}_COMPLETE", done)

    async def _change(self, current: Resource, definition: Definition, provider: Provider, wanted: Props) -> None:
        if current.type != definition.type:
            self._note(current, "UPDATE_IN_PROGRESS")
            raise ResourceError("Update of resource type is not permitted. The new template modifies resource type")
        made = current.made
        assert made is not None
        had = _known(current, made, wanted)
        touched = changed(had, wanted)
        if touched & create_only()[current.type] or provider.update is None:
            await self._replace(current, definition, provider, wanted)
            return
        doubtful = replace(current, made=replace(made, properties=wanted), before=had, **_policies(definition))
        self._note(doubtful, "UPDATE_IN_PROGRESS")
        check(wanted, provider.properties)
        await self._tools.threads.run(provider.update, self._context(current), made, had, wanted)
        self._note(replace(doubtful, before=None), "UPDATE_COMPLETE")

    async def _replace(self, current: Resource, definition: Definition, provider: Provider, wanted: Props) -> None:
        """Make the new one first; the old one stays until the whole update has worked."""
        made = current.made
        assert made is not None
        name = wanted.get(provider.name) if provider.name else None
        if name is not None and made.properties.get(provider.name) == name:
            self._note(current, "UPDATE_IN_PROGRESS")
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again."
            )
        self._stack.garbage.append(current)
        self._tools.store.save(self._stack, whole=True)
        resource = self._note(self._new(definition, "UPDATE_IN_PROGRESS"), "UPDATE_IN_PROGRESS", REPLACING)
        await self._create(resource, provider, wanted)

    def _adjust_policies(self, current: Resource, definition: Definition) -> None:
        adjusted = replace(current, **_policies(definition))
        if not _is_complete(current):
            self._note(adjusted, "UPDATE_COMPLETE")
        elif adjusted != current:
            self._stack.resources[current.logical] = adjusted
            self._tools.store.save(self._stack, current.logical)

    def _fail(self, definition: Definition, why: str) -> None:
        current = self._stack.resources.get(definition.logical) or self._new(definition, "CREATE_IN_PROGRESS")
        verb = "UPDATE" if _is_complete(current) else current.status.partition("_")[0]
        self._failed.append((definition.logical, verb))
        self._note(current, f"{verb}_FAILED", why)

    # -- away --

    async def _drop_garbage(self) -> None:
        """Delete what was replaced or removed; what refuses to go is reported and left, as AWS does."""
        stack = self._stack
        while stack.garbage:
            self._check_current()
            old = stack.garbage[-1]
            await self._discard(old, self._garbage_policy(old))
            stack.garbage.pop()
            self._tools.store.save(stack, whole=True)

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
        await self._walk(dependents, self._delete_one, stop=False)
        return list(stack.resources)

    async def _delete_one(self, name: str) -> bool:
        stack, resource = self._stack, self._stack.resources[name]
        gone = await self._discard(resource, resource.deletion_policy, tracked=True)
        if gone or self._operation.force:
            del stack.resources[name]
            self._tools.store.save(stack, name)
            return True
        return False

    async def _discard(self, resource: Resource, policy: str, *, tracked: bool = False) -> bool:
        """Delete or keep one resource; `tracked` says that the stack still lists it."""
        if self._keeps(resource, policy):
            self._note(resource, "DELETE_SKIPPED", keep_row=not tracked)
            return True
        if resource.made is not None:
            self._note(resource, "DELETE_IN_PROGRESS", keep_row=not tracked)
            try:
                await self._tools.threads.run(_unmake, TYPES[resource.type], self._context(resource), resource.made)
            except (Superseded, StateError):
                raise
            except Exception as error:  # noqa: BLE001
                self._note(
                    resource, "DELETE_FAILED", reason(error, resource.logical, resource.type), keep_row=not tracked
                )
                return False
        self._note(resource, "DELETE_COMPLETE", keep_row=not tracked)
        return True

    def _keeps(self, resource: Resource, policy: str) -> bool:
        if resource.imported or resource.logical in self._operation.retain:
            return True
        return policy == "Retain" or (policy == "RetainExceptOnCreate" and not resource.fresh)

    # -- the walk --

    async def _walk(
        self, graph: Mapping[str, set[str]], work: Callable[[str], Awaitable[bool]], *, stop: bool
    ) -> None:
        """Work off a graph, independent nodes side by side; `stop` begins nothing new after a failure."""
        sorter = TopologicalSorter(graph)
        sorter.prepare()
        running: dict[asyncio.Future[bool], str] = {}
        failed = False
        try:
            while sorter.is_active():
                if not (failed and stop) and not self._superseded():
                    running.update({asyncio.ensure_future(work(name)): name for name in sorter.get_ready()})
                if not running:
                    break
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    name = running.pop(one)
                    failed = failed or not one.result()
                    if one.result():
                        sorter.done(name)
        finally:
            for one in running:
                one.cancel()
        self._check_current()

    def _superseded(self) -> bool:
        return self._tools.closing.is_set() or self._stack.operation != self._operation

    def _check_current(self) -> None:
        if self._superseded():
            raise Superseded

    # -- values --

    def _properties(self, definition: Definition, provider: Provider, target: Version) -> Props:
        wanted: dict[str, Any] = self._scope(target).resolve(dict(definition.properties))
        if provider.taggable and target.tags:
            own = {one["Key"] for one in wanted.get("Tags", [])}
            shared = [{"Key": key, "Value": value} for key, value in target.tags.items() if key not in own]
            wanted["Tags"] = [*wanted.get("Tags", []), *shared]
        return wanted

    def _outputs(self, target: Version) -> dict[str, str]:
        scope = self._scope(target)
        return {key: str(scope.resolve(one["Value"])) for key, one in target.template.outputs.items()}

    def _scope(self, target: Version) -> Scope:
        stack, template = self._stack, target.template
        pseudo = {
            "AWS::AccountId": stack.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": stack.region,
            "AWS::StackId": stack.id,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }

        def ref(name: str) -> Any:
            if name in pseudo:
                return pseudo[name]
            if name in template.resources:
                return stack.resources[name].physical
            value = target.parameters[name]
            return [one.strip() for one in value.split(",")] if is_list(template.parameters[name]) else value

        def att(name: str, attribute: str) -> str:
            made = stack.resources[name].made
            if made is None or attribute not in made.attributes:
                raise invalid(
                    f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                )
            return made.attributes[attribute]

        return Scope(ref, att)

    def _context(self, resource: Resource) -> Context:
        stack = self._stack

        def client(service: str) -> Any:
            return self._tools.clients.get(stack.account, stack.region, service)

        return Context(client, stack.account, stack.region, resource.name)

    # -- events --

    def enter(self, status: Status, why: str = "") -> None:
        """Give the stack a status, with its event, in one write."""
        stack = self._stack
        stack.status, stack.reason = status, why
        event = self._event(stack.name, stack.id, STACK_TYPE, status, why)
        self._tools.store.save(stack, event=event, whole=True)

    def _note(self, resource: Resource, status: str, why: str = "", *, keep_row: bool = False) -> Resource:
        """Give a resource a status, with its event; `keep_row` only tells, for one the stack no longer lists."""
        noted = replace(resource, status=status, reason=why, changed=self._tools.clock.now())
        event = self._event(noted.logical, noted.physical, noted.type, status, why)
        if keep_row:
            self._tools.store.save(self._stack, event=event)
        else:
            self._stack.resources[noted.logical] = noted
            self._tools.store.save(self._stack, noted.logical, event=event)
        return noted

    def _event(self, logical: str, physical: str, type: str, status: str, why: str) -> Event:
        seq, now = len(self._stack.events), self._tools.clock.now()
        token, operation = self._operation.token, self._operation.id
        event = Event(seq, now, logical, physical, type, status, why, token, operation)
        self._stack.events.append(event)
        return event


def _make(provider: Provider, context: Context, wanted: Props, look: bool, resource: Resource) -> Made:
    """Create, or take what is there when it was imported or may have been made before a crash."""
    found = provider.find(context, wanted) if look and provider.find else None
    if found is not None:
        return found
    if resource.imported:
        raise ResourceError(
            f"Resource of type '{resource.type}' with identifier '{wanted.get(provider.name)}' was not found."
        )
    return provider.create(context, wanted)


def _unmake(provider: Provider, context: Context, made: Made) -> None:
    try:
        provider.delete(context, made)
    except ClientError as error:
        if not is_absent(error):
            raise


def _known(current: Resource, made: Made, wanted: Props) -> Props:
    """Return the properties to compare with; after an interrupted update, those of the other side of it."""
    if current.before is not None and made.properties == wanted:
        return current.before
    return made.properties


def _is_complete(resource: Resource) -> bool:
    return resource.status.endswith("_COMPLETE")


def _policies(definition: Definition) -> dict[str, Any]:
    return {"deletion_policy": definition.deletion_policy, "replace_policy": definition.replace_policy}


def _sentence(verb: str, names: list[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(names)}]."


Step = Callable[[Operator], Awaitable[None]]
STEPS: Mapping[Status, Step] = {
    Status.CREATE_IN_PROGRESS: Operator._apply,  # noqa: SLF001
    Status.UPDATE_IN_PROGRESS: Operator._apply,  # noqa: SLF001
    Status.UPDATE_CLEANUP: Operator._clean_up,  # noqa: SLF001
    Status.UPDATE_ROLLBACK: Operator._roll_back_update,  # noqa: SLF001
    Status.UPDATE_ROLLBACK_CLEANUP: Operator._clean_up,  # noqa: SLF001
    Status.ROLLBACK_IN_PROGRESS: Operator._roll_back_create,  # noqa: SLF001
    Status.DELETE_IN_PROGRESS: Operator._delete,  # noqa: SLF001
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
