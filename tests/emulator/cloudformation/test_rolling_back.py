"""What a rollback gives back, and what can be done when it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.cloudformation import templates as t

BROKEN = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn=["Function", "Logs", "Bucket"])
BIGGER = t.function(MemorySize=3008)


def memory(aws: Callable[..., Any]) -> int:
    return int(aws("lambda").get_function_configuration(FunctionName="detect")["MemorySize"])


def buckets(aws: Callable[..., Any]) -> set[str]:
    return {one["Name"] for one in aws("s3").list_buckets()["Buckets"]}


def refusal(call: Any, **fields: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**fields)
    return str(refused.value.response["Error"]["Message"])


# -- going on with a rollback that failed --


@pytest.fixture
def stuck(aws: Any, serve: Any, driver_of: Any, gate: Any) -> Any:
    """A stack whose function cannot be put back to 512 MB."""
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        cfn.create("mask", t.pipeline())
        gate.refused = ['"MemorySize": 512']
        assert cfn.update("mask", t.pipeline(Broken=BROKEN, Function=BIGGER))["StackStatus"] == (
            "UPDATE_ROLLBACK_FAILED"
        )
        yield cfn


def test_a_skipped_resource_stays_as_it_is_and_the_rollback_ends(stuck: Any, aws: Callable[..., Any]) -> None:
    stuck.client.continue_update_rollback(StackName="mask", ResourcesToSkip=["Function"])
    assert stuck.settled("mask")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stuck.statuses("mask", "Function")[-1] == "UPDATE_COMPLETE"
    assert memory(aws) == 3008
    assert stuck.plan("mask", t.pipeline())["Status"] == "FAILED"


def test_only_what_failed_may_be_skipped(stuck: Any) -> None:
    said = refusal(stuck.client.continue_update_rollback, StackName="mask", ResourcesToSkip=["Function", "Logs"])
    assert said == "ResourcesToSkip may name resources in UPDATE_FAILED only, not [Logs]"
    assert stuck.settled("mask")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"


def test_a_rollback_that_fails_again_can_be_continued_again(stuck: Any, gate: Any, aws: Callable[..., Any]) -> None:
    stuck.client.continue_update_rollback(StackName="mask")
    assert stuck.settled("mask")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    gate.refused.clear()
    stuck.client.continue_update_rollback(StackName="mask")
    assert stuck.settled("mask")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert memory(aws) == 512


def test_a_stack_whose_rollback_failed_can_be_deleted(stuck: Any, aws: Callable[..., Any]) -> None:
    assert stuck.delete("mask")["StackStatus"] == "DELETE_COMPLETE"
    assert aws("lambda").list_functions()["Functions"] == []


def test_a_rollback_that_did_not_fail_cannot_be_continued(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    said = refusal(cfn.client.continue_update_rollback, StackName="mask")
    assert said.endswith("is in CREATE_COMPLETE state and can not continue rollback.")


# -- rolling back what was left as it failed --


def test_a_failed_create_that_was_left_can_be_rolled_back(cfn: Any, aws: Callable[..., Any]) -> None:
    assert cfn.create("mask", t.pipeline(Broken=BROKEN), OnFailure="DO_NOTHING")["StackStatus"] == "CREATE_FAILED"
    cfn.client.rollback_stack(StackName="mask")
    assert cfn.settled("mask")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert buckets(aws) == set()
    assert aws("lambda").list_functions()["Functions"] == []


def test_a_failed_update_that_was_left_can_be_rolled_back(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline())
    changed = t.pipeline(Broken=BROKEN, Function=BIGGER)
    stack = cfn.update("mask", changed, Parameters=t.image(t.OTHER_IMAGE), DisableRollback=True)
    assert (stack["StackStatus"], memory(aws)) == ("UPDATE_FAILED", 3008)
    cfn.client.rollback_stack(StackName="mask")
    stack = cfn.settled("mask")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (stack["Parameters"], memory(aws)) == (t.image(t.IMAGE), 512)


def test_a_failed_update_that_was_left_can_be_updated_and_still_returns_to_the_last_good_version(
    cfn: Any, aws: Callable[..., Any]
) -> None:
    cfn.create("mask", t.pipeline())
    cfn.update("mask", t.pipeline(Broken=BROKEN, Function=BIGGER), DisableRollback=True)
    again = t.pipeline(Broken=BROKEN, Function=t.function(MemorySize=2048))
    assert cfn.update("mask", again)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert memory(aws) == 512


def test_a_healthy_stack_is_not_rolled_back(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    said = refusal(cfn.client.rollback_stack, StackName="mask")
    assert said.endswith("is in CREATE_COMPLETE state and can not be rolled back.")


def test_an_update_can_be_called_off(aws: Any, serve: Any, driver_of: Any, gate: Any) -> None:
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        cfn.create("mask", t.pipeline())
        gate.held, gate.forward_held = '"MemorySize": 3008', True
        cfn.client.update_stack(
            StackName="mask",
            TemplateBody=t.pipeline(Function=BIGGER),
            Parameters=t.image(t.OTHER_IMAGE),
            Capabilities=["CAPABILITY_IAM"],
        )
        assert gate.reached.wait(60)
        cfn.client.cancel_update_stack(StackName="mask")
        gate.released.set()
        stack = cfn.settled("mask")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (stack["Parameters"], memory(aws)) == (t.image(t.IMAGE), 512)


# -- what stays, what goes --


def kept_logs() -> str:
    logs = t.resource("AWS::Logs::LogGroup", {"LogGroupName": "/kept"}, DeletionPolicy="Retain")
    return t.body({"Logs": logs, "Broken": t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn="Logs")})


@pytest.mark.parametrize("by", ["stack", "change set"])
def test_retain_keeps_nothing_new_when_the_request_says_so(cfn: Any, aws: Callable[..., Any], by: str) -> None:
    if by == "stack":
        cfn.create("mask", kept_logs(), RetainExceptOnCreate=True)
    else:
        cfn.plan("mask", kept_logs(), "CREATE")
        cfn.execute("mask", RetainExceptOnCreate=True)
    assert aws("logs").describe_log_groups()["logGroups"] == []


def test_a_bucket_adopted_by_a_failed_update_survives_it(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.pipeline(Bucket=None))
    aws("s3").create_bucket(Bucket="hfaas-pipeline")
    cfn.plan("mask", t.pipeline(Broken=BROKEN), ImportExistingResources=True)
    assert cfn.execute("mask")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert cfn.statuses("mask", "Bucket")[-1] == "DELETE_SKIPPED"
    assert buckets(aws) == {"hfaas-pipeline"}


def test_an_adopted_bucket_is_the_stacks_own_from_then_on(cfn: Any, aws: Callable[..., Any]) -> None:
    """Only the operation that imported it spares it; afterwards its deletion policy counts."""
    aws("s3").create_bucket(Bucket="hfaas-pipeline")
    cfn.plan("mask", t.pipeline(), "CREATE", ImportExistingResources=True)
    cfn.execute("mask")
    cfn.update("mask", t.pipeline(Bucket={**t.bucket(), "DeletionPolicy": "Delete"}))
    assert cfn.delete("mask")["StackStatus"] == "DELETE_COMPLETE"
    assert buckets(aws) == set()


def test_the_new_one_is_made_before_the_old_one_goes(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    before = len(cfn.events("mask"))
    cfn.update("mask", t.pipeline(Function=t.function("renamed")))
    told = [(name, status) for name, status, _ in cfn.events("mask")[before:]]
    assert told.index(("Function", "UPDATE_COMPLETE")) < told.index(("Function", "DELETE_IN_PROGRESS"))
    assert told.index(("Bucket", "UPDATE_COMPLETE")) < told.index(("Function", "DELETE_IN_PROGRESS"))


def test_what_refuses_to_go_after_an_update_is_told_and_left(
    aws: Any, serve: Any, driver_of: Any, gate: Any
) -> None:
    gate.refused = ["DELETE /2015-03-31/functions/detect "]
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        cfn.create("mask", t.pipeline())
        stack = cfn.update("mask", t.pipeline(Function=t.function("renamed")))
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        assert cfn.statuses("mask", "Function")[-1] == "DELETE_FAILED"


def test_a_forced_deletion_leaves_what_refuses_to_go(cfn: Any, aws: Callable[..., Any]) -> None:
    cfn.create("mask", t.body({"B": t.resource("AWS::S3::Bucket", {"BucketName": "full"})}))
    aws("s3").put_object(Bucket="full", Key="a", Body=b"x")
    assert cfn.delete("mask")["StackStatus"] == "DELETE_FAILED"
    stack = cfn.delete("mask", DeletionMode="FORCE_DELETE_STACK")
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert buckets(aws) == {"full"}


def test_what_does_not_wait_is_made_meanwhile(aws: Any, serve: Any, driver_of: Any, gate: Any) -> None:
    gate.held, gate.forward_held = "CreateLogGroup", True
    with serve(lambda: gate.url) as served:
        cfn = driver_of(served)
        cfn.client.create_stack(StackName="mask", TemplateBody=t.pipeline(), Capabilities=["CAPABILITY_IAM"])
        assert gate.reached.wait(60)
        deadline = time.monotonic() + 60
        while "CREATE_COMPLETE" not in cfn.statuses("mask", "Bucket") and time.monotonic() < deadline:
            pass
        assert cfn.statuses("mask", "Logs") == ["CREATE_IN_PROGRESS"]
        assert cfn.statuses("mask", "Bucket")[-1] == "CREATE_COMPLETE"
        gate.released.set()
        cfn.settled("mask")
