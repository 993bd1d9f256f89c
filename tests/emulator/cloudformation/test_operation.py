"""Operations end as AWS's do, and leave what AWS would leave."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.cloudformation import templates as t

BROKEN = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn=["Function", "Logs", "Bucket"])
"""S3 refuses the name, when everything else is done."""


def targets(aws: Callable[..., Any], bucket: str = "hfaas-pipeline") -> list[str]:
    answer = aws("s3").get_bucket_notification_configuration(Bucket=bucket)
    return [one["LambdaFunctionArn"] for one in answer.get("LambdaFunctionConfigurations", [])]


def image_of(aws: Callable[..., Any], name: str = "detect") -> str:
    return str(aws("lambda").get_function(FunctionName=name)["Code"]["ImageUri"])


def queues(aws: Callable[..., Any]) -> list[str]:
    return list(aws("sqs").list_queues().get("QueueUrls", []))


# -- create --


def test_creates_every_resource_of_a_pipeline(cfn: Any) -> None:
    stack = cfn.create("mask", t.pipeline())
    assert stack["StackStatus"] == "CREATE_COMPLETE", cfn.events("mask")
    made = cfn.client.describe_stack_resources(StackName="mask")["StackResources"]
    assert {one["ResourceStatus"] for one in made} == {"CREATE_COMPLETE"}
    assert len(made) == 8


def test_a_resource_tells_of_its_creation_in_three_events(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    assert cfn.events("mask", "Function") == [
        ("Function", "CREATE_IN_PROGRESS", ""),
        ("Function", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Function", "CREATE_COMPLETE", ""),
    ]
    assert cfn.events("mask", "mask") == [
        ("mask", "CREATE_IN_PROGRESS", "User Initiated"),
        ("mask", "CREATE_COMPLETE", ""),
    ]


def test_a_resource_waits_for_what_it_depends_on(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    done = [name for name, status, _ in cfn.events("mask") if status == "CREATE_COMPLETE"]
    assert done.index("Role") < done.index("Function") < done.index("Permission") < done.index("Bucket")


def test_outputs_are_resolved(cfn: Any) -> None:
    outputs = {one["OutputKey"]: one["OutputValue"] for one in cfn.create("mask", t.pipeline())["Outputs"]}
    assert outputs == {
        "Bucket": "hfaas-pipeline",
        "Function": "arn=arn:aws:lambda:us-east-1:123456789012:function:detect",
    }


def test_the_bucket_calls_the_function_for_its_prefix(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    wired = aws("s3").get_bucket_notification_configuration(Bucket="hfaas-pipeline")["LambdaFunctionConfigurations"]
    rules = {one["Name"].lower(): one["Value"] for one in wired[0]["Filter"]["Key"]["FilterRules"]}
    assert rules == {"prefix": "in/", "suffix": ".jpg"}


def test_a_failed_create_leaves_nothing(cfn: Any, aws: Callable[..., Any]) -> None:
    stack = cfn.create("mask", t.pipeline(Broken=BROKEN))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert aws("lambda").list_functions()["Functions"] == []
    assert aws("s3").list_buckets()["Buckets"] == []
    assert aws("iam").list_roles()["Roles"] == []
    assert queues(aws) == []


def test_a_failed_create_says_which_resource_and_what_the_service_said(cfn: Any) -> None:
    cfn.create("mask", t.pipeline(Broken=BROKEN))
    *_, (_, status, why) = [one for one in cfn.events("mask", "Broken") if one[1].endswith("FAILED")]
    assert status == "CREATE_FAILED"
    assert "The specified bucket is not valid. (Service: S3, Status Code: 400" in why
    assert (
        "mask",
        "ROLLBACK_IN_PROGRESS",
        "The following resource(s) failed to create: [Broken]. Rollback requested by user.",
    ) in cfn.events("mask", "mask")


@pytest.mark.parametrize(("choice", "status"), [("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE")])
def test_a_failed_create_ends_as_was_asked(cfn: Any, choice: str, status: str) -> None:
    bad = t.body({"Broken": t.resource("AWS::S3::Bucket", {"BucketName": "X"})})
    arn = cfn.client.create_stack(StackName="mask", TemplateBody=bad, OnFailure=choice)["StackId"]
    assert cfn.settled(arn)["StackStatus"] == status


def test_a_property_nobody_knows_fails_its_resource_by_name(cfn: Any) -> None:
    cfn.create("mask", t.body({"Q": t.resource("AWS::SQS::Queue", {"Colour": "red"})}))
    assert "extraneous key [Colour] is not permitted" in cfn.events("mask", "Q")[-2][2]


def test_a_nested_property_nobody_knows_fails_its_resource_by_name(cfn: Any) -> None:
    cfn.create("mask", t.pipeline(Function=t.function(EphemeralStorage={"Size": 512, "Sise": 1})))
    failed = [why for _, status, why in cfn.events("mask", "Function") if status == "CREATE_FAILED"]
    assert "#/EphemeralStorage: extraneous key [Sise] is not permitted" in failed[0]


def test_a_bucket_that_exists_is_not_taken_over_in_silence(cfn: Any, aws: Callable[..., Any]) -> None:
    aws("s3").create_bucket(Bucket="mine")
    stack = cfn.create("mask", t.body({"B": t.resource("AWS::S3::Bucket", {"BucketName": "mine"})}))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "identifier 'mine' already exists" in cfn.events("mask", "B")[1][2]
    assert [one["Name"] for one in aws("s3").list_buckets()["Buckets"]] == ["mine"]


# -- update --


def test_memory_is_changed_in_place_and_nothing_else_is_touched(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    before = len(cfn.events("mask"))
    stack = cfn.update("mask", t.pipeline(Function=t.function(MemorySize=3008)))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert aws("lambda").get_function_configuration(FunctionName="detect")["MemorySize"] == 3008
    assert [(name, status) for name, status, _ in cfn.events("mask")[before:]] == [
        ("mask", "UPDATE_IN_PROGRESS"),
        ("Function", "UPDATE_IN_PROGRESS"),
        ("Function", "UPDATE_COMPLETE"),
        ("mask", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("mask", "UPDATE_COMPLETE"),
    ]


def test_a_failed_update_puts_old_parameters_back(cfn: Any, aws: Callable[..., Any]) -> None:
    """The commonest update changes nothing but a digest."""
    cfn.create("mask", t.pipeline())
    stack = cfn.update("mask", t.pipeline(Broken=BROKEN), Parameters=t.image(t.OTHER_IMAGE))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert image_of(aws) == t.IMAGE
    assert stack["Parameters"] == t.image(t.IMAGE)


def test_a_failed_update_puts_old_properties_back(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    cfn.update("mask", t.pipeline(Broken=BROKEN, Function=t.function(MemorySize=3008)))
    assert aws("lambda").get_function_configuration(FunctionName="detect")["MemorySize"] == 512
    same = cfn.plan("mask", t.pipeline())
    assert (same["Status"], same["Changes"]) == ("FAILED", [])


def test_a_failed_update_removes_what_it_added(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    extra = t.resource("AWS::SQS::Queue", {"QueueName": "extra"})
    cfn.update("mask", t.pipeline(Extra=extra, Broken={**BROKEN, "DependsOn": ["Extra"]}))
    assert not any(url.endswith("/extra") for url in queues(aws))
    assert cfn.statuses("mask", "Extra")[-1] == "DELETE_COMPLETE"
    assert "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" in cfn.statuses("mask", "mask")


def test_a_removed_resource_goes_in_the_clean_up(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    cfn.update("mask", t.pipeline(Retries=None))
    events = [(name, status) for name, status, _ in cfn.events("mask")][-4:]
    assert events == [
        ("mask", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Retries", "DELETE_IN_PROGRESS"),
        ("Retries", "DELETE_COMPLETE"),
        ("mask", "UPDATE_COMPLETE"),
    ]


def test_a_replaced_function_reaches_all_that_mention_it(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    stack = cfn.update("mask", t.pipeline(Function=t.function("renamed")))
    assert stack["StackStatus"] == "UPDATE_COMPLETE", cfn.events("mask")
    renamed = "arn:aws:lambda:us-east-1:123456789012:function:renamed"
    assert targets(aws) == [renamed]
    assert "hfaas-pipeline" in aws("lambda").get_policy(FunctionName="renamed")["Policy"]
    assert [one["FunctionName"] for one in aws("lambda").list_functions()["Functions"]] == ["renamed"]


def test_a_failed_replacement_gives_the_old_one_back(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    stack = cfn.update("mask", t.pipeline(Function=t.function("renamed"), Broken=BROKEN))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert targets(aws) == ["arn:aws:lambda:us-east-1:123456789012:function:detect"]
    assert [one["FunctionName"] for one in aws("lambda").list_functions()["Functions"]] == ["detect"]


def test_a_named_resource_cannot_be_replaced_under_its_name(cfn: Any) -> None:
    role = t.role()
    role["Properties"] |= {"RoleName": "named"}
    cfn.create("mask", t.pipeline(Role=role))
    moved = {**role, "Properties": {**role["Properties"], "Path": "/elsewhere/"}}
    stack = cfn.update("mask", t.pipeline(Role=moved))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Rename named and update the stack again." in str(cfn.events("mask", "Role"))


def test_an_update_replaced_bucket_is_kept_when_its_policy_says_so(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    cfn.update("mask", t.pipeline(Bucket=t.bucket("hfaas-other")))
    assert {one["Name"] for one in aws("s3").list_buckets()["Buckets"]} == {"hfaas-pipeline", "hfaas-other"}
    assert "DELETE_SKIPPED" in cfn.statuses("mask", "Bucket")


def test_rollback_that_fails_says_so_and_can_be_continued(aws: Any, serve: Any, driver_of: Any, gate: Any) -> None:
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        cfn.create("mask", t.pipeline())
        gate.refused = ['"MemorySize": 512']
        stuck = cfn.update("mask", t.pipeline(Broken=BROKEN, Function=t.function(MemorySize=3008)))
        gate.refused.clear()
        cfn.client.continue_update_rollback(StackName="mask")
        done = cfn.settled("mask")
    assert stuck["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert done["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert aws("lambda").get_function_configuration(FunctionName="detect")["MemorySize"] == 512


def test_deletion_that_fails_in_a_rollback_is_not_called_complete(
    aws: Any, serve: Any, driver_of: Any, gate: Any
) -> None:
    gate.refused = ["DeleteLogGroup"]
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        stack = cfn.create("mask", t.pipeline(Broken=BROKEN))
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Logs]."


# -- delete --


def test_delete_keeps_the_bucket_and_takes_the_rest(cfn: Any, aws: Callable[..., Any]) -> None:
    arn = cfn.create("mask", t.pipeline())["StackId"]
    aws("s3").put_object(Bucket="hfaas-pipeline", Key="out/a.jpg", Body=b"x")
    assert cfn.delete("mask")["StackStatus"] == "DELETE_COMPLETE"
    assert cfn.statuses(arn, "Bucket")[-1] == "DELETE_SKIPPED"
    assert [one["Name"] for one in aws("s3").list_buckets()["Buckets"]] == ["hfaas-pipeline"]
    assert aws("lambda").list_functions()["Functions"] == []
    assert aws("logs").describe_log_groups()["logGroups"] == []
    assert queues(aws) == []


def test_what_refuses_to_go_fails_the_delete_and_can_be_left(cfn: Any, aws: Callable[..., Any]) -> None:
    bucket = t.resource("AWS::S3::Bucket", {"BucketName": "full"})
    cfn.create("mask", t.body({"B": bucket, "Q": t.resource("AWS::SQS::Queue")}))
    aws("s3").put_object(Bucket="full", Key="a", Body=b"x")
    stuck = cfn.delete("mask")
    assert stuck["StackStatus"] == "DELETE_FAILED"
    assert stuck["StackStatusReason"] == "The following resource(s) failed to delete: [B]."
    assert cfn.delete("mask", RetainResources=["B"])["StackStatus"] == "DELETE_COMPLETE"


def test_what_somebody_else_deleted_is_no_obstacle(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    aws("lambda").delete_function(FunctionName="detect")
    aws("logs").delete_log_group(logGroupName="/aws/lambda/detect")
    assert cfn.delete("mask")["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_can_be_deleted_while_it_is_created(aws: Any, serve: Any, driver_of: Any, gate: Any) -> None:
    gate.held = "POST /2015-03-31/functions"
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        arn = cfn.client.create_stack(StackName="mask", TemplateBody=t.pipeline(), Capabilities=["CAPABILITY_IAM"])[
            "StackId"
        ]
        assert gate.reached.wait(60)
        cfn.client.delete_stack(StackName="mask")
        gate.released.set()
        assert cfn.settled(arn)["StackStatus"] == "DELETE_COMPLETE"
    assert aws("lambda").list_functions()["Functions"] == []
    assert aws("s3").list_buckets()["Buckets"] == []


# -- kept buckets --


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_kept_bucket_is_adopted_in_every_region(
    cfn: Any, aws: Callable[..., Any], driver_of: Any, shared_server: Any, region: str
) -> None:
    there = driver_of(shared_server, region)
    there.create("mask", t.pipeline())
    there.delete("mask")
    plan = there.plan("mask", t.pipeline(), "CREATE", ImportExistingResources=True)
    actions = {
        one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"]["Action"] for one in plan["Changes"]
    }
    assert actions["Bucket"] == "Import"
    assert there.execute("mask")["StackStatus"] == "CREATE_COMPLETE", there.events("mask")
    assert there.statuses("mask", "Bucket") == ["IMPORT_IN_PROGRESS", "IMPORT_COMPLETE"]


def test_a_plan_is_refused_when_another_makes_the_stack_meanwhile(
    aws: Callable[..., Any], serve: Any, driver_of: Any, gate: Any
) -> None:
    gate.held = "HEAD /hfaas-pipeline"
    with serve(lambda: gate.url) as served, ThreadPoolExecutor(1) as another:
        cfn = driver_of(served)
        late = another.submit(cfn.plan, "mask", t.pipeline(), "CREATE", ImportExistingResources=True)
        assert gate.reached.wait(60)
        cfn.plan("mask", t.body({"Q": t.resource("AWS::SQS::Queue")}), "CREATE")
        cfn.execute("mask")
        gate.released.set()
        with pytest.raises(ClientError, match="already exists and cannot be created again"):
            late.result()
        assert cfn.client.list_change_sets(StackName="mask")["Summaries"] == []


def test_an_adopted_bucket_survives_a_rollback(cfn: Any, aws: Callable[..., Any]) -> None:
    aws("s3").create_bucket(Bucket="hfaas-pipeline")
    cfn.plan("mask", t.pipeline(Broken=BROKEN), "CREATE", ImportExistingResources=True)
    assert cfn.execute("mask")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert [one["Name"] for one in aws("s3").list_buckets()["Buckets"]] == ["hfaas-pipeline"]
    assert cfn.statuses("mask", "Bucket")[-1] == "DELETE_SKIPPED"


def test_an_adopted_bucket_calls_the_new_function(cfn: Any, aws: Callable[..., Any]) -> None:
    aws("s3").create_bucket(Bucket="hfaas-pipeline")
    cfn.plan("mask", t.pipeline(), "CREATE", ImportExistingResources=True)
    cfn.execute("mask")
    assert targets(aws) == ["arn:aws:lambda:us-east-1:123456789012:function:detect"]


def test_a_bucket_that_another_stack_has_is_not_adopted(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())

    plan = cfn.plan("other", t.pipeline(), "CREATE", ImportExistingResources=True)

    assert plan["Status"] == "FAILED"
    assert "hfaas-pipeline' already exists in stack mask" in plan["StatusReason"]


def test_retain_keeps_even_what_a_failed_create_made(cfn: Any, aws: Callable[..., Any]) -> None:
    logs = t.resource("AWS::Logs::LogGroup", {"LogGroupName": "/kept"}, DeletionPolicy="Retain")
    broken = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn="Logs")
    cfn.create("mask", t.body({"Logs": logs, "Broken": broken}))
    assert [one["logGroupName"] for one in aws("logs").describe_log_groups()["logGroups"]] == ["/kept"]


# -- tags, tokens --


def test_a_stacks_tags_are_on_its_resources(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline(), Tags=[{"Key": "rehearsed", "Value": "8ab4"}])
    arn = "arn:aws:lambda:us-east-1:123456789012:function:detect"
    assert aws("lambda").list_tags(Resource=arn)["Tags"] == {"rehearsed": "8ab4"}
    assert aws("s3").get_bucket_tagging(Bucket="hfaas-pipeline")["TagSet"] == [
        {"Key": "rehearsed", "Value": "8ab4"}
    ]
    assert aws("sqs").list_queue_tags(QueueUrl=queues(aws)[0])["Tags"] == {"rehearsed": "8ab4"}


def test_new_tags_change_tags_only(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline(), Tags=[{"Key": "a", "Value": "1"}])
    before = aws("lambda").get_function_configuration(FunctionName="detect")
    stack = cfn.update("mask", t.pipeline(), Tags=[{"Key": "b", "Value": "2"}])
    assert stack["StackStatus"] == "UPDATE_COMPLETE", cfn.events("mask")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:detect"
    assert aws("lambda").list_tags(Resource=arn)["Tags"] == {"b": "2"}
    assert aws("lambda").get_function_configuration(FunctionName="detect")["LastModified"] == before["LastModified"]


def test_events_carry_the_token_of_their_operation(cfn: Any) -> None:
    cfn.create("mask", t.pipeline(), ClientRequestToken="first")
    cfn.update("mask", t.pipeline(Broken=BROKEN), ClientRequestToken="second")
    events = cfn.client.describe_stack_events(StackName="mask")["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("FAILED")]
    assert {one["ClientRequestToken"] for one in failed} == {"second"}
    assert events[-1]["ClientRequestToken"] == "first"


def test_a_rollback_that_follows_a_failure_is_an_operation_of_its_own(cfn: Any) -> None:
    """AWS counts automatic rollbacks as operations; only the token holds both together."""
    cfn.create("mask", t.pipeline(Broken=BROKEN), ClientRequestToken="once")
    events = cfn.client.describe_stack_events(StackName="mask")["StackEvents"]
    begun = {one["OperationId"]: one["ResourceStatus"] for one in events if one["LogicalResourceId"] == "mask"}
    assert sorted(begun.values()) == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"]
    assert {one["ClientRequestToken"] for one in events} == {"once"}


def test_a_failure_is_on_the_trace(cfn: Any, shared_server: Any) -> None:
    before = len(list(shared_server.trace.since(0)))
    cfn.create("mask", t.body({"Broken": t.resource("AWS::S3::Bucket", {"BucketName": "X"})}))
    (hop,) = list(shared_server.trace.since(before))
    assert hop.detail["message"].startswith("stack mask: Broken: Resource handler returned message")
