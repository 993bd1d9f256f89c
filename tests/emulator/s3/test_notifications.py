from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hfaas_emulator.s3.notifications import (
    Event,
    Kind,
    Rule,
    Sequencer,
    decide,
    event_bridge,
    message,
    overlap,
    record,
)

EVENT = Event(
    name="s3:ObjectCreated:Put",
    account="000000000000",
    region="eu-west-1",
    bucket="photos",
    key="in/my cat+dog é.jpg",
    size=7,
    etag="0cc175b9c0f1b6a831c399e269772661",
    version="",
    time=1_700_000_000.5,
    sequencer="17E2A9C000000001",
    request="ABCDEF0123456789",
    source_ip="127.0.0.1",
)
RULE = Rule("grey", Kind.LAMBDA, "arn:grey", ("s3:ObjectCreated:*",), "in/", ".jpg")


def reasons(rule: Rule, event: Event = EVENT) -> str:
    (decision,) = decide([rule], event)
    return decision.reason


def test_a_wildcard_prefix_and_suffix_match() -> None:
    (decision,) = decide([RULE], EVENT)
    assert decision.matched


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (replace(RULE, prefix="out/"), "does not begin with 'out/'"),
        (replace(RULE, suffix=".png"), "does not end with '.png'"),
        (replace(RULE, events=("s3:ObjectCreated:Copy",)), "asks for s3:ObjectCreated:Copy, this is s3:ObjectCr"),
    ],
)
def test_a_rejection_says_why(rule: Rule, reason: str) -> None:
    assert reason in reasons(rule)


def test_the_record_of_a_new_object_is_awss() -> None:
    assert record(EVENT, "grey") == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2023-11-14T22:13:20.500Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:000000000000"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "ABCDEF0123456789", "x-amz-id-2": "ABCDEF0123456789" * 4},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "grey",
            "bucket": {
                "name": "photos",
                "ownerIdentity": {"principalId": "000000000000"},
                "arn": "arn:aws:s3:::photos",
            },
            "object": {
                "key": "in/my+cat%2Bdog+%C3%A9.jpg",
                "size": 7,
                "eTag": "0cc175b9c0f1b6a831c399e269772661",
                "sequencer": "17E2A9C000000001",
            },
        },
    }


def test_a_message_holds_one_record() -> None:
    assert json.loads(message(EVENT, RULE)) == {"Records": [record(EVENT, "grey")]}


def test_a_removal_has_neither_size_nor_etag() -> None:
    removed = record(replace(EVENT, name="s3:ObjectRemoved:Delete"), "")["s3"]["object"]
    assert removed.keys() == {"key", "sequencer"}


def test_a_delete_marker_has_an_etag_and_a_version() -> None:
    marker = replace(EVENT, name="s3:ObjectRemoved:DeleteMarkerCreated", version="v2")
    assert record(marker, "")["s3"]["object"].keys() == {"key", "eTag", "versionId", "sequencer"}


@pytest.mark.parametrize(
    ("name", "detail_type", "reason"),
    [
        ("s3:ObjectCreated:Put", "Object Created", "PutObject"),
        ("s3:ObjectCreated:Post", "Object Created", "POST Object"),
        ("s3:ObjectCreated:Copy", "Object Created", "CopyObject"),
        ("s3:ObjectCreated:CompleteMultipartUpload", "Object Created", "CompleteMultipartUpload"),
        ("s3:ObjectRemoved:Delete", "Object Deleted", "DeleteObject"),
    ],
)
def test_the_event_bus_hears_awss_words(name: str, detail_type: str, reason: str) -> None:
    event = event_bridge(replace(EVENT, name=name))
    assert (event["detail-type"], event["detail"]["reason"]) == (detail_type, reason)
    assert event["detail"]["object"]["key"] == EVENT.key
    assert event["detail"]["requester"] == EVENT.account


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        (("in/", ""), ("in/a/", ""), True),
        (("in/", ""), ("out/", ""), False),
        (("", ".jpg"), ("", ".png"), False),
        (("", ".jpg"), ("in/", "g"), True),
        (("", ""), ("", ""), True),
    ],
)
def test_rules_overlap_when_one_key_could_match_both(
    one: tuple[str, str], other: tuple[str, str], overlaps: bool
) -> None:
    rules = [replace(RULE, prefix=prefix, suffix=suffix) for prefix, suffix in (one, other)]
    assert (overlap(rules) is not None) is overlaps


def test_rules_for_different_events_do_not_overlap() -> None:
    put, copy = (replace(RULE, events=(f"s3:ObjectCreated:{name}",)) for name in ("Put", "Copy"))
    assert overlap([put, copy]) is None
    assert overlap([put, RULE]) is not None


def test_sequencers_rise() -> None:
    sequencer = Sequencer()
    numbers = [sequencer.next() for _ in range(100)]
    assert numbers == sorted(set(numbers))
    assert {len(number) for number in numbers} == {16}
