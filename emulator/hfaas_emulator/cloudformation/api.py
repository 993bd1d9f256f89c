"""The front of CloudFormation: a query request in, XML out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from hfaas_emulator.account import REGION
from hfaas_emulator.cloudformation import changing, events, plans, reading, rolling_back
from hfaas_emulator.cloudformation.call import Call
from hfaas_emulator.cloudformation.engine import StackEngine
from hfaas_emulator.cloudformation.wire import answer, read, refusal
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.wire.caller import account_of

Action = Callable[[Call], Awaitable[Mapping[str, Any] | None]]

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/")

ACTIONS: Mapping[str, Action] = {
    "CancelUpdateStack": rolling_back.cancel_update_stack,
    "ContinueUpdateRollback": rolling_back.continue_update_rollback,
    "CreateChangeSet": changing.create_change_set,
    "CreateStack": changing.create_stack,
    "DeleteChangeSet": changing.delete_change_set,
    "DeleteStack": changing.delete_stack,
    "DescribeChangeSet": plans.describe_change_set,
    "DescribeEvents": events.describe_events,
    "DescribeStackEvents": events.describe_stack_events,
    "DescribeStackResource": reading.describe_stack_resource,
    "DescribeStackResources": reading.describe_stack_resources,
    "DescribeStacks": reading.describe_stacks,
    "ExecuteChangeSet": changing.execute_change_set,
    "GetTemplate": reading.get_template,
    "GetTemplateSummary": reading.get_template_summary,
    "ListChangeSets": plans.list_change_sets,
    "ListStackResources": reading.list_stack_resources,
    "ListStacks": reading.list_stacks,
    "RollbackStack": rolling_back.rollback_stack,
    "UpdateStack": changing.update_stack,
    "UpdateTerminationProtection": changing.update_termination_protection,
    "ValidateTemplate": reading.validate_template,
}


async def handle(request: Request, engine: StackEngine) -> Response:
    """Answer one request of the CloudFormation API."""
    try:
        sent = (await request.body()).decode()
        fields = read(parse_qsl(request.url.query, True) + parse_qsl(sent, True))
        content = await _act(str(fields.get("Action", "")), _call(request, engine, fields))
    except AwsError as error:
        return _xml(refusal(error), error.status)
    except EmulatorError as error:
        return _xml(refusal(AwsError("InternalFailure", f"{error.message}: {error.hint}", 500)), 500)
    return _xml(content, 200)


async def _act(name: str, call: Call) -> bytes:
    action = ACTIONS.get(name)
    if action is None:
        raise AwsError("InvalidAction", f"The action {name} is not supported by this emulator.")
    return answer(name, await action(call))


def _call(request: Request, engine: StackEngine, fields: Mapping[str, Any]) -> Call:
    """The caller's credentials name the region, and the account when the key is one."""
    signed = CREDENTIAL.search(request.headers.get("authorization", ""))
    key, region = signed.groups() if signed else ("", REGION)
    return Call(engine, account_of(key), region, fields)


def _xml(content: bytes, status: int) -> Response:
    return Response(content, status, media_type="text/xml")
