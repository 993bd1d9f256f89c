"""Batch's types in a whole emulator: moto's plain Batch would want roles, subnets and machines."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.request import urlopen

import pytest
from tests.emulator.cloudformation import templates as t
from tests.emulator.cloudformation.conftest import Driver

from hfaas_emulator.cloudformation.plan import Replacement, Side, changes
from hfaas_emulator.cloudformation.providers.base import Context, Made
from hfaas_emulator.cloudformation.providers.batch import PROVIDERS
from hfaas_emulator.cloudformation.template import parse

SUBNETS = {"Subnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Default": "subnet-1, subnet-2"}}
SERIAL = count()


class Served:
    """Waits for the emulator as `hfaas run` does."""

    def __init__(self, emulator: Any) -> None:
        self._emulator = emulator

    def wait(self) -> None:
        with urlopen(f"{self._emulator.endpoint}/_hfaas/idle?wait=60") as answer:
            assert json.load(answer)["idle"]


@pytest.fixture
def cfn(emulator: Any) -> Driver:
    return Driver(Served(emulator), emulator.client("cloudformation"))


@pytest.fixture
def batch(emulator: Any) -> Any:
    return emulator.client("batch")


@pytest.fixture
def stack() -> str:
    return f"jobs{next(SERIAL)}"


def environment(**resources: Any) -> dict[str, Any]:
    wanted = {
        "Type": "FARGATE",
        "MaxvCpus": 4,
        "Subnets": t.ref("Subnets"),
        "SecurityGroupIds": ["sg-1"],
        **resources,
    }
    properties = {"Type": "MANAGED", "ReplaceComputeEnvironment": False, "ComputeResources": wanted}
    return t.resource("AWS::Batch::ComputeEnvironment", properties)


def queue(**more: Any) -> dict[str, Any]:
    order = [{"Order": 1, "ComputeEnvironment": t.ref("Environment")}]
    return t.resource("AWS::Batch::JobQueue", {"Priority": 1, "ComputeEnvironmentOrder": order, **more})


def definition(name: str, command: str = "batch", **more: Any) -> dict[str, Any]:
    container = {
        "Image": t.IMAGE,
        "Command": [command],
        "Environment": [{"Name": "REGION", "Value": t.ref("AWS::Region")}],
        "ResourceRequirements": [{"Type": "VCPU", "Value": "1"}, {"Type": "MEMORY", "Value": 2048}],
        "JobRoleArn": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/job"},
        "ExecutionRoleArn": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/job"},
    }
    properties = {
        "JobDefinitionName": name,
        "Type": "container",
        "PlatformCapabilities": ["FARGATE"],
        "Timeout": {"AttemptDurationSeconds": 600},
        "ContainerProperties": container,
        **more,
    }
    return t.resource("AWS::Batch::JobDefinition", properties)


def body(name: str, **changed: dict[str, Any]) -> str:
    resources = {"Environment": environment(), "Queue": queue(), "Definition": definition(name), **changed}
    attributes = {
        "Environment": "ComputeEnvironmentArn", "Queue": "JobQueueArn", "Definition": "JobDefinitionArn",
    }  # fmt: skip
    outputs = {f"{key}Ref": {"Value": t.ref(key)} for key in attributes}
    outputs |= {f"{key}Arn": {"Value": t.att(key, one)} for key, one in attributes.items()}
    return t.body(resources, Parameters=SUBNETS, Outputs=outputs)


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@pytest.fixture
def made(cfn: Driver, stack: str) -> dict[str, str]:
    """A stack of one environment, queue and definition, named as the stack is."""
    found = cfn.create(stack, body(stack))
    assert found["StackStatus"] == "CREATE_COMPLETE", cfn.events(stack)
    return outputs(found)


def test_ref_and_the_arn_attributes_are_the_same(made: dict[str, str]) -> None:
    for key in ("Environment", "Queue", "Definition"):
        assert made[f"{key}Ref"] == made[f"{key}Arn"]


def test_an_environment_is_made_as_written_with_the_service_linked_role(batch: Any, made: dict[str, str]) -> None:
    found = batch.describe_compute_environments(computeEnvironments=[made["EnvironmentRef"]])["computeEnvironments"]
    assert found[0]["computeResources"]["subnets"] == ["subnet-1", "subnet-2"]
    assert found[0]["serviceRole"].endswith("AWSServiceRoleForBatch")
    assert (found[0]["state"], found[0]["type"]) == ("ENABLED", "MANAGED")


def test_a_queue_is_enabled_and_tries_its_environment(batch: Any, made: dict[str, str]) -> None:
    found = batch.describe_job_queues(jobQueues=[made["QueueRef"]])["jobQueues"][0]
    assert (found["state"], found["priority"]) == ("ENABLED", 1)
    assert [one["computeEnvironment"] for one in found["computeEnvironmentOrder"]] == [made["EnvironmentRef"]]


def revisions(batch: Any, name: str) -> dict[int, str]:
    found = batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    return {one["revision"]: one["status"] for one in found}


def test_a_definition_is_registered_as_written(batch: Any, made: dict[str, str], stack: str) -> None:
    found = batch.describe_job_definitions(jobDefinitions=[made["DefinitionRef"]])["jobDefinitions"][0]
    assert made["DefinitionRef"].endswith(f":job-definition/{stack}:1")
    assert found["timeout"] == {"attemptDurationSeconds": 600}
    container = found["containerProperties"]
    assert container["environment"] == [{"name": "REGION", "value": "us-east-1"}]
    assert {"type": "MEMORY", "value": "2048"} in container["resourceRequirements"]
    assert container["jobRoleArn"].startswith("arn:aws:iam::")


def test_an_environment_and_a_queue_are_updated_in_place(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    changed = body(stack, Environment=environment(MaxvCpus=8, Subnets=["subnet-3"]), Queue=queue(Priority=7))
    after = outputs(cfn.update(stack, changed))
    assert after == made
    environments = batch.describe_compute_environments(computeEnvironments=[made["EnvironmentRef"]])
    resources = environments["computeEnvironments"][0]["computeResources"]
    assert (resources["maxvCpus"], resources["subnets"]) == (8, ["subnet-3"])
    assert batch.describe_job_queues(jobQueues=[made["QueueRef"]])["jobQueues"][0]["priority"] == 7


def test_a_state_that_left_the_template_is_enabled_again(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    def state() -> str:
        return str(batch.describe_job_queues(jobQueues=[made["QueueRef"]])["jobQueues"][0]["state"])

    cfn.update(stack, body(stack, Queue=queue(State="DISABLED")))
    assert state() == "DISABLED"
    cfn.update(stack, body(stack))
    assert state() == "ENABLED"


def test_a_changed_definition_is_a_new_revision_and_the_old_one_goes(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    after = outputs(cfn.update(stack, body(stack, Definition=definition(stack, "other"))))
    assert after["DefinitionRef"] == made["DefinitionRef"].removesuffix(":1") + ":2"
    assert revisions(batch, stack) == {1: "INACTIVE", 2: "ACTIVE"}


def test_an_update_that_a_crash_interrupted_leaves_one_active_revision(
    emulator: Any, batch: Any, made: dict[str, str], stack: str
) -> None:
    """It is repeated from the revision that was known before it."""
    provider = PROVIDERS["AWS::Batch::JobDefinition"]
    context = Context(emulator.client, "000000000000", "us-east-1", stack)
    known = Made(made["DefinitionRef"])
    old = {"Type": "container", "ContainerProperties": {"Image": t.IMAGE, "Vcpus": 1, "Memory": 128}}
    new = {**old, "ContainerProperties": {"Image": t.OTHER_IMAGE, "Vcpus": 1, "Memory": 128}}
    assert provider.update is not None
    provider.update(context, known, old, new)
    again = provider.update(context, known, old, new)
    assert again is not None
    assert again.id.endswith(f"{stack}:3")
    assert revisions(batch, stack) == {1: "INACTIVE", 2: "INACTIVE", 3: "ACTIVE"}
    assert provider.find is not None
    assert provider.find(context, {"JobDefinitionName": stack, **new}) == replace(again, properties={})


def test_the_old_revision_stays_where_the_template_asks_for_it(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    keeping = definition(stack, "other", ResourceRetentionPolicy={"SkipDeregisterOnUpdate": True})
    cfn.update(stack, body(stack, Definition=keeping))
    assert revisions(batch, stack) == {1: "ACTIVE", 2: "ACTIVE"}


def test_new_tags_alone_are_no_new_revision(cfn: Driver, batch: Any, made: dict[str, str], stack: str) -> None:
    cfn.update(stack, body(stack), Tags=[{"Key": "template", "Value": "8ab4"}])
    assert revisions(batch, stack) == {1: "ACTIVE"}
    assert batch.list_tags_for_resource(resourceArn=made["DefinitionRef"])["tags"] == {"template": "8ab4"}
    assert batch.list_tags_for_resource(resourceArn=made["QueueRef"])["tags"] == {"template": "8ab4"}


def test_a_rollback_brings_the_old_definition_back_as_the_newest_revision(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    broken = queue(ComputeEnvironmentOrder=[{"Order": 1, "ComputeEnvironment": "nowhere"}], Priority=9)
    broken["DependsOn"] = ["Definition"]
    after = cfn.update(stack, body(stack, Definition=definition(stack, "other"), Queue=broken))
    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    newest = batch.describe_job_definitions(jobDefinitionName=stack, status="ACTIVE")["jobDefinitions"]
    assert [(one["revision"], one["containerProperties"]["command"]) for one in newest] == [(3, ["batch"])]
    assert outputs(after)["DefinitionRef"].endswith(f"{stack}:3")


def test_a_failed_creation_leaves_nothing(cfn: Driver, batch: Any, stack: str) -> None:
    broken = queue(ComputeEnvironmentOrder=[{"Order": 1, "ComputeEnvironment": "nowhere"}])
    broken["DependsOn"] = ["Definition", "Environment"]
    assert cfn.create(stack, body(stack, Queue=broken))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert revisions(batch, stack) == {1: "INACTIVE"}
    names = [one["computeEnvironmentName"] for one in batch.describe_compute_environments()["computeEnvironments"]]
    assert not [name for name in names if name.startswith(stack)]


def test_deleting_disables_first_and_leaves_nothing(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    assert cfn.delete(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert batch.describe_job_queues(jobQueues=[made["QueueRef"]])["jobQueues"] == []
    found = batch.describe_compute_environments(computeEnvironments=[made["EnvironmentRef"]])
    assert found["computeEnvironments"] == []
    assert revisions(batch, stack) == {1: "INACTIVE"}


def test_a_stack_whose_queue_somebody_deleted_is_deleted_all_the_same(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    batch.update_job_queue(jobQueue=made["QueueRef"], state="DISABLED")
    batch.delete_job_queue(jobQueue=made["QueueRef"])
    assert cfn.delete(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_a_definition_of_somebody_else_is_not_taken_for_a_revision_of_ours(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    other = cfn.create(f"{stack}b", t.body({"Definition": definition(stack)}))
    assert other["StackStatus"] == "ROLLBACK_COMPLETE"
    assert revisions(batch, stack) == {1: "ACTIVE"}


def test_without_the_promise_of_a_place_resources_cannot_change(
    cfn: Driver, batch: Any, made: dict[str, str], stack: str
) -> None:
    changed = environment(Subnets=["subnet-9"])
    del changed["Properties"]["ReplaceComputeEnvironment"]
    assert cfn.update(stack, body(stack, Environment=changed))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    said = [why for _, status, why in cfn.events(stack, "Environment") if status == "UPDATE_FAILED"]
    assert "set ReplaceComputeEnvironment to false" in said[0]


def test_a_scheduling_policy_is_made_changed_and_removed(cfn: Driver, batch: Any, stack: str) -> None:
    def template(decay: int) -> str:
        policy = t.resource("AWS::Batch::SchedulingPolicy", {"FairsharePolicy": {"ShareDecaySeconds": decay}})
        return t.body({"Policy": policy}, Outputs={"PolicyRef": {"Value": t.ref("Policy")}})

    arn = outputs(cfn.create(stack, template(60)))["PolicyRef"]
    assert outputs(cfn.update(stack, template(90)))["PolicyRef"] == arn
    found = batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    assert found[0]["fairsharePolicy"]["shareDecaySeconds"] == 90
    assert cfn.delete(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert batch.list_scheduling_policies()["schedulingPolicies"] == []


def test_a_new_revision_reaches_who_refers_to_the_definition() -> None:
    """The plan says so beforehand; the definition itself is not replaced."""
    function = t.function(Environment={"Variables": {"DEFINITION": t.ref("Definition")}})

    def side(command: str) -> Side:
        resources = {"Definition": definition("one", command), "Role": t.role(), "Function": function}
        resources["DeadLetters"] = t.resource("AWS::SQS::Queue")
        return Side(parse(t.body(resources, Parameters={"Image": {"Type": "String"}})), {}, {})

    found = {one.logical: one.replacement for one in changes(side("batch"), side("other"))}
    assert found == {"Definition": Replacement.NO, "Function": Replacement.NO}
