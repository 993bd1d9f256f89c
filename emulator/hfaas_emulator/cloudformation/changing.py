"""The actions that change something: change sets, and stacks with and without them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hfaas_emulator.cloudformation import limits, validation
from hfaas_emulator.cloudformation.call import Call, old_template
from hfaas_emulator.cloudformation.engine import refuse_busy
from hfaas_emulator.cloudformation.intrinsics import invalid, mentions
from hfaas_emulator.cloudformation.plan import Change, Problem, Side, changes
from hfaas_emulator.cloudformation.providers import TAGGABLE
from hfaas_emulator.cloudformation.stack import (
    UPDATABLE,
    ChangeSet,
    Kind,
    OnFailure,
    Operation,
    Stack,
    Status,
    Version,
    change_set_arn,
)
from hfaas_emulator.errors import AwsError

Answer = Mapping[str, Any] | None

SAME = "The submitted information didn't contain changes. Submit different information to create a change set."


async def create_change_set(call: Call) -> Answer:
    """Plan; a plan without changes is a change set too, one that failed."""
    name, kind = call.required("ChangeSetName"), call.text("ChangeSetType") or "UPDATE"
    limits.text("changeSetName", name, limits.NAME, limits.STARTS_WITH_LETTER)
    if kind not in ("CREATE", "UPDATE"):
        raise invalid(f"ChangeSetType {kind} is not supported by this emulator: use CREATE or UPDATE")
    if call.on_failure("OnStackFailure") is OnFailure.DELETE and kind != "CREATE":
        raise invalid("OnStackFailure can be DELETE only when ChangeSetType is CREATE")
    stack = call.living()
    if stack is not None and (again := _same_request(stack, name, call.token("ClientToken"))):
        return {"Id": again.arn, "StackId": stack.id}
    version = await call.version(_previous(stack))
    stack, found = await _standing(call, version, name, kind)
    stack.change_sets[found.arn] = found
    call.engine.store.save_change_sets(stack)
    return {"Id": found.arn, "StackId": stack.id}


async def _standing(call: Call, version: Version, name: str, kind: str) -> tuple[Stack, ChangeSet]:
    """Plan for the stack as it stands, again where another request changed it while resources were looked up."""
    while True:
        stack = call.living()
        stack = _reviewed(call, name, stack) if kind == "CREATE" else _updatable(call, stack)
        before = stack.status, stack.version
        found = await _planned(call, stack, version, name, kind)
        if call.living() is stack and (stack.status, stack.version) == before:
            return stack, found


async def _planned(call: Call, stack: Stack, version: Version, name: str, kind: str) -> ChangeSet:
    planned, problems, same = await _plan(call, stack, version)
    why = validation.other_types(old_template(stack), version.template)
    why = why or (validation.summary(problems) if problems else SAME if same else "")
    return ChangeSet(
        arn=change_set_arn(call.account, call.region, name),
        name=name,
        kind=kind,
        created=call.engine.clock.now(),
        version=version,
        changes=tuple(planned),
        status="FAILED" if why else "CREATE_COMPLETE",
        reason=why,
        execution="UNAVAILABLE" if why else "AVAILABLE",
        token=call.token("ClientToken"),
        description=call.text("Description"),
        on_failure=call.on_failure("OnStackFailure"),
        imports_existing=call.flag("ImportExistingResources"),
        nested=call.flag("IncludeNestedStacks"),
        operation=str(uuid.uuid4()),
        problems=tuple(problems),
    )


def _previous(stack: Stack | None) -> Version | None:
    return None if stack is None or stack.status is Status.REVIEW_IN_PROGRESS else stack.version


def _same_request(stack: Stack, name: str, token: str) -> ChangeSet | None:
    for one in stack.change_sets.values():
        if name == one.name and token and token == one.token:
            return one
        if name == one.name and one.execution != "OBSOLETE":
            raise AwsError("AlreadyExistsException", f"ChangeSet [{name}] already exists")
    return None


def _reviewed(call: Call, name: str, stack: Stack | None) -> Stack:
    if stack is None:
        stack = call.engine.add(call.account, call.region, call.new_name())
        call.engine.review(stack, Operation(kind=Kind.PLAN, token=call.token("ClientToken")))
    elif stack.status is not Status.REVIEW_IN_PROGRESS:
        raise invalid(
            f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [{name}]."
        )
    return stack


def _updatable(call: Call, stack: Stack | None) -> Stack:
    if stack is None:
        raise invalid(f"Stack [{call.text('StackName')}] does not exist")
    if stack.status not in UPDATABLE:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


async def _plan(call: Call, stack: Stack, version: Version) -> tuple[list[Change], list[Problem], bool]:
    """Return what would change, why it cannot, and whether it is nothing at all."""
    old = Side(old_template(stack), stack.version.parameters, stack.version.tags)
    planned = changes(old, version.side, TAGGABLE)
    problems = validation.unknown_properties(version.template, planned)
    if call.flag("ImportExistingResources"):
        planned, taken = await call.engine.with_imports(stack, version.template, planned)
        problems += taken
    if planned and not call.engine.closing:
        call.engine.warm(stack, version.template)
    same = not planned and _outputs(old) == _outputs(version.side) and old.tags == version.tags
    return planned, problems, same


def _outputs(side: Side) -> Any:
    """Return what the outputs depend on, as far as that is known before."""
    mentioned = {one.name for one in mentions(list(side.template.outputs.values()))}
    return side.template.outputs, {key: side.parameters[key] for key in mentioned & set(side.parameters)}


def find_change_set(call: Call) -> tuple[Stack, ChangeSet]:
    """Return the change set that a request names, by its ARN or by its name and the stack's."""
    name = call.required("ChangeSetName")
    if name.startswith("arn:"):
        own = call.engine.stacks(call.account, call.region)
        found = [(stack, stack.change_sets[name]) for stack in own if name in stack.change_sets]
    elif not call.text("StackName"):
        raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
    else:
        stack = call.stack()
        found = [(stack, one) for one in reversed(stack.change_sets.values()) if one.name == name]
    if not found:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
    return found[0]


async def execute_change_set(call: Call) -> Answer:
    stack, found = find_change_set(call)
    token = call.token()
    if found.execution != "AVAILABLE":
        if token and stack.operation is not None and token == stack.operation.token:
            return {}  # the same request again
        status = found.status if found.execution == "UNAVAILABLE" else found.execution
        raise AwsError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{found.arn}] cannot be executed in its current status of [{status}]",
        )
    refuse_busy(stack)
    if found.on_failure and call.flag("DisableRollback"):
        raise invalid("DisableRollback cannot be specified for a change set with OnStackFailure")
    on_failure = call.on_failure("") or found.on_failure or OnFailure.ROLLBACK
    operation = Operation(
        kind=Kind(found.kind.lower()),
        token=token,
        on_failure=on_failure,
        imports=found.imports,
        spares_none=call.flag("RetainExceptOnCreate"),
    )
    _spend(call, stack, found)
    if stack.status is Status.REVIEW_IN_PROGRESS:
        call.engine.create(stack, operation, found.version)
    else:
        _updatable(call, stack)
        call.engine.update(stack, operation, found.version)
    return {}


def _spend(call: Call, stack: Stack, used: ChangeSet) -> None:
    """The other plans were made for a stack that will no longer exist."""
    stack.change_set = used.arn
    for arn, one in stack.change_sets.items():
        stack.change_sets[arn] = replace(one, execution="EXECUTE_COMPLETE" if one is used else "OBSOLETE")
    call.engine.store.save_change_sets(stack)


async def delete_change_set(call: Call) -> Answer:
    stack, found = find_change_set(call)
    if found.execution == "EXECUTE_COMPLETE":
        raise AwsError(
            "InvalidChangeSetStatus",
            f"The change set [{found.name}] cannot be deleted because it has been executed",
        )
    del stack.change_sets[found.arn]
    call.engine.store.save_change_sets(stack, found.arn)
    return {}


async def create_stack(call: Call) -> Answer:
    name, token = call.new_name(), call.token()
    stack = call.engine.living(call.account, call.region, name)
    if stack is not None and token and stack.operation is not None and stack.operation.token == token:
        return {"StackId": stack.id}
    if stack is not None:
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    on_failure = call.on_failure("OnFailure") or OnFailure.ROLLBACK
    version = await call.version(None)
    if call.engine.living(call.account, call.region, name) is not None:
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    stack = call.engine.add(call.account, call.region, name)
    stack.protected = call.flag("EnableTerminationProtection")
    operation = Operation(
        kind=Kind.CREATE, token=token, on_failure=on_failure, spares_none=call.flag("RetainExceptOnCreate")
    )
    call.engine.create(stack, operation, version)
    return {"StackId": stack.id, "OperationId": operation.id}


async def update_stack(call: Call) -> Answer:
    stack, token = call.stack(), call.token()
    if token and stack.operation is not None and stack.operation.token == token:
        return {"StackId": stack.id}
    _updatable(call, stack)
    version = await call.version(stack.version)
    if why := validation.other_types(old_template(stack), version.template):
        raise invalid(why)
    _, _, same = await _plan(call, stack, version)
    if same:
        raise invalid("No updates are to be performed.")
    _updatable(call, stack)
    on_failure = call.on_failure("") or OnFailure.ROLLBACK
    operation = Operation(
        kind=Kind.UPDATE, token=token, on_failure=on_failure, spares_none=call.flag("RetainExceptOnCreate")
    )
    call.engine.update(stack, operation, version)
    return {"StackId": stack.id, "OperationId": operation.id}


async def delete_stack(call: Call) -> Answer:
    """Deleting what is not there, or is going already, is no error."""
    stack = call.living()
    if stack is None or stack.status in (Status.DELETE_COMPLETE, Status.DELETE_IN_PROGRESS):
        return None
    if stack.protected:
        raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.status.running and stack.status not in (Status.CREATE_IN_PROGRESS, Status.ROLLBACK_IN_PROGRESS):
        raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
    retain = tuple(map(str, call.listed("RetainResources")))
    if retain and stack.status is not Status.DELETE_FAILED:
        raise invalid(
            f"Invalid operation on stack [{stack.id}]. RetainResources is only for stacks in DELETE_FAILED"
        )
    force = call.text("DeletionMode") == "FORCE_DELETE_STACK"
    operation = Operation(kind=Kind.DELETE, token=call.token(), retain=retain, force=force)
    call.engine.delete(stack, operation)
    return None


async def update_termination_protection(call: Call) -> Answer:
    stack = call.stack()
    stack.protected = call.flag("EnableTerminationProtection")
    call.engine.store.save(stack, whole=True)
    return {"StackId": stack.id}
