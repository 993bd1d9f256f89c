"""From a SubmitJob to a Submission: what is merged, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hfaas_emulator.batch import submission
from hfaas_emulator.batch.job import Dependency, Kind, Resources, Retry, Rule, Submission
from hfaas_emulator.batch.records import ComputeEnvironment, JobDefinition, JobQueue
from hfaas_emulator.errors import AwsError

ENTRY = submission.Entry("0f9b6a6e", "000000000000", "us-east-1", 1_700_000_000_000)
ENVIRONMENT = ComputeEnvironment("arn:ce", "ce", "EC2", 8)
QUEUE = JobQueue("arn:aws:batch:us-east-1:000000000000:job-queue/q", "q", 1, (ENVIRONMENT,))
CONTAINER: dict[str, Any] = {
    "image": "works:1",
    "command": ["run", "Ref::what", "--to=Ref::where"],
    "environment": [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
}
FARGATE = {
    "platformCapabilities": ["FARGATE"],
    "containerProperties": {
        **CONTAINER,
        "executionRoleArn": "arn:role",
        "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}],
    },
}


def definition(**changes: Any) -> JobDefinition:
    document = {"type": "container", "containerProperties": CONTAINER, **changes}
    return JobDefinition("arn:aws:batch:us-east-1:000000000000:job-definition/d:3", "d", 3, document)


def multinode(nodes: int = 3, *ranges: tuple[str, str]) -> JobDefinition:
    made = [
        {"targetNodes": span, "container": {**CONTAINER, "image": image}}
        for span, image in ranges or (("0:", "works:1"),)
    ]
    properties = {"numNodes": nodes, "mainNode": 0, "nodeRangeProperties": made}
    return definition(type="multinode", containerProperties=None, nodeProperties=properties)


def make(of: JobDefinition | None = None, queue: JobQueue = QUEUE, **request: Any) -> Submission:
    asked = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **request}
    return submission.make(asked, queue, of or definition(), ENTRY)


def refused(of: JobDefinition | None = None, queue: JobQueue = QUEUE, **request: Any) -> str:
    with pytest.raises(AwsError) as error:
        make(of, queue, **request)
    assert (error.value.code, error.value.status) == ("ClientException", 400)
    return error.value.message


def test_a_job_is_its_definition_where_nothing_overrides_it() -> None:
    made = make()
    (task,) = made.tasks
    assert (task.image, task.resources) == ("works:1", Resources(1, 128))
    assert task.environment == {"A": "definition", "B": "definition"}
    assert (made.queue, made.definition_name, made.retry, made.timeout_s) == (QUEUE.arn, "d", Retry(), None)
    assert made.arn == "arn:aws:batch:us-east-1:000000000000:job/0f9b6a6e"


def test_overrides_replace_the_command_and_single_variables_and_resources() -> None:
    overrides = {
        "command": ["other"],
        "environment": [{"name": "B", "value": "job"}, {"name": "C", "value": ""}],
        "resourceRequirements": [{"type": "MEMORY", "value": "256"}, {"type": "GPU", "value": "1"}],
    }
    (task,) = make(containerOverrides=overrides).tasks
    assert task.command == ("other",)
    assert task.environment == {"A": "definition", "B": "job", "C": ""}
    assert task.resources == Resources(1, 256, 1)


def test_resources_in_the_old_style_are_taken_and_overridden() -> None:
    old = definition(containerProperties={"image": "i", "vcpus": 2, "memory": 100})
    assert make(old).tasks[0].resources == Resources(2, 100)
    assert make(old, containerOverrides={"memory": 200}).tasks[0].resources == Resources(2, 200)
    assert make(containerOverrides={"vcpus": 4}).tasks[0].resources == Resources(4, 128)


def test_parameters_take_the_place_of_their_references() -> None:
    of = definition(parameters={"what": "cats", "where": "here"})
    (task,) = make(of, parameters={"where": "there"}).tasks
    assert task.command == ("run", "cats", "--to=there")
    assert task.document["command"] == ["run", "cats", "--to=there"]


def test_a_reference_without_parameter_stays_as_it_is() -> None:
    assert make(parameters={"wh": "no"}).tasks[0].command == ("run", "noat", "--to=noere")
    assert make().tasks[0].command == ("run", "Ref::what", "--to=Ref::where")


def test_retries_and_time_limit_of_the_job_replace_those_of_the_definition() -> None:
    of = definition(retryStrategy={"attempts": 2}, timeout={"attemptDurationSeconds": 100})
    assert (make(of).retry.attempts, make(of).timeout_s) == (2, 100)
    strategy = {"attempts": 5, "evaluateOnExit": [{"onExitCode": "1*", "action": "retry"}]}
    made = make(of, retryStrategy=strategy, timeout={"attemptDurationSeconds": 60})
    assert (made.retry, made.timeout_s) == (Retry(5, (Rule("RETRY", exit_code="1*"),)), 60)


def test_log_group_and_prefix_come_from_the_log_configuration() -> None:
    options = {"awslogs-group": "/aws/lambda/f", "awslogs-stream-prefix": "batch"}
    log = {"logDriver": "awslogs", "options": options}
    (task,) = make(definition(containerProperties={**CONTAINER, "logConfiguration": log})).tasks
    assert (task.log_group, task.log_prefix) == ("/aws/lambda/f", "batch")
    assert (make().tasks[0].log_group, make().tasks[0].log_prefix) == ("/aws/batch/job", "")


def test_a_job_knows_the_invocation_that_delegated_to_it() -> None:
    environment = [{"name": "AWS_LAMBDA_REQUEST_ID", "value": "r-1"}]
    assert make(containerOverrides={"environment": environment}).invocation == "r-1"
    assert make().invocation == ""


def test_each_node_has_its_own_container_the_narrower_range_counts() -> None:
    made = make(multinode(3, ("1", "one:1"), ("0:", "all:1")))
    assert [task.image for task in made.tasks] == ["all:1", "one:1", "all:1"]
    assert made.is_multinode


def test_nodes_are_counted_and_changed_by_overrides() -> None:
    change = {"targetNodes": "1:", "containerOverrides": {"command": ["x"]}}
    made = make(multinode(), nodeOverrides={"numNodes": 4, "nodePropertyOverrides": [change]})
    assert [task.command[0] for task in made.tasks] == ["run", "x", "x", "x"]
    assert made.document["nodeProperties"]["numNodes"] == 4
    assert made.tasks[1] is made.tasks[3]


def test_dependencies_are_read_in_all_their_forms() -> None:
    depends = [{"jobId": "a"}, {"jobId": "b", "type": "N_TO_N"}, {"type": "SEQUENTIAL"}]
    made = make(dependsOn=depends, arrayProperties={"size": 2})
    expected = (Dependency("a"), Dependency("b", Kind.N_TO_N), Dependency("", Kind.SEQUENTIAL))
    assert (made.dependencies, made.array) == (expected, 2)


def test_overrides_over_8192_characters_are_taken_and_fail_the_job() -> None:
    environment = [{"name": "EVENT", "value": "x" * 8200}]
    fault = "Container Overrides length must be at most 8192"
    assert make(containerOverrides={"environment": environment}).fault == fault
    change = {"targetNodes": "0:", "containerOverrides": {"environment": environment}}
    assert make(multinode(), nodeOverrides={"nodePropertyOverrides": [change]}).fault == fault
    assert make(containerOverrides={"environment": [{"name": "E", "value": "x" * 8000}]}).fault == ""


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"jobName": "-x"}, "must be 1 to 128 letters"),
        ({"jobName": "a" * 129}, "must be 1 to 128 letters"),
        ({"jobQueue": ""}, "jobQueue must not be empty"),
        ({"parameters": {"p": "x" * 31_000}}, "Job size must be less than 30 KiB, got 31 KiB"),
        ({"arrayProperties": {"size": 1}}, "size must be between 2 and 10000, not 1"),
        ({"arrayProperties": {"size": 10_001}}, "size must be between 2 and 10000, not 10001"),
        ({"dependsOn": [{"jobId": "a"}] * 21}, "at most 20 jobs, not 21"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "the type SEQUENTIAL is for array jobs"),
        ({"dependsOn": [{}]}, "jobId is missing"),
        ({"dependsOn": [{"jobId": "a", "type": "X"}]}, "must be one of N_TO_N | SEQUENTIAL"),
        ({"retryStrategy": {"attempts": 0}}, "attempts must be between 1 and 10, not 0"),
        ({"timeout": {"attemptDurationSeconds": 1}}, "attemptDurationSeconds must be at least 60, not 1"),
        ({"nodeOverrides": {"numNodes": 2}}, "nodeOverrides are for multi-node parallel jobs"),
        (
            {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "0.5"}]}},
            "whole number from 1",
        ),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": ""}]}}, "starts with AWS_BATCH"),
        ({"containerOverrides": ["x"]}, "containerOverrides must be an object"),
        ({"ecsPropertiesOverride": {"taskProperties": []}}, "jobs of several containers are not emulated"),
        ({"tags": {"a": 1}}, "tags must be a string to string map"),
    ],
)
def test_what_aws_refuses_is_refused(request_: dict[str, Any], message: str) -> None:
    assert message in refused(**request_)


def test_a_disabled_queue_takes_no_jobs() -> None:
    disabled = JobQueue(QUEUE.arn, "q", 1, (ENVIRONMENT,), enabled=False)
    assert refused(queue=disabled) == "JobQueue q is not in ENABLED state"


def test_a_definition_for_fargate_does_not_run_on_machines_nor_the_other_way_round() -> None:
    serverless = JobQueue(QUEUE.arn, "q", 1, (ComputeEnvironment("arn:f", "f", "FARGATE", 8),))
    assert refused(definition(**FARGATE)).endswith("can not run Jobs with capability FARGATE")
    assert refused(queue=serverless).endswith("can not run Jobs with capability EC2")
    assert make(definition(**FARGATE), serverless).tasks[0].resources == Resources(0.25, 512)


def test_overrides_must_be_a_pair_that_fargate_has() -> None:
    serverless = JobQueue(QUEUE.arn, "q", 1, (ComputeEnvironment("arn:f", "f", "FARGATE", 8),))
    more = {"resourceRequirements": [{"type": "MEMORY", "value": "4096"}]}
    found = refused(definition(**FARGATE), serverless, containerOverrides=more)
    assert found == "Fargate resource requirements (0.25 vCPU, 4096 MiB) not valid."
    found = refused(definition(**FARGATE), serverless, containerOverrides={"vcpus": 1})
    assert found == "vcpus is not applicable for Fargate. Use resource requirements instead."


def test_container_overrides_do_not_fit_a_multinode_job() -> None:
    assert "use nodeOverrides" in refused(multinode(), containerOverrides={"command": ["x"]})


def test_nodes_that_no_range_has_are_named() -> None:
    closed = multinode(2, ("0:1", "works:1"))
    assert "no targetNodes has node 2 of 4" in refused(closed, nodeOverrides={"numNodes": 4})


def test_an_array_of_multinode_jobs_is_refused() -> None:
    assert "cannot be an array" in refused(multinode(), arrayProperties={"size": 2})
