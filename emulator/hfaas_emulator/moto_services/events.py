"""EventBridge: moto keeps buses and rules and matches patterns; what a match sets off is ours.

Schedules do not fire: a rule with only a schedule is kept, and matches no event.
"""

from __future__ import annotations

import json
import time
from typing import Any

from moto.events.models import EventTemplateParser, Rule

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import deliver, event_jobs, outward
from hfaas_emulator.moto_services.patch import patch


@patch(
    "moto.events.models:Rule.send_to_targets",
    sha="472e002e2dab8a59",
    reason="a function as target fails the whole PutEvents; disabled and schedule-only rules match everything",
)
def send_to_targets(original: Any, self: Rule, event: dict[str, Any], transform_input: bool = True) -> None:
    pattern = self.event_pattern
    if self.state != "ENABLED" or not pattern.get_pattern() or not pattern.matches_event(event):
        return
    for target in self.targets:
        service = target["Arn"].split(":")[2]
        if service in deliver.SERVICES:
            _send(self, target, event)
        elif service == "batch":
            outward.submit(target["Arn"], event_jobs.request(target, _input(target, event)), f"rule {self.arn}")
        else:
            _leave_to_moto(original, self, target, event, transform_input)


def _send(rule: Rule, target: dict[str, Any], event: dict[str, Any]) -> None:
    group = target.get("SqsParameters", {}).get("MessageGroupId", "")
    try:
        deliver.send(target["Arn"], _input(target, event), origin="events", group=group)
    except AwsError as error:
        outward.problem(f"rule {rule.arn}: {target['Arn']}: {error.message}")


def _leave_to_moto(original: Any, rule: Rule, target: dict[str, Any], event: Any, transform_input: bool) -> None:
    all_targets, rule.targets = rule.targets, [target]
    try:
        original(rule, event, transform_input)
    except NotImplementedError:
        outward.problem(f"rule {rule.arn}: targets like {target['Arn']} are not emulated yet")
    finally:
        rule.targets = all_targets


def _input(target: dict[str, Any], event: dict[str, Any]) -> str:
    if isinstance(event.get("time"), int | float):
        event = {**event, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event["time"]))}
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
