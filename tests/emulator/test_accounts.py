"""Whose account a request is for: a key of twelve digits says so itself, one that IAM issued is its issuer's."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION = "210987654321", "eu-west-1"
PRINCIPAL = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [PRINCIPAL]})
MAY = {
    "Effect": "Allow",
    "Action": ["batch:*", "logs:*", "lambda:InvokeFunction", "cloudformation:CreateStack"],
    "Resource": "*",
}
ALL = json.dumps({"Version": "2012-10-17", "Statement": [MAY]})


def session_of(emulator: Any) -> dict[str, str]:
    """The credentials of a role of that account, as a function in it has them."""
    iam = emulator.client("iam", ACCOUNT, REGION)
    role = iam.create_role(RoleName="works", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="works", PolicyName="all", PolicyDocument=ALL)
    sts = emulator.client("sts", ACCOUNT, REGION)
    made = sts.assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="s")["Credentials"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


@pytest.fixture(scope="module")
def role(emulator: Any) -> Any:
    """Return clients with the credentials of a role of that account."""
    credentials = session_of(emulator)

    def client(service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=emulator.endpoint, **credentials)  # type: ignore[call-overload]

    return client


def test_a_role_is_of_its_account_for_jobs(role: Any, emulator: Any) -> None:
    batch = emulator.client("batch", ACCOUNT, REGION)
    made = batch.create_compute_environment(
        computeEnvironmentName="place",
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxvCpus": 1, "subnets": ["s"], "securityGroupIds": ["g"]},
    )
    order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
    batch.create_job_queue(jobQueueName="line", priority=1, computeEnvironmentOrder=order)
    assert role("batch").list_jobs(jobQueue="line", jobStatus="RUNNING")["jobSummaryList"] == []
    with pytest.raises(ClientError):
        emulator.client("batch", "test", REGION).list_jobs(jobQueue="line", jobStatus="RUNNING")


def test_a_role_is_of_its_account_for_logs(role: Any, emulator: Any) -> None:
    logs = emulator.client("logs", ACCOUNT, REGION)
    logs.create_log_group(logGroupName="/own")
    role("logs").create_log_stream(logGroupName="/own", logStreamName="one")
    role("logs").put_log_events(
        logGroupName="/own", logStreamName="one", logEvents=[{"timestamp": 1_700_000_000_000, "message": "said"}]
    )
    assert [one["message"] for one in logs.filter_log_events(logGroupName="/own")["events"]] == ["said"]


def test_a_role_is_of_its_account_for_functions_by_name(role: Any) -> None:
    with pytest.raises(ClientError, match=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody"):
        role("lambda").invoke(FunctionName="nobody")


def test_a_role_is_of_its_account_for_stacks(role: Any) -> None:
    topic = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    made = role("cloudformation").create_stack(StackName="of-the-role", TemplateBody=json.dumps(topic))
    assert made["StackId"].startswith(f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/of-the-role/")


def test_a_key_that_nobody_here_issued_is_of_the_default_account(emulator: Any) -> None:
    key = "AKIAIOSFODNN7EXAMPLE"
    assert emulator.client("sts", key, REGION).get_caller_identity()["Account"] == "000000000000"
    stacks = emulator.client("cloudformation", key, REGION)
    body = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    assert stacks.create_stack(StackName="own", TemplateBody=body)["StackId"].split(":")[4] == "000000000000"
