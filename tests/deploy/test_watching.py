"""Which events belong to the operation that is watched, with CloudFormation's answers as AWS gives them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from hfaas_deploy.aws import looks
from hfaas_deploy.aws.events import STACK
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.errors import CredentialsError, StackFailed

ARN = "arn:aws:cloudformation:eu-west-1:210987654321:stack/films/1"
AT = datetime(2026, 1, 31, tzinfo=UTC)


def own(status: str, reason: str = "") -> dict[str, Any]:
    return event("films", STACK, status, reason, ARN)


def event(resource: str, kind: str, status: str, reason: str = "", physical: str = "p") -> dict[str, Any]:
    return {
        "StackId": ARN,
        "StackName": "films",
        "Timestamp": AT,
        "LogicalResourceId": resource,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


class Cloud:
    """CloudFormation as it stands at each call: events oldest first here, newest first there."""

    def __init__(self) -> None:
        self.client: Any = boto3.client(
            "cloudformation", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.stubber = Stubber(self.client)
        self.stubber.activate()

    def stands(self, status: str) -> None:
        stack = {"StackId": ARN, "StackName": "films", "CreationTime": AT, "StackStatus": status}
        self.stubber.add_response("describe_stacks", {"Stacks": [stack]})

    def tells(self, *events: dict[str, Any]) -> None:
        numbered = [{**one, "EventId": str(number)} for number, one in enumerate(events)]
        self.stubber.add_response("describe_stack_events", {"StackEvents": numbered[::-1]})


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.stubber.assert_no_pending_responses()


FAILED = (
    own("UPDATE_IN_PROGRESS", "User Initiated"),
    event("Role", "AWS::IAM::Role", "UPDATE_FAILED", "the older reason"),
    own("UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [Role]."),
)


def test_what_is_refused_for_one_reason_is_told_once_with_all_names(cloud: Cloud) -> None:
    def refused(name: str) -> dict[str, Any]:
        reason = f"not authorized to perform: ecr:DeleteRepository on repository/hfaas/{name.lower()}"
        return event(name, "AWS::ECR::Repository", "DELETE_FAILED", reason, f"hfaas/{name.lower()}")

    other = event("Films", "AWS::S3::Bucket", "DELETE_FAILED", "it is not empty", "films")
    begun = own("DELETE_IN_PROGRESS")
    for status in ("DELETE_FAILED", "DELETE_FAILED"):
        cloud.stands(status)
        cloud.tells(
            own("CREATE_COMPLETE"), begun, refused("A"), other, refused("B"), refused("C"), own("DELETE_FAILED")
        )

    with pytest.raises(StackFailed) as caught:
        watched(cloud)

    assert caught.value.message == (
        "A (AWS::ECR::Repository): not authorized to perform: ecr:DeleteRepository on repository/hfaas/a; "
        "the same of B, C; Films (AWS::S3::Bucket): it is not empty"
    )


def test_while_nothing_happens_it_is_told_again_and_again_what_cloudformation_is_at(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "STILL", 0.0)
    begun = (own("CREATE_IN_PROGRESS"), event("Role", "AWS::IAM::Role", "CREATE_IN_PROGRESS"))
    slow = event("Jobs", "AWS::Batch::ComputeEnvironment", "CREATE_IN_PROGRESS")
    ended = event("Role", "AWS::IAM::Role", "CREATE_COMPLETE")
    cloud.stands("CREATE_IN_PROGRESS")
    for news in ((*begun, slow), (*begun, slow), (*begun, slow), (*begun, slow, ended)):
        cloud.tells(*news)
    cloud.tells(*begun, slow, ended)
    cloud.tells(*begun, slow, ended, own("CREATE_COMPLETE"))
    told: list[tuple[str, ...]] = []

    watching = Stack(cloud.client, "films", waiting=lambda at, _: told.append(at)).watch()

    assert [one.resource for one in watching] == ["films", "Role", "Jobs", "Role", "films"]
    assert told == [("Role (Role)", "Jobs (ComputeEnvironment)"), ("Jobs (ComputeEnvironment)",)]


def watched(cloud: Cloud) -> list[str]:
    return [f"{one.resource} {one.status}" for one in Stack(cloud.client, "films").watch()]


def test_an_operation_after_one_that_failed_is_told_from_its_own_start(cloud: Cloud) -> None:
    older = (own("CREATE_COMPLETE"), *FAILED, own("UPDATE_ROLLBACK_COMPLETE"))
    now = (*older, own("UPDATE_IN_PROGRESS"))
    cloud.stands("UPDATE_IN_PROGRESS")
    cloud.tells(*now)
    cloud.tells(*now, event("Role", "AWS::IAM::Role", "UPDATE_COMPLETE"), own("UPDATE_COMPLETE"))

    assert watched(cloud) == ["films UPDATE_IN_PROGRESS", "Role UPDATE_COMPLETE", "films UPDATE_COMPLETE"]


def test_events_that_lag_behind_the_status_are_not_taken_for_this_operation(cloud: Cloud) -> None:
    older = (*FAILED, own("UPDATE_ROLLBACK_COMPLETE"))
    cloud.stands("UPDATE_IN_PROGRESS")
    cloud.tells(*older)
    cloud.stands("UPDATE_IN_PROGRESS")
    cloud.tells(*older, own("UPDATE_IN_PROGRESS"), own("UPDATE_COMPLETE"))

    assert watched(cloud) == ["films UPDATE_IN_PROGRESS", "films UPDATE_COMPLETE"]


def test_a_rollback_that_a_person_began_is_told_from_its_start_and_blames_nothing_older(cloud: Cloud) -> None:
    older = (*FAILED, own("UPDATE_ROLLBACK_FAILED", "the role did not go back"))
    now = (*older, own("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"))
    cloud.stands("UPDATE_ROLLBACK_IN_PROGRESS")
    cloud.tells(*now)
    cloud.tells(*now, own("UPDATE_ROLLBACK_COMPLETE"))

    with pytest.raises(StackFailed) as caught:
        watched(cloud)

    assert caught.value.message == "User Initiated"
    assert caught.value.hint == "the Stack is as it was before"


def test_the_rollback_that_cloudformation_begins_belongs_to_the_operation(cloud: Cloud) -> None:
    older = (own("CREATE_COMPLETE"),)
    cloud.stands("UPDATE_ROLLBACK_IN_PROGRESS")
    cloud.tells(*older, *FAILED)
    cloud.tells(*older, *FAILED, own("UPDATE_ROLLBACK_COMPLETE"))

    with pytest.raises(StackFailed, match=r"Role \(AWS::IAM::Role\): the older reason"):
        watched(cloud)


def test_an_end_that_came_between_two_questions_is_that_of_the_operation(cloud: Cloud) -> None:
    events = (own("CREATE_COMPLETE"), own("UPDATE_IN_PROGRESS"), own("UPDATE_COMPLETE"))
    cloud.stands("UPDATE_IN_PROGRESS")
    cloud.tells(*events)
    cloud.stands("UPDATE_COMPLETE")
    cloud.tells(*events)

    assert watched(cloud) == ["films UPDATE_IN_PROGRESS", "films UPDATE_COMPLETE"]


def test_what_somebody_begins_after_the_end_is_not_waited_for(cloud: Cloud) -> None:
    now = (own("REVIEW_IN_PROGRESS"), own("CREATE_IN_PROGRESS"))
    cloud.stands("CREATE_IN_PROGRESS")
    cloud.tells(*now)
    cloud.tells(*now, own("CREATE_COMPLETE"), own("DELETE_IN_PROGRESS"))

    assert watched(cloud) == ["films CREATE_IN_PROGRESS", "films CREATE_COMPLETE"]


def test_a_stack_that_somebody_deletes_meanwhile_is_no_success(cloud: Cloud) -> None:
    from hfaas_deploy.aws.changes import Plan

    before = (own("REVIEW_IN_PROGRESS"),)
    cloud.tells(*before)
    cloud.stubber.add_response("execute_change_set", {})
    cloud.tells(*before, own("CREATE_IN_PROGRESS"), own("DELETE_IN_PROGRESS"), own("DELETE_COMPLETE"))

    with pytest.raises(StackFailed) as caught:
        list(Stack(cloud.client, "films").apply(Plan("films", ARN, "arn:x/hfaas-1/2", (), fresh=True)))

    assert caught.value.hint == "somebody deleted the Stack meanwhile"


def test_all_that_a_deletion_could_not_delete_is_named(cloud: Cloud) -> None:
    before = (own("CREATE_COMPLETE"),)
    cloud.stands("CREATE_COMPLETE")
    cloud.tells(*before)
    cloud.stubber.add_response("delete_stack", {})
    cloud.tells(
        *before,
        own("DELETE_IN_PROGRESS"),
        event("Role", "AWS::IAM::Role", "DELETE_FAILED", "it is used"),
        event("Queue", "AWS::SQS::Queue", "DELETE_FAILED", "it is locked"),
        own("DELETE_FAILED", "The following resource(s) failed to delete: [Role, Queue]."),
    )

    with pytest.raises(StackFailed) as caught:
        list(Stack(cloud.client, "films").remove())

    assert caught.value.message == "Role (AWS::IAM::Role): it is used; Queue (AWS::SQS::Queue): it is locked"


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("code", ["Throttling", "RequestLimitExceeded"])
def test_a_patient_watcher_bears_throttling_and_says_so_once(cloud: Cloud, code: str) -> None:
    said: list[str] = []
    now = (own("CREATE_IN_PROGRESS"),)
    cloud.stands("CREATE_IN_PROGRESS")
    cloud.tells(*now)
    cloud.stubber.add_client_error("describe_stack_events", code, "Rate exceeded")
    cloud.tells(*now, own("CREATE_COMPLETE"))

    stack = Stack(cloud.client, "films", is_patient=True, trouble=said.append)

    assert [one.status for one in stack.watch()] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert said == ["Rate exceeded"]


def test_credentials_that_expire_in_between_say_that_the_stack_goes_on(cloud: Cloud) -> None:
    cloud.stands("CREATE_IN_PROGRESS")
    cloud.tells(own("CREATE_IN_PROGRESS"))
    cloud.stubber.add_client_error("describe_stack_events", "ExpiredToken", "expired")

    with pytest.raises(CredentialsError) as caught:
        watched(cloud)

    assert "Stack films goes on by itself" in caught.value.hint
