"""Topics: moto matches filters and sends to queues; functions are ours, and nothing is fetched over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

from moto.sns.models import Subscription

from hfaas_emulator.moto_services import outward
from hfaas_emulator.moto_services.patch import patch

REMOTE = ("http", "https")


@patch(
    "moto.sns.models:Subscription.publish",
    sha="fd07bd0bb87fbe2a",
    reason="posts to HTTP endpoints without a time-out on the moto thread; a function's record has made-up ids",
)
def publish(original: Any, self: Subscription, message: str, message_id: str, *args: Any, **named: Any) -> None:
    if self.protocol in REMOTE:
        outward.problem(f"SNS subscription {self.arn}: delivery to {self.protocol} endpoints is not emulated yet")
    elif self.protocol == "lambda":
        _invoke(self, message, message_id, *args, **named)
    else:
        original(self, message, message_id, *args, **named)


def _invoke(
    subscription: Subscription,
    message: str,
    message_id: str,
    subject: str | None = None,
    *,
    message_attributes: dict[str, Any] | None = None,
    message_structure: str | None = None,
    **_unused: Any,
) -> None:
    matcher = subscription._filter_policy_matcher  # noqa: SLF001
    if matcher is not None and not matcher.matches(message_attributes, message):
        return
    if message_structure == "json":
        message = subscription._parse_message_structure(message, "lambda")  # noqa: SLF001
    record = {
        "EventVersion": "1.0",
        "EventSource": "aws:sns",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": subscription.topic.arn,
            "Subject": subject,
            "Message": message,
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "MessageAttributes": {
                name: {"Type": value["Type"], "Value": value["Value"]}
                for name, value in (message_attributes or {}).items()
            },
        },
    }
    outward.invoke(subscription.endpoint, json.dumps({"Records": [record]}).encode(), "sns")
