"""HTTP APIs over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.endpoints.conftest import ARN, Failure, Site, signed

PAGE = {"Origin": "http://localhost:3000"}


@pytest.fixture(autouse=True)
def _fresh(site: Site) -> None:
    site.answers({"statusCode": 200, "body": "ok"})
    site.events.clear()


def at(site: Site, path: str) -> str:
    return f"/_aws/execute-api/{site.http}{path}"


def test_the_endpoint_that_is_shown_leads_here(site: Site) -> None:
    shown = site.client("apigatewayv2").get_api(ApiId=site.http)["ApiEndpoint"]
    assert shown == site.endpoint + at(site, "")


@pytest.mark.parametrize(
    ("path", "version", "route", "seen"),
    [
        ("/two/a/b", "2.0", "ANY /two/{proxy+}", "/two/a/b"),
        ("/$default/two/a", "2.0", "ANY /two/{proxy+}", "/two/a"),
        ("/dev/two/a", "2.0", "ANY /two/{proxy+}", "/dev/two/a"),
        ("/two/7/x", "2.0", "GET /two/{id}/x", "/two/7/x"),
    ],
)
def test_a_route_sends_format_2(site: Site, path: str, version: str, route: str, seen: str) -> None:
    assert site.ask("GET", at(site, path)).body == b"ok"
    (event,) = site.events
    assert (event["version"], event["routeKey"], event["rawPath"]) == (version, route, seen)


def test_a_route_sends_format_1(site: Site) -> None:
    assert site.ask("GET", at(site, "/dev/one/a")).status == 200
    (event,) = site.events
    assert (event["version"], event["resource"], event["path"]) == ("1.0", "/one/{proxy+}", "/dev/one/a")
    assert event["stageVariables"] == {"k": "v"}


def test_a_host_name_leads_to_the_function(site: Site) -> None:
    host = f"{site.http}.execute-api.us-east-1.localhost:4566"
    answer = site.ask("GET", "/two/a", {"Host": host})
    assert (answer.status, answer.headers["apigw-requestid"]) == (
        200,
        site.events[0]["requestContext"]["requestId"],
    )


@pytest.mark.parametrize("path", ["/", "/nowhere", "/dev", "/two"])
def test_a_path_without_a_route_is_not_found(site: Site, path: str) -> None:
    answer = site.ask("GET", at(site, path))
    assert (answer.status, answer.json) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        (signed(), 200),
        (signed("lambda"), 403),
        (signed(region="eu-west-1"), 403),
        (signed(key="111122223333"), 403),
    ],
)
def test_aws_iam_asks_for_a_signature(site: Site, headers: dict[str, str], status: int) -> None:
    answer = site.ask("GET", at(site, "/two/signed"), headers)
    assert answer.status == status
    assert status == 200 or answer.json == {"message": "Forbidden"}


@pytest.mark.parametrize(
    ("route", "said", "status", "body"),
    [
        ("/two/a", {"a": 1}, 200, b'{"a": 1}'),
        ("/two/a", "text", 200, b"text"),
        ("/two/a", {"statusCode": 202, "body": "x"}, 202, b"x"),
        ("/two/a", {"statusCode": "?"}, 502, b'{"message": "Internal server error"}'),
        ("/two/a", Failure("broken"), 502, b'{"message": "Internal server error"}'),
        ("/one/a", {"a": 1}, 502, b'{"message": "Internal server error"}'),
        ("/one/a", {"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
    ],
)
def test_what_a_function_says_becomes_http(site: Site, route: str, said: Any, status: int, body: bytes) -> None:
    def answer(_event: Any) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    site.answers(answer)
    got = site.ask("POST", at(site, route), {"Content-Type": "text/plain"}, b"x")
    assert (got.status, got.body) == (status, body)


def test_a_header_of_scar_changes_nothing_here(site: Site) -> None:
    answer = site.ask("POST", at(site, "/one/a"), {"X-Amz-Invocation-Type": "Event"})
    assert (answer.body, len(site.events)) == (b"ok", 1)


class Api:
    """An HTTP API of one test's own."""

    def __init__(self, site: Site, **settings: Any) -> None:
        self.site = site
        self.gateway = site.client("apigatewayv2")
        self.id = str(self.gateway.create_api(Name="own", ProtocolType="HTTP", **settings)["ApiId"])

    def route(self, key: str = "$default", authorization: str = "NONE", **settings: Any) -> None:
        wanted = {"IntegrationType": "AWS_PROXY", "IntegrationUri": ARN, "PayloadFormatVersion": "2.0", **settings}
        integration = self.gateway.create_integration(ApiId=self.id, **wanted)["IntegrationId"]
        target = f"integrations/{integration}"
        self.gateway.create_route(ApiId=self.id, RouteKey=key, Target=target, AuthorizationType=authorization)

    def stage(self, name: str = "$default", **settings: Any) -> None:
        self.gateway.create_stage(ApiId=self.id, StageName=name, **{"AutoDeploy": True, **settings})

    def ask(self, path: str = "/", method: str = "GET", headers: dict[str, str] | None = None) -> Any:
        return self.site.ask(method, f"/_aws/execute-api/{self.id}{path}", headers)

    @property
    def reason(self) -> str:
        return str(self.site.told()[-1]["detail"]["reason"])


@pytest.fixture
def api(site: Site) -> Api:
    return Api(site)


def test_a_function_that_takes_too_long_is_given_up(site: Site, api: Api) -> None:
    api.route(TimeoutInMillis=60)
    api.stage()
    with site.held():
        answer = api.ask()
    site.settle()
    assert (answer.status, answer.json) == (503, {"message": "Service Unavailable"})


def test_a_target_makes_a_whole_api(site: Site) -> None:
    api = Api(site, Target=ARN)
    assert api.ask("/any/where").body == b"ok"
    assert site.events[0]["routeKey"] == "$default"


def test_without_permission_the_api_may_not_invoke_and_the_trace_says_why(site: Site, api: Api) -> None:
    functions = site.client("lambda")
    api.route("GET /a/{proxy+}")
    api.route()
    api.stage()
    functions.remove_permission(FunctionName="f", StatementId="gateway")
    at = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}"
    try:
        refused, reason = api.ask("/a/b"), api.reason
        site.permit("one", SourceArn=f"{at}/*/*/a/{{proxy+}}")
        one = [api.ask("/a/b").status, api.ask("/b").status]
        site.permit("two", SourceArn=f"{at}/*/$default")
        two = api.ask("/b").status
    finally:
        for name in ("one", "two"):
            functions.remove_permission(FunctionName="f", StatementId=name)
        site.permit("gateway")
    assert (refused.status, refused.json) == (500, {"message": "Internal Server Error"})
    assert "invalid permissions on the function: no statement" in reason
    assert (one, two) == ([200, 500], 200)


def test_a_stage_without_auto_deploy_serves_its_deployment(site: Site, api: Api) -> None:
    api.route("GET /a")
    api.stage(AutoDeploy=False)
    said = [api.ask("/a").status]
    deployment = api.gateway.create_deployment(ApiId=api.id, StageName="$default")["DeploymentId"]
    api.route("GET /b")
    said += [api.ask("/a").status, api.ask("/b").status]
    api.gateway.update_stage(ApiId=api.id, StageName="$default", AutoDeploy=True)
    said.append(api.ask("/b").status)
    assert said == [404, 200, 404, 200]
    assert api.gateway.get_stage(ApiId=api.id, StageName="$default")["DeploymentId"] == deployment
    assert [each["DeploymentId"] for each in api.gateway.get_deployments(ApiId=api.id)["Items"]] == [deployment]


def test_cors_rules_answer_for_the_function(site: Site) -> None:
    api = Api(site, CorsConfiguration={"AllowOrigins": ["*"], "AllowMethods": ["POST"], "ExposeHeaders": ["x-a"]})
    api.route(authorization="AWS_IAM")
    api.stage()
    asked = api.ask("/x", "OPTIONS", {**PAGE, "Access-Control-Request-Method": "POST"})
    assert (asked.status, asked.headers["access-control-allow-methods"], asked.body) == (204, "POST", b"")
    refused = api.ask("/x", headers=PAGE)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (403, "*")
    answer = api.ask("/x", headers={**PAGE, **signed()})
    assert (answer.status, answer.headers["access-control-expose-headers"]) == (200, "x-a")


def test_a_disabled_endpoint_is_not_found(site: Site) -> None:
    api = Api(site, DisableExecuteApiEndpoint=True)
    api.route()
    api.stage()
    assert api.ask().status == 404


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"authorization": "JWT"}, "authorisation JWT"),
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://example.org"}, "HTTP_PROXY"),
        ({"IntegrationSubtype": "SQS-SendMessage"}, "SQS-SendMessage"),
        ({"RequestParameters": {"overwrite:header.a": "b"}}, "parameter mappings"),
        ({"IntegrationUri": "arn:aws:sqs:us-east-1:000000000000:q"}, "none with a Lambda function"),
    ],
)
def test_what_is_not_emulated_lets_nobody_in(site: Site, api: Api, settings: dict[str, Any], words: str) -> None:
    api.route(**settings)
    api.stage()
    answer = api.ask()
    assert (answer.status, words in answer.json["message"]) == (501, True)
    assert site.events == []


@pytest.mark.parametrize(
    ("action", "settings", "code"),
    [
        ("create_route", {"RouteKey": "$default"}, "ConflictException"),
        ("create_route", {"RouteKey": "FETCH /x"}, "BadRequestException"),
        ("create_route", {"RouteKey": "GET x"}, "BadRequestException"),
        ("create_stage", {"StageName": "$default"}, "ConflictException"),
        ("get_deployment", {"DeploymentId": "nothing"}, "NotFoundException"),
    ],
)
def test_what_aws_refuses_is_refused(api: Api, action: str, settings: dict[str, str], code: str) -> None:
    api.route()
    api.stage()
    with pytest.raises(ClientError) as refused:
        getattr(api.gateway, action)(ApiId=api.id, **settings)
    assert refused.value.response["Error"]["Code"] == code


def test_the_trace_names_the_api(site: Site, api: Api) -> None:
    api.route()
    api.stage()
    api.ask("/x?secret=1")
    detail = site.told()[-1]["detail"]
    assert json.dumps(detail) == json.dumps(
        {"endpoint": api.id, "kind": "HTTP API", "method": "GET", "path": "/x", "status": 200, "function": "f"}
    )
