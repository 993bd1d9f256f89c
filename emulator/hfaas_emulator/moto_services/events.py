"""EventBridge: moto keeps buses and rules and matches patterns; what a match sets off is ours.

A rule with only a schedule matches no event; `schedule_rules` sees to it that it fires.
"""

from __future__ import annotations

import json
import time
from typing import Any

from moto.events.models import EventPattern, EventTemplateParser, Rule

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import deliver, event_jobs, outward
from hfaas_emulator.moto_services.patch import original as unpatched
from hfaas_emulator.moto_services.patch import patch

SEND = "moto.events.models:Rule.send_to_targets"


@patch(
    SEND,
    sha="472e002e2dab8a59",
    reason="a function as target fails the whole PutEvents; disabled and schedule-only rules match everything",
)
def send_to_targets(_original: Any, self: Rule, event: dict[str, Any], transform_input: bool = True) -> None:
    pattern = self.event_pattern
    if self.state != "ENABLED" or not pattern.get_pattern() or not pattern.matches_event(event):
        return
    for target in self.targets:
        give(self, target, event, transform_input=transform_input)


def give(
    rule: Rule, target: dict[str, Any], event: dict[str, Any], run: str = "", *, transform_input: bool = True
) -> None:
    """Give a target of a rule what it gets of an event; one that fails goes to the target's dead letters."""
    service = target["Arn"].split(":")[2]
    if service in deliver.SERVICES:
        _send(rule, target, event, run)
    elif service == "batch":
        outward.submit(target["Arn"], event_jobs.request(target, _input(target, event)), f"rule {rule.arn}")
    else:
        _leave_to_moto(rule, target, event, transform_input)


def _send(rule: Rule, target: dict[str, Any], event: dict[str, Any], run: str) -> None:
    group = target.get("SqsParameters", {}).get("MessageGroupId", "")
    try:
        deliver.check(target["Arn"])
        deliver.send(target["Arn"], _input(target, event), origin="events", group=group, run=run)
    except AwsError as error:
        outward.problem(f"rule {rule.arn}: {target['Arn']}: {error.message}")
        _bury(rule, target, event, error)


def _bury(rule: Rule, target: dict[str, Any], event: dict[str, Any], error: AwsError) -> None:
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    attributes = {
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": error.message,
        "RETRY_ATTEMPTS": "0",
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
    }
    try:
        if queue:
            deliver.send(queue, json.dumps(_shown(event)), attributes)
    except AwsError as second:
        outward.problem(f"rule {rule.arn}: {queue}: {second.message}")


def _leave_to_moto(rule: Rule, target: dict[str, Any], event: Any, transform_input: bool) -> None:
    """Have moto's own code serve one target, whether the event matches or its time had come."""
    kept, rule.targets, rule.event_pattern = (rule.targets, rule.event_pattern), [target], EventPattern.load(None)
    try:
        unpatched(SEND)(rule, dict(event), transform_input)
    except NotImplementedError:
        outward.problem(f"rule {rule.arn}: targets like {target['Arn']} are not emulated yet")
    finally:
        rule.targets, rule.event_pattern = kept


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event with its time as AWS writes it."""
    if not isinstance(event.get("time"), int | float):
        return event
    return {**event, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event["time"]))}


def _input(target: dict[str, Any], event: dict[str, Any]) -> str:
    event = _shown(event)
    if "Input" in target:
        return str(target["Input"])
    if path := target.get("InputPath"):
        value: Any = event
        for part in filter(None, path.lstrip("$").split(".")):
            value = value.get(part) if isinstance(value, dict) else None
        return json.dumps(value)
    if transformer := target.get("InputTransformer"):
        parsed = EventTemplateParser.parse(
            input_template=transformer["InputTemplate"],
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,
        )
        return json.dumps(parsed)
    return json.dumps(event)
