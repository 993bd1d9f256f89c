"""AWS's own policies, which are made when somebody looks for them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

PREFIX = "arn:aws:iam::aws:policy/"
BASIC = f"{PREFIX}service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
def iam(emulator: Any) -> Any:
    return emulator.client("iam")


def test_a_policy_of_aws_is_found_and_attached_by_its_arn(emulator: Any, iam: Any) -> None:
    emulator.role("attached")
    iam.attach_role_policy(RoleName="attached", PolicyArn=BASIC)
    (attached,) = iam.list_attached_role_policies(RoleName="attached")["AttachedPolicies"]
    assert attached == {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}
    version = iam.get_policy_version(PolicyArn=BASIC, VersionId="v1")["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"][0] == "logs:CreateLogGroup"
    iam.detach_role_policy(RoleName="attached", PolicyArn=BASIC)
    assert iam.get_policy(PolicyArn=BASIC)["Policy"]["AttachmentCount"] == 0


@pytest.mark.parametrize("arn", [f"{PREFIX}NoSuch", f"{PREFIX}AWSLambdaBasicExecutionRole", f"{PREFIX}Statement"])
def test_a_policy_that_aws_does_not_have_is_not_found(iam: Any, arn: str) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn=arn)


def test_all_policies_of_aws_are_listed(iam: Any) -> None:
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 1000})
    listed = [policy["Arn"] for page in pages for policy in page["Policies"]]
    assert len(listed) == len(set(listed)) > 1000
    assert BASIC in listed


def test_own_policies_are_listed_without_those_of_aws(iam: Any) -> None:
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    arn = iam.create_policy(PolicyName="own", PolicyDocument=document)["Policy"]["Arn"]
    assert [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]] == [arn]
    details = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
    assert [policy["Arn"] for policy in details] == [arn]


def test_an_account_s_details_hold_the_policies_of_aws(iam: Any) -> None:
    details = iam.get_account_authorization_details(Filter=["AWSManagedPolicy"])
    assert len(details["Policies"]) > 100
