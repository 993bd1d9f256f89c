"""The actions that take a stack back: call an update off, roll back what failed, go on with a rollback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfaas_emulator.cloudformation.call import Call
from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.stack import Kind, Operation, Stack, Status

Answer = Mapping[str, Any] | None


async def cancel_update_stack(call: Call) -> Answer:
    stack = call.stack()
    if stack.status is not Status.UPDATE_IN_PROGRESS:
        raise invalid("CancelUpdateStack cannot be called from current stack status")
    call.engine.roll_back(stack, Operation(kind=Kind.ROLLBACK, token=call.token()))
    return None


async def continue_update_rollback(call: Call) -> Answer:
    stack, token = call.stack(), call.token()
    if token and stack.operation is not None and stack.operation.token == token:
        return {}
    if stack.status is not Status.UPDATE_ROLLBACK_FAILED:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue rollback.")
    skip = tuple(map(str, call.listed("ResourcesToSkip")))
    _check_skippable(stack, skip)
    call.engine.roll_back(stack, Operation(kind=Kind.CONTINUE, token=token, skip=skip))
    return {}


def _check_skippable(stack: Stack, skip: tuple[str, ...]) -> None:
    """Skipping is for what could not be put back; anything else would be left behind without need."""
    failed = {name for name, one in stack.resources.items() if one.status == "UPDATE_FAILED"}
    if wrong := sorted(set(skip) - failed):
        raise invalid(f"ResourcesToSkip may name resources in UPDATE_FAILED only, not [{', '.join(wrong)}]")


async def rollback_stack(call: Call) -> Answer:
    """Roll back a stack whose failed operation was told to leave things as they are."""
    stack, token = call.stack(), call.token()
    if token and stack.operation is not None and stack.operation.token == token:
        return {"StackId": stack.id, "OperationId": stack.operation.id}
    operation = Operation(kind=Kind.ROLLBACK, token=token, spares_none=call.flag("RetainExceptOnCreate"))
    match stack.status:
        case Status.CREATE_FAILED:
            call.engine.take_back(stack, operation)
        case Status.UPDATE_FAILED:
            call.engine.roll_back(stack, operation)
        case _:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
    return {"StackId": stack.id, "OperationId": operation.id}
