"""Setting and reading a bucket's notifications: refused here is what AWS refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import InvalidArgumentError, MalformedXML
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.s3 import current
from hfaas_emulator.moto_services.s3_notifications import function_objection, has_bus, rules_of, target
from hfaas_emulator.s3.notifications import Kind, Rule, bucket_arn, overlap
from hfaas_emulator.s3.permission import Source, denial
from hfaas_emulator.s3.request import Call

ACTIONS = {Kind.QUEUE: "sqs:SendMessage", Kind.TOPIC: "sns:Publish"}
NOTHING = "\ue000"
"""Stands for an empty value on its way through moto, which wants one."""


@patch(
    "moto.s3.models:FakeBucket.set_notification_configuration",
    sha="8c08be7129e04f39",
    reason="accepts overlapping filters, missing targets and targets that S3 may not call",
)
def set_notification_configuration(original: Any, self: Any, notification_config: dict[str, Any] | None) -> None:
    if notification_config and (call := current()):
        validate(self, notification_config, call)
    original(self, notification_config)


def validate(bucket: Any, config: dict[str, Any], call: Call) -> None:
    """Refuse notifications that AWS refuses."""
    candidate = models.NotificationConfiguration(
        config.get("TopicConfiguration"), config.get("QueueConfiguration"), config.get("CloudFunctionConfiguration")
    )
    rules = tuple(rules_of(candidate))
    if pair := overlap(rules):
        raise InvalidArgumentError(
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
            "overlapping for the same event type.",
            "NotificationConfiguration",
            " and ".join(rule.id for rule in pair),
        )
    if call.skip_validation:
        return
    source = Source(bucket_arn(bucket.name), bucket.account_id)
    for rule in rules:
        if reason := objection(rule, source):
            raise InvalidArgumentError(
                "Unable to validate the following destination configurations", rule.arn, reason
            )


def objection(rule: Rule, source: Source) -> str:
    """Say why S3 cannot notify a target, or nothing when it can."""
    if rule.kind is Kind.LAMBDA:
        reason = function_objection(rule.arn, source)
        missing = reason.startswith("the function does not exist")
        return ("The destination Lambda does not exist" if missing else _refused(rule.arn)) if reason else ""
    noun = "queue" if rule.kind is Kind.QUEUE else "topic"
    policy = _policy(rule, source.account)
    if policy is None:
        return f"The destination {noun} does not exist"
    if rule.arn.endswith(".fifo"):
        return f"FIFO {noun}s are not supported"
    statements = policy.get("Statement", [])
    if denial(statements if isinstance(statements, list) else [statements], ACTIONS[rule.kind], rule.arn, source):
        return f"Permissions on the destination {noun} do not allow S3 to publish notifications from this bucket"
    return ""


def _refused(arn: str) -> str:
    return f"Not authorized to invoke function [{arn}]"


def _policy(rule: Rule, account: str) -> dict[str, Any] | None:
    region, owner, name = target(rule.arn, account)
    with suppress(Exception):
        if rule.kind is Kind.QUEUE:
            policy = sqs_backends[owner][region].get_queue(name)._policy_json  # noqa: SLF001
        else:
            policy = sns_backends[owner][region].get_topic(rule.arn)._policy_json  # noqa: SLF001
        return dict(policy or {})
    return None


@patch(
    "moto.s3.responses:S3Response._notification_config_from_body",
    sha="80faf78dfed2495d",
    reason="`Prefix` and `Suffix`, as AWS itself returns them, are an AssertionError; so are empty values",
)
def notification_config_from_body(original: Any, self: Any) -> Any:
    body = re.sub(
        rb"<Name>(Prefix|Suffix)</Name>", lambda name: name[0].lower().replace(b"name", b"Name"), self.body
    )
    self.body = re.sub(rb"<Value>\s*</Value>|<Value\s*/>", f"<Value>{NOTHING}</Value>".encode(), body)
    try:
        configuration = original(self)
    except AssertionError:
        raise MalformedXML from None
    for rule in _filter_rules(configuration):
        rule["Value"] = rule["Value"].replace(NOTHING, "")
    return configuration


def _filter_rules(configuration: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("Topic", "Queue", "CloudFunction"):
        for notification in configuration.get(f"{kind}Configuration") or ():
            yield from ((notification.get("Filter") or {}).get("S3Key") or {}).get("FilterRule", ())


@patch(
    "moto.s3.responses:S3Response.get_bucket_notification",
    sha="82884034c1654e24",
    reason="never returns EventBridgeConfiguration",
)
def get_bucket_notification(original: Any, self: Any) -> Any:
    status, headers, body = original(self)
    configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
    if has_bus(configuration):
        text = body.decode() if isinstance(body, bytes) else body
        body = re.sub(r"</NotificationConfiguration>|(?<=[^?])/>\s*$", _with_bus, text, count=1)
    return status, headers, body


def _with_bus(end: re.Match[str]) -> str:
    opened = "" if end[0].startswith("</") else ">"
    return f"{opened}<EventBridgeConfiguration/></NotificationConfiguration>"
