"""Which of a bucket's notifications an object event sets off, and what they say.

Nothing here knows moto or a network: rules and an event go in, decisions with their reasons and JSON come out.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote_plus

REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
    "Delete": "DeleteObject",
    "DeleteMarkerCreated": "DeleteObject",
}

DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "ObjectRestore": "Object Restore Initiated",
    "ObjectTagging": "Object Tags Added",
    "ObjectAcl": "Object ACL Updated",
}


class Kind(StrEnum):
    """What a notification is sent to."""

    LAMBDA = "lambda"
    QUEUE = "sqs"
    TOPIC = "sns"


@dataclass(frozen=True, slots=True)
class Rule:
    """One notification of a bucket: for which events and keys, and where to."""

    id: str
    kind: Kind
    arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    def asks_for(self, name: str) -> bool:
        """Tell whether an event of this name (`s3:ObjectCreated:Put`) is among the rule's."""
        family, _, _ = name.rpartition(":")
        return name in self.events or f"{family}:*" in self.events


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to an object; `version` is empty in a bucket without versions."""

    name: str
    account: str
    region: str
    bucket: str
    key: str
    size: int
    etag: str
    version: str
    time: float
    sequencer: str
    request: str
    source_ip: str

    @property
    def family(self) -> str:
        """Return `ObjectCreated`, `ObjectRemoved`, ..."""
        return self.name.split(":")[1]

    @property
    def action(self) -> str:
        """Return `Put`, `Copy`, `Delete`, ..."""
        return self.name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a rule lets an event through; `reason` says why not."""

    rule: Rule
    matched: bool
    reason: str = ""


def decide(rules: Iterable[Rule], event: Event) -> Iterator[Decision]:
    """Hold an event against each rule."""
    for rule in rules:
        reason = objection(rule, event)
        yield Decision(rule, not reason, reason)


def objection(rule: Rule, event: Event) -> str:
    """Say in a few words why a rule does not match, or nothing when it does."""
    if not rule.asks_for(event.name):
        return f"it asks for {', '.join(rule.events)}, this is {event.name}"
    if not event.key.startswith(rule.prefix):
        return f"the key does not begin with {rule.prefix!r}"
    if not event.key.endswith(rule.suffix):
        return f"the key does not end with {rule.suffix!r}"
    return ""


def overlap(rules: Iterable[Rule]) -> tuple[Rule, Rule] | None:
    """Find two rules that one object event could set off both, which AWS refuses."""
    for one, other in itertools.combinations(rules, 2):
        if _share_event(one, other) and _nested(one.prefix, other.prefix) and _ends_alike(one.suffix, other.suffix):
            return one, other
    return None


def _share_event(one: Rule, other: Rule) -> bool:
    return any(other.asks_for(name) for name in one.events) or any(one.asks_for(name) for name in other.events)


def _nested(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _ends_alike(one: str, other: str) -> bool:
    return one.endswith(other) or other.endswith(one)


def message(event: Event, rule: Rule) -> str:
    """Return the JSON text that a function, queue or topic gets."""
    return json.dumps({"Records": [record(event, rule.id)]})


def test_message(bucket: str, request: str) -> str:
    """Return what a queue or topic gets when a notification to it is set."""
    return json.dumps(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": timestamp(time.time()),
            "Bucket": bucket,
            "RequestId": request,
            "HostId": host_id(request),
        }
    )


def record(event: Event, configuration: str) -> dict[str, Any]:
    """Return one record as AWS writes it."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": event.region,
        "eventTime": timestamp(event.time),
        "eventName": event.name.removeprefix("s3:"),
        "userIdentity": {"principalId": f"AWS:{event.account}"},
        "requestParameters": {"sourceIPAddress": event.source_ip},
        "responseElements": {"x-amz-request-id": event.request, "x-amz-id-2": host_id(event.request)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": event.bucket,
                "ownerIdentity": {"principalId": event.account},
                "arn": bucket_arn(event.bucket),
            },
            "object": _object(event),
        },
    }


def _object(event: Event) -> dict[str, Any]:
    described: dict[str, Any] = {"key": quote_plus(event.key, safe="/")}
    if event.family != "ObjectRemoved":
        described["size"] = event.size
    if event.action != "Delete":
        described["eTag"] = event.etag
    if event.version:
        described["versionId"] = event.version
    return described | {"sequencer": event.sequencer}


def event_bridge(event: Event) -> dict[str, Any]:
    """Return the event that an event bus gets."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPES.get(event.family, event.family),
        "source": "aws.s3",
        "account": event.account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.time)),
        "region": event.region,
        "resources": [bucket_arn(event.bucket)],
        "detail": _detail(event),
    }


def _detail(event: Event) -> dict[str, Any]:
    described: dict[str, Any] = {"key": event.key}
    if event.family != "ObjectRemoved":
        described["size"] = event.size
    if event.action != "Delete":
        described["etag"] = event.etag
    if event.version:
        described["version-id"] = event.version
    detail = {
        "version": "0",
        "bucket": {"name": event.bucket},
        "object": described | {"sequencer": event.sequencer},
        "request-id": event.request,
        "requester": event.account,
        "source-ip-address": event.source_ip,
        "reason": REASONS.get(event.action, event.action),
    }
    if event.family == "ObjectRemoved":
        marked = event.action == "DeleteMarkerCreated"
        detail["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
    return detail


def bucket_arn(bucket: str) -> str:
    """Return a bucket's ARN."""
    return f"arn:aws:s3:::{bucket}"


def timestamp(seconds: float) -> str:
    """Return a time as S3 writes it, with milliseconds."""
    whole, fraction = divmod(round(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{fraction:03d}Z"


def request_id() -> str:
    """Return an id as S3 gives each request."""
    return uuid.uuid4().hex[:16].upper()


def host_id(request: str) -> str:
    """Return the second id of a request."""
    return request * 4


class Sequencer:
    """Numbers that rise with every event, also across restarts, as 16 hexadecimal digits."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        """Return the next number."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return f"{self._last:016X}"
