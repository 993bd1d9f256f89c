"""Endpoints in the template: routes, who may call them, and their URLs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cfnlint import api as cfnlint

from hfaas_deploy import fdl, template
from hfaas_deploy.pipeline import HttpApi, Pipeline
from hfaas_deploy.template import http
from hfaas_deploy.template.http import Access, Url

ENDPOINTS = Path(__file__).parent / "golden" / "http" / "pipeline.yaml"
Json = dict[str, Any]


def endpoints() -> Pipeline:
    return fdl.read(ENDPOINTS)


@pytest.fixture(name="document", scope="module")
def whole_document() -> Json:
    rendered: Json = json.loads(template.render(endpoints()).body)
    return rendered


@pytest.fixture(name="made")
def resources_of_all(document: Json) -> Json:
    found: Json = document["Resources"]
    return found


def with_api(api: HttpApi) -> Json:
    function = replace(endpoints().functions[0], api=api)
    rendered: Json = json.loads(template.render(replace(endpoints(), functions=(function,))).body)
    return rendered


def permissions(made: Json, function: str) -> dict[str, Json]:
    found = {name: one["Properties"] for name, one in made.items() if one["Type"] == "AWS::Lambda::Permission"}
    return {name: one for name, one in found.items() if one["FunctionName"] == {"Ref": f"{function}Function"}}


def test_an_api_hands_over_the_events_that_scars_functions_know(made: Json) -> None:
    assert made["ClassifyIntegration"]["Properties"] == {
        "ApiId": {"Ref": "ClassifyApi"},
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": {"Fn::GetAtt": ["ClassifyFunction", "Arn"]},
        "PayloadFormatVersion": "1.0",
    }


@pytest.mark.parametrize(
    ("function", "route", "authorisation"),
    [("Classify", "ANY /{proxy+}", "AWS_IAM"), ("Grey", "POST /pictures/{id}", "NONE")],
)
def test_a_route_is_open_only_where_that_is_asked_for(
    made: Json, function: str, route: str, authorisation: str
) -> None:
    properties = made[f"{function}Route"]["Properties"]

    assert (properties["RouteKey"], properties["AuthorizationType"]) == (route, authorisation)
    assert properties["Target"] == {"Fn::Join": ["/", ["integrations", {"Ref": f"{function}Integration"}]]}


def test_a_stage_deploys_by_itself(made: Json) -> None:
    stage = made["GreyStage"]["Properties"]

    assert (stage["StageName"], stage["AutoDeploy"]) == ("v1", True)


def test_only_its_own_api_may_invoke_a_function(made: Json) -> None:
    (permission,) = permissions(made, "Grey").values()

    assert (permission["Action"], permission["Principal"]) == ("lambda:InvokeFunction", "apigateway.amazonaws.com")
    assert permission["SourceArn"] == {
        "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${GreyApi}/v1/*"
    }


def test_a_public_url_has_both_permissions(made: Json) -> None:
    assert made["HelloUrl"]["Properties"]["AuthType"] == "NONE"
    assert {
        name: set(one.items()) - {("Principal", "*")} for name, one in _plain(permissions(made, "Hello")).items()
    } == {
        "HelloUrlAccess": {("Action", "lambda:InvokeFunctionUrl"), ("FunctionUrlAuthType", "NONE")},
        "HelloUrlInvoke": {("Action", "lambda:InvokeFunction"), ("InvokedViaFunctionUrl", True)},
    }


def _plain(found: dict[str, Json]) -> dict[str, Json]:
    return {name: {key: one[key] for key in one if key != "FunctionName"} for name, one in found.items()}


def test_a_url_for_signed_requests_is_open_to_nobody_else(made: Json) -> None:
    assert made["ClassifyUrl"]["Properties"]["AuthType"] == "AWS_IAM"
    assert list(permissions(made, "Classify")) == ["ClassifyApiAccess"]


def test_nothing_is_public_that_is_not_asked_for() -> None:
    quiet = replace(endpoints(), functions=endpoints().functions[:1])

    assert "NONE" not in template.render(quiet).body
    assert '"*"' not in template.render(quiet).body


@pytest.mark.parametrize(
    ("api", "url"),
    [
        (HttpApi("x"), "${ClassifyApi.ApiEndpoint}/scar/launch"),
        (HttpApi("x", "v1", "a/{id}/{rest+}"), "${ClassifyApi.ApiEndpoint}/v1/a/{id}/launch"),
        (HttpApi("x", "$default", "a"), "${ClassifyApi.ApiEndpoint}/a"),
    ],
)
def test_the_url_of_an_api_is_an_output(api: HttpApi, url: str) -> None:
    assert with_api(api)["Outputs"]["ClassifyApi"] == {"Value": {"Fn::Sub": url}}


def test_urls_are_told_with_who_may_call_them() -> None:
    outputs = {"ClassifyApi": "https://a/scar/launch", "ClassifyUrl": "https://u/", "GreyApi": "https://b/v1/p"}

    assert list(http.urls(endpoints(), outputs)) == [
        Url("classify", "https://a/scar/launch", Access.SIGNED, "ANY"),
        Url("classify", "https://u/", Access.SIGNED),
        Url("grey", "https://b/v1/p", Access.PUBLIC, "POST"),
    ]


def _no_truth(made: Json) -> None:
    made["GreyStage"]["Properties"]["AutoDeploy"] = "always"


def _unknown_property(made: Json) -> None:
    made["GreyIntegration"]["Properties"]["Payload"] = "1.0"


def _no_such_authorisation(made: Json) -> None:
    made["HelloUrl"]["Properties"]["AuthType"] = "PUBLIC"


def _lost_integration(made: Json) -> None:
    del made["ClassifyIntegration"]


MUTATIONS = {
    "E3012": _no_truth,
    "E3002": _unknown_property,
    "E3030 'PUBLIC'": _no_such_authorisation,
    "E1020": _lost_integration,
}


@pytest.mark.slow
def test_the_lint_sees_each_of_several_mutations() -> None:
    document = json.loads(template.render(endpoints()).body)
    for mutate in MUTATIONS.values():
        mutate(document["Resources"])

    found = [
        f"{match.rule.id} {match.message}" for match in cfnlint.lint(json.dumps(document), regions=["us-east-1"])
    ]

    assert {rule for rule in MUTATIONS if not any(rule in text for text in found)} == set(), found
