"""What topics and rules set in motion."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest


@pytest.fixture
def queue(emulator: Any) -> tuple[str, str]:
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, shown["QueueArn"]


def received(emulator: Any, url: str) -> list[Any]:
    messages = emulator.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def put_event(emulator: Any, source: str) -> int:
    entry = {"Source": source, "DetailType": "d", "Detail": '{"a": 1}'}
    return int(emulator.client("events").put_events(Entries=[entry])["FailedEntryCount"])


def rule(emulator: Any, arn: str, **settings: Any) -> None:
    events = emulator.client("events")
    name = f"r-{uuid.uuid4().hex[:8]}"
    target = {"Id": "1", "Arn": arn, **settings.pop("target", {})}
    events.put_rule(Name=name, **settings)
    events.put_targets(Rule=name, Targets=[target])


def test_a_topic_reaches_its_queue(emulator: Any, queue: tuple[str, str]) -> None:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue[1])
    sns.publish(TopicArn=topic, Message="hello")
    assert [message["Message"] for message in received(emulator, queue[0])] == ["hello"]


def test_a_rule_sends_matching_events_only(emulator: Any, queue: tuple[str, str]) -> None:
    rule(emulator, queue[1], EventPattern='{"source": ["mine"]}')
    put_event(emulator, "mine")
    put_event(emulator, "theirs")
    assert [event["source"] for event in received(emulator, queue[0])] == ["mine"]


def test_a_rule_may_choose_what_it_sends(emulator: Any, queue: tuple[str, str]) -> None:
    rule(emulator, queue[1], EventPattern='{"source": ["part"]}', target={"InputPath": "$.detail"})
    put_event(emulator, "part")
    assert received(emulator, queue[0]) == [{"a": 1}]


def test_a_schedule_matches_no_event(emulator: Any, queue: tuple[str, str]) -> None:
    rule(emulator, queue[1], ScheduleExpression="rate(1 minute)")
    put_event(emulator, "any")
    assert received(emulator, queue[0]) == []


def test_a_disabled_rule_sends_nothing(emulator: Any, queue: tuple[str, str]) -> None:
    rule(emulator, queue[1], EventPattern='{"source": ["off"]}', State="DISABLED")
    put_event(emulator, "off")
    assert received(emulator, queue[0]) == []


def test_a_function_as_target_does_not_fail_the_event(emulator: Any) -> None:
    arn = emulator.function(f"f-{uuid.uuid4().hex[:8]}")["FunctionArn"]
    rule(emulator, arn, EventPattern='{"source": ["to-function"]}')
    assert put_event(emulator, "to-function") == 0
