"""Queues over a restart; a module of its own, because moto is one for the whole process."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_messages_survive_a_restart_in_order_with_handles_and_counts(start: Any, tmp_path: Path) -> None:
    binary = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    with start(tmp_path) as emulator:
        sqs = emulator.client("sqs")
        url = sqs.create_queue(QueueName="kept")["QueueUrl"]
        for body in ("1", "2", "3", "4"):
            sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes={"b": binary})
        first = sqs.receive_message(QueueUrl=url, VisibilityTimeout=3_600)["Messages"][0]
        second = sqs.receive_message(QueueUrl=url, VisibilityTimeout=3_600)["Messages"][0]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    with start(tmp_path) as emulator:
        sqs = emulator.client("sqs")
        url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
        again = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    assert [message["Body"] for message in got] == ["3", "4"]
    assert got[0]["MessageAttributes"]["b"] == binary
    assert again["Body"] == "1"
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
