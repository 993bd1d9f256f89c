"""The rendered template: golden copies, order of creation, least privilege; mutations are in test_proof.py.

`UPDATE_GOLDEN=1 pytest tests/deploy/test_template.py` writes the golden copies anew; read the diff.
"""

from __future__ import annotations

import base64
import graphlib
import inspect
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import checks, fdl, names, steps, template
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import TemplateTooLarge
from hfaas_deploy.findings import errors
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.template import file_systems
from hfaas_supervisor.job import Input, Job, Output

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = Path(__file__).parents[2] / "samples"
Json = dict[str, Any]

HERE = {path.parent.name: path for path in sorted(GOLDEN.glob("*/pipeline.yaml"))}
SAMPLED = {
    f"sample-{path.parent.name}{path.stem.removeprefix('pipeline')}": path
    for path in sorted(SAMPLES.glob("*/pipeline*.yaml"))
}
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
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(pretty)

    assert golden.read_text() == pretty


def test_the_pipeline_has_no_errors(pipeline: Pipeline) -> None:
    assert errors(checks.check(pipeline)) == []


def test_rendering_twice_gives_the_same_bytes(pipeline: Pipeline) -> None:
    assert template.render(pipeline) == template.render(pipeline)


def test_the_only_parameters_are_images_file_systems_and_networks(pipeline: Pipeline, document: Json) -> None:
    images = {names.image_parameter(function.name) for function in pipeline.functions}
    mounted = set(file_systems.parameters(pipeline))

    assert list(document["Parameters"]) == sorted(template.render(pipeline).parameters)
    assert images | mounted <= set(document["Parameters"])
    networks = {name: one for name, one in document["Parameters"].items() if name not in images | mounted}
    assert all(one["Type"].startswith("List<AWS::EC2::") for one in networks.values())


def test_a_deploy_gives_every_parameter_a_value_wherever_it_goes(pipeline: Pipeline, document: Json) -> None:
    """Nothing but these values differs between a rehearsal and AWS: the renderer does not know where it is for."""
    images = steps.parameters({function.name: "image" for function in pipeline.functions})
    places = [Target.local("http://127.0.0.1:1"), Target("https://x", "eu-west-1", "111122223333", ("a",), ("b",))]

    for place in places:
        assert {*images, *steps.network(pipeline, place)} == set(document["Parameters"])
    assert list(inspect.signature(template.render).parameters) == ["pipeline"]


def test_no_account_and_no_region_is_written_down(document: Json) -> None:
    for text in texts({**document, "Description": ""}):
        assert not re.search(
            r"(?<![a-z0-9-])(us|eu|ap|sa)-[a-z]+-[0-9](?![a-z0-9])|(?<![0-9a-f])[0-9]{12}(?![0-9a-f])", text
        )
        assert not re.search(r"\b(subnet|sg|fs|fsap)-[0-9a-f]{8}", text)


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


def test_resources_are_made_one_after_the_other_in_an_order_that_aws_takes(document: Json) -> None:
    made = document["Resources"]
    order = list(graphlib.TopologicalSorter({name: needs(one, made) for name, one in made.items()}).static_order())
    at = {name: index for index, name in enumerate(order)}

    assert set(order) == set(made)
    for name, one in made.items():
        kind, after = (
            one["Type"].removeprefix("AWS::"),
            {made[n]["Type"].removeprefix("AWS::") for n in needs(one, made)},
        )
        assert after >= FIRST.get(kind, set()), name
        assert all(at[need] < at[name] for need in needs(one, made))
    for name, bucket in resources(document, "AWS::S3::Bucket").items():
        for entry in bucket.get("NotificationConfiguration", {}).get("LambdaConfigurations", []):
            assert at[entry["Function"]["Fn::GetAtt"][0]] < at[name]


FIRST = {
    "Lambda::Function": {"IAM::Role", "Logs::LogGroup"},
    "Lambda::Permission": {"Lambda::Function"},
    "Batch::JobQueue": {"Batch::ComputeEnvironment"},
    "Batch::JobDefinition": {"IAM::Role", "Logs::LogGroup"},
    "Events::Rule": {"SQS::Queue", "Batch::JobQueue"},
    "SQS::QueuePolicy": {"SQS::Queue", "Events::Rule"},
    "Scheduler::Schedule": {"Lambda::Function", "IAM::Role"},
    "ApiGatewayV2::Route": {"ApiGatewayV2::Api", "ApiGatewayV2::Integration"},
}
"""What must be there before a resource of a type is made."""


def needs(resource: Json, made: Json) -> set[str]:
    """The resources that one mentions."""
    words = {word for text in texts(resource) for word in re.findall(r"[A-Za-z0-9]+", text)}
    return (words | set(resource.get("DependsOn", []))) & set(made)


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
    assert document["Outputs"]["ExistingBuckets"] == {"Value": "archive"}
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


def test_the_job_document_is_base64_of_json() -> None:
    document = json.loads(template.render(films()).body)
    text = document["Resources"]["FacesFunction"]["Properties"]["Environment"]["Variables"]["FUNCTION_CONFIG"]

    assert json.loads(base64.b64decode(text))["name"] == "faces"
