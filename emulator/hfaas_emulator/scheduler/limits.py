"""What EventBridge Scheduler refuses, and what this emulator cannot do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hfaas_emulator.errors import AwsError
from hfaas_emulator.scheduler import expression
from hfaas_emulator.scheduler.expression import ExpressionError

NAME = re.compile(r"[0-9a-zA-Z-_.]{1,64}")
TARGETS = {
    "lambda": re.compile(r"function:[a-zA-Z0-9-_]+(:[a-zA-Z0-9-_$]+)?"),
    "sqs": re.compile(r"[a-zA-Z0-9-_]+(\.fifo)?"),
    "sns": re.compile(r"[a-zA-Z0-9-_]+(\.fifo)?"),
    "events": re.compile(r"event-bus/.+"),
}
"""By service, what follows the account in the ARN of a target that works here."""

JSON_INPUT = ("lambda", "events")
INPUT_BYTES = 262_144
EARLIEST_S = 300


def refusal(message: str) -> AwsError:
    """Return AWS's answer to a request that is wrong in itself."""
    return AwsError("ValidationException", message)


def check_name(name: str) -> None:
    """Refuse a name that no schedule and no group can have."""
    if not NAME.fullmatch(name):
        raise refusal(
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$"
        )


def check(request: Mapping[str, Any], asked: float) -> None:
    """Refuse a CreateSchedule or UpdateSchedule that was asked for at a moment."""
    for name in ("ScheduleExpression", "FlexibleTimeWindow", "Target"):
        if not request.get(name):
            raise refusal(
                f"1 validation error detected: Value null at '{name[:1].lower()}{name[1:]}' failed to satisfy "
                "constraint: Member must not be null"
            )
    _check_expression(request)
    _check_dates(request, asked)
    _choice(request, "State", ("ENABLED", "DISABLED"))
    _choice(request, "ActionAfterCompletion", ("NONE", "DELETE"))
    _check_window(request["FlexibleTimeWindow"])
    _check_target(request["Target"])


def _check_expression(request: Mapping[str, Any]) -> None:
    text = str(request["ScheduleExpression"])
    try:
        expression.read_schedule(text)
    except ExpressionError as error:
        raise refusal(f"Invalid Schedule Expression {text}.") from error
    try:
        expression.zone(str(request.get("ScheduleExpressionTimezone") or "UTC"))
    except ExpressionError as error:
        raise refusal(f"Provided ScheduleExpressionTimezone is invalid: {error}.") from error


def _check_dates(request: Mapping[str, Any], asked: float) -> None:
    start, end = (request.get(name) for name in ("StartDate", "EndDate"))
    if start is not None and float(start) < asked - EARLIEST_S:
        raise refusal("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end is not None and float(end) < asked:
        raise refusal("The EndDate you specify cannot be in the past.")
    if start is not None and end is not None and float(end) <= float(start):
        raise refusal("The StartDate you specify must come before the EndDate.")


def _choice(request: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    given = request.get(name)
    if given is not None and given not in choices:
        raise refusal(
            f"1 validation error detected: Value '{given}' at '{name[:1].lower()}{name[1:]}' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(choices)}]"
        )


def _check_window(window: Mapping[str, Any]) -> None:
    _choice(window, "Mode", ("OFF", "FLEXIBLE"))
    minutes = window.get("MaximumWindowInMinutes")
    if window.get("Mode") == "FLEXIBLE":
        if not isinstance(minutes, int) or not 1 <= minutes <= 1_440:
            raise refusal("A FLEXIBLE FlexibleTimeWindow needs MaximumWindowInMinutes, from 1 to 1440.")
    elif window.get("Mode") is None:
        raise refusal("FlexibleTimeWindow needs a Mode, OFF or FLEXIBLE.")
    elif minutes is not None:
        raise refusal("MaximumWindowInMinutes must not be there when the mode of FlexibleTimeWindow is OFF.")


def _check_target(target: Mapping[str, Any]) -> None:
    arn = str(target.get("Arn") or "")
    service = _service(arn)
    if not target.get("RoleArn"):
        raise refusal("Target needs the RoleArn of a role that scheduler.amazonaws.com may assume.")
    _check_parameters(target, service, arn)
    _check_input(str(target.get("Input") or ""), service)
    retries = target.get("RetryPolicy") or {}
    _between(retries, "MaximumRetryAttempts", 0, 185)
    _between(retries, "MaximumEventAgeInSeconds", 60, 86_400)
    dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead_letters and (":sqs:" not in dead_letters or dead_letters.endswith(".fifo")):
        raise refusal(f"{dead_letters} is no standard queue of SQS, as a DeadLetterConfig needs.")


def _service(arn: str) -> str:
    if arn.startswith("arn:aws:scheduler:::"):
        raise refusal(
            f"Universal targets like {arn} are not emulated: name a function, a queue, a topic or an event bus."
        )
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise refusal(f"Provided Arn is not in correct format: {arn or 'null'}")
    pattern = TARGETS.get(parts[2])
    if pattern is None:
        raise refusal(f"Targets of {parts[2]} are not emulated: name a function, a queue, a topic or an event bus.")
    if not pattern.fullmatch(parts[5]):
        raise refusal(f"Provided Arn is not in correct format: {arn}")
    return parts[2]


def _check_parameters(target: Mapping[str, Any], service: str, arn: str) -> None:
    if service == "events" and not {"DetailType", "Source"} <= set(target.get("EventBridgeParameters") or {}):
        raise refusal("EventBridgeParameters with DetailType and Source are needed for an event bus.")
    if arn.endswith(".fifo") and service == "sqs" and not (target.get("SqsParameters") or {}).get("MessageGroupId"):
        raise refusal("SqsParameters with a MessageGroupId are needed for a FIFO queue.")


def _check_input(text: str, service: str) -> None:
    if len(text.encode()) > INPUT_BYTES:
        raise refusal(f"Input has more than {INPUT_BYTES} bytes.")
    if text and service in JSON_INPUT:
        try:
            json.loads(text)
        except ValueError as error:
            raise refusal("Input is not valid JSON.") from error


def _between(given: Mapping[str, Any], name: str, low: int, high: int) -> None:
    value = given.get(name)
    if value is not None and not (isinstance(value, int) and low <= value <= high):
        raise refusal(f"{name} must be from {low} to {high}.")
