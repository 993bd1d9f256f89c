"""REST APIs over HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.endpoints.conftest import URI, Failure, Site, signed

IMAGE = bytes(range(256))


@pytest.fixture(autouse=True)
def _fresh(site: Site) -> None:
    site.answers({"statusCode": 200, "body": "ok"})
    site.events.clear()


def at(site: Site, path: str) -> str:
    return f"/restapis/{site.rest}/prod/_user_request_{path}"


@pytest.mark.parametrize("form", ["/restapis/{}/prod/_user_request_/a/b", "/_aws/execute-api/{}/prod/a/b"])
def test_path_forms_lead_to_the_function(site: Site, form: str) -> None:
    assert site.ask("GET", form.format(site.rest)).body == b"ok"
    (event,) = site.events
    assert (event["path"], event["pathParameters"]) == ("/a/b", {"proxy": "a/b"})
    assert (event["resource"], event["requestContext"]["path"]) == ("/{proxy+}", "/prod/a/b")


def test_a_host_name_leads_to_the_function(site: Site) -> None:
    host = f"{site.rest}.execute-api.us-east-1.amazonaws.com"
    assert site.ask("PUT", "/prod/a?x=1&x=2", {"Host": host, "X-A": "1"}).status == 200
    (event,) = site.events
    assert (event["httpMethod"], event["multiValueQueryStringParameters"]) == ("PUT", {"x": ["1", "2"]})
    assert (event["headers"]["X-A"], event["requestContext"]["domainName"]) == ("1", host)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/_aws/execute-api/{}/other/a", 403, "Forbidden"),
        ("/_aws/execute-api/{}/prod", 403, "Missing Authentication Token"),
        ("/_aws/execute-api/{}/prod/signed", 403, "Missing Authentication Token"),
        ("/_aws/execute-api/nobody/prod/a", 404, "Not Found"),
    ],
)
def test_what_is_not_there_is_forbidden_as_on_aws(site: Site, path: str, status: int, message: str) -> None:
    answer = site.ask("GET", path.format(site.rest))
    assert (answer.status, answer.json) == (status, {"message": message})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (signed(), 200),
        (signed("lambda"), 403),
        (signed(region="eu-west-1"), 403),
        (signed(key="111122223333"), 403),
    ],
)
def test_aws_iam_asks_for_a_signature(site: Site, headers: dict[str, str], status: int) -> None:
    assert site.ask("GET", at(site, "/signed"), headers).status == status
    assert bool(site.events) is (status == 200)


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        ({"statusCode": 201, "body": "x"}, 201, b"x"),
        ({"body": "no status"}, 502, b'{"message": "Internal server error"}'),
        ({"statusCode": 200, "unknown": 1}, 502, b'{"message": "Internal server error"}'),
        (b"no json", 502, b'{"message": "Internal server error"}'),
        (Failure("broken"), 502, b'{"message": "Internal server error"}'),
    ],
)
def test_what_a_function_says_becomes_http(site: Site, said: Any, status: int, body: bytes) -> None:
    def answer(_event: Any) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    site.answers(answer)
    got = site.ask("GET", at(site, "/a"))
    assert (got.status, got.body) == (status, body)


def test_headers_may_have_several_values(site: Site) -> None:
    site.answers({"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}})
    assert site.ask("GET", at(site, "/a")).headers.get_all("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("accept", "body"),
    [("image/png", IMAGE), ("image/png;q=1, */*", IMAGE), ("*/*", base64.b64encode(IMAGE)), ("", None)],
)
def test_bytes_come_out_for_who_accepts_them(site: Site, accept: str, body: bytes | None) -> None:
    said = {"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(IMAGE).decode()}
    site.answers(said)
    headers = {"Content-Type": "image/png", **({"Accept": accept} if accept else {})}
    answer = site.ask("POST", at(site, "/a"), headers, IMAGE)
    assert answer.body == (body or base64.b64encode(IMAGE))
    assert base64.b64decode(site.events[0]["body"]) == IMAGE


def test_nobody_waits_when_the_caller_says_so(site: Site) -> None:
    with site.held():
        answer = site.ask("POST", at(site, "/a"), {"X-Amz-Invocation-Type": "Event"}, b"later")
        assert (answer.status, answer.body) == (200, b"")
    site.settle()
    assert [event["body"] for event in site.events] == ["later"]
    (hop,) = [each for each in site.told() if each["detail"]["method"] == "POST"][-1:]
    assert (hop["detail"]["status"], bool(hop["invocation"])) == (200, True)


def test_a_body_over_10_mb_is_refused_and_one_over_6_does_not_fit_into_an_event(site: Site) -> None:
    for size in (10 * 2**20 + 1, 7 * 2**20):
        answer = site.ask("POST", at(site, "/a"), {"Content-Type": "text/plain"}, b"x" * size)
        assert (answer.status, answer.json) == (413, {"message": "Request Too Long"})
    assert site.events == []


class Api:
    """A REST API of one test's own, deployed by hand."""

    def __init__(self, site: Site, **settings: Any) -> None:
        self.site = site
        self.gateway = site.client("apigateway")
        self.id = str(self.gateway.create_rest_api(name="own", **settings)["id"])
        self.root = self.gateway.get_resources(restApiId=self.id)["items"][0]["id"]

    def add(self, part: str, method: str = "GET", **settings: Any) -> dict[str, str]:
        resource = self.site.rest_resource(self.id, self.root, part, method, settings)
        return {"restApiId": self.id, "resourceId": resource, "httpMethod": method}

    def respond(self, place: dict[str, str], status: str = "200", **settings: Any) -> None:
        self.gateway.put_method_response(**place, statusCode=status)
        self.gateway.put_integration_response(**place, statusCode=status, **settings)

    def deploy(self) -> str:
        deployed = self.gateway.create_deployment(restApiId=self.id, stageName="s")
        return str(deployed["id"])

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
        return self.site.ask(method, f"/_aws/execute-api/{self.id}/s{path}", headers, body)

    @property
    def reason(self) -> str:
        return str(self.site.told()[-1]["detail"]["reason"])


@pytest.fixture
def api(site: Site) -> Api:
    return Api(site)


def test_a_function_that_takes_too_long_is_given_up_and_runs_on(site: Site, api: Api) -> None:
    api.add("slow", timeoutInMillis=60)
    api.deploy()
    with site.held():
        answer = api.ask("/slow")
    assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})
    assert "did not answer within 0.06 s" in api.reason
    site.settle()
    assert len(site.events) == 1


def test_a_stage_serves_its_deployment_until_the_next_one(site: Site, api: Api) -> None:
    api.add("one")
    first = api.deploy()
    api.add("two")
    assert [api.ask(path).status for path in ("/one", "/two")] == [200, 403]
    second = api.deploy()
    assert api.ask("/two").status == 200
    assert site.events[-1]["requestContext"]["deploymentId"] == second != first


def test_without_permission_the_api_may_not_invoke_and_the_trace_says_why(site: Site, api: Api) -> None:
    functions = site.client("lambda")
    place = api.add("a")
    api.deploy()
    functions.remove_permission(FunctionName="f", StatementId="gateway")
    try:
        refused = api.ask("/a")
        reason = api.reason
        source = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/s/GET/other"
        site.permit("other", SourceArn=source)
        other = api.ask("/a").status
        site.permit("mine", SourceArn=source.replace("s/GET/other", "*/GET/a"))
        mine = api.ask("/a").status
    finally:
        for name in ("other", "mine"):
            functions.remove_permission(FunctionName="f", StatementId=name)
        site.permit("gateway")
    assert (refused.status, refused.json) == (500, {"message": "Internal server error"})
    assert "invalid permissions on the function: no statement" in reason
    assert (other, mine) == (500, 200), place


def test_a_plain_integration_passes_bodies_through(site: Site, api: Api) -> None:
    place = api.add("plain", "POST", type="AWS")
    api.respond(place, "201", responseParameters={"method.response.header.X-A": "'b'"})
    api.respond(place, "400", selectionPattern="bad.*")
    api.deploy()
    site.answers(lambda event: {"got": event})
    answer = api.ask("/plain", "POST", b'{"a": 1}')
    assert (answer.status, answer.headers["x-a"], answer.json) == (201, "b", {"got": {"a": 1}})

    def fail(_event: Any) -> Any:
        raise Failure("bad luck")

    site.answers(fail)
    failed = api.ask("/plain", "POST", b"{}")
    assert (failed.status, failed.json["errorMessage"]) == (400, "bad luck")


def test_templates_are_refused_in_words(api: Api) -> None:
    place = api.add("plain", "POST", type="AWS", requestTemplates={"application/json": "$input.body"})
    api.respond(place)
    api.deploy()
    answer = api.ask("/plain", "POST", b"{}")
    assert (answer.status, answer.json) == (
        501,
        {"message": "hfaas: mapping templates are not emulated (application/json)"},
    )


@pytest.mark.parametrize("template", ['{"statusCode": 204}', "{ statusCode: 204 }"])
def test_a_mock_answers_pages_that_ask_what_they_may_do(api: Api, template: str) -> None:
    place = api.add("a", "OPTIONS", type="MOCK", requestTemplates={"application/json": template})
    allowed = {"method.response.header.Access-Control-Allow-Origin": "'*'"}
    api.respond(place, "204", responseParameters=allowed, responseTemplates={"application/json": ""})
    api.deploy()
    answer = api.ask("/a", "OPTIONS", Origin="http://localhost:3000")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")


@pytest.mark.parametrize(
    ("method", "integration", "words"),
    [
        ({"authorizationType": "CUSTOM"}, {}, "authorisation CUSTOM"),
        ({"authorizationType": "NONE", "apiKeyRequired": True}, {}, "an API key"),
        ({"authorizationType": "NONE"}, {"type": "HTTP_PROXY", "uri": "http://example.org"}, "HTTP_PROXY"),
        (
            {"authorizationType": "NONE"},
            {"uri": "arn:aws:apigateway:us-east-1:sqs:path/000000000000/q"},
            "none with a Lambda function",
        ),
    ],
)
def test_what_is_not_emulated_lets_nobody_in(
    site: Site, api: Api, method: dict[str, Any], integration: dict[str, Any], words: str
) -> None:
    place = api.add("a", **integration)
    api.gateway.put_method(**place, **method)
    settings = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": URI, **integration}
    api.gateway.put_integration(**place, **settings)
    api.deploy()
    answer = api.ask("/a")
    assert (answer.status, words in answer.json["message"]) == (501, True)
    assert site.events == []


def test_stage_variables_choose_the_function(site: Site, api: Api) -> None:
    api.add("a", uri=URI.replace(":f/", ":${stageVariables.name}/"))
    api.gateway.create_deployment(restApiId=api.id, stageName="s", variables={"name": "f"})
    assert api.ask("/a").status == 200
    assert site.events[0]["stageVariables"] == {"name": "f"}


def test_a_function_that_is_gone_is_a_server_error(api: Api) -> None:
    api.add("a", uri=URI.replace(":f/", ":gone/"), credentials="arn:aws:iam::000000000000:role/r")
    api.deploy()
    assert api.ask("/a").status == 500
    assert "ResourceNotFoundException" in api.reason


def test_an_api_can_be_imported_strictly(site: Site) -> None:
    integration = {"type": "AWS_PROXY", "httpMethod": "POST", "uri": URI}
    method = {"responses": {"200": {"description": ""}}, "x-amazon-apigateway-integration": integration}
    document = {"openapi": "3.0.1", "info": {"title": "a", "description": "b", "version": "1"}, "paths": {}}
    gateway = site.client("apigateway")
    with pytest.raises(ClientError, match="Failed to parse the uploaded OpenAPI document"):
        gateway.import_rest_api(failOnWarnings=True, body=json.dumps({**document, "paths": None}))
    whole = {**document, "paths": {"/a/b": {"get": method}}}
    api = gateway.import_rest_api(failOnWarnings=True, body=json.dumps(whole))["id"]
    gateway.create_deployment(restApiId=api, stageName="s")
    assert site.ask("GET", f"/_aws/execute-api/{api}/s/a/b").status == 200


def test_binary_types_and_resources_can_be_changed(api: Api) -> None:
    change = [{"op": "add", "path": "/binaryMediaTypes/image~1gif"}]
    assert api.gateway.update_rest_api(restApiId=api.id, patchOperations=change)["binaryMediaTypes"] == [
        "image/gif"
    ]
    change = [{"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "false"}]
    assert not api.gateway.update_rest_api(restApiId=api.id, patchOperations=change)["disableExecuteApiEndpoint"]
    place = api.add("a")
    change = [{"op": "replace", "path": "/pathPart", "value": "b"}]
    moved = api.gateway.update_resource(restApiId=api.id, resourceId=place["resourceId"], patchOperations=change)
    assert moved["path"] == "/b"
