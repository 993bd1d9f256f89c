"""`hfaas url` and `hfaas invoke`, on a function that answers with what it was sent."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.tui.conftest import IMAGE, Hfaas

from hfaas_tui.cli.calls import delegated_to
from hfaas_tui.endpoints import Endpoint
from hfaas_tui.transfer import client

OPEN, SIGNED, APIS, BARE = "open", "signed", "apis", "bare"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
PROXY = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ARN}{APIS}/invocations"
PICTURE = bytes(range(256))


class Site:
    """Four functions: with an open URL, with a signed one, behind two APIs, and without any address."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def make(self) -> None:
        role = client(self.endpoint, "iam").create_role(RoleName="site", AssumeRolePolicyDocument="{}")["Role"][
            "Arn"
        ]
        api = client(self.endpoint, "lambda")
        for name in (OPEN, SIGNED, APIS, BARE):
            api.create_function(FunctionName=name, Role=role, PackageType="Image", Code={"ImageUri": IMAGE})
        for name, kind in ((OPEN, "NONE"), (SIGNED, "AWS_IAM")):
            api.create_function_url_config(FunctionName=name, AuthType=kind)
        everybody = {"FunctionName": OPEN, "Principal": "*"}
        call = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
        api.add_permission(**everybody, StatementId="call", **call)
        api.add_permission(
            **everybody, StatementId="run", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
        )
        api.add_permission(
            FunctionName=APIS, StatementId="g", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
        )
        self._make_http()
        self._make_rest()

    def _make_http(self) -> None:
        gateway = client(self.endpoint, "apigatewayv2")
        api = gateway.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
        settings = {"IntegrationType": "AWS_PROXY", "IntegrationUri": ARN + APIS, "PayloadFormatVersion": "1.0"}
        integration = gateway.create_integration(ApiId=api, **settings)["IntegrationId"]
        target = f"integrations/{integration}"
        gateway.create_route(ApiId=api, RouteKey="ANY /{proxy+}", Target=target, AuthorizationType="AWS_IAM")
        gateway.create_stage(ApiId=api, StageName="scar", AutoDeploy=True)

    def _make_rest(self) -> None:
        gateway = client(self.endpoint, "apigateway")
        api = gateway.create_rest_api(name="a")["id"]
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        place = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
        gateway.put_method(**place, authorizationType="NONE")
        gateway.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=PROXY)
        gateway.create_deployment(restApiId=api, stageName="dev")


@pytest.fixture(scope="module")
def site(endpoint: str) -> Site:
    made = Site(endpoint)
    made.make()
    return made


def urls(hfaas: Hfaas, *function: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(hfaas("url", *function, "--json")[1])
    return found


def answer(hfaas: Hfaas, *arguments: str) -> tuple[int, Mapping[str, Any]]:
    code, out, _ = hfaas("invoke", "--http", *arguments, "--json")
    return code, json.loads(out)


@pytest.mark.usefixtures("site")
def test_url_shows_each_way_to_call_a_function(hfaas: Hfaas, endpoint: str) -> None:
    rows = {(each["function"], each["kind"], each["method"], each["authorization"]) for each in urls(hfaas)}

    assert rows == {
        (OPEN, "function URL", "ANY", "NONE"),
        (SIGNED, "function URL", "ANY", "AWS_IAM"),
        (APIS, "HTTP API", "ANY", "AWS_IAM"),
        (APIS, "REST API", "POST", "NONE"),
    }
    assert all(each["url"].startswith(f"{endpoint}/_aws/") for each in urls(hfaas)), "no name has to be looked up"
    assert OPEN in hfaas("url")[1]


@pytest.mark.usefixtures("site")
def test_url_of_one_function_is_its_own(hfaas: Hfaas) -> None:
    assert [each["function"] for each in urls(hfaas, SIGNED)] == [SIGNED]
    assert urls(hfaas, APIS)[0]["url"].endswith("/scar/launch")


@pytest.mark.usefixtures("site")
def test_a_function_without_url_and_an_unknown_one_are_told_apart(hfaas: Hfaas) -> None:
    code, out, _ = hfaas("url", BARE)
    assert (code, out) == (1, "bare has no URL\n")
    code, _, err = hfaas("url", "none")
    assert code == 1
    assert "there is no function 'none'" in err


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("function", [OPEN, SIGNED, APIS])
def test_invoke_over_http_sends_a_body_and_prints_the_answers(hfaas: Hfaas, tmp_path: Path, function: str) -> None:
    (tmp_path / "body").write_text("hello")

    code, out, _ = hfaas("invoke", "--http", function, "--data", str(tmp_path / "body"))
    assert (code, out) == (0, "hello")


@pytest.mark.usefixtures("site")
def test_a_picture_goes_both_ways_as_it_is(hfaas: Hfaas, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(PICTURE)

    code, told = answer(hfaas, OPEN, "--data", str(tmp_path / "picture"), "--header", "Content-Type: image/png")
    assert code == 0
    assert told["base64"]
    assert told["body"].startswith("AAECAwQF")


@pytest.mark.usefixtures("site")
def test_requests_are_signed_where_that_is_asked_for(hfaas: Hfaas) -> None:
    signed, unsigned = answer(hfaas, SIGNED)[1], answer(hfaas, OPEN)[1]

    assert "/us-east-1/lambda/aws4_request" in signed["headers"]["authorization"]
    assert unsigned["headers"].get("authorization", "") == ""
    assert "/us-east-1/execute-api/aws4_request" in answer(hfaas, APIS)[1]["headers"]["authorization"]


@pytest.mark.usefixtures("site")
def test_method_path_query_and_headers_arrive(hfaas: Hfaas) -> None:
    sent = ("--method", "put", "--path", "/a b/c", "--query", "x=1&2", "--query", "y=ü", "--header", "X-Asked: yes")
    told = answer(hfaas, OPEN, *sent)[1]["headers"]

    assert (told["x-method"], told["x-asked"]) == ("PUT", "yes")
    assert unquote(told["x-path"]) == "/a b/c"
    assert json.loads(told["x-query"]) == {"x": "1&2", "y": "ü"}


@pytest.mark.usefixtures("site")
def test_a_path_takes_the_place_of_what_a_greedy_route_leaves_open(hfaas: Hfaas) -> None:
    assert answer(hfaas, APIS, "--path", "a/b")[1]["headers"]["x-path"].endswith("/a/b")


@pytest.mark.usefixtures("site")
def test_the_method_is_post_with_a_body_and_get_without(hfaas: Hfaas, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer(hfaas, OPEN)[1]["headers"]["x-method"] == "GET"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    told = answer(hfaas, OPEN, "--data", "-")[1]
    assert (told["headers"]["x-method"], told["body"]) == ("POST", "piped")


@pytest.mark.usefixtures("site")
def test_a_refusal_is_exit_code_1_with_the_body(hfaas: Hfaas, tmp_path: Path) -> None:
    (tmp_path / "body").write_text("teapot")

    code, out, err = hfaas("invoke", "--http", OPEN, "--header", "x-asked: fail", "--data", str(tmp_path / "body"))
    assert (code, out) == (1, "teapot")
    assert "answered 418" in err


@pytest.mark.usefixtures("site")
def test_a_function_without_url_is_not_invoked_over_http(hfaas: Hfaas) -> None:
    code, _, err = hfaas("invoke", "--http", BARE)

    assert code == 1
    assert "bare has no URL" in err


@pytest.mark.parametrize(
    "arguments",
    [("--data", "x"), ("--http", "--event", "[]"), ("--http", "--header", "x"), ("--http", "--query", "x")],
)
@pytest.mark.usefixtures("site")
def test_options_that_do_not_go_together_are_refused(hfaas: Hfaas, arguments: tuple[str, ...]) -> None:
    assert hfaas("invoke", OPEN, *arguments)[0] == 2


@pytest.mark.usefixtures("site")
def test_a_direct_invoke_needs_no_url(hfaas: Hfaas) -> None:
    code, out, _ = hfaas("invoke", BARE, "--event", '{"a": 1}')

    assert (code, json.loads(out)) == (0, {"a": 1})


def test_only_endpoints_that_ask_for_it_are_signed() -> None:
    assert not Endpoint("f", "function URL", "ANY", "NONE", "http://x").is_signed


@pytest.mark.parametrize(
    ("answer", "job"),
    [
        ({"statusCode": 202, "headers": {"hfaas-job-id": "j"}, "body": "Job delegated to batch."}, "j"),
        ({"statusCode": 200, "headers": {"hfaas-job-id": "j"}}, ""),
        ({"statusCode": 202, "headers": {}}, ""),
        ({"statusCode": 202}, ""),
        ({"statusCode": 202, "headers": "text"}, ""),
        ([202], ""),
        ("202", ""),
        (None, ""),
    ],
)
def test_only_the_answer_of_our_supervisor_names_a_job(answer: Any, job: str) -> None:
    assert delegated_to(answer) == job
