"""One port, every service, and no request that gets a traceback or a page of HTML."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError


def signed(service: str, account: str = "test") -> dict[str, str]:
    scope = f"Credential={account}/20250101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}


def ask(
    emulator: Any, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=60)
    connection.request(method, path, body or None, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


@pytest.mark.parametrize(
    ("service", "action", "field"),
    [
        ("sts", "get_caller_identity", "Account"),
        ("s3", "list_buckets", "Buckets"),
        ("sqs", "list_queues", "ResponseMetadata"),
        ("iam", "list_roles", "Roles"),
        ("lambda", "list_functions", "Functions"),
        ("logs", "describe_log_groups", "logGroups"),
        ("events", "list_rules", "Rules"),
        ("sns", "list_topics", "Topics"),
        ("cloudformation", "list_stacks", "StackSummaries"),
        ("secretsmanager", "list_secrets", "SecretList"),
    ],
)
def test_services_answer_on_the_one_port(emulator: Any, service: str, action: str, field: str) -> None:
    assert field in getattr(emulator.client(service), action)()


def test_localstacks_own_client_works(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from localstack_client.session import Session

    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    assert Session().client("sts").get_caller_identity()["Account"] == "000000000000"


def test_the_account_is_zeros_unless_the_access_key_is_one(emulator: Any) -> None:
    accounts = [emulator.client("sts", key).get_caller_identity()["Account"] for key in ("test", "111122223333")]
    assert accounts == ["000000000000", "111122223333"]


def test_accounts_do_not_see_each_other(emulator: Any) -> None:
    emulator.client("sqs").create_queue(QueueName="of-zeros")
    theirs = emulator.client("sqs", "444455556666").list_queues(QueueNamePrefix="of-zeros")
    assert "QueueUrls" not in theirs


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/iam"])
def test_motos_own_controls_are_not_served(emulator: Any, path: str) -> None:
    assert ask(emulator, "POST", path, signed("sqs"))[0] == 403


@pytest.mark.parametrize(
    ("service", "headers", "body"),
    [
        ("logs", {"X-Amz-Target": "Logs_20140328.CreateLogGroup"}, b"{"),
        ("sqs", {"X-Amz-Target": "AmazonSQS.SendMessage"}, b"[]"),
        ("sqs", {"X-Amz-Target": "AmazonSQS.NoSuchAction"}, b"{}"),
        ("iam", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=NoSuchAction&Version=2010-05-08"),
        ("iam", {"Content-Type": "application/x-www-form-urlencoded"}, b"\xff\xfe"),
        ("lambda", {}, b"{"),
        ("cloudformation", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=NoSuchAction"),
        ("nosuchservice", {}, b""),
    ],
)
def test_nonsense_gets_an_answer_in_awss_form(
    emulator: Any, service: str, headers: dict[str, str], body: bytes
) -> None:
    path = "/2015-03-31/functions" if service == "lambda" else "/"
    status, answered, content = ask(emulator, "POST", path, {**signed(service), **headers}, body)
    assert status >= 400
    assert b"Traceback" not in content
    assert "html" not in (answered.get("content-type") or "")


def test_a_path_a_service_does_not_have_is_no_web_page(emulator: Any) -> None:
    status, headers, content = ask(emulator, "GET", "/no/such/path", signed("lambda"))
    assert status == 404
    assert headers["x-amzn-errortype"] == "UnknownOperationException"
    assert b"<html" not in content


def test_an_error_of_a_json_service_is_json(emulator: Any) -> None:
    headers = {**signed("logs"), "X-Amz-Target": "Logs_20140328.CreateLogGroup"}
    status, _, content = ask(emulator, "POST", "/", headers, b"{")
    assert (status, json.loads(content)["__type"]) == (400, "SerializationException")


def test_a_request_that_is_too_large_is_refused_before_it_is_read(emulator: Any) -> None:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=60)
    connection.putrequest("POST", "/")
    for name, value in {**signed("sqs"), "Content-Length": str(2**31)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def of_page(origin: str) -> dict[str, str]:
    return {**signed("sts"), "Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}


WHO = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "null",
        "",
        "http://[",
    ],
)
def test_a_web_page_of_another_machine_is_refused(emulator: Any, origin: str) -> None:
    assert ask(emulator, "POST", "/", of_page(origin), WHO)[0] == 403
    assert ask(emulator, "OPTIONS", "/bucket/key", {"Origin": origin})[0] == 403


def test_an_image_in_a_web_page_of_another_machine_is_no_way_in(emulator: Any) -> None:
    signature = "X-Amz-Credential=test/20250101/us-east-1/sts/aws4_request"
    path = f"/?{WHO.decode()}&{signature}"
    statuses = [ask(emulator, "GET", path, {"Sec-Fetch-Site": site})[0] for site in ("cross-site", "none")]
    assert statuses == [403, 200]


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:8000", "https://app.localhost"]
)
def test_a_web_page_of_this_machine_is_served_and_cannot_read_other_services(emulator: Any, origin: str) -> None:
    status, headers, _ = ask(emulator, "POST", "/", of_page(origin), WHO)
    assert (status, "access-control-allow-origin" in headers) == (200, False)


def test_an_unsigned_request_is_for_s3(emulator: Any) -> None:
    status, _, content = ask(emulator, "GET", "/no-such-bucket/key")
    assert (status, b"<Code>NoSuchBucket</Code>" in content) == (404, True)


def test_an_unsigned_invoke_is_for_lambda(emulator: Any) -> None:
    status, headers, body = ask(emulator, "POST", "/2015-03-31/functions/none/invocations", body=b"{}")
    assert (status, headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert "none" in json.loads(body)["message"]


def test_what_is_not_emulated_is_refused_by_name(emulator: Any) -> None:
    with pytest.raises(ClientError) as refused:
        emulator.client("apigatewayv2").create_api(Name="a", ProtocolType="WEBSOCKET")
    answer = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (501, "NotImplemented")
    assert "WebSocket APIs are not emulated" in answer["Error"]["Message"]


def test_a_live_tail_is_refused_by_name(emulator: Any) -> None:
    headers = {**signed("logs"), "X-Amz-Target": "Logs_20140328.StartLiveTail"}
    status, _, content = ask(emulator, "POST", "/", headers, b"{}")
    assert (status, json.loads(content)["__type"]) == (501, "NotImplemented")


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [("PUT", "/of-forms/k", ""), ("POST", "/of-forms", ""), ("POST", "/", "of-forms.s3.amazonaws.com")],
)
def test_an_unsigned_form_is_no_way_around_s3(emulator: Any, method: str, path: str, host: str) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="of-forms")
    headers = {"Content-Type": "application/x-www-form-urlencoded", **({"Host": host} if host else {})}
    assert ask(emulator, method, path, headers, b"key=k&file=x")[0] == 403
    assert "Contents" not in s3.list_objects_v2(Bucket="of-forms")


def test_a_made_up_runtime_path_is_not_found(emulator: Any) -> None:
    assert ask(emulator, "GET", "/_hfaas/runtime/guess/2018-06-01/runtime/invocation/next")[0] == 404


def test_an_unknown_queue_is_an_error_a_client_understands(emulator: Any) -> None:
    with pytest.raises(ClientError) as refused:
        emulator.client("sqs").get_queue_url(QueueName="nobody")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_credentials_of_a_role_belong_to_the_roles_account(emulator: Any) -> None:
    theirs = "777788889999"
    role = emulator.client("iam", theirs).create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    issued = emulator.client("sts", theirs).assume_role(RoleArn=role, RoleSessionName="s")["Credentials"]
    assert emulator.client("sts", issued["AccessKeyId"]).get_caller_identity()["Account"] == theirs
