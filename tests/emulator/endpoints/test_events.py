"""The events of functions, key by key."""

from __future__ import annotations

from typing import Any

import pytest

from hfaas_emulator.endpoints import events
from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.endpoints.events import Place
from hfaas_emulator.endpoints.records import Principal

ID = "12345678-1234-1234-1234-123456789012"
SIGNER = Principal("AKIA", "000000000000", "arn:aws:iam::000000000000:user/u", "AIDA")
HEADERS = (
    ("content-type", "application/json"),
    ("x-many", "1"),
    ("x-many", "2"),
    ("cookie", "a=1; b=2"),
    ("user-agent", "curl/8"),
)


def call(body: bytes = b"{}", query: str = "k=1&k=a%20b&e", headers: Any = HEADERS) -> Call:
    return Call("POST", "/x/a%20b", query, headers, body, "api1.execute-api.us-east-1.localhost", "127.0.0.1",
                id=ID, time=1_700_000_000.5)  # fmt: skip


def place(route: str, stage: str = "dev", principal: Principal | None = None, **variables: str) -> Place:
    return Place("api1", "000000000000", stage, route, {"proxy": "a b"}, variables, "res1", "dep1", principal)


IDENTITY = {
    "accountId": None, "caller": None, "cognitoAuthenticationProvider": None, "cognitoAuthenticationType": None,
    "cognitoIdentityId": None, "cognitoIdentityPoolId": None, "principalOrgId": None, "user": None, "userArn": None,
    "accessKey": None, "sourceIp": "127.0.0.1", "userAgent": "curl/8",
}  # fmt: skip
FORMAT_1 = {
    "httpMethod": "POST",
    "headers": {
        "Content-Type": "application/json", "X-Many": "2", "Cookie": "a=1; b=2", "User-Agent": "curl/8",
    },
    "multiValueHeaders": {
        "Content-Type": ["application/json"], "X-Many": ["1", "2"], "Cookie": ["a=1; b=2"], "User-Agent": ["curl/8"],
    },
    "queryStringParameters": {"k": "a b", "e": ""},
    "multiValueQueryStringParameters": {"k": ["1", "a b"], "e": [""]},
    "pathParameters": {"proxy": "a b"},
    "stageVariables": {"v": "1"},
    "body": "{}",
    "isBase64Encoded": False,
}  # fmt: skip
CONTEXT_1 = {
    "httpMethod": "POST",
    "extendedRequestId": "EjRWeBI0EjQSNBI=",
    "requestTime": "14/Nov/2023:22:13:20 +0000",
    "requestTimeEpoch": 1_700_000_000_500,
    "path": "/dev/x/a%20b",
    "accountId": "000000000000",
    "protocol": "HTTP/1.1",
    "stage": "dev",
    "domainName": "api1.execute-api.us-east-1.localhost",
    "domainPrefix": "api1",
    "requestId": ID,
    "identity": IDENTITY,
    "apiId": "api1",
}


def test_a_rest_api_sends_format_1() -> None:
    assert events.rest(call(), place("/x/{proxy+}", v="1"), ()) == {
        **FORMAT_1,
        "resource": "/x/{proxy+}",
        "path": "/x/a%20b",
        "requestContext": {
            **CONTEXT_1,
            "resourceId": "res1",
            "resourcePath": "/x/{proxy+}",
            "deploymentId": "dep1",
        },
    }


def test_an_http_api_sends_format_1_with_its_version() -> None:
    route = "ANY /x/{proxy+}"
    assert events.http_1(call(), place(route, v="1")) == {
        **FORMAT_1,
        "version": "1.0",
        "resource": "/x/{proxy+}",
        "path": "/dev/x/a%20b",
        "requestContext": {**CONTEXT_1, "resourceId": route, "resourcePath": "/x/{proxy+}"},
    }


def test_an_http_api_sends_format_2() -> None:
    assert events.http_2(call(), place("ANY /x/{proxy+}", v="1")) == {
        "version": "2.0",
        "routeKey": "ANY /x/{proxy+}",
        "rawPath": "/dev/x/a%20b",
        "rawQueryString": "k=1&k=a%20b&e",
        "cookies": ["a=1", "b=2"],
        "headers": {"content-type": "application/json", "x-many": "1,2", "user-agent": "curl/8"},
        "queryStringParameters": {"k": "1,a b", "e": ""},
        "pathParameters": {"proxy": "a b"},
        "stageVariables": {"v": "1"},
        "body": "{}",
        "isBase64Encoded": False,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api1",
            "domainName": "api1.execute-api.us-east-1.localhost",
            "domainPrefix": "api1",
            "http": {
                "method": "POST",
                "path": "/dev/x/a%20b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": ID,
            "routeKey": "ANY /x/{proxy+}",
            "stage": "dev",
            "time": "14/Nov/2023:22:13:20 +0000",
            "timeEpoch": 1_700_000_000_500,
        },
    }


def test_format_2_leaves_out_what_is_empty() -> None:
    at = Place("u1", "anonymous", "$default", "$default", {}, {})
    event = events.http_2(call(b"", "", ()), at)
    assert event.keys() == {
        "version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded",
    }  # fmt: skip
    assert (event["rawPath"], event["routeKey"], event["isBase64Encoded"]) == ("/x/a%20b", "$default", False)


def test_format_1_says_null_for_what_is_empty() -> None:
    event = events.rest(call(b"", "", ()), Place("a", "1", "s", "/", {}, {}), ())
    nothing = (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    )
    assert [event[name] for name in nothing] == [None] * 5


def test_who_signed_is_in_the_event() -> None:
    one = events.rest(call(), place("/x", principal=SIGNER), ())["requestContext"]["identity"]
    assert one == {**IDENTITY, "accountId": "000000000000", "caller": "AIDA", "user": "AIDA",
                   "userArn": SIGNER.arn, "accessKey": "AKIA"}  # fmt: skip
    two = events.http_2(call(), place("GET /x", principal=SIGNER))["requestContext"]["authorizer"]
    assert two == {"iam": {"accessKey": "AKIA", "accountId": "000000000000", "callerId": "AIDA", "cognitoIdentity": None,
                           "principalOrgId": None, "userArn": SIGNER.arn, "userId": "AIDA"}}  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "body", "text", "encoded"),
    [
        ({"content-type": "text/plain; charset=utf-8"}, "é".encode(), "é", False),
        ({"content-type": "application/json"}, b"[]", "[]", False),
        ({"content-type": "application/vnd.api+json"}, b"[]", "[]", False),
        ({}, b"hi", "hi", False),
        ({}, b"\xff", "/w==", True),
        ({"content-type": "text/plain"}, b"\xff", "/w==", True),
        ({"content-type": "text/plain", "content-encoding": "gzip"}, b"hi", "aGk=", True),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1", "YT0x", True),
        ({"content-type": "image/png"}, b"\x89PNG", "iVBORw==", True),
    ],
)
def test_http_apis_send_text_as_text_and_the_rest_in_base64(
    headers: dict[str, str], body: bytes, text: str, encoded: bool
) -> None:
    for make in (events.http_1, events.http_2):
        event = make(call(body, headers=tuple(headers.items())), place("ANY /x/{proxy+}"))
        assert (event["body"], event["isBase64Encoded"]) == (text, encoded)


@pytest.mark.parametrize(
    ("kind", "binary", "text", "encoded"),
    [
        ("image/png", ("image/png",), "iVA=", True),
        ("image/png", ("image/*",), "iVA=", True),
        ("image/png", ("*/*",), "iVA=", True),
        ("image/png", ("image/jpeg",), "\ufffdP", False),
        ("image/png", (), "\ufffdP", False),
    ],
)
def test_rest_apis_send_in_base64_what_they_are_told_is_binary(
    kind: str, binary: tuple[str, ...], text: str, encoded: bool
) -> None:
    event = events.rest(call(b"\x89P", headers=(("content-type", kind),)), place("/x"), binary)
    assert (event["body"], event["isBase64Encoded"]) == (text, encoded)
