"""Queues and their policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    AlreadyExists,
    Context,
    Made,
    Props,
    Provider,
    changed,
    is_absent,
    tag_changes,
    tag_map,
    text,
    without,
)

DEFAULTS: Mapping[str, str] = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
"""What an attribute that left the template goes back to."""


def _name(context: Context, properties: Props) -> str:
    if "QueueName" in properties:
        return str(properties["QueueName"])
    return context.short(75) + ".fifo" if _is_fifo(properties) else context.short(80)


def _is_fifo(properties: Props) -> bool:
    return text(properties.get("FifoQueue", False)) == "true"


def _attributes(properties: Props) -> dict[str, str]:
    """FifoQueue is only ever said as true."""
    fifo = {"FifoQueue": "true"} if _is_fifo(properties) else {}
    rest = without(properties, "QueueName", "Tags", "FifoQueue")
    return {**{key: _text(value) for key, value in rest.items()}, **fifo}


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else text(value)


def _create(context: Context, properties: Props) -> Made:
    """Look first: SQS answers a second CreateQueue of equal attributes with the first one's queue."""
    sqs, name = context.client("sqs"), _name(context, properties)
    if "QueueName" in properties and _find(context, properties) is not None:
        raise AlreadyExists("AWS::SQS::Queue", name)
    answer = sqs.create_queue(QueueName=name, Attributes=_attributes(properties), tags=tag_map(properties))
    return _made(sqs, name, answer["QueueUrl"], properties)


def _find(context: Context, properties: Props) -> Made | None:
    sqs, name = context.client("sqs"), _name(context, properties)
    try:
        return _made(sqs, name, sqs.get_queue_url(QueueName=name)["QueueUrl"], {})
    except ClientError as error:
        if is_absent(error):
            return None
        raise


def _made(sqs: Any, name: str, url: str, applied: Props) -> Made:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = answer["Attributes"]["QueueArn"]
    return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url}, applied)


def _update(context: Context, made: Made, old: Props, new: Props) -> None:
    sqs = context.client("sqs")
    wanted, touched = _attributes(new), changed(old, new) - {"QueueName", "Tags", "FifoQueue"}
    if touched:
        sqs.set_queue_attributes(
            QueueUrl=made.id, Attributes={key: wanted.get(key, DEFAULTS[key]) for key in touched}
        )
    put, removed = tag_changes(old, new)
    if put:
        sqs.tag_queue(QueueUrl=made.id, Tags=put)
    if removed:
        sqs.untag_queue(QueueUrl=made.id, TagKeys=removed)


def _delete(context: Context, made: Made) -> None:
    context.client("sqs").delete_queue(QueueUrl=made.id)


def _create_policy(context: Context, _: Props) -> Made:
    return Made(context.name, {"Id": context.name}, {})


def _update_policy(context: Context, _: Made, old: Props, new: Props) -> None:
    sqs = context.client("sqs")
    for url in new["Queues"]:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _text(new["PolicyDocument"])})
    _take_off(sqs, set(old.get("Queues", [])) - set(new["Queues"]))


def _take_off(sqs: Any, queues: set[str]) -> None:
    for url in sorted(queues):
        try:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        except ClientError as error:
            if not is_absent(error):
                raise


def _delete_policy(context: Context, made: Made) -> None:
    _take_off(context.client("sqs"), set(made.properties.get("Queues", [])))


PROVIDERS = {
    "AWS::SQS::Queue": Provider(
        ("sqs",),
        frozenset({"FifoQueue", "QueueName", "Tags", *DEFAULTS}),
        _create, _delete, _update, _find, name="QueueName",
    ),
    "AWS::SQS::QueuePolicy": Provider(
        ("sqs",), frozenset({"PolicyDocument", "Queues"}), _create_policy, _delete_policy, _update_policy
    ),
}  # fmt: skip
