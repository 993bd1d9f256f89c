"""Sends one text to whatever an ARN names: a queue, a topic, a function or an event bus; on the moto thread."""

from __future__ import annotations

from collections.abc import Mapping

from moto.events.models import events_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import outward, records
from hfaas_emulator.moto_services.failures import translated

SERVICES = ("lambda", "sqs", "sns")


def send(
    arn: str,
    body: str,
    attributes: Mapping[str, str] | None = None,
    *,
    origin: str = "aws",
    group: str = "",
    run: str = "",
) -> None:
    """Send; AwsError when the target does not exist or refuses."""
    _, _, service, region, account, _ = arn.split(":", 5)
    with translated():
        match service:
            case "sqs":
                _to_queue(arn, body, attributes or {}, group)
            case "sns":
                sns_backends[account][region].publish(message=body, arn=arn)
            case "lambda":
                outward.invoke(arn, body.encode(), origin, run)
            case "events":
                put_event(arn, "lambda", "Lambda Function Invocation Result", body)
            case _:
                raise AwsError("InvalidParameterValueException", f"{arn} cannot be sent to")


def _to_queue(arn: str, body: str, attributes: Mapping[str, str], group: str) -> None:
    _, _, _, region, account, name = arn.split(":", 5)
    sqs_backends[account][region].send_message(
        queue_name=name,
        message_body=body,
        message_attributes={key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()},
        group_id=group or None,
    )


def put_event(arn: str, source: str, kind: str, detail: str) -> None:
    """Put an event on a bus; AwsError when there is none."""
    _, _, _, region, account, name = arn.split(":", 5)
    entry = {"Source": source, "DetailType": kind, "Detail": detail, "EventBusName": arn}
    with translated():
        backend = events_backends[account][region]
        backend.describe_event_bus(name.partition("/")[2])
        backend.put_events([entry])


def check(arn: str) -> None:
    """Refuse a function that is not there: what is queued for it would be lost later; AwsError."""
    _, _, service, region, account, _ = arn.split(":", 5)
    if service == "lambda":
        records.function(account, region, arn, "")
