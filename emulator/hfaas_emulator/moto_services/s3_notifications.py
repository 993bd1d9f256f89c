"""From moto's one funnel of S3 events to functions, queues, topics and the event bus.

An event is decided on when its request is done. The invocations it causes are rows of the request's transaction;
queues, topics and buses are moto's own and get their message in the same command. What was decided, and why, goes
to the trace after the commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import events_backends
from moto.s3 import models

from hfaas_emulator.errors import AwsError
from hfaas_emulator.lambda_.invocation import Invocation, new_id
from hfaas_emulator.lambda_.lineage import Lineage
from hfaas_emulator.moto_services import commit, deliver, outward
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.s3 import Announced, announce, current
from hfaas_emulator.s3.notifications import (
    Decision,
    Event,
    Kind,
    Rule,
    Sequencer,
    bucket_arn,
    decide,
    event_bridge,
    message,
    request_id,
    test_message,
)
from hfaas_emulator.s3.permission import Source, denial
from hfaas_emulator.s3.request import Call
from hfaas_emulator.trace import What

RUN = "x-amz-meta-hfaas-request-id"
"""The metadata by which an object says which invocation made it."""

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where decisions go: `hop` and `accept` run on the event loop, `run_of`, `lineage_of` know of an invocation."""

    hop: Callable[..., Any]
    accept: Callable[[Invocation], None]
    run_of: Callable[[str], str]
    lineage_of: Callable[[str], Lineage]


_sequencer = Sequencer()


@patch(
    "moto.s3.notifications:send_event",
    sha="da8a7c7c6f2b0a8f",
    reason="delivers inside PUT, before metadata and tags; two events for a multipart upload; swallows failures",
)
def send_event(_original: Any, _account: str, event_name: Any, bucket: Any, key: Any) -> None:
    name = str(getattr(event_name, "value", event_name))
    put_by_completion = name == "s3:ObjectCreated:Put" and key.multipart is not None
    tags_of_a_put = name == "s3:ObjectTagging:Put" and "tagging" not in _query()
    if not put_by_completion and not tags_of_a_put:
        announce(name, bucket, key)


@patch(
    "moto.s3.notifications:send_test_event",
    sha="89bc68c5842cc0ec",
    reason="lacks RequestId and HostId, and swallows failures",
)
def send_test_event(_original: Any, account_id: str, bucket: Any) -> None:  # noqa: ARG001 - moto calls by keyword
    if (call := current()) is None:
        return  # repeated at start: the queue has had it
    for rule in rules_of(bucket.notification_configuration):
        if rule.kind is not Kind.LAMBDA and not call.skip_validation:
            send(rule.arn, test_message(bucket.name, call.request))


@patch(
    "moto.s3.models:S3Backend._set_delete_marker",
    sha="f95d9e59e39fdc42",
    reason="announces a delete marker as what it is not",
)
def set_delete_marker(_original: Any, self: Any, bucket_name: str, key_name: str) -> Any:
    bucket = self.get_bucket(bucket_name)
    marker = models.FakeDeleteMarker(key=bucket.keys[key_name])
    bucket.keys[key_name] = marker
    announce("s3:ObjectRemoved:DeleteMarkerCreated", bucket, marker)
    return marker


def _query() -> frozenset[str]:
    call = current()
    return call.query if call else frozenset()


class Notifier:
    """Decides on events and delivers them; lives on the moto thread."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def __call__(self, announced: Announced, call: Call | None) -> None:
        """Take an event that moto announced."""
        name, bucket, key = announced
        event = event_of(name, bucket, key, call)
        run = self._run(key)
        if event.family == "ObjectCreated" and event.action != "Copy":  # a copy names its original's maker
            made = self._outlet.lineage_of(_maker(key))
            commit.descend(commit.lineage().merged(made))
        configuration = bucket.notification_configuration
        rules = tuple(rules_of(configuration))
        self._tell_what_happened(event, run, bool(rules) or has_bus(configuration))
        for decision in decide(rules, event):
            self._follow(decision, event, run)
        if has_bus(configuration):
            send_to_bus(event)

    def _run(self, key: Any) -> str:
        maker = _maker(key)
        return (self._outlet.run_of(maker) if maker else "") or new_id()

    def _tell_what_happened(self, event: Event, run: str, notifies: bool) -> None:
        if event.family == "ObjectCreated":
            self._hop(What.OBJECT_CREATED, event, run, size=event.size, etag=event.etag, event=event.name)
            if not notifies:
                self._hop(What.TRIGGER_NONE, event, run)
        elif event.family == "ObjectRemoved":
            self._hop(What.OBJECT_REMOVED, event, run, event=event.name)

    def _follow(self, decision: Decision, event: Event, run: str) -> None:
        rule = decision.rule
        told = {"rule": rule.id, "target": rule.arn}
        if not decision.matched:
            if event.family == "ObjectCreated":
                self._hop(What.FILTER_REJECTED, event, run, **told, reason=decision.reason)
            return
        self._hop(What.FILTER_MATCHED, event, run, **told)
        if rule.kind is Kind.LAMBDA:
            self._invoke(rule, event, run)
        else:
            send(rule.arn, message(event, rule))

    def _invoke(self, rule: Rule, event: Event, run: str) -> None:
        source = Source(bucket_arn(event.bucket), event.account)
        if reason := function_objection(rule.arn, source):
            self._hop(What.PERMISSION_DENIED, event, run, function=rule.arn, reason=reason)
            return
        invocation = Invocation(
            new_id(),
            rule.arn,
            message(event, rule).encode(),
            f"s3:{event.bucket}",
            event.time,
            run,
            commit.lineage(),
        )
        commit.record(invocation.put())
        self._hop(What.PERMISSION_GRANTED, event, run, invocation=invocation.id, function=rule.arn)
        commit.after(partial(self._outlet.accept, invocation))

    def _hop(self, what: What, on: Event, run: str, *, invocation: str = "", **detail: Any) -> None:
        told = {"bucket": on.bucket, "key": on.key, **detail}
        commit.after(lambda: self._outlet.hop("s3", what, run=run, invocation=invocation, **told))


def _maker(key: Any) -> str:
    """Return the invocation that says it made an object, or nothing."""
    return str(getattr(key, "metadata", {}).get(RUN, ""))


def event_of(name: str, bucket: Any, key: Any, call: Call | None) -> Event:
    """Describe an event of moto's in our words."""
    return Event(
        name=name,
        account=bucket.account_id,
        region=bucket.region_name,
        bucket=bucket.name,
        key=key.name,
        size=getattr(key, "size", 0),
        etag=getattr(key, "etag", EMPTY_MD5).strip('"'),
        version=key.version_id if bucket.is_versioned else "",
        time=time.time(),
        sequencer=_sequencer.next(),
        request=call.request if call else request_id(),
        source_ip=call.source_ip if call else "127.0.0.1",
    )


def rules_of(configuration: Any) -> Iterator[Rule]:
    """Read a bucket's notifications."""
    if configuration is None:
        return
    kinds = ((Kind.LAMBDA, configuration.cloud_function), (Kind.QUEUE, configuration.queue))
    for kind, notifications in (*kinds, (Kind.TOPIC, configuration.topic)):
        for notification in notifications:
            yield _rule(kind, notification)


def _rule(kind: Kind, notification: Any) -> Rule:
    filters = notification.filters.get("S3Key", {}).get("FilterRule", [])
    wanted = {rule["Name"].lower(): rule["Value"] for rule in filters}
    return Rule(
        notification.id,
        kind,
        notification.arn,
        tuple(notification.events),
        wanted.get("prefix", ""),
        wanted.get("suffix", ""),
    )


def has_bus(configuration: Any) -> bool:
    """Tell whether a bucket's events go to EventBridge."""
    return configuration is not None and configuration.event_bridge is not None


# ----------------------------------------------------------------------------------------------------- delivery


def send(arn: str, body: str) -> None:
    """Give a message to a queue or topic; a failure is reported, not raised: the request has succeeded."""
    try:
        deliver.send(arn, body, origin="s3")
    except AwsError as error:
        outward.problem(f"S3 could not notify {arn}: {error.message}")


def send_to_bus(event: Event) -> None:
    """Give an event to the default bus of its account and region."""
    body = event_bridge(event)
    try:
        bus = events_backends[event.account][event.region].event_buses["default"]
        for rule in list(bus.rules.values()):
            rule.send_to_targets(body)
    except Exception as error:  # noqa: BLE001
        outward.problem(f"EventBridge could not pass on {event.name} of {event.bucket}/{event.key}: {error!r}")


def target(arn: str, account: str) -> tuple[str, str, str]:
    """Return an ARN's region, account and resource."""
    _, _, _, region, owner, name = arn.split(":", 5)
    return region, owner or account, name


def function_objection(arn: str, source: Source) -> str:
    """Say why S3 may not invoke a function for a bucket, or nothing when it may."""
    region, owner, resource = target(arn, source.account)
    try:
        backend = lambda_backends[owner][region]
        backend.get_function(arn)
        statements = backend.get_function(resource.split(":")[1]).policy.statements
    except Exception:  # noqa: BLE001  moto has a dozen ways to say so
        return "the function does not exist"
    return denial(statements, "lambda:InvokeFunction", arn.removesuffix(":$LATEST"), source)
