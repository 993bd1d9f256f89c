"""EventBridge Scheduler: moto keeps schedules and groups; when and what they fire is ours."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from moto.iam.models import iam_backends
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, ScheduleGroup
from moto.scheduler.responses import EventBridgeSchedulerResponse

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import asked, outward
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.scheduler import limits
from hfaas_emulator.scheduler.limits import refusal

PRINCIPAL = "scheduler.amazonaws.com"


@patch(
    "moto.scheduler.responses:EventBridgeSchedulerResponse.create_schedule",
    sha="3c305b38fca75449",
    reason="takes every expression, target and window; a group that is missing is an internal failure",
)
def create_schedule(original: Any, self: EventBridgeSchedulerResponse) -> Any:
    request = _request(self)
    name = _last(self)
    limits.check_name(name)
    moment = asked.moment(self.headers)
    _check(self.scheduler_backend, request, moment)
    answer = original(self)
    _changed(self.scheduler_backend.get_schedule(request.get("GroupName"), name), request, moment)
    return answer


@patch(
    "moto.scheduler.responses:EventBridgeSchedulerResponse.update_schedule",
    sha="780176192c319fdf",
    reason="takes everything, too; keeps a state of null and forgets ActionAfterCompletion",
)
def update_schedule(original: Any, self: EventBridgeSchedulerResponse) -> Any:
    request, moment = _request(self), asked.moment(self.headers)
    found = self.scheduler_backend.get_schedule(request.get("GroupName"), _last(self))
    _check(self.scheduler_backend, request, moment)
    answer = original(self)
    _changed(found, request, moment)
    return answer


def _request(response: EventBridgeSchedulerResponse) -> dict[str, Any]:
    try:
        read = json.loads(response.body or "{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise AwsError("SerializationException", "The body is not a JSON object")
    return read


def _last(response: EventBridgeSchedulerResponse) -> str:
    return str(response.uri.partition("?")[0].rpartition("/")[2])


def _check(backend: EventBridgeSchedulerBackend, request: dict[str, Any], moment: float) -> None:
    backend.get_schedule_group(request.get("GroupName"))
    limits.check(request, moment)
    _check_role(backend.account_id, request["Target"]["RoleArn"])


def _check_role(account: str, arn: str) -> None:
    """Refuse a role of the own account that Scheduler may not assume; others' are not known here."""
    if arn.split(":")[4:5] != [account]:
        return
    name = arn.rpartition("/")[2]
    found = next((role for role in iam_backends[account]["aws"].roles.values() if role.name == name), None)
    if found is None or PRINCIPAL not in _principals(found.assume_role_policy_document):
        raise refusal("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")


def _principals(document: str) -> Iterable[str]:
    """Yield the services that a trust policy lets in."""
    statements = json.loads(document or "{}").get("Statement") or []
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal")
        named = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow":
            yield from [named] if isinstance(named, str) else named


def _changed(schedule: Schedule, request: dict[str, Any], moment: float) -> None:
    schedule.state = request.get("State") or "ENABLED"
    schedule.action_after_completion = request.get("ActionAfterCompletion") or "NONE"
    retries = schedule.target.get("RetryPolicy") or {}
    schedule.target["RetryPolicy"] = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185, **retries}
    schedule.changed = moment
    outward.schedules_changed()


@patch(
    "moto.scheduler.models:Schedule._validate_start_date",
    sha="92173132fbadb405",
    reason="looks at the clock, so that a replay at a later start would lose the schedule",
)
def validate_start_date(_original: Any, _self: Schedule, start_date: Any) -> Any:
    return start_date


@patch(
    "moto.scheduler.models:ScheduleGroup.delete_schedule",
    sha="87b6625494ba4baa",
    reason="it must not fire any more",
)
def delete_schedule(original: Any, self: ScheduleGroup, name: str) -> None:
    original(self, name)
    outward.schedules_changed()


@patch(
    "moto.scheduler.models:EventBridgeSchedulerBackend.create_schedule_group",
    sha="df4eaafc4045a0c7",
    reason="puts an empty group in the place of one of that name",
)
def create_schedule_group(original: Any, self: EventBridgeSchedulerBackend, name: str, tags: Any) -> ScheduleGroup:
    limits.check_name(name)
    if name in self.schedule_groups:
        raise AwsError("ConflictException", f"Schedule group {name} already exists.", 409)
    made: ScheduleGroup = original(self, name, tags)
    return made


@patch(
    "moto.scheduler.models:EventBridgeSchedulerBackend.delete_schedule_group",
    sha="2372efcd19b86e7c",
    reason="a missing group is an internal failure, the default one goes; its schedules must not fire any more",
)
def delete_schedule_group(_original: Any, self: EventBridgeSchedulerBackend, name: str | None) -> None:
    if (name or "default") == "default":
        raise refusal("The default schedule group cannot be deleted.")
    group = self.get_schedule_group(name)
    del self.schedule_groups[group.name]
    self.tagger.delete_all_tags_for_resource(group.arn)
    outward.schedules_changed()
