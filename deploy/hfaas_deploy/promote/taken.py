"""Names that a new Stack needs and that something else in the account has already: CloudFormation would fail on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.settings import Side

FUNCTION, LOGS = "AWS::Lambda::Function", "AWS::Logs::LogGroup"


def faults(target: Target, old: Side, new: Side) -> Iterator[str]:
    """Functions and log groups that the Stack would make and that are there, in words; unknown ones count as free."""
    for name in _added(old, new, FUNCTION, "FunctionName"):
        if _is_function(target, name):
            yield f"there is a Function {name} that is no part of this Stack: delete it, or name yours otherwise"
    for name in _added(old, new, LOGS, "LogGroupName"):
        if _is_log_group(target, name):
            yield (
                f"there is a log group {name} that is no part of this Stack: "
                f"`aws logs delete-log-group --log-group-name {name}` deletes it with what is in it"
            )


def _added(old: Side, new: Side, kind: str, key: str) -> Iterable[str]:
    held = {properties.get(key) for _, properties in old.of_type(kind)}
    wanted = (properties.get(key) for _, properties in new.of_type(kind))
    return [name for name in wanted if isinstance(name, str) and name not in held]


def _is_function(target: Target, name: str) -> bool:
    return bool(_ask(target, "lambda", "get_function_configuration", FunctionName=name))


def _is_log_group(target: Target, name: str) -> bool:
    answer = _ask(target, "logs", "describe_log_groups", logGroupNamePrefix=name)
    return any(one.get("logGroupName") == name for one in answer.get("logGroups", ()))


def _ask(target: Target, service: str, operation: str, **arguments: Any) -> Any:
    try:
        return getattr(target.client(service), operation)(**arguments)
    except ClientError as refusal:
        if told := credentials.refusal(refusal, target.profile):
            raise told from None
        return {}
    except BotoCoreError as fault:
        raise credentials.absence(fault, target.profile, target.region) from None
