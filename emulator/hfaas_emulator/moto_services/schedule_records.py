"""What the scheduler asks of moto's records, and how its firings reach their targets; on the moto thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.events.models import Rule, events_backends
from moto.scheduler.models import Schedule as Record
from moto.scheduler.models import scheduler_backends

from hfaas_emulator.moto_services import deliver, events, outward
from hfaas_emulator.scheduler.expression import (
    At,
    Cron,
    ExpressionError,
    Rate,
    Timing,
    read_rule,
    read_schedule,
    zone,
)
from hfaas_emulator.scheduler.records import Firing, Retries, Schedule


def schedules() -> tuple[Schedule, ...]:
    """Return all that is enabled."""
    return (*_rules(), *_schedules())


def _rules() -> Iterator[Schedule]:
    for account, region, backend in events_backends.iter_backends():
        for rule in backend.event_buses["default"].rules.values():
            if rule.scheduled_expression and rule.state != "DISABLED":
                yield _rule(account, region, rule)


def _rule(account: str, region: str, rule: Rule) -> Schedule:
    """A rate has its first firing when it has passed once."""
    expression = read_rule(rule.scheduled_expression)
    made = float(getattr(rule, "changed", 0))
    anchor = made + expression.seconds if isinstance(expression, Rate) else 0.0
    targets = tuple(target["Arn"] for target in rule.targets)
    return Schedule(rule.arn, account, region, rule.name, made, Timing(expression, anchor), targets)


def _schedules() -> Iterator[Schedule]:
    for account, region, backend in scheduler_backends.iter_backends():
        for group in backend.schedule_groups.values():
            for record in group.schedules.values():
                if record.state != "DISABLED":
                    try:
                        yield _schedule(account, region, record)
                    except ExpressionError as error:  # a zone that this machine lost
                        outward.problem(f"schedule {record.arn} cannot fire: {error}")


def _schedule(account: str, region: str, record: Record) -> Schedule:
    """A rate without a start has its first firing at once."""
    made = float(getattr(record, "changed", record.last_modified_date))
    policy = record.target["RetryPolicy"]
    return Schedule(
        record.arn,
        account,
        region,
        record.name,
        made,
        _timing(record, made),
        (record.target["Arn"],),
        record.group_name,
        Retries(policy["MaximumRetryAttempts"], policy["MaximumEventAgeInSeconds"]),
        record.action_after_completion == "DELETE",
    )


def _timing(record: Record, made: float) -> Timing:
    expression = read_schedule(record.schedule_expression)
    zone(record.schedule_expression_timezone)
    window = record.flexible_time_window.get("MaximumWindowInMinutes") or 0
    start, end = (None if value is None else float(value) for value in (record.start_date, record.end_date))
    if isinstance(expression, At | Cron):
        made = 0.0
    if isinstance(expression, At):
        start = end = None
    return Timing(expression, made, record.schedule_expression_timezone, start, end, window * 60)


def fire(firing: Firing) -> None:
    """Give the targets what they get, as far as they are still there; AwsError."""
    schedule = firing.schedule
    if not schedule.group:
        _fire_rule(firing)
    elif record := _record(schedule):
        _send(record.target, firing)


def _record(schedule: Schedule) -> Record | None:
    group = scheduler_backends[schedule.account][schedule.region].schedule_groups.get(schedule.group)
    return group.schedules.get(schedule.name) if group else None


def _fire_rule(firing: Firing) -> None:
    schedule = firing.schedule
    rule = events_backends[schedule.account][schedule.region].event_buses["default"].rules.get(schedule.name)
    if rule is not None:
        event = {**_event(firing, "aws.events"), "time": firing.due, "detail": {}}
        for target in list(rule.targets):
            events.give(rule, target, event, firing.execution)


def _event(firing: Firing, source: str) -> dict[str, Any]:
    """Return the event that a target gets when nothing else is said."""
    schedule = firing.schedule
    return {
        "version": "0",
        "id": firing.execution,
        "detail-type": "Scheduled Event",
        "source": source,
        "account": schedule.account,
        "time": firing.time,
        "region": schedule.region,
        "resources": [schedule.arn],
        "detail": "{}",
    }


def _input(target: dict[str, Any], firing: Firing) -> str:
    """Return what a target gets, with Scheduler's own words in it replaced."""
    text = target.get("Input") or json.dumps(_event(firing, "aws.scheduler"))
    said = {
        "schedule-arn": firing.schedule.arn,
        "scheduled-time": firing.time,
        "execution-id": firing.execution,
        "attempt-number": str(firing.attempt),
    }
    for name, value in said.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return str(text)


def _send(target: dict[str, Any], firing: Firing) -> None:
    arn, text = target["Arn"], _input(target, firing)
    if parameters := target.get("EventBridgeParameters"):
        deliver.put_event(arn, parameters["Source"], parameters["DetailType"], text)
        return
    group = (target.get("SqsParameters") or {}).get("MessageGroupId", "")
    deliver.check(arn)
    deliver.send(arn, text, origin="scheduler", group=group, run=firing.execution)


def bury(firing: Firing, code: str, message: str, condition: str) -> None:
    """Put a firing that is given up into the schedule's dead-letter queue, if it has one; AwsError."""
    record = _record(firing.schedule)
    queue = (record.target.get("DeadLetterConfig") or {}).get("Arn") if record else None
    if record is None or not queue:
        return
    attributes = {
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
        "EXECUTION_ID": firing.execution,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(firing.attempt - 1),
        "SCHEDULED_TIME": firing.time,
        "SCHEDULE_ARN": firing.schedule.arn,
        "TARGET_ARN": record.target["Arn"],
    }
    if condition:
        attributes["EXHAUSTED_RETRY_CONDITION"] = condition
    deliver.send(queue, _input(record.target, firing), attributes)
