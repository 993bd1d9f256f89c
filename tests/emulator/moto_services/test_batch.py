"""What moto keeps of Batch: environments, queues and definitions, as AWS takes, shows and refuses them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfaas_emulator.moto_services.batch_checks import instance_types
from hfaas_emulator.wire.actions import changes_state

FARGATE = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]}
CONTAINER = {
    "image": "works:1",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
}


@pytest.fixture
def name() -> str:
    return f"b-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def batch(emulator: Any) -> Any:
    return emulator.client("batch")


@pytest.fixture(scope="module")
def profile(emulator: Any) -> str:
    made = emulator.client("iam").create_instance_profile(InstanceProfileName="machines")
    return str(made["InstanceProfile"]["Arn"])


def make(batch: Any, name: str, resources: dict[str, Any] = FARGATE, **more: Any) -> str:
    settings = {"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources, **more}
    return str(batch.create_compute_environment(**settings)["computeEnvironmentArn"])


def make_queue(batch: Any, name: str, environment: str, **more: Any) -> str:
    order = [{"order": 1, "computeEnvironment": environment}]
    settings = {"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order, **more}
    return str(batch.create_job_queue(**settings)["jobQueueArn"])


def register(batch: Any, name: str, container: dict[str, Any] = CONTAINER, **more: Any) -> dict[str, Any]:
    settings = {"jobDefinitionName": name, "type": "container", "containerProperties": container, **more}
    return dict(batch.register_job_definition(**settings))


def shown(batch: Any, name: str) -> dict[str, Any]:
    (environment,) = batch.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"]
    return dict(environment)


def refused(call: Callable[..., Any], *args: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(*args, **named)
    assert error.value.response["Error"]["Code"] == "ClientException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(error.value.response["Error"]["Message"])


def test_an_environment_without_service_role_gets_the_accounts_own(batch: Any, emulator: Any) -> None:
    make(batch, "x")
    environment = shown(batch, "x")
    assert (environment["status"], environment["state"]) == ("VALID", "ENABLED")
    role = emulator.client("iam").get_role(RoleName="AWSServiceRoleForBatch")["Role"]["Arn"]
    assert environment["serviceRole"] == role
    assert role.endswith(":role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")


def test_an_environment_of_machines_starts_none(batch: Any, profile: str, name: str) -> None:
    machines = {
        **FARGATE,
        "type": "EC2",
        "instanceRole": profile,
        "instanceTypes": ["optimal", "m5", "g4dn.xlarge"],
    }
    make(batch, name, machines)
    resources = shown(batch, name)["computeResources"]
    assert (resources["minvCpus"], resources["desiredvCpus"]) == (0, 0)
    assert "ecsClusterArn" not in shown(batch, name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "EC3"}, "must be one of EC2 | SPOT | FARGATE | FARGATE_SPOT"),
        ({"maxvCpus": 0}, "maxvCpus must be at least 1, not 0"),
        ({"subnets": []}, "At least 1 subnet must be provided"),
        ({"securityGroupIds": []}, "At least 1 security group must be provided"),
        ({"minvCpus": 0, "instanceTypes": ["m5"]}, "minvCpus, instanceTypes not applicable to Fargate"),
        ({"type": "EC2", "instanceTypes": ["m5"]}, "Instance role is required."),
        ({"type": "EC2", "instanceRole": "nobody", "instanceTypes": ["m5"]}, "could not find instanceRole nobody"),
        (
            {"type": "EC2", "instanceRole": "r", "instanceTypes": ["m5.giant"]},
            "Instance type m5.giant does not exist",
        ),
        ({"type": "EC2", "instanceRole": "r"}, "At least 1 instance type must be provided"),
        ({"type": "SPOT", "instanceRole": "r", "instanceTypes": ["m5"]}, "spotIamFleetRole is required"),
    ],
)
def test_resources_that_aws_refuses_are_refused(
    batch: Any, name: str, changes: dict[str, Any], message: str
) -> None:
    assert message in refused(make, batch, name, {**FARGATE, **changes})


def test_an_environment_of_the_same_name_is_refused(batch: Any, name: str) -> None:
    make(batch, name)
    assert refused(make, batch, name) == "Object already exists"


def test_an_unmanaged_environment_is_refused_because_its_jobs_would_wait_for_ever(batch: Any, name: str) -> None:
    assert "waits for instances of yours" in refused(make, batch, name, type="UNMANAGED")


@pytest.mark.parametrize("bad", ["", "-a", "a b", "a" * 129])
def test_names_out_of_awss_pattern_are_refused(batch: Any, bad: str) -> None:
    assert "must be 1 to 128 letters" in refused(make, batch, bad)


def test_an_update_changes_resources_and_state(batch: Any, name: str) -> None:
    make(batch, name)
    batch.update_compute_environment(
        computeEnvironment=name, state="DISABLED", computeResources={"maxvCpus": 16, "subnets": ["subnet-1"]}
    )
    environment = shown(batch, name)
    assert environment["state"] == "DISABLED"
    assert environment["computeResources"] == {**FARGATE, "maxvCpus": 16, "subnets": ["subnet-1"]}


def test_only_a_disabled_environment_without_queues_is_deleted(batch: Any, name: str) -> None:
    arn = make(batch, name)
    make_queue(batch, name, arn)
    assert "must be DISABLED" in refused(batch.delete_compute_environment, computeEnvironment=name)
    batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
    found = refused(batch.delete_compute_environment, computeEnvironment=name)
    assert found == "Cannot delete, found existing JobQueue relationship"
    assert "must be DISABLED" in refused(batch.delete_job_queue, jobQueue=name)
    batch.update_job_queue(jobQueue=name, state="DISABLED")
    batch.delete_job_queue(jobQueue=name)
    batch.delete_compute_environment(computeEnvironment=arn)
    assert batch.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"] == []
    assert batch.describe_job_queues(jobQueues=[name])["jobQueues"] == []


def test_a_queue_keeps_its_environments_in_order_and_by_arn(batch: Any, name: str) -> None:
    first, second = make(batch, f"{name}-1"), make(batch, f"{name}-2")
    order = [{"order": 7, "computeEnvironment": f"{name}-2"}, {"order": 3, "computeEnvironment": first}]
    make_queue(batch, name, "", computeEnvironmentOrder=order, tags={"a": "b"})
    (queue,) = batch.describe_job_queues(jobQueues=[name])["jobQueues"]
    assert [each["computeEnvironment"] for each in queue["computeEnvironmentOrder"]] == [first, second]
    assert (queue["state"], queue["status"], queue["tags"]) == ("ENABLED", "VALID", {"a": "b"})
    assert queue["jobQueueType"] == "ECS_FARGATE"


def test_a_queue_is_updated_by_its_arn(batch: Any, name: str) -> None:
    arn = make_queue(batch, name, make(batch, name))
    other = make(batch, f"{name}-other")
    order = [{"order": 1, "computeEnvironment": f"{name}-other"}]
    batch.update_job_queue(jobQueue=arn, priority=9, computeEnvironmentOrder=order)
    (queue,) = batch.describe_job_queues(jobQueues=[arn])["jobQueues"]
    assert (queue["priority"], queue["computeEnvironmentOrder"][0]["computeEnvironment"]) == (9, other)


def test_a_queue_of_fargate_and_machines_is_refused(batch: Any, profile: str, name: str) -> None:
    make(batch, f"{name}-1")
    make(batch, f"{name}-2", {**FARGATE, "type": "EC2", "instanceRole": profile, "instanceTypes": ["m5"]})
    order = [{"order": each, "computeEnvironment": f"{name}-{each}"} for each in (1, 2)]
    assert "not both" in refused(make_queue, batch, name, "", computeEnvironmentOrder=order)


def test_a_queue_without_priority_or_with_unknown_environments_is_refused(batch: Any, name: str) -> None:
    assert "priority must be an integer" in refused(make_queue, batch, name, "nowhere", priority=None)
    assert refused(make_queue, batch, name, "nowhere") == "nowhere does not exist"


def test_each_registration_is_a_revision_that_takes_nothing_over(batch: Any, name: str) -> None:
    assert register(batch, name, parameters={"a": "b"}, tags={"x": "y"})["revision"] == 1
    assert register(batch, name, propagateTags=True, timeout={"attemptDurationSeconds": 60})["revision"] == 2
    first, second = batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    assert (first["parameters"], first["tags"]) == ({"a": "b"}, {"x": "y"})
    assert (second["parameters"], second["propagateTags"]) == ({}, True)
    assert second["timeout"] == {"attemptDurationSeconds": 60}


def test_a_deregistered_definition_is_inactive_and_its_number_is_not_given_again(batch: Any, name: str) -> None:
    register(batch, name)
    assert "names no revision" in refused(batch.deregister_job_definition, jobDefinition=name)
    batch.deregister_job_definition(jobDefinition=f"{name}:1")
    assert register(batch, name)["revision"] == 2
    found = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
    assert [each["revision"] for each in found] == [2]


def test_a_multinode_definition_shows_its_nodes(batch: Any, name: str) -> None:
    nodes = {
        "numNodes": 2,
        "mainNode": 0,
        "nodeRangeProperties": [{"targetNodes": "0:", "container": CONTAINER}],
    }
    batch.register_job_definition(jobDefinitionName=name, type="multinode", nodeProperties=nodes)
    (found,) = batch.describe_job_definitions(jobDefinitions=[f"{name}:1"])["jobDefinitions"]
    assert (found["type"], found["nodeProperties"]) == ("multinode", nodes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"containerProperties": {}}, "Container properties should not be empty"),
        ({"containerProperties": {"image": "i", "memory": 128}}, "vCPU is not provided."),
        ({"containerProperties": {"image": "i", "vcpus": 1}}, "Memory is not provided."),
        (
            {"containerProperties": {**CONTAINER, "environment": [{"name": "AWS_BATCH_X", "value": ""}]}},
            "AWS_BATCH",
        ),
        ({"containerProperties": {**CONTAINER, "command": ["x" * 25_000]}}, "size must be less than 24 KiB"),
        ({"platformCapabilities": ["FARGATE"]}, "executionRoleArn is required for Fargate."),
        (
            {"platformCapabilities": ["FARGATE"], "containerProperties": {**CONTAINER, "executionRoleArn": "r"}},
            "Fargate resource requirements (1.00 vCPU, 512 MiB) not valid.",
        ),
        ({"retryStrategy": {"attempts": 11}}, "attempts must be between 1 and 10, not 11"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "attemptDurationSeconds must be at least 60, not 59"),
        ({"type": "else"}, "type else must be one of container | multinode"),
        ({"eksProperties": {"podProperties": {}}}, "jobs on EKS are not emulated"),
        ({"parameters": {"a": 1}}, "parameters must be a string to string map"),
    ],
)
def test_definitions_that_aws_refuses_are_refused(
    batch: Any, name: str, changes: dict[str, Any], message: str
) -> None:
    assert message in refused(register, batch, name, **changes)


def test_what_is_described_comes_in_pages(batch: Any, name: str) -> None:
    for _ in range(3):
        register(batch, name)
    pages = batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName=name, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["jobDefinitions"]) for page in pages] == [2, 1]


def test_tags_are_set_shown_and_removed(batch: Any, name: str) -> None:
    arn = make_queue(batch, name, make(batch, name), tags={"a": "1"})
    batch.tag_resource(resourceArn=arn, tags={"b": "2"})
    batch.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_looking_at_batch_is_not_written_down() -> None:
    assert not changes_state("POST", "batch", "", "/v1/describejobqueues")
    assert changes_state("POST", "batch", "", "/v1/createjobqueue")
    assert changes_state("POST", "batch", "", "/v1/tags/arn:aws:batch:r:a:job-queue/listing")


def test_instance_types_and_their_families_are_known() -> None:
    assert {"m5", "m5.large", "p3.2xlarge", "g4dn"} <= instance_types()
