"""What Batch gets: machines, queue, definition, roles, and the way of failed jobs to the dead letters."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cfnlint import api as cfnlint

from hfaas_deploy import fdl, template
from hfaas_deploy.pipeline import Batch, ComputeResources, Function, Machines, MultiNode, Pipeline
from hfaas_deploy.template.functions import environment_size, job
from hfaas_supervisor.job import Job

JOBS = Path(__file__).parent / "golden" / "jobs" / "pipeline.yaml"
FILMS = Path(__file__).parent / "golden" / "films" / "pipeline.yaml"
Json = dict[str, Any]


def jobs() -> Pipeline:
    return fdl.read(JOBS)


def render(pipeline: Pipeline) -> Json:
    resources: Json = json.loads(template.render(pipeline).body)["Resources"]
    return resources


@pytest.fixture(name="made", scope="module")
def resources_of_all_three() -> Json:
    return render(jobs())


def with_batch(batch: Batch, **more: Any) -> Json:
    """The resources of the first function alone, with other jobs."""
    function = replace(jobs().functions[0], batch=batch, **more)
    return render(replace(jobs(), functions=(function,)))


def container(made: Json, job: str) -> Json:
    properties: Json = made[job]["Properties"]["ContainerProperties"]
    return properties


def needs(properties: Json) -> dict[str, str]:
    return {one["Type"]: one["Value"] for one in properties["ResourceRequirements"]}


def environment(properties: Json) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in properties["Environment"]}


def allowed(made: Json, role: str, action: str) -> list[str]:
    """What a role may do with `action`, as text."""
    statements = made[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    found = [one["Resource"] for one in statements if action in one["Action"]]
    return [
        json.dumps(one) for resource in found for one in (resource if isinstance(resource, list) else [resource])
    ]


def test_a_pipeline_without_jobs_has_nothing_of_batch() -> None:
    assert not [name for name, one in render(fdl.read(FILMS)).items() if "Batch" in one["Type"]]


def test_fargate_gets_nothing_that_only_instances_have(made: Json) -> None:
    assert made["ConvertCompute"]["Properties"]["ComputeResources"] == {
        "Type": "FARGATE_SPOT",
        "MaxvCpus": 2,
        "Subnets": {"Ref": "Subnets"},
        "SecurityGroupIds": {"Ref": "SecurityGroups"},
    }


def test_jobs_on_fargate_may_fetch_their_image(made: Json) -> None:
    properties = container(made, "ConvertJob")

    assert made["ConvertJob"]["Properties"]["PlatformCapabilities"] == ["FARGATE"]
    assert properties["ExecutionRoleArn"] == {"Fn::GetAtt": ["JobStarterRights", "Arn"]}
    assert properties["NetworkConfiguration"] == {"AssignPublicIp": "ENABLED"}
    assert needs(properties) == {"VCPU": "1", "MEMORY": "2048"}


def test_a_gpu_means_instances_with_the_image_for_gpus(made: Json) -> None:
    compute = made["DetectCompute"]["Properties"]["ComputeResources"]

    assert compute["Type"] == "SPOT"
    assert compute["AllocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    assert compute["InstanceTypes"] == ["g4dn.xlarge"]
    assert compute["Ec2Configuration"] == [{"ImageType": "ECS_AL2023_NVIDIA"}]
    assert compute["InstanceRole"] == {"Fn::GetAtt": ["JobInstances", "Arn"]}
    assert needs(container(made, "DetectJob")) == {"VCPU": "4", "MEMORY": "12288", "GPU": "1"}
    assert not {"ExecutionRoleArn", "NetworkConfiguration"} & set(container(made, "DetectJob"))


def test_without_instance_types_a_gpu_takes_the_families_that_have_one() -> None:
    compute = with_batch(Batch(gpu=True, compute=ComputeResources(Machines.EC2)))["ConvertCompute"]["Properties"]

    assert compute["ComputeResources"]["InstanceTypes"] == ["g4dn", "g5"]
    assert compute["ComputeResources"]["AllocationStrategy"] == "BEST_FIT_PROGRESSIVE"
    assert compute["ComputeResources"]["MinvCpus"] == 0


@pytest.mark.parametrize(("architecture", "bundle"), [("x86_64", "optimal"), ("arm64", "default_arm64")])
def test_instances_fit_the_architecture_of_the_image(architecture: str, bundle: str) -> None:
    made = with_batch(Batch(compute=ComputeResources(Machines.EC2)), architecture=architecture)

    assert made["ConvertCompute"]["Properties"]["ComputeResources"]["InstanceTypes"] == [bundle]


def test_fargate_runs_on_the_architecture_of_the_image() -> None:
    platform = container(with_batch(Batch(), architecture="arm64"), "ConvertJob")["RuntimePlatform"]

    assert platform == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}


def test_nodes_make_a_definition_of_one_range(made: Json) -> None:
    definition = made["MergeJob"]["Properties"]
    (every,) = definition["NodeProperties"]["NodeRangeProperties"]

    assert definition["Type"] == "multinode"
    assert (definition["NodeProperties"]["NumNodes"], definition["NodeProperties"]["MainNode"]) == (3, 1)
    assert every["TargetNodes"] == "0:"
    assert every["Container"]["Command"] == ["batch"]
    assert made["MergeCompute"]["Properties"]["ComputeResources"]["MaxvCpus"] == 3


def test_both_legs_have_one_image_and_one_configuration(made: Json) -> None:
    function = made["DetectFunction"]["Properties"]
    properties = container(made, "DetectJob")

    assert properties["Image"] == function["Code"]["ImageUri"]
    assert environment(properties) == {
        "FUNCTION_CONFIG": function["Environment"]["Variables"]["FUNCTION_CONFIG"],
        "MODE": "gpu",
    }


def test_both_legs_log_into_one_group(made: Json) -> None:
    options = container(made, "DetectJob")["LogConfiguration"]["Options"]

    assert options["awslogs-group"] == made["DetectFunction"]["Properties"]["LoggingConfig"]["LogGroup"]
    assert options["awslogs-stream-prefix"] == "batch"


def test_lambda_knows_where_its_jobs_go(made: Json) -> None:
    variables = made["DetectFunction"]["Properties"]["Environment"]["Variables"]

    assert variables["HFAAS_JOB_QUEUE"] == {"Ref": "DetectQueue"}
    assert variables["HFAAS_JOB_DEFINITION"] == made["DetectJob"]["Properties"]["JobDefinitionName"] == "detect"
    assert variables["HFAAS_SPILL"] == {"Fn::Sub": "s3://hfaas-artifacts-${AWS::AccountId}-${AWS::Region}/events/"}


def test_lambda_comes_after_what_it_submits_to(made: Json) -> None:
    assert made["DetectFunction"]["DependsOn"] == ["DetectJob"]


def test_the_job_document_says_what_the_supervisor_must_know_of_batch() -> None:
    convert, detect, merge = (Job.decode(job(function).encode()) for function in jobs().functions)

    assert (convert.execution_mode, convert.wants_gpu, convert.nodes) == ("lambda-batch", False, 0)
    assert (detect.wants_gpu, detect.delegate) == (True, ("time", "memory", "space", "exit"))
    assert (merge.execution_mode, merge.nodes) == ("batch", 3)


def test_a_batch_block_without_batch_mode_is_not_in_the_job_document() -> None:
    function = Function("f", "f", batch=Batch(gpu=True, multi_node=MultiNode(3)))

    assert (job(function).wants_gpu, job(function).nodes) == (False, 0)


def test_lambda_may_submit_to_its_own_queue_by_its_own_definition_only(made: Json) -> None:
    definition = "arn:${AWS::Partition}:batch:${AWS::Region}:${AWS::AccountId}:job-definition/detect"

    assert allowed(made, "DetectRole", "batch:SubmitJob") == [
        json.dumps(one) for one in ({"Ref": "DetectQueue"}, {"Fn::Sub": definition}, {"Fn::Sub": f"{definition}:*"})
    ]


def test_large_events_are_written_by_lambda_and_read_by_the_job(made: Json) -> None:
    spilled = "arn:${AWS::Partition}:s3:::hfaas-artifacts-${AWS::AccountId}-${AWS::Region}/events/*"

    assert json.dumps({"Fn::Sub": spilled}) in allowed(made, "DetectRole", "s3:PutObject")
    assert json.dumps({"Fn::Sub": spilled}) in allowed(made, "DetectWorker", "s3:GetObject")
    assert json.dumps({"Fn::Sub": spilled}) not in allowed(made, "DetectWorker", "s3:PutObject")


def test_a_job_may_read_the_inputs_and_write_the_outputs(made: Json) -> None:
    assert any("jobs/mid/*" in text for text in allowed(made, "DetectWorker", "s3:GetObject"))
    written = allowed(made, "DetectWorker", "s3:PutObject")
    assert ["faces/*" in written[0], "faces.failed/*" in written[1]] == [True, True]


def test_lambda_touches_no_files_where_everything_runs_in_batch(made: Json) -> None:
    assert allowed(made, "MergeRole", "s3:GetObject") == []
    assert ["/events/*" in text for text in allowed(made, "MergeRole", "s3:PutObject")] == [True]


def test_a_lost_machine_is_tried_again_and_a_failed_script_is_not(made: Json) -> None:
    assert made["DetectJob"]["Properties"]["RetryStrategy"] == {
        "Attempts": 3,
        "EvaluateOnExit": [
            {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
            {"OnReason": "*", "Action": "EXIT"},
        ],
    }
    rules = made["ConvertJob"]["Properties"]["RetryStrategy"]["EvaluateOnExit"]
    assert rules[1] == {"OnStatusReason": "Your Spot Task was interrupted*", "Action": "RETRY"}


def test_an_attempt_has_the_time_that_the_file_gives_it(made: Json) -> None:
    assert made["DetectJob"]["Properties"]["Timeout"] == {"AttemptDurationSeconds": 7200}
    assert made["ConvertJob"]["Properties"]["Timeout"] == {"AttemptDurationSeconds": 86_400}


def test_failed_jobs_of_every_queue_reach_the_dead_letters_under_one_policy(made: Json) -> None:
    rules = {name for name, one in made.items() if one["Type"] == "AWS::Events::Rule"}
    (policy,) = (one["Properties"] for one in made.values() if one["Type"] == "AWS::SQS::QueuePolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert rules == {"ConvertFailures", "DetectFailures", "MergeFailures"}
    assert {one["Fn::GetAtt"][0] for one in statement["Condition"]["ArnEquals"]["aws:SourceArn"]} == rules
    pattern = made["DetectFailures"]["Properties"]["EventPattern"]
    assert pattern["detail"] == {"jobQueue": [{"Ref": "DetectQueue"}], "status": ["FAILED"]}


def test_a_disabled_environment_keeps_its_queue_open() -> None:
    """A queue that is disabled refuses jobs; one without environments lets them wait."""
    made = with_batch(Batch(enabled=False))

    assert made["ConvertCompute"]["Properties"]["State"] == "DISABLED"
    assert "State" not in made["ConvertQueue"]["Properties"]


def test_ids_of_a_function_do_not_meet_those_of_anothers_jobs() -> None:
    function = jobs().functions[0]
    endings = ("", "-job", "-worker", "-queue", "-compute", "-failures", "-role")
    many = tuple(replace(function, name=f"job{ending}") for ending in endings)

    assert len(render(replace(jobs(), functions=many))) == len(endings) * 10 + 4


def test_what_cloudformation_fills_in_counts_as_environment() -> None:
    function = jobs().functions[0]

    assert environment_size(function) > len(job(function).encode()) + 210


def _gpus(made: Json) -> None:
    made["DetectJob"]["Properties"]["ContainerProperties"]["ResourceRequirements"][2]["Type"] = "GPUS"


def _no_queue(made: Json) -> None:
    del made["MergeQueue"]


def _no_such_kind(made: Json) -> None:
    made["ConvertCompute"]["Properties"]["ComputeResources"]["MaxCpus"] = 2


def _no_such_action(made: Json) -> None:
    made["MergeRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][2]["Action"] = ["batch:Submit"]


MUTATIONS = {
    "E3030 'gpus'": _gpus,
    "E1020": _no_queue,
    "E3002": _no_such_kind,
    "W3037": _no_such_action,
}


@pytest.mark.slow
def test_the_lint_sees_each_of_several_mutations() -> None:
    document = json.loads(template.render(jobs()).body)
    for mutate in MUTATIONS.values():
        mutate(document["Resources"])

    found = [
        f"{match.rule.id} {match.message}" for match in cfnlint.lint(json.dumps(document), regions=["us-east-1"])
    ]

    assert {rule for rule in MUTATIONS if not any(rule in text for text in found)} == set(), found
