"""Brings single resources to what a version wants, and takes them away.

Before a service is called it is written what is about to be done; afterwards, that it worked. What a crash left
in between is done again: a creation looks first whether the thing is there, an update starts from both sides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.clock import Clock
from hfaas_emulator.cloudformation import values
from hfaas_emulator.cloudformation.clients import Clients, Threads
from hfaas_emulator.cloudformation.history import History
from hfaas_emulator.cloudformation.plan import create_only
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
from hfaas_emulator.cloudformation.stack import Operation, Resource, Stack, Version
from hfaas_emulator.cloudformation.store import Store
from hfaas_emulator.cloudformation.template import Definition
from hfaas_emulator.errors import StateError

INITIATED = "Resource creation Initiated"
REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


@dataclass(frozen=True, slots=True)
class Tools:
    """What every operation works with."""

    clients: Clients
    threads: Threads
    store: Store
    clock: Clock
    closing: asyncio.Event


class Resources:
    """The resources of one stack in the hands of one operation; `failed` collects (resource, verb)."""

    def __init__(self, stack: Stack, operation: Operation, tools: Tools, history: History) -> None:
        self._stack = stack
        self._operation = operation
        self._tools = tools
        self._history = history
        self.failed: list[tuple[str, str]] = []

    async def bring(self, name: str, target: Version) -> bool:
        """Make one resource what a version wants; False when its service, or its properties, forbid it."""
        definition = target.template.resources[name]
        provider = TYPES[definition.type]
        try:
            if name in self._operation.skip:
                self._skip(definition)
                return True
            wanted = values.properties(self._stack, target, definition, provider)
            await self._bring_to(definition, provider, wanted)
        except StateError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a service says becomes the reason of an event
            self._fail(definition, reason(error, name, definition.type))
            return False
        return True

    async def _bring_to(self, definition: Definition, provider: Provider, wanted: Props) -> None:
        current = self._stack.resources.get(definition.logical)
        if current is None or (current.made is None and current.status.endswith("_FAILED")):
            await self._create(self._begin(definition), provider, wanted)
        elif current.made is None or (current.fresh and current.before is None and not _is_complete(current)):
            await self._create(current, provider, wanted, resumed=True)
        elif current.before is None and current.made.properties == wanted:
            self._leave(current, definition)
        else:
            await self._change(current, current.made, definition, provider, wanted)

    def _begin(self, definition: Definition) -> Resource:
        imported = definition.logical in self._operation.imports
        resource = self._new(definition, "IMPORT_IN_PROGRESS" if imported else "CREATE_IN_PROGRESS", imported)
        return self._history.note(resource, resource.status, "Resource import started." if imported else "")

    def _new(self, definition: Definition, status: str, imported: bool = False) -> Resource:
        return Resource(
            definition.logical,
            definition.type,
            self._stack.generated_name(definition.logical),
            status,
            self._tools.clock.now(),
            imported=imported,
            deletion_policy=definition.deletion_policy,
            replace_policy=definition.replace_policy,
        )

    async def _create(self, resource: Resource, provider: Provider, wanted: Props, resumed: bool = False) -> None:
        check(wanted, provider.properties)
        made = resource.made
        if made is None:
            look = resumed or resource.imported
            made = await self._tools.threads.run(_make, provider, self._context(resource), wanted, look, resource)
            resource = self._initiated(replace(resource, made=made))
        if made.properties != wanted and provider.update is not None:
            context, had = self._context(resource), made.properties
            made = await self._tools.threads.run(provider.update, context, made, had, wanted) or made
        resource = replace(resource, made=replace(made, properties=wanted))
        verb, done = _verb(resource), "Resource import completed." if resource.imported else ""
        self._history.note(resource, f"{verb}_COMPLETE", done)

    def _initiated(self, resource: Resource) -> Resource:
        if resource.imported:
            return self._history.keep(resource)
        return self._history.note(resource, f"{_verb(resource)}_IN_PROGRESS", INITIATED)

    async def _change(
        self, current: Resource, made: Made, definition: Definition, provider: Provider, wanted: Props
    ) -> None:
        if current.type != definition.type:
            self._history.note(current, "UPDATE_IN_PROGRESS")
            raise ResourceError(
                f"Update of resource type is not permitted. {current.type} is not {definition.type}"
            )
        had = _known(current, made, wanted)
        if changed(had, wanted) & create_only()[current.type] or provider.update is None:
            await self._replace(current, made, definition, provider, wanted)
            return
        doubtful = replace(current, made=replace(made, properties=wanted), before=had, **_policies(definition))
        self._history.note(doubtful, "UPDATE_IN_PROGRESS")
        check(wanted, provider.properties)
        after = await self._tools.threads.run(provider.update, self._context(current), made, had, wanted) or made
        done = replace(doubtful, made=replace(after, properties=wanted), before=None)
        self._history.note(done, "UPDATE_COMPLETE")

    async def _replace(
        self, current: Resource, made: Made, definition: Definition, provider: Provider, wanted: Props
    ) -> None:
        """Make the new one first; the old one stays until the whole update has worked."""
        name = wanted.get(provider.name) if provider.name else None
        if name is not None and made.properties.get(provider.name) == name:
            self._history.note(current, "UPDATE_IN_PROGRESS")
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again."
            )
        self._stack.garbage.append(current)
        new = self._new(definition, "UPDATE_IN_PROGRESS")
        await self._create(self._history.note(new, new.status, REPLACING, whole=True), provider, wanted)

    def _leave(self, current: Resource, definition: Definition) -> None:
        adjusted = replace(current, **_policies(definition))
        if not _is_complete(current):
            self._history.note(adjusted, "UPDATE_COMPLETE")
        elif adjusted != current:
            self._history.keep(adjusted)

    def _skip(self, definition: Definition) -> None:
        """Leave one that could not be put back as it is, and say that it was; later plans believe it."""
        current = self._stack.resources[definition.logical]
        if not _is_complete(current):
            self._history.note(replace(current, before=None, **_policies(definition)), "UPDATE_COMPLETE")

    def _fail(self, definition: Definition, why: str) -> None:
        current = self._stack.resources.get(definition.logical) or self._new(definition, "CREATE_IN_PROGRESS")
        verb = "UPDATE" if _is_complete(current) else _verb(current)
        self.failed.append((definition.logical, verb))
        self._history.note(current, f"{verb}_FAILED", why)

    async def discard(self, resource: Resource, policy: str, *, listed: bool) -> bool:
        """Delete or keep one resource; False when it refuses to go. `listed`: the stack still has it."""
        say = self._history.note if listed else self._history.tell
        if self._keeps(resource, policy):
            say(resource, "DELETE_SKIPPED")
            return True
        if resource.made is not None:
            say(resource, "DELETE_IN_PROGRESS")
            try:
                await self._tools.threads.run(_unmake, TYPES[resource.type], self._context(resource), resource.made)
            except Exception as error:  # noqa: BLE001 - as above
                say(resource, "DELETE_FAILED", reason(error, resource.logical, resource.type))
                return False
        say(resource, "DELETE_COMPLETE")
        return True

    def _keeps(self, resource: Resource, policy: str) -> bool:
        if resource.imported or resource.logical in self._operation.retain:
            return True
        if self._operation.spares_none and resource.fresh:
            return False
        return policy == "Retain" or (policy == "RetainExceptOnCreate" and not resource.fresh)

    def _context(self, resource: Resource) -> Context:
        stack = self._stack

        def client(service: str) -> Any:
            return self._tools.clients.get(stack.account, stack.region, service)

        return Context(client, stack.account, stack.region, resource.name)


def _make(provider: Provider, context: Context, wanted: Props, look: bool, resource: Resource) -> Made:
    """Create, or take what is there when it was imported or may have been made before a crash."""
    found = provider.find(context, wanted) if look and provider.find else None
    if found is not None:
        return found
    if resource.imported:
        name = wanted.get(provider.name)
        raise ResourceError(f"Resource of type '{resource.type}' with identifier '{name}' was not found.")
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


def _verb(resource: Resource) -> str:
    return resource.status.partition("_")[0]


def _is_complete(resource: Resource) -> bool:
    return resource.status.endswith("_COMPLETE")


def _policies(definition: Definition) -> dict[str, Any]:
    return {"deletion_policy": definition.deletion_policy, "replace_policy": definition.replace_policy}
