"""Rules of EventBridge with a schedule: moto keeps them; when and what they fire is ours."""

from __future__ import annotations

from typing import Any

from moto.events.models import EventsBackend, Rule
from moto.events.responses import EventsHandler

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import asked, outward
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.scheduler.expression import ExpressionError, read_rule


@patch(
    "moto.events.responses:EventsHandler.put_rule",
    sha="7eaf184818a4ad1a",
    reason="takes every cron expression, `rate(1 minutes)` and names of any kind; does not know when it was asked",
)
def put_rule(original: Any, self: EventsHandler) -> Any:
    text = self._get_param("ScheduleExpression")
    if text:
        try:
            read_rule(text)
        except ExpressionError as error:
            raise AwsError("ValidationException", "Parameter ScheduleExpression is not valid.") from error
    answer = original(self)
    bus = self.events_backend._normalize_event_bus_arn(self._get_param("EventBusName"))  # noqa: SLF001
    rule = self.events_backend.describe_rule(self._get_param("Name"), bus)
    rule.changed = asked.moment(self.headers)
    outward.schedules_changed()
    return answer


@patch(
    "moto.events.responses:EventsHandler.enable_rule",
    sha="97a5b3b4ad2e08bb",
    reason="its schedule begins anew",
)
def enable_rule(original: Any, self: EventsHandler) -> Any:
    answer = original(self)
    name, bus = self._get_param("Name"), self._get_param("EventBusName")
    if name in self.events_backend._get_event_bus(self.events_backend._normalize_event_bus_arn(bus)).rules:  # noqa: SLF001
        self.events_backend.describe_rule(name, bus).changed = asked.moment(self.headers)
        outward.schedules_changed()
    return answer


@patch("moto.events.models:Rule.disable", sha="e5d69a4bfc1ec47b", reason="its schedule must stop")
def disable(original: Any, self: Rule) -> None:
    original(self)
    outward.schedules_changed()


@patch("moto.events.models:EventsBackend.delete_rule", sha="cce3b9511f72da41", reason="its schedule must stop")
def delete_rule(original: Any, self: EventsBackend, *args: Any, **named: Any) -> None:
    original(self, *args, **named)
    outward.schedules_changed()


@patch("moto.events.models:Rule.put_targets", sha="63d3d79a08bc4204", reason="its schedule must know them")
def put_targets(original: Any, self: Rule, targets: list[dict[str, Any]]) -> None:
    original(self, targets)
    if self.scheduled_expression:
        outward.schedules_changed()


@patch("moto.events.models:Rule.remove_targets", sha="b298377c36421911", reason="its schedule must know them")
def remove_targets(original: Any, self: Rule, ids: list[str]) -> None:
    original(self, ids)
    if self.scheduled_expression:
        outward.schedules_changed()
