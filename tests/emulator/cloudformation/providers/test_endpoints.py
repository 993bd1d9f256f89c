"""What is reached over HTTP, at a time, or in secret: one row for each type, as in `test_types`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.emulator.cloudformation import templates as t
from tests.emulator.cloudformation.providers import test_types
from tests.emulator.cloudformation.providers.test_types import FUNCTION, Row, template

from hfaas_emulator.cloudformation.providers import TYPES

API = t.resource("AWS::ApiGatewayV2::Api", {"Name": "a", "ProtocolType": "HTTP"})
INTEGRATION = {"ApiId": t.ref("Api"), "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"}
TARGET = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": t.att("Role")}


def schedule(**more: Any) -> dict[str, Any]:
    first = {"ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": TARGET}
    return {**first, **more}


def described_schedule(aws: Any, name: str) -> Any:
    found = aws("scheduler").get_schedule(Name=name)
    return found["ScheduleExpression"], found["State"], found["Target"].get("Input", "")


def tags_of_group(aws: Any, name: str) -> Any:
    arn = aws("scheduler").get_schedule_group(Name=name)["Arn"]
    return aws("scheduler").list_tags_for_resource(ResourceArn=arn)["Tags"]


def url(aws: Any, arn: str) -> Any:
    found = aws("lambda").get_function_url_config(FunctionName=arn)
    return found["AuthType"], found.get("Cors", {}).get("AllowOrigins")


def api(aws: Any, id: str) -> Any:
    found = aws("apigatewayv2").get_api(ApiId=id)
    return found["Name"], found.get("CorsConfiguration", {}).get("AllowOrigins"), found["Tags"]


def only(what: str, *keys: str) -> Any:
    def look(aws: Any, _: str) -> Any:
        client = aws("apigatewayv2")
        (one,) = getattr(client, f"get_{what}")(ApiId=client.get_apis()["Items"][0]["ApiId"])["Items"]
        return tuple(one.get(key) for key in keys)

    return look


def secret(aws: Any, arn: str) -> Any:
    found = aws("secretsmanager").describe_secret(SecretId=arn)
    return found.get("Description"), found.get("VersionIdsToStages", {}) != {}, found["Tags"]


ROWS = {
    "schedule": Row(
        "AWS::Scheduler::Schedule",
        schedule(State="DISABLED"),
        schedule(State="ENABLED", ScheduleExpression="cron(0 8 * * ? *)", Target={**TARGET, "Input": {"a": 1}}),
        described_schedule,
        (("rate(1 minute)", "DISABLED", ""), ("cron(0 8 * * ? *)", "ENABLED", '{"a": 1}')),
        {"Role": FUNCTION["Role"]},
    ),
    "schedule group": Row(
        "AWS::Scheduler::ScheduleGroup",
        {"Tags": [{"Key": "a", "Value": "1"}]},
        {"Tags": [{"Key": "b", "Value": "2"}]},
        tags_of_group,
        ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}]),
    ),
    "function's address": Row(
        "AWS::Lambda::Url",
        {"TargetFunctionArn": t.att("Function"), "AuthType": "AWS_IAM"},
        {"TargetFunctionArn": t.att("Function"), "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"]}},
        url,
        (("AWS_IAM", None), ("NONE", ["*"])),
        FUNCTION,
    ),
    "HTTP API": Row(
        "AWS::ApiGatewayV2::Api",
        {"Name": "a", "ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["*"]}, "Tags": {"a": "1"}},
        {"Name": "b", "ProtocolType": "HTTP", "Tags": {"b": "2"}},
        api,
        (("a", ["*"], {"a": "1"}), ("b", None, {"b": "2"})),
    ),
    "integration": Row(
        "AWS::ApiGatewayV2::Integration",
        {**INTEGRATION, "IntegrationUri": t.att("Function"), "TimeoutInMillis": 1000},
        {**INTEGRATION, "IntegrationUri": t.att("Function"), "Description": "d"},
        only("integrations", "TimeoutInMillis", "Description"),
        ((1000, None), (30_000, "d")),
        {**FUNCTION, "Api": API},
    ),
    "route": Row(
        "AWS::ApiGatewayV2::Route",
        {"ApiId": t.ref("Api"), "RouteKey": "POST /a", "AuthorizationType": "AWS_IAM"},
        {"ApiId": t.ref("Api"), "RouteKey": "$default"},
        only("routes", "RouteKey", "AuthorizationType"),
        (("POST /a", "AWS_IAM"), ("$default", "NONE")),
        {"Api": API},
    ),
    "stage": Row(
        "AWS::ApiGatewayV2::Stage",
        {"ApiId": t.ref("Api"), "StageName": "$default", "AutoDeploy": True},
        {"ApiId": t.ref("Api"), "StageName": "$default", "AutoDeploy": True, "StageVariables": {"a": "1"}},
        only("stages", "StageName", "AutoDeploy", "StageVariables"),
        (("$default", True, {}), ("$default", True, {"a": "1"})),
        {"Api": API},
    ),
    "secret": Row(
        "AWS::SecretsManager::Secret",
        {"Tags": [{"Key": "a", "Value": "1"}]},
        {"Description": "d", "Tags": [{"Key": "b", "Value": "2"}]},
        secret,
        ((None, False, [{"Key": "a", "Value": "1"}]), ("d", False, [{"Key": "b", "Value": "2"}])),
    ),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_type_is_made_changed_in_place_and_removed(cfn: Any, aws: Any, what: str) -> None:
    test_types.makes_changes_and_removes(cfn, aws, ROWS[what])


def test_every_type_has_a_row_or_a_pipeline_or_tests_of_its_own() -> None:
    rest = set(TYPES) - {row.type for row in [*test_types.ROWS.values(), *ROWS.values()]}
    assert {one for one in rest if not one.startswith(("AWS::Batch::", "AWS::ECR::"))} == {
        "AWS::Lambda::Permission"
    }


@pytest.mark.parametrize(
    ("what", "attribute", "said"),
    [
        ("schedule", "Arn", ":schedule/default/mask-Subject-"),
        ("schedule group", "State", "ACTIVE"),
        ("function's address", "FunctionUrl", "://"),
        ("function's address", "FunctionArn", ":function:"),
        ("HTTP API", "ApiEndpoint", ".execute-api."),
        ("secret", "Id", ":secret:mask-Subject-"),
    ],
)
def test_a_type_says_what_templates_ask_for(cfn: Any, what: str, attribute: str, said: str) -> None:
    row = ROWS[what]
    body = json.loads(template(row, row.first))
    body["Outputs"] = {"Said": {"Value": t.att("Subject", attribute)}}
    made = cfn.create("mask", json.dumps(body))
    assert said in made["Outputs"][0]["OutputValue"]


def secret_stack(**properties: Any) -> str:
    made = t.resource("AWS::SecretsManager::Secret", properties)
    return t.body({"Secret": made}, Outputs={"Arn": {"Value": t.ref("Secret")}})


def value_of(aws: Any, stack: Any) -> str:
    arn = stack["Outputs"][0]["OutputValue"]
    return str(aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])


def test_a_value_that_somebody_put_into_a_secret_outlives_updates(cfn: Any, aws: Any) -> None:
    made = cfn.create("mask", secret_stack())
    aws("secretsmanager").put_secret_value(SecretId=made["Outputs"][0]["OutputValue"], SecretString="token")
    assert value_of(aws, cfn.update("mask", secret_stack(Description="d"))) == "token"


def test_a_secret_can_be_made_up(cfn: Any, aws: Any) -> None:
    wish = {"SecretStringTemplate": '{"user": "u"}', "GenerateStringKey": "password", "PasswordLength": 20}
    value = json.loads(value_of(aws, cfn.create("mask", secret_stack(GenerateSecretString=wish))))
    assert (value["user"], len(value["password"])) == ("u", 20)


def test_the_name_of_a_deleted_secret_is_free(cfn: Any) -> None:
    cfn.create("mask", secret_stack(Name="token"))
    cfn.delete("mask")
    assert cfn.create("mask", secret_stack(Name="token"))["StackStatus"] == "CREATE_COMPLETE"


def test_a_function_keeps_the_address_it_has(cfn: Any, aws: Any) -> None:
    second = t.resource("AWS::Lambda::Url", ROWS["function's address"].first, DependsOn="Subject")
    body = json.loads(template(ROWS["function's address"], ROWS["function's address"].first))
    body["Resources"]["Second"] = second
    cfn.create("mask", json.dumps(body))
    assert "AWS::Lambda::Url" in next(
        why for _, status, why in cfn.events("mask", "Second") if status.endswith("FAILED")
    )


def test_a_schedule_does_not_move_to_another_group(cfn: Any, aws: Any) -> None:
    aws("scheduler").create_schedule_group(Name="others")
    row = ROWS["schedule"]
    cfn.create("mask", template(row, schedule()))
    cfn.update("mask", template(row, schedule(GroupName="others")))
    failed = [why for _, status, why in cfn.events("mask", "Subject") if status == "UPDATE_FAILED"]
    assert "cannot move to another group" in failed[0]
