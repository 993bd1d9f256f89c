"""Function URLs over HTTP, as curl sees them."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.emulator.endpoints.conftest import ARN, Failure, Site, signed

ORIGIN = "http://localhost:3000"


@pytest.fixture(autouse=True)
def _fresh(site: Site) -> None:
    site.answers({"statusCode": 200, "body": "ok"})
    site.events.clear()


def path(site: Site) -> str:
    return urlsplit(site.url).path


def test_the_url_that_is_shown_leads_here(site: Site) -> None:
    shown = site.client("lambda").get_function_url_config(FunctionName="f")
    assert shown["FunctionUrl"] == site.url
    assert shown["FunctionUrl"].startswith(site.endpoint)
    assert (shown["AuthType"], shown["InvokeMode"], shown["FunctionArn"]) == ("NONE", "BUFFERED", ARN)


def test_a_host_name_leads_to_the_same_function(site: Site) -> None:
    name = path(site).split("/")[3]
    answer = site.ask("GET", "/x?y=1", {"Host": f"{name}.lambda-url.us-east-1.localhost:4566"})
    assert (answer.status, answer.body) == (200, b"ok")
    (event,) = site.events
    assert (event["rawPath"], event["rawQueryString"]) == ("/x", "y=1")
    assert event["requestContext"]["domainName"] == f"{name}.lambda-url.us-east-1.localhost"


def test_the_event_is_anonymous_and_complete(site: Site) -> None:
    site.ask("POST", path(site) + "a/b%20c?x=1&x=2", {"Cookie": "a=1; b=2", "X-A": "1"}, b"hi")
    (event,) = site.events
    assert (event["routeKey"], event["rawPath"], event["body"]) == ("$default", "/a/b%20c", "hi")
    assert (event["cookies"], event["queryStringParameters"]) == (["a=1", "b=2"], {"x": "1,2"})
    assert event["headers"]["x-a"] == "1"
    assert event["headers"]["x-forwarded-proto"] == "http"
    context = event["requestContext"]
    assert (context["accountId"], context["stage"], context["http"]["method"]) == ("anonymous", "$default", "POST")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_reaches_the_function(site: Site, method: str) -> None:
    assert site.ask(method, path(site)).status == 200
    assert site.events[-1]["requestContext"]["http"]["method"] == method


def test_an_answer_has_status_headers_and_cookies(site: Site) -> None:
    site.answers({"statusCode": 302, "headers": {"Location": "/é"}, "cookies": ["a=1", "b=2"], "body": "x"})
    answer = site.ask("GET", path(site))
    assert (answer.status, answer.headers.get_all("set-cookie")) == (302, ["a=1", "b=2"])
    assert answer.headers["location"].encode("latin-1").decode() == "/é"
    assert answer.headers["x-amzn-requestid"] == site.events[0]["requestContext"]["requestId"]


def test_bytes_go_in_and_out(site: Site) -> None:
    picture = bytes(range(256)) * 3000
    site.answers(
        lambda event: {
            "statusCode": 200,
            "headers": {"content-type": "image/png"},
            "isBase64Encoded": True,
            "body": base64.b64encode(base64.b64decode(event["body"])[::-1]).decode(),
        }
    )
    answer = site.ask("POST", path(site), {"Content-Type": "image/png"}, picture)
    assert (answer.body, answer.headers["content-type"]) == (picture[::-1], "image/png")


@pytest.mark.parametrize(
    ("said", "status", "body", "kind"),
    [
        ({"a": 1}, 200, b'{"a": 1}', "application/json"),
        ("text", 200, b"text", "application/json"),
        ({"statusCode": 204, "body": "dropped"}, 204, b"", "application/json"),
        ({"statusCode": 500, "body": "mine"}, 500, b"mine", "application/json"),
        (b"no json", 502, b"Internal Server Error", "application/json"),
        ({"statusCode": 200, "body": 1}, 502, b"Internal Server Error", "application/json"),
        (Failure("broken"), 502, b"Internal Server Error", "application/json"),
    ],
)
def test_what_a_function_says_becomes_http(site: Site, said: Any, status: int, body: bytes, kind: str) -> None:
    def answer(_event: Any) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    site.answers(answer)
    got = site.ask("GET", path(site))
    assert (got.status, got.body, got.headers["content-type"]) == (status, body, kind)


def test_the_trace_tells_each_call_and_why_it_failed(site: Site) -> None:
    site.ask("GET", path(site) + "fine")
    site.answers(b"no json")
    site.ask("GET", path(site) + "bad")
    fine, bad = site.told()[-2:]
    assert (fine["detail"]["path"], fine["detail"]["status"], fine["detail"]["function"]) == ("/fine", 200, "f")
    assert fine["run"] == site.events[-2]["requestContext"]["requestId"]
    assert fine["invocation"]
    assert "reason" not in fine["detail"]
    assert (bad["detail"]["status"], bad["detail"]["kind"]) == (502, "function URL")
    assert "malformed answer of the function: it is no JSON" in bad["detail"]["reason"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_6_mb_is_refused(site: Site, announced: bool) -> None:
    large = b"x" * (6 * 2**20 + 1)
    connection = http.client.HTTPConnection(urlsplit(site.endpoint).netloc, timeout=60)
    body: Any = large if announced else iter([large])
    connection.request("POST", path(site), body, {"Content-Type": "text/plain"}, encode_chunked=not announced)
    answer = connection.getresponse()
    assert answer.status == 413
    assert "smaller than 6291456 bytes" in json.loads(answer.read())["Message"]
    connection.close()
    assert site.events == []


def test_an_unknown_url_is_not_found(site: Site) -> None:
    assert site.ask("GET", "/_aws/lambda-url/nobody/").status == 404


@pytest.fixture(scope="module")
def guarded(site: Site) -> Iterator[str]:
    """A second function, whose URL asks for signatures until a test says otherwise."""
    functions = site.client("lambda")
    role = site.client("iam").get_role(RoleName="r")["Role"]["Arn"]
    functions.create_function(FunctionName="g", Role=role, PackageType="Image", Code={"ImageUri": "works:1"})
    yield urlsplit(functions.create_function_url_config(FunctionName="g", AuthType="AWS_IAM")["FunctionUrl"]).path


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({}, 403, "not signed"),
        (signed("lambda"), 200, ""),
        (signed("execute-api"), 403, "correct service: 'lambda'"),
        (signed("lambda", "eu-west-1"), 403, "valid region"),
        (signed("lambda", key="111122223333"), 403, "allows 111122223333 to lambda:InvokeFunctionUrl"),
    ],
)
def test_aws_iam_asks_for_a_signature(
    site: Site, guarded: str, headers: dict[str, str], status: int, reason: str
) -> None:
    assert site.ask("GET", guarded, headers).status == status
    assert reason in site.told()[-1]["detail"].get("reason", "")


def test_who_signed_is_in_the_event(site: Site, guarded: str) -> None:
    user = site.client("iam").create_user(UserName="u")["User"]
    key = site.client("iam").create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
    site.ask("GET", guarded, signed("lambda", key=key))
    context = site.events[-1]["requestContext"]
    assert context["accountId"] == "000000000000"
    assert context["authorizer"]["iam"]["userArn"] == user["Arn"]
    assert context["authorizer"]["iam"]["accessKey"] == key


def test_a_refusal_points_to_awss_page(site: Site, guarded: str) -> None:
    answer = site.ask("GET", guarded)
    assert answer.json["Message"].startswith("Forbidden.")
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"


def test_a_public_url_needs_both_permissions(site: Site, guarded: str) -> None:
    functions = site.client("lambda")
    functions.update_function_url_config(FunctionName="g", AuthType="NONE")
    url = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    via: dict[str, Any] = {"Principal": "*", "InvokedViaFunctionUrl": True}
    try:
        said = [site.ask("GET", guarded).status]
        site.permit("url", "g", **url)
        said.append(site.ask("GET", guarded).status)
        assert "allows everybody to lambda:InvokeFunction " in site.told()[-1]["detail"]["reason"]
        site.permit("via", "g", **via)
        said.append(site.ask("GET", guarded).status)
    finally:
        functions.update_function_url_config(FunctionName="g", AuthType="AWS_IAM")
    assert said == [403, 403, 200]


def test_the_policy_is_as_aws_writes_it(site: Site) -> None:
    policy = json.loads(site.client("lambda").get_policy(FunctionName="f")["Policy"])
    statements = {each["Sid"]: each for each in policy["Statement"]}
    assert statements["url"]["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    assert statements["via"]["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    assert statements["via"].keys() == {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


def test_a_throttled_function_says_so(site: Site, guarded: str) -> None:
    site.client("lambda").put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=0)
    try:
        assert site.ask("GET", guarded, signed("lambda")).status == 429
    finally:
        site.client("lambda").delete_function_concurrency(FunctionName="g")


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"FunctionName": "f", "AuthType": "NONE"}, "ResourceConflictException", "exists for this Lambda function"),
        ({"FunctionName": "f", "AuthType": "ANY"}, "ValidationException", "NONE, AWS_IAM"),
        ({"FunctionName": "nobody", "AuthType": "NONE"}, "ResourceNotFoundException", "nobody"),
        ({"FunctionName": "f", "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}, "NotImplemented", "BUFFERED"),
        ({"FunctionName": "f", "AuthType": "NONE", "Qualifier": "live"}, "NotImplemented", "aliases"),
    ],
)
def test_urls_that_cannot_be_are_refused(site: Site, settings: dict[str, str], code: str, words: str) -> None:
    if "InvokeMode" in settings or settings["AuthType"] == "ANY":
        make = site.client("lambda").update_function_url_config
    else:
        make = site.client("lambda").create_function_url_config
    with pytest.raises(ClientError, match=words) as refused:
        make(**settings)
    assert refused.value.response["Error"]["Code"] == code


def test_cors_rules_hold_for_pages_of_this_machine(site: Site, guarded: str) -> None:
    rules = {"AllowOrigins": [ORIGIN], "AllowMethods": ["POST"], "AllowHeaders": ["x-a"], "MaxAge": 5}
    site.client("lambda").update_function_url_config(FunctionName="g", Cors=rules)
    asked = site.ask("OPTIONS", guarded, {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert (asked.status, asked.headers["access-control-allow-methods"]) == (200, "POST")
    answer = site.ask("GET", guarded, {**signed("lambda"), "Origin": ORIGIN})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
    refused = site.ask("GET", guarded, {"Origin": ORIGIN})
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (403, ORIGIN)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_machines_reach_no_function(site: Site, headers: dict[str, str], status: int) -> None:
    answer = site.ask("GET", path(site), headers)
    assert answer.status == status
    assert status == 200 or "Web pages of other machines" in answer.json["message"]
    assert bool(site.events) is (status == 200)
