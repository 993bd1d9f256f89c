"""What functions answer, as HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfaas_emulator.endpoints.answers import JSON, TEXT, Malformed, Reply, proxied, told

PLAIN = (("content-type", JSON),)


def rest(answer: Any) -> Reply:
    payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return proxied(payload, default_type=JSON, strict=True)


def two(answer: Any) -> Reply:
    payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return told(payload, default_type=TEXT)


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ({"statusCode": 200}, Reply(200, PLAIN)),
        ({"statusCode": "201", "body": "é"}, Reply(201, PLAIN, "é".encode())),
        ({"statusCode": 200, "body": None, "headers": None, "multiValueHeaders": None}, Reply(200, PLAIN)),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, Reply(200, PLAIN, b"hi")),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": False}, Reply(200, PLAIN, b"aGk=")),
        (
            {"statusCode": 404, "headers": {"Content-Type": "text/html", "X-N": 3, "X-B": True, "X-0": None}},
            Reply(404, (("content-type", "text/html"), ("x-n", "3"), ("x-b", "true"))),
        ),
        (
            {"statusCode": 200, "headers": {"a": "1", "b": "2"}, "multiValueHeaders": {"A": ["3", "4"]}},
            Reply(200, (("b", "2"), ("a", "3"), ("a", "4"), *PLAIN)),
        ),
        ({"statusCode": 200, "headers": {"Content-Length": "7", "Connection": "close"}}, Reply(200, PLAIN)),
    ],
)
def test_format_1_is_status_headers_and_body(answer: Any, reply: Reply) -> None:
    assert rest(answer) == reply


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"not json", "no JSON"),
        (None, "no JSON object"),
        ("text", "no JSON object"),
        ([200], "no JSON object"),
        ({}, "statusCode is None"),
        ({"statusCode": "ok"}, "statusCode is 'ok'"),
        ({"statusCode": True}, "statusCode is True"),
        ({"statusCode": 99}, "statusCode is 99"),
        ({"statusCode": 101}, "statusCode is 101"),
        ({"statusCode": 200, "body": {"a": 1}}, "body is no string"),
        ({"statusCode": 200, "body": "?", "isBase64Encoded": True}, "no base64"),
        ({"statusCode": 200, "headers": ["a"]}, "headers is no object"),
        ({"statusCode": 200, "headers": {"a": {}}}, "no header"),
        ({"statusCode": 200, "headers": {"a b": "c"}}, "no header"),
        ({"statusCode": 200, "headers": {"a": "b\r\nc: d"}}, "control characters"),
        ({"statusCode": 200, "multiValueHeaders": {"a": "b"}}, "no list"),
        ({"statusCode": 200, "cookies": []}, "cookies"),
    ],
)
def test_anything_else_is_malformed(answer: Any, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        rest(answer)


def test_only_rest_apis_mind_keys_they_do_not_know() -> None:
    payload = json.dumps({"statusCode": 200, "more": 1}).encode()
    assert proxied(payload, default_type=JSON) == Reply(200, PLAIN)


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("hi", Reply(200, PLAIN, b"hi")),
        ({"a": 1}, Reply(200, PLAIN, b'{"a": 1}')),
        ([1], Reply(200, PLAIN, b"[1]")),
        (b'{"a":1}', Reply(200, PLAIN, b'{"a":1}')),
        ({"statusCode": 200, "body": "hi"}, Reply(200, (("content-type", TEXT),), b"hi")),
        (
            {"statusCode": 302, "headers": {"location": "/x"}, "cookies": ["a=1", "b=2; Path=/"]},
            Reply(
                302,
                (("location", "/x"), ("set-cookie", "a=1"), ("set-cookie", "b=2; Path=/"), ("content-type", TEXT)),
            ),
        ),
    ],
)
def test_format_2_takes_what_has_no_status_for_the_body(answer: Any, reply: Reply) -> None:
    assert two(answer) == reply


@pytest.mark.parametrize("answer", [b"", {"statusCode": 200, "cookies": "a=1"}, {"statusCode": 1000}])
def test_format_2_can_be_malformed_too(answer: Any) -> None:
    with pytest.raises(Malformed):
        two(answer)
