"""Onedata in the template: secrets without values, and a OneTrigger that may do its work and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cfnlint import api as cfnlint

from hfaas_deploy import fdl, references, template
from hfaas_deploy.aws import secret_values
from hfaas_deploy.pipeline import Mode, Pipeline
from hfaas_deploy.template.functions import environment_size
from hfaas_supervisor.job import Job
from hfaas_supervisor.onetrigger import scheduled

GOLDEN = Path(__file__).parent / "golden"
ENVIRON = {
    "HFAAS_TEST_TOKEN": "t0k3n-of-mine",
    "HFAAS_TEST_USER": "us3r-of-mine",
    "HFAAS_TEST_SECRET": "s3cr3t-of-mine",
}
Json = dict[str, Any]


def spaces() -> Pipeline:
    return fdl.read(GOLDEN / "onedata" / "pipeline.yaml")


def render(pipeline: Pipeline) -> Json:
    resources: Json = json.loads(template.render(pipeline).body)["Resources"]
    return resources


@pytest.fixture(name="made", scope="module")
def resources_of_both() -> Json:
    return render(spaces())


def with_space(space: str) -> Pipeline:
    """Its second function alone, in another Space."""
    spread = spaces().functions[1]
    providers = tuple(
        replace(one, settings={**one.settings, "space": space}) if one.kind == "onedata" else one
        for one in spread.providers
    )
    return replace(spaces(), functions=(replace(spread, providers=providers),))


def variables(made: Json, function: str) -> Json:
    found: Json = made[function]["Properties"]["Environment"]["Variables"]
    return found


def settings(made: Json, watcher: str) -> Json:
    """The settings of a OneTrigger as CloudFormation fills them in."""
    text = variables(made, watcher)["HFAAS_ONETRIGGER"]["Fn::Base64"]["Fn::Sub"]
    filled = text.replace("${AWS::AccountId}", "111122223333").replace("${AWS::Region}", "eu-central-1")
    for name in made:
        filled = filled.replace(f"${{{name}.Arn}}", f"arn of {name}")
    found: Json = json.loads(filled.replace("${!", "${"))
    return found


def rights(made: Json, role: str) -> dict[str, Any]:
    """What a role may do: action -> resource."""
    (policy,) = made[role]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    return {action: one["Resource"] for one in statements for action in one["Action"]}


def of_type(made: Json, kind: str) -> Iterator[Json]:
    return (one["Properties"] for one in made.values() if one["Type"] == kind)


def test_a_pipeline_without_such_storage_has_nothing_of_it() -> None:
    made = render(fdl.read(GOLDEN / "films" / "pipeline.yaml"))

    assert not [name for name, one in made.items() if "Secret" in one["Type"] or "Scheduler" in one["Type"]]


def test_secrets_are_made_empty_and_without_a_name(made: Json) -> None:
    secrets = list(of_type(made, "AWS::SecretsManager::Secret"))

    assert len(secrets) == 4
    assert {key for secret in secrets for key in secret} == {"Description", "Tags"}


def test_no_secret_is_in_the_template_when_all_are_set() -> None:
    ready = references.resolve(spaces(), ENVIRON)

    body = template.render(ready).body

    assert body == template.render(spaces()).body
    assert not [text for text in ENVIRON.values() if text in body]
    assert {text for value in secret_values.values(ready, ENVIRON) for text in value.keys.values()} == set(
        ENVIRON.values()
    )


def test_both_legs_find_the_secrets_of_what_they_reach(made: Json) -> None:
    wanted = {"ONEDATA_SECRET_DATAHUB": {"Ref": "OnedataDatahubSecret"}}
    job = {
        one["Name"]: one["Value"]
        for one in made["AnonymiseJob"]["Properties"]["ContainerProperties"]["Environment"]
    }

    assert variables(made, "AnonymiseFunction").items() >= wanted.items()
    assert job.items() >= wanted.items()
    assert {name: one["Ref"] for name, one in variables(made, "SpreadFunction").items() if "_SECRET_" in name} == {
        "MINIO_SECRET_DEFAULT": "MinioDefaultSecret",
        "ONEDATA_SECRET_DATAHUB": "OnedataDatahubSecret",
        "S3_SECRET_PARTNER": "S3PartnerSecret",
        "WEBDAV_SECRET_DCACHE": "WebdavDcacheSecret",
    }


def test_each_role_reads_the_secrets_of_its_own_storage_only(made: Json) -> None:
    read = "secretsmanager:GetSecretValue"
    datahub = {"Ref": "OnedataDatahubSecret"}

    assert [rights(made, f"Anonymise{role}")[read] for role in ("Role", "Worker", "OnetriggerRole")] == [
        datahub
    ] * 3
    assert [one["Ref"] for one in rights(made, "SpreadRole")[read]] == [
        "MinioDefaultSecret",
        "OnedataDatahubSecret",
        "S3PartnerSecret",
        "WebdavDcacheSecret",
    ]


def test_where_lambda_runs_no_script_it_reads_no_secret() -> None:
    anonymise = replace(spaces().functions[0], mode=Mode.BATCH)

    made = render(replace(spaces(), functions=(anonymise,)))

    assert "ONEDATA_SECRET_DATAHUB" in variables(made, "AnonymiseFunction")
    assert "secretsmanager:GetSecretValue" not in rights(made, "AnonymiseRole")
    assert "secretsmanager:GetSecretValue" in rights(made, "AnonymiseWorker")


def test_the_job_document_tells_what_may_be_told(made: Json) -> None:
    job = Job.decode(variables(made, "SpreadFunction")["FUNCTION_CONFIG"])

    assert job.storage_providers == {
        "minio": {"default": {"endpoint": "https://minio.example.org:9000", "verify": False}},
        "onedata": {"datahub": {"oneprovider_host": "provider.example.org", "space": "blurry faces"}},
        "s3": {"partner": {"region": "eu-west-1"}},
        "webdav": {"dcache": {"hostname": "dcache.example.org/data"}},
    }
    assert (job.outputs[2].provider, job.outputs[2].path) == ("webdav.dcache", "/")


def test_each_onedata_input_has_a_onetrigger_with_the_functions_own_image(made: Json) -> None:
    watchers = [one for one in of_type(made, "AWS::Lambda::Function") if "HFAAS_ONETRIGGER" in str(one)]

    assert {one["FunctionName"]: (one["Code"]["ImageUri"]["Ref"], *one["Architectures"]) for one in watchers} == {
        "anonymise-onetrigger": ("AnonymiseImage", "x86_64"),
        "anonymise-onetrigger-2": ("AnonymiseImage", "x86_64"),
        "spread-onetrigger": ("SpreadImage", "arm64"),
    }
    assert {(one["MemorySize"], one["Timeout"], one["ReservedConcurrentExecutions"]) for one in watchers} == {
        (256, 60, 1)
    }


def test_a_onetrigger_knows_the_folder_the_function_and_its_state(made: Json) -> None:
    assert settings(made, "AnonymiseOnetriggerFunction") == {
        "provider": "datahub",
        "oneprovider_host": "provider.example.org",
        "space": "blurry faces",
        "folder": "raw",
        "function": "arn of AnonymiseFunction",
        "state": "s3://hfaas-artifacts-111122223333-eu-central-1/onetrigger/spaces/anonymise-onetrigger.json",
    }


def test_names_need_no_more_room_than_they_have() -> None:
    """They are part of Lambda's 4 KB."""
    function = spaces().functions[1]
    source = replace(function.inputs[0], path="ü" * 100)

    made = render(replace(spaces(), functions=(replace(function, inputs=(source,)),)))

    text = variables(made, "SpreadOnetriggerFunction")["HFAAS_ONETRIGGER"]["Fn::Base64"]["Fn::Sub"]
    assert "ü" * 100 in text


def test_the_supervisor_knows_every_setting(made: Json) -> None:
    watchers = [name for name in made if "Onetrigger" in name and name.endswith("Function")]

    for name in watchers:
        assert set(scheduled.NEEDED) <= set(settings(made, name)) <= set(scheduled.NAMES)
    assert any(settings(made, name).get("suffix") == [".avi"] for name in watchers)


def test_what_looks_like_a_variable_of_cloudformation_stays_what_the_user_wrote() -> None:
    made = render(with_space('${AWS::AccountId} "quoted"'))

    text = variables(made, "SpreadOnetriggerFunction")["HFAAS_ONETRIGGER"]["Fn::Base64"]["Fn::Sub"]
    assert json.loads(text)["space"] == '${!AWS::AccountId} "quoted"'


@pytest.mark.parametrize(
    ("space", "tagged"), [("blurry faces", True), ("Größe/1", True), ("old (2)", False), ("x" * 257, False)]
)
def test_the_space_is_a_tag_where_aws_can_have_such_a_tag(space: str, tagged: bool) -> None:
    tags = render(with_space(space))["SpreadOnetriggerFunction"]["Properties"]["Tags"]

    assert ({"Key": "hfaas:onedata-space", "Value": space} in tags) is tagged
    assert {"Key": "team", "Value": "video"} in tags


def test_a_onetrigger_may_do_its_work_and_nothing_else(made: Json) -> None:
    artifacts = "arn:${AWS::Partition}:s3:::hfaas-artifacts-${AWS::AccountId}-${AWS::Region}"
    state = {"Fn::Sub": f"{artifacts}/onetrigger/spaces/spread-onetrigger.json"}
    log = {"Fn::GetAtt": ["SpreadOnetriggerLogs", "Arn"]}

    assert rights(made, "SpreadOnetriggerRole") == {
        "logs:CreateLogStream": log,
        "logs:PutLogEvents": log,
        "secretsmanager:GetSecretValue": {"Ref": "OnedataDatahubSecret"},
        "s3:GetObject": state,
        "s3:PutObject": state,
        "s3:ListBucket": {"Fn::Sub": artifacts},
        "lambda:InvokeFunction": {"Fn::GetAtt": ["SpreadFunction", "Arn"]},
    }


@pytest.mark.parametrize(("minutes", "rate"), [(1, "rate(1 minute)"), (5, "rate(5 minutes)")])
def test_it_polls_as_often_as_asked(minutes: int, rate: str) -> None:
    """`rate(1 minutes)` is refused by AWS and found by no lint."""
    made = render(replace(spaces(), poll=minutes))

    assert {one["ScheduleExpression"] for one in of_type(made, "AWS::Scheduler::Schedule")} == {rate}


def test_the_schedules_may_call_the_onetriggers_only(made: Json) -> None:
    arns = rights(made, "SchedulerRights")["lambda:InvokeFunction"]
    called = [one["Target"]["Arn"] for one in of_type(made, "AWS::Scheduler::Schedule")]
    watchers = {name for name in made if "Onetrigger" in name and name.endswith("Function")}

    assert {one["Fn::GetAtt"][0] for one in arns} == watchers
    assert {one["Fn::GetAtt"][0] for one in called} == watchers


def test_a_poll_that_failed_is_not_repeated_because_the_next_one_comes(made: Json) -> None:
    retries = made["SpreadOnetriggerRetries"]["Properties"]
    (schedule,) = [one for name, one in made.items() if name == "SpreadOnetriggerSchedule"]

    assert (retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]) == (0, 60)
    assert schedule["Properties"]["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0


def test_secrets_count_in_the_size_of_the_environment() -> None:
    anonymise = spaces().functions[0]

    assert environment_size(anonymise) > environment_size(replace(anonymise, providers=())) + 200


def _unknown_property(made: Json) -> None:
    made["SpreadOnetriggerSchedule"]["Properties"]["Rate"] = 1


def _no_window(made: Json) -> None:
    del made["SpreadOnetriggerSchedule"]["Properties"]["FlexibleTimeWindow"]


def _lost_secret(made: Json) -> None:
    del made["WebdavDcacheSecret"]


def _no_such_action(made: Json) -> None:
    statements = made["SpreadOnetriggerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    statements[1]["Action"] = ["secretsmanager:ReadSecret"]


MUTATIONS = {"E3002": _unknown_property, "E3003": _no_window, "E1020": _lost_secret, "W3037": _no_such_action}


@pytest.mark.slow
def test_the_lint_sees_each_of_several_mutations() -> None:
    document = json.loads(template.render(spaces()).body)
    for mutate in MUTATIONS.values():
        mutate(document["Resources"])

    found = [
        f"{match.rule.id} {match.message}" for match in cfnlint.lint(json.dumps(document), regions=["us-east-1"])
    ]

    assert {rule for rule in MUTATIONS if not any(rule in text for text in found)} == set(), found
