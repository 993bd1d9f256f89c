from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def sqs(emulator: Any) -> Any:
    return emulator.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"])


def arn_of(sqs: Any, queue: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def send_soon(sqs: Any, queue: str) -> None:
    threading.Timer(0.2, lambda: sqs.send_message(QueueUrl=queue, MessageBody="late")).start()


def test_a_long_poll_is_woken_by_a_send(sqs: Any, queue: str) -> None:
    send_soon(sqs, queue)
    started = time.monotonic()
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
    assert received["Messages"][0]["Body"] == "late"
    assert time.monotonic() - started < 15


def test_the_queues_own_waiting_time_counts(sqs: Any, queue: str) -> None:
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"ReceiveMessageWaitTimeSeconds": "20"})
    send_soon(sqs, queue)
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "late"


def test_the_query_protocol_waits_too(emulator: Any, sqs: Any, queue: str) -> None:
    from urllib.request import Request, urlopen

    send_soon(sqs, queue)
    scope = "Credential=test/20250101/us-east-1/sqs/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    path = "/" + queue.split("/", 3)[3]
    body = b"Action=ReceiveMessage&Version=2012-11-05&WaitTimeSeconds=20"
    with urlopen(Request(emulator.endpoint + path, body, headers), timeout=15) as answer:
        assert b"<Body>late</Body>" in answer.read()


def test_others_are_served_while_somebody_waits(emulator: Any, sqs: Any, queue: str) -> None:
    poll = threading.Thread(target=lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20))
    poll.start()
    started = time.monotonic()
    emulator.client("sts").get_caller_identity()
    assert time.monotonic() - started < 15
    sqs.send_message(QueueUrl=queue, MessageBody="end")
    poll.join(15)
    assert not poll.is_alive()


def test_a_poll_finds_a_message_that_becomes_visible_again(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="once more")
    sqs.receive_message(QueueUrl=queue, VisibilityTimeout=1)
    again = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, AttributeNames=["All"])["Messages"][0]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


def test_an_empty_queue_answers_after_the_time_asked_for(sqs: Any, queue: str) -> None:
    started = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    assert time.monotonic() - started > 0.9


def test_setting_an_attribute_keeps_the_policy(sqs: Any, queue: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})
    kept = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(kept)["Statement"] == [statement]


def test_a_redrive_policy_comes_back_as_aws_writes_it(sqs: Any, queue: str) -> None:
    other = sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    policy = f'{{"deadLetterTargetArn":"{arn_of(sqs, other)}","maxReceiveCount":3}}'
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert shown["RedrivePolicy"] == policy


def test_counts_are_those_of_the_moment(sqs: Any, queue: str) -> None:
    for index in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=str(index))
    sqs.receive_message(QueueUrl=queue)
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert shown["ApproximateNumberOfMessages"] == "2"
    assert shown["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_deleting_twice_is_no_error_and_a_made_up_handle_is(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="made up")
