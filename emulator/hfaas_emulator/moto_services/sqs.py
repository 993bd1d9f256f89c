"""Queues: messages survive a crash, receives never wait inside moto, and a backlog stays cheap.

Each message has a journal row, rewritten when it is received, so that its handle, its receive count and the moment
it shows again are kept as well.
"""

from __future__ import annotations

import heapq
import itertools
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from hfaas_emulator.journal import Delete, Put, Table
from hfaas_emulator.moto_services import commit, polling
from hfaas_emulator.moto_services.patch import patch

_order = itertools.count(time.time_ns())

KEPT = (
    "id",
    "body",
    "message_attributes",
    "receipt_handle",
    "_old_receipt_handles",
    "sender_id",
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "deduplication_id",
    "group_id",
    "sequence_number",
    "visible_at",
    "delayed_until",
    "system_attributes",
)
BINARY = "BinaryValue"


class Count:
    """A number of messages that is counted when somebody looks: moto asks for all of them on every send."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def __str__(self) -> str:
        return str(self._count())

    def __int__(self) -> int:
        return self._count()


@patch(
    "moto.sqs.models:unix_time",
    sha="f0576ec9e5f586e5",
    reason="goes through datetime objects",
)
def unix_time(original: Any, moment: Any = None) -> Any:
    return time.time() if moment is None else original(moment)


@patch(
    "moto.sqs.models:unix_time_millis",
    sha="7a37e1337d02962e",
    reason="goes through datetime objects, for each message",
)
def unix_time_millis(original: Any, moment: Any = None) -> Any:
    return time.time() * 1000 if moment is None else original(moment)


@patch("moto.sqs.models:Queue.messages", sha="03a531dbcbcf9aee", reason="reads the clock twice for each message")
def messages(_original: Any, self: Queue) -> list[Message]:
    now = time.time() * 1000
    return [each for each in self._messages if now > each.visible_at and now >= each.delayed_until]


@patch(
    "moto.sqs.models:Queue.attributes",
    sha="40cb990b121628d5",
    reason="counts all messages three times for every send; RedrivePolicy comes back with blanks, a diff for Terraform",
)
def attributes(original: Any, self: Queue) -> dict[str, Any]:
    held, self._messages = self._messages, []
    try:
        result: dict[str, Any] = original(self)
    finally:
        self._messages = held
    result["ApproximateNumberOfMessages"] = Count(lambda: len(self.messages))
    result["ApproximateNumberOfMessagesDelayed"] = Count(lambda: sum(each.delayed for each in held))
    result["ApproximateNumberOfMessagesNotVisible"] = Count(lambda: sum(not each.visible for each in held))
    if self.redrive_policy:
        result["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
    return result


@patch(
    "moto.sqs.models:Queue._set_attributes",
    sha="4b7aaf3f46363f13",
    reason="any SetQueueAttributes without Policy wipes the policy",
)
def set_attributes(original: Any, self: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
    kept = getattr(self, "_policy_json", None)
    original(self, attributes, now)
    if "Policy" not in attributes and kept:
        self._policy_json = kept


@patch(
    "moto.sqs.models:SQSBackend.is_message_valid_based_on_retention_period",
    sha="cca23b94a5f3af9d",
    reason="builds all attributes of the queue for each message",
)
def is_retained(_original: Any, self: SQSBackend, queue_name: str, message: Message) -> bool:
    return bool(self.queues[queue_name].message_retention_period + message.sent_timestamp / 1000 > time.time())


@patch(
    "moto.sqs.models:Queue.add_message",
    sha="f27c9231c1f20433",
    reason="a message must be on disk, and wake those who wait for it",
)
def add_message(original: Any, self: Queue, message: Message) -> None:
    before = len(self._messages)
    original(self, message)
    if len(self._messages) == before:
        return  # a duplicate within five minutes
    if row := getattr(message, "row", ""):
        commit.record(Delete(Table.MESSAGE, row))  # it moves here from the queue it could not be handled in
    message.order = next(_order)
    message.row = f"{self.queue_arn} {message.id}"
    _keep(message)
    polling.announce(self.queue_arn)


@patch(
    "moto.sqs.models:Message.mark_received",
    sha="98e7ec115c7fcb9f",
    reason="a receive must survive: handle, count, visibility",
)
def mark_received(original: Any, self: Message, visibility_timeout: int | None = None) -> None:
    original(self, visibility_timeout)
    _keep(self)


@patch(
    "moto.sqs.models:SQSBackend.change_message_visibility",
    sha="f0e9df5f66627114",
    reason="the new moment must survive",
)
def change_message_visibility(
    original: Any, self: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    original(self, queue_name, receipt_handle, visibility_timeout)
    queue = self.queues[queue_name]
    for message in queue._messages:  # noqa: SLF001
        if message.had_receipt_handle(receipt_handle):
            _keep(message)
    if int(visibility_timeout) == 0:
        polling.announce(queue.queue_arn)


@patch(
    "moto.sqs.models:Queue.delete_message",
    sha="fa6fd5b9bd2cafb4",
    reason="looks at every message twice and builds a new list",
)
def delete_message(original: Any, self: Queue, receipt_handle: str) -> None:
    for index, message in enumerate(self._messages):
        if message.receipt_handle == receipt_handle:
            del self._messages[index]
            self._pending_messages.discard(message)
            self.deleted_messages.update(message.all_receipt_handles)
            commit.record(Delete(Table.MESSAGE, message.row))
            return
    before = self._messages
    original(self, receipt_handle)  # an older handle, one deleted before, or none of ours
    left = {message.row for message in self._messages}
    commit.record(*(Delete(Table.MESSAGE, message.row) for message in before if message.row not in left))


@patch("moto.sqs.models:SQSBackend.purge_queue", sha="443ea1ae7b15230c", reason="the messages' rows go with them")
def purge_queue(original: Any, self: SQSBackend, queue_name: str) -> None:
    gone = list(self.get_queue(queue_name)._messages)  # noqa: SLF001
    original(self, queue_name)
    commit.record(*(Delete(Table.MESSAGE, message.row) for message in gone))


@patch("moto.sqs.models:SQSBackend.delete_queue", sha="4c96ec6f14247abb", reason="the messages' rows go with them")
def delete_queue(original: Any, self: SQSBackend, queue_name: str) -> None:
    gone = list(self.get_queue(queue_name)._messages)  # noqa: SLF001
    original(self, queue_name)
    commit.record(*(Delete(Table.MESSAGE, message.row) for message in gone))


@patch(
    "moto.sqs.models:SQSBackend.receive_message",
    sha="065f3e5e7d214408",
    reason="a long poll would hold the thread for 20 seconds",
)
def receive_message(
    original: Any, self: SQSBackend, queue_name: str, count: int, wait: int, *rest: Any
) -> list[Message]:
    received: list[Message] = original(self, queue_name, count, 0, *rest)
    if not received and wait > 0:
        queue = self.queues[queue_name]
        polling.note(queue.queue_arn, wait, _next_shows(queue))
    return received


def _next_shows(queue: Queue) -> float:
    """Return the seconds until a message that is hidden or delayed now can be received."""
    now = time.time() * 1000
    moments = (max(each.visible_at, each.delayed_until) for each in queue._messages)  # noqa: SLF001
    coming = heapq.nsmallest(1, (moment for moment in moments if moment >= now))
    return max(0.001, (coming[0] - now) / 1000 + 0.001) if coming else 20.0


def _keep(message: Message) -> None:
    if row := getattr(message, "row", ""):
        commit.record(Put(Table.MESSAGE, row, _dump(message)))


def _dump(message: Message) -> bytes:
    kept = {name: getattr(message, name) for name in KEPT} | {"order": message.order}
    return json.dumps(kept, default=_encode).encode()


def _encode(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return dict(value)


def _decode(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["bytes"]) if value.keys() == {"bytes"} else value


def restore(rows: Iterable[tuple[str, bytes]]) -> list[str]:
    """Put the kept messages back into their queues, in the order they came; return those that have none."""
    problems = []
    kept = ((json.loads(row, object_hook=_decode), key) for key, row in rows)
    for values, key in sorted(kept, key=lambda each: int(each[0]["order"])):
        arn = key.partition(" ")[0]
        _, _, _, region, account, name = arn.split(":")
        queue = sqs_backends[account][region].queues.get(name)
        if queue is None:
            problems.append(f"message {values['id']} is kept for {arn}, but the queue is gone")
        else:
            queue._messages.append(_message(values, key))  # noqa: SLF001
    return problems


def _message(values: dict[str, Any], row: str) -> Message:
    message = Message(values["id"], values["body"])
    for name in (*KEPT, "order"):
        setattr(message, name, values[name])
    message.row = row
    return message
