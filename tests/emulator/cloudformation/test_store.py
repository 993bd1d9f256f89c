"""What was acknowledged of a stack survives a crash, and nothing stays in progress for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.cloudformation import templates as t

LAMBDA = "POST /2015-03-31/functions "


@pytest.fixture
def crash(
    aws: Any, endpoint: str, serve: Any, driver_of: Any, gate: Any, tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """Give what runs `begin`, kills the emulator at a request, and returns the driver of a new one."""
    served: list[Any] = []

    def run(
        begin: Callable[[Any], Any], at: str, *, answered: bool = False, first: str = "", then: Any = None
    ) -> Any:
        gate.forward_held = answered
        with serve(lambda: gate.url, tmp_path / "journal") as before:
            cfn = driver_of(before)
            if first:
                cfn.create("mask", first)
            if then:
                then(cfn, gate)
            gate.held = at
            begin(cfn.client)
            assert gate.reached.wait(60)
            before.stop(kill=True)
        gate.kill()
        served.append(serve(lambda: endpoint, tmp_path / "journal"))
        return driver_of(served[0].__enter__())

    yield run
    for one in served:
        one.__exit__(None, None, None)


def create(client: Any) -> None:
    client.create_stack(StackName="mask", TemplateBody=t.pipeline(), Capabilities=["CAPABILITY_IAM"])


def update(client: Any) -> None:
    changed = t.pipeline(Function=t.function(MemorySize=3008), Bucket=t.bucket(Tags=[{"Key": "a", "Value": "b"}]))
    client.update_stack(StackName="mask", TemplateBody=changed, Capabilities=["CAPABILITY_IAM"])


@pytest.mark.parametrize(
    ("at", "answered"),
    [
        (LAMBDA, False),
        (LAMBDA, True),
        ("CreateRole", True),
        ("CreateLogGroup", True),
        ("CreateQueue", True),
        ("PUT /hfaas-pipeline ", True),
        ("/policy", True),
    ],
)
def test_an_interrupted_create_goes_on(crash: Any, aws: Callable[..., Any], at: str, answered: bool) -> None:
    cfn = crash(create, at, answered=answered)
    assert cfn.settled("mask")["StackStatus"] == "CREATE_COMPLETE", cfn.events("mask")
    assert len(aws("iam").list_roles()["Roles"]) == 1
    wired = aws("s3").get_bucket_notification_configuration(Bucket="hfaas-pipeline")
    assert len(wired["LambdaFunctionConfigurations"]) == 1


@pytest.mark.parametrize("answered", [False, True], ids=["before the service acted", "after it acted"])
def test_an_interrupted_update_goes_on(crash: Any, aws: Callable[..., Any], answered: bool) -> None:
    at = "PUT /2015-03-31/functions/detect/configuration"
    cfn = crash(update, at, answered=answered, first=t.pipeline())
    assert cfn.settled("mask")["StackStatus"] == "UPDATE_COMPLETE", cfn.events("mask")
    assert aws("lambda").get_function_configuration(FunctionName="detect")["MemorySize"] == 3008


def test_an_interrupted_rollback_goes_on(crash: Any, aws: Callable[..., Any]) -> None:
    def fail(client: Any) -> None:
        broken = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn="Bucket")
        changed = t.pipeline(Broken=broken, Function=t.function("renamed"))
        client.update_stack(StackName="mask", TemplateBody=changed, Capabilities=["CAPABILITY_IAM"])

    cfn = crash(fail, "DELETE /2015-03-31/functions/renamed", first=t.pipeline())
    assert cfn.settled("mask")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", cfn.events("mask")
    assert [one["FunctionName"] for one in aws("lambda").list_functions()["Functions"]] == ["detect"]


@pytest.mark.parametrize("at", ["?notification", "PUT /hfaas-pipeline?publicAccessBlock"])
def test_an_adopted_bucket_outlives_a_crash_and_the_rollback_after_it(
    crash: Any, aws: Callable[..., Any], at: str
) -> None:
    aws("s3").create_bucket(Bucket="hfaas-pipeline")
    broken = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn="Bucket")

    def adopt(client: Any) -> None:
        fields = {"StackName": "mask", "ChangeSetName": "plan"}
        client.create_change_set(
            **fields,
            ChangeSetType="CREATE",
            TemplateBody=t.pipeline(Broken=broken),
            Capabilities=["CAPABILITY_IAM"],
            ImportExistingResources=True,
        )
        client.execute_change_set(**fields)

    cfn = crash(adopt, at, answered=True)
    assert cfn.settled("mask")["StackStatus"] == "ROLLBACK_COMPLETE", cfn.events("mask")
    assert [one["Name"] for one in aws("s3").list_buckets()["Buckets"]] == ["hfaas-pipeline"]
    assert aws("lambda").list_functions()["Functions"] == []


def test_a_skipped_resource_is_skipped_after_a_crash_too(crash: Any, aws: Callable[..., Any]) -> None:
    """The rollback that skips the function is interrupted where it deletes what the update had added."""

    def skip(client: Any) -> None:
        client.continue_update_rollback(StackName="mask", ResourcesToSkip=["Function"])

    cfn = crash(skip, "DeleteQueue", first=t.pipeline(), then=stick)
    assert cfn.settled("mask")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", cfn.events("mask")
    assert aws("lambda").get_function_configuration(FunctionName="detect")["MemorySize"] == 3008
    assert len(aws("sqs").list_queues()["QueueUrls"]) == 1


def stick(cfn: Any, gate: Any) -> None:
    """Leave a stack whose function cannot be put back."""
    gate.refused = ['"MemorySize": 512']
    extra = t.resource("AWS::SQS::Queue")
    broken = t.resource("AWS::S3::Bucket", {"BucketName": "X"}, DependsOn=["Bucket", "Extra"])
    stuck = cfn.update("mask", t.pipeline(Function=t.function(MemorySize=3008), Extra=extra, Broken=broken))
    assert stuck["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    gate.refused = []


def test_an_interrupted_delete_goes_on(crash: Any, aws: Callable[..., Any]) -> None:
    cfn = crash(lambda client: client.delete_stack(StackName="mask"), "DeleteRole", first=t.pipeline())
    cfn.served.wait()
    assert cfn.client.describe_stacks()["Stacks"] == []
    assert aws("iam").list_roles()["Roles"] == []
    assert aws("sqs").list_queues().get("QueueUrls", []) == []


def test_events_and_outputs_are_the_same_after_a_restart(
    aws: Any, endpoint: str, serve: Any, driver_of: Any, tmp_path: Path
) -> None:
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        cfn = driver_of(served)
        stack, events = cfn.create("mask", t.pipeline()), cfn.events("mask")
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        cfn = driver_of(served)
        again = cfn.settled("mask")
        assert (again["Outputs"], again["StackStatus"]) == (stack["Outputs"], "CREATE_COMPLETE")
        assert cfn.events("mask") == events


def test_a_change_set_can_be_executed_after_a_restart(
    aws: Any, endpoint: str, serve: Any, driver_of: Any, tmp_path: Path
) -> None:
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        driver_of(served).plan("mask", t.pipeline(), "CREATE")
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        assert driver_of(served).execute("mask")["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_made_before_a_restart_can_be_updated_after_it(
    aws: Any, endpoint: str, serve: Any, driver_of: Any, tmp_path: Path
) -> None:
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        driver_of(served).create("mask", t.pipeline())
    with serve(lambda: endpoint, tmp_path / "journal") as served:
        cfn = driver_of(served)
        update(cfn.client)
        assert cfn.settled("mask")["StackStatus"] == "UPDATE_COMPLETE"


def test_stopping_lets_calls_under_way_end(aws: Any, serve: Any, driver_of: Any, gate: Any, tmp_path: Path) -> None:
    gate.held = "CreateRole"
    with serve(lambda: gate.url, tmp_path / "journal") as served:
        create(driver_of(served).client)
        assert gate.reached.wait(60)
        gate.released.set()
    with serve(lambda: gate.url, tmp_path / "journal") as served:
        cfn = driver_of(served)
        assert cfn.settled("mask")["StackStatus"] == "CREATE_COMPLETE", cfn.events("mask")
