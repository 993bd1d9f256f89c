"""What can be asked of operations and plans: events by operation, validation, values before and after."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.cloudformation import templates as t

BROKEN = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn=["Function", "Logs", "Bucket"])
QUEUE = t.body({"Q": t.resource("AWS::SQS::Queue", {"DelaySeconds": 1})})
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def told(cfn: Any, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cfn.client.describe_events(**fields)["OperationEvents"]
    return found


# -- events by operation --


def test_events_of_one_operation_only(cfn: Any) -> None:
    """Whoever takes up a watch must not blame what went wrong the last time."""
    cfn.create("mask", t.pipeline())
    cfn.update("mask", t.pipeline(Broken=BROKEN))
    cfn.client.update_stack(
        StackName="mask", TemplateBody=t.pipeline(Retries=None), Capabilities=["CAPABILITY_IAM"]
    )
    (last, *_) = cfn.settled("mask")["LastOperations"]
    events = told(cfn, OperationId=last["OperationId"])
    assert last["OperationType"] == "UPDATE_STACK"
    assert {one["OperationId"] for one in events} == {last["OperationId"]}
    assert not any(one["ResourceStatus"].endswith("FAILED") for one in events)


def test_failed_events_are_found_at_once(cfn: Any) -> None:
    cfn.create("mask", t.pipeline(Broken=BROKEN), ClientRequestToken="once")
    (failed,) = told(cfn, StackName="mask", Filters={"FailedEvents": True})
    assert (failed["LogicalResourceId"], failed["EventType"]) == ("Broken", "PROVISIONING_ERROR")
    assert (failed["OperationType"], failed["OperationStatus"]) == ("CREATE_STACK", "FAILED")
    assert failed["ClientRequestToken"] == "once"


def test_a_failure_and_its_rollback_are_the_last_operations(cfn: Any) -> None:
    stack = cfn.create("mask", t.pipeline(Broken=BROKEN))
    assert [one["OperationType"] for one in stack["LastOperations"]] == ["ROLLBACK", "CREATE_STACK"]
    undone = {one["OperationStatus"] for one in told(cfn, OperationId=stack["LastOperations"][0]["OperationId"])}
    assert undone == {"SUCCEEDED"}


def test_a_request_says_which_operation_it_began(cfn: Any) -> None:
    begun = cfn.client.create_stack(StackName="mask", TemplateBody=QUEUE)["OperationId"]
    cfn.settled("mask")
    assert told(cfn, OperationId=begun)[0]["ResourceStatus"] == "CREATE_COMPLETE"


def test_events_are_asked_by_something(cfn: Any) -> None:
    with pytest.raises(ClientError, match="One of ChangeSetName, OperationId or StackName must be specified"):
        cfn.client.describe_events()


# -- a plan is validated --


def test_a_property_nobody_knows_fails_the_plan(cfn: Any) -> None:
    wrong = t.body({"Q": t.resource("AWS::SQS::Queue", {"Colour": "red"})})
    plan = cfn.plan("mask", wrong, "CREATE")
    assert (plan["Status"], plan["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "[AWS::EarlyValidation::PropertyValidation]" in plan["StatusReason"]
    assert "Q: Unsupported property [Colour]" in plan["StatusReason"]
    (failed,) = told(cfn, ChangeSetName=plan["ChangeSetId"], Filters={"FailedEvents": True})
    assert (failed["EventType"], failed["OperationType"]) == ("VALIDATION_ERROR", "CREATE_CHANGESET")
    assert (failed["ValidationPath"], failed["ValidationStatusReason"]) == (
        "/Resources/Q/Properties",
        "Unsupported property [Colour]",
    )


def test_a_plan_that_is_well_has_no_failed_events(cfn: Any) -> None:
    plan = cfn.plan("mask", QUEUE, "CREATE")
    assert told(cfn, ChangeSetName=plan["ChangeSetId"], Filters={"FailedEvents": True}) == []
    (event,) = told(cfn, ChangeSetName="plan", StackName="mask")
    assert (event["EventType"], event["OperationStatus"]) == ("STACK_EVENT", "SUCCEEDED")


def test_a_bucket_of_somebody_else_fails_the_plan(cfn: Any, strangers: Any) -> None:
    strangers.create_bucket(Bucket="hfaas-pipeline")
    plan = cfn.plan("mask", t.pipeline(), "CREATE", ImportExistingResources=True)
    assert "[AWS::EarlyValidation::ResourceExistenceCheck]" in plan["StatusReason"]
    assert "Bucket: Resource of type 'AWS::S3::Bucket' with identifier 'hfaas-pipeline'" in plan["StatusReason"]


def test_what_was_wrong_with_a_plan_is_known_after_a_restart(
    aws: Any, endpoint: str, serve: Any, driver_of: Any, tmp_path: Any
) -> None:
    wrong = t.body({"Q": t.resource("AWS::SQS::Queue", {"Colour": "red"})})
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        driver_of(served).plan("mask", wrong, "CREATE")
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        events = told(driver_of(served), ChangeSetName="plan", StackName="mask", Filters={"FailedEvents": True})
        assert [one["ValidationName"] for one in events] == ["PROPERTY_VALIDATION"]


# -- values before and after --


def valued(cfn: Any, body: str, kind: str = "UPDATE", **more: Any) -> dict[str, dict[str, Any]]:
    cfn.plan("mask", body, kind, **more)
    found = cfn.client.describe_change_set(StackName="mask", ChangeSetName="plan", IncludePropertyValues=True)
    return {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in found["Changes"]}


def test_values_are_told_on_request_only(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    (change,) = cfn.plan("mask", QUEUE.replace('"DelaySeconds": 1', '"DelaySeconds": 2'))["Changes"]
    assert "BeforeContext" not in change["ResourceChange"]
    assert "BeforeValue" not in change["ResourceChange"]["Details"][0]["Target"]


def test_a_modified_property_has_both_its_values(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    change = valued(cfn, t.pipeline(Function=t.function(MemorySize=3008)))["Function"]
    target = change["Details"][0]["Target"]
    assert (target["Path"], target["BeforeValue"], target["AfterValue"]) == (
        "/Properties/MemorySize",
        "512",
        "3008",
    )
    assert target["AttributeChangeType"] == "Modify"
    assert json.loads(change["BeforeContext"])["Properties"]["MemorySize"] == 512
    assert json.loads(change["AfterContext"])["Properties"]["Code"]["ImageUri"] == t.IMAGE


def test_a_digest_is_told_before_and_after(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    target = valued(cfn, t.pipeline(), Parameters=t.image(t.OTHER_IMAGE))["Function"]["Details"][0]["Target"]
    assert json.loads(target["BeforeValue"]) == {"ImageUri": t.IMAGE}
    assert json.loads(target["AfterValue"]) == {"ImageUri": t.OTHER_IMAGE}


def test_what_is_only_known_afterwards_is_said_to_be(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    changes = valued(cfn, t.pipeline(Function=t.function("renamed")))
    retries = json.loads(changes["Retries"]["AfterContext"])["Properties"]
    assert retries["FunctionName"] == LATER
    assert retries["DestinationConfig"]["OnFailure"]["Destination"].startswith("arn:aws:sqs:")


def test_new_and_removed_resources_have_one_side(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    extra = t.resource("AWS::SQS::Queue", {"DelaySeconds": 7})
    changes = valued(cfn, t.pipeline(Retries=None, Extra=extra))
    assert "BeforeContext" not in changes["Extra"]
    assert "AfterContext" not in changes["Retries"]
    assert json.loads(changes["Extra"]["AfterContext"]) == {"Properties": {"DelaySeconds": 7}}


def test_a_secret_parameter_is_not_in_the_values(cfn: Any) -> None:
    hidden = t.body(
        {"Q": t.resource("AWS::SQS::Queue", {"QueueName": {"Fn::Sub": "a-${Token}"}})},
        Parameters={"Token": {"Type": "String", "NoEcho": True}},
    )
    given = [{"ParameterKey": "Token", "ParameterValue": "verysecret"}]
    cfn.plan("mask", hidden, "CREATE", Parameters=given)
    found = cfn.client.describe_change_set(StackName="mask", ChangeSetName="plan", IncludePropertyValues=True)
    assert "verysecret" not in json.dumps(found, default=str)


def test_a_plan_says_whether_it_was_asked_for_nested_stacks(cfn: Any) -> None:
    assert cfn.plan("mask", QUEUE, "CREATE", IncludeNestedStacks=True)["IncludeNestedStacks"] is True
