"""The rendered template: golden copies, cfn-lint, least privilege, and what a mutation must not survive.

`HFAAS_GOLDEN=write pytest tests/deploy/test_template.py` writes the golden copies anew; read the diff.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cfnlint import api as cfnlint

from hfaas_deploy import checks, fdl, names, template
from hfaas_deploy.errors import TemplateTooLarge
from hfaas_deploy.findings import errors
from hfaas_deploy.pipeline import Pipeline
from hfaas_supervisor.job import Input, Job, Output

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = Path(__file__).parents[2] / "samples"
REGIONS = ["us-east-1", "eu-central-1"]
Json = dict[str, Any]

HERE = {path.parent.name: path for path in sorted(GOLDEN.glob("*/pipeline.yaml"))}
SAMPLED = {f"sample-{path.parent.name}": path for path in sorted(SAMPLES.glob("*/pipeline.yaml"))}
PIPELINES = HERE | SAMPLED


@pytest.fixture(params=PIPELINES, name="case")
def each_case(request: pytest.FixtureRequest) -> tuple[str, Pipeline]:
    return request.param, fdl.read(PIPELINES[request.param])


@pytest.fixture
def pipeline(case: tuple[str, Pipeline]) -> Pipeline:
    return case[1]


@pytest.fixture
def document(pipeline: Pipeline) -> Json:
    rendered: Json = json.loads(template.render(pipeline).body)
    return rendered


def films() -> Pipeline:
    return fdl.read(HERE["films"])


def lint(document: Json) -> list[str]:
    found = cfnlint.lint(json.dumps(document), regions=REGIONS)
    return [f"{match.rule.id} {match.message}" for match in found]


def resources(document: Json, kind: str) -> dict[str, Json]:
    return {name: one["Properties"] for name, one in document["Resources"].items() if one["Type"] == kind}


def statements(document: Json) -> Iterator[Json]:
    for role in resources(document, "AWS::IAM::Role").values():
        for policy in role.get("Policies", ()):
            yield from policy["PolicyDocument"]["Statement"]


def job_of(document: Json, function: str) -> Job:
    variables = document["Resources"][function]["Properties"]["Environment"]["Variables"]
    return Job.decode(variables["FUNCTION_CONFIG"])


def texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for one in value.values():
                yield from texts(one)
        case list():
            for one in value:
                yield from texts(one)
        case str():
            yield value


def test_the_template_is_the_golden_one(case: tuple[str, Pipeline]) -> None:
    name, pipeline = case
    golden = GOLDEN / f"{name}.json"
    pretty = json.dumps(json.loads(template.render(pipeline).body), indent=1, sort_keys=True) + "\n"
    if os.environ.get("HFAAS_GOLDEN") == "write":
        golden.write_text(pretty)

    assert golden.read_text() == pretty


def test_the_pipeline_has_no_errors(pipeline: Pipeline) -> None:
    assert errors(checks.check(pipeline)) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "everything" else pytest.mark.slow)
        for name in PIPELINES
        if "hello" not in name and name != "films"
    ],
)
def test_cfn_lint_finds_nothing_in_two_regions(name: str) -> None:
    """A lint takes a second, and the smallest pipelines hold nothing that the others lack."""
    assert lint(json.loads(template.render(fdl.read(PIPELINES[name])).body)) == []


def test_rendering_twice_gives_the_same_bytes(pipeline: Pipeline) -> None:
    assert template.render(pipeline) == template.render(pipeline)


def test_the_only_parameters_are_images_and_where_jobs_run(pipeline: Pipeline, document: Json) -> None:
    network = {"Subnets", "SecurityGroups"} if pipeline.has_jobs else set()

    assert list(document["Parameters"]) == sorted(template.render(pipeline).parameters)
    assert {name for name in document["Parameters"] if not name.endswith("Image")} == network
    assert len(document["Parameters"]) == len(pipeline.functions) + len(network)


def test_no_account_and_no_region_is_written_down(document: Json) -> None:
    for text in texts({**document, "Description": ""}):
        assert "us-east-1" not in text
        assert "000000000000" not in text


def test_no_role_may_do_everything_or_touch_everything(document: Json) -> None:
    for statement in statements(document):
        assert not any("*" in action for action in statement["Action"])
        for text in texts(statement["Resource"]):
            assert text != "*"
            assert not text.startswith("arn:${AWS::Partition}:s3:::*")


def test_each_permission_of_s3_names_its_bucket_and_the_account(document: Json) -> None:
    for permission in resources(document, "AWS::Lambda::Permission").values():
        if permission["Principal"] != "s3.amazonaws.com":
            continue
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
        assert permission["SourceArn"]["Fn::Sub"].startswith("arn:${AWS::Partition}:s3:::")


def test_a_bucket_with_notifications_waits_for_their_permissions(document: Json) -> None:
    for resource in document["Resources"].values():
        if "NotificationConfiguration" in resource["Properties"]:
            assert resource["DependsOn"]
            assert {document["Resources"][name]["Type"] for name in resource["DependsOn"]} == {
                "AWS::Lambda::Permission"
            }


def test_nothing_depends_on_a_bucket(document: Json) -> None:
    """Otherwise bucket, permission and function would wait for each other."""
    buckets = resources(document, "AWS::S3::Bucket")
    for name, resource in document["Resources"].items():
        assert not set(resource.get("DependsOn", [])) & set(buckets), name
        assert not set(texts(resource["Properties"])) & set(buckets), name


def test_buckets_outlive_the_stack_except_when_it_never_came_up(document: Json) -> None:
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::S3::Bucket":
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


def test_failed_events_of_every_function_go_to_the_dead_letters(pipeline: Pipeline, document: Json) -> None:
    configs = resources(document, "AWS::Lambda::EventInvokeConfig")

    assert all(
        configs[names.logical(function.name, "Retries")]["DestinationConfig"]["OnFailure"]["Destination"]
        == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
        for function in pipeline.functions
    )


def test_the_job_document_says_what_the_fdl_says() -> None:
    document = json.loads(template.render(films()).body)

    job = job_of(document, "SplitFunction")

    assert job.name == "split"
    assert job.inputs == (Input("s3", "films/in", (".avi", ".mp4")),)
    assert job.outputs == (Output("s3", "films/frames", (), (".jpg",)),)
    assert not job.invoke_script


def test_one_suffix_makes_one_notification() -> None:
    document = json.loads(template.render(films()).body)

    (bucket,) = resources(document, "AWS::S3::Bucket").values()

    filters = [
        entry["Filter"]["S3Key"]["Rules"] for entry in bucket["NotificationConfiguration"]["LambdaConfigurations"]
    ]
    assert [[rule["Value"] for rule in rules] for rules in filters] == [
        ["in/", ".avi"],
        ["in/", ".mp4"],
        ["frames/"],
    ]


def test_an_existing_bucket_is_no_resource_but_may_be_written() -> None:
    document = json.loads(template.render(fdl.read(HERE["everything"])).body)

    names = [bucket["BucketName"] for bucket in resources(document, "AWS::S3::Bucket").values()]
    assert sorted(names) == ["results", "source-one", "source.two"]
    assert any(
        "archive/done/*" in text for statement in statements(document) for text in texts(statement["Resource"])
    )


def test_results_of_failed_scripts_may_be_kept_beside_the_output() -> None:
    document = json.loads(template.render(fdl.read(HERE["everything"])).body)

    allowed = [text for statement in statements(document) for text in texts(statement["Resource"])]
    assert "arn:${AWS::Partition}:s3:::results/all.failed/*" in allowed


def test_a_change_of_the_pipeline_changes_the_fingerprint() -> None:
    split, faces = films().functions
    changed = replace(films(), functions=(replace(split, memory=2048), faces))

    assert template.render(changed).sha256 != template.render(films()).sha256


def many(count: int) -> Pipeline:
    split = films().functions[0]
    return replace(films(), functions=tuple(replace(split, name=f"split-n{number}") for number in range(count)))


def test_a_large_template_needs_a_bucket() -> None:
    assert not template.render(films()).needs_bucket
    assert template.render(many(40)).needs_bucket


def test_too_many_functions_do_not_fit_into_one_template() -> None:
    with pytest.raises(TemplateTooLarge, match="602 resources; CloudFormation takes 500"):
        template.render(many(120))


def _outlive_900(document: Json) -> None:
    document["Resources"]["SplitFunction"]["Properties"]["Timeout"] = 2000


def _odd_retention(document: Json) -> None:
    document["Resources"]["SplitLogs"]["Properties"]["RetentionInDays"] = 31


def _handler(document: Json) -> None:
    document["Resources"]["SplitFunction"]["Properties"]["Handler"] = "x.y"


def _unknown_property(document: Json) -> None:
    document["Resources"]["SplitFunction"]["Properties"]["Memory"] = 512


def _lost_role(document: Json) -> None:
    del document["Resources"]["FacesRole"]


def _capital_bucket(document: Json) -> None:
    document["Resources"]["FilmsBucket"]["Properties"]["BucketName"] = "Films"


def _no_such_action(document: Json) -> None:
    role = document["Resources"]["SplitRole"]["Properties"]
    role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["logs:WriteDown"]


MUTATIONS = {
    "E3717": _outlive_900,
    "E3030": _odd_retention,
    "E3685": _handler,
    "E3002": _unknown_property,
    "E3031": _capital_bucket,
    "W3037": _no_such_action,
    "E1010": _lost_role,
}


@pytest.mark.slow
def test_the_lint_sees_each_of_several_mutations() -> None:
    """One run for all: a lint takes a second."""
    document = json.loads(template.render(films()).body)
    for mutate in MUTATIONS.values():
        mutate(document)

    found = lint(document)

    assert {rule for rule in MUTATIONS if not any(rule in text for text in found)} == set(), found


def test_the_job_document_is_base64_of_json() -> None:
    document = json.loads(template.render(films()).body)
    text = document["Resources"]["FacesFunction"]["Properties"]["Environment"]["Variables"]["FUNCTION_CONFIG"]

    assert json.loads(base64.b64decode(text))["name"] == "faces"
