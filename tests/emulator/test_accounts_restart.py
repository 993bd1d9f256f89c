"""Keys that IAM issued are known after a restart."""

from __future__ import annotations

import json
from pathlib import Path

from tests.emulator.conftest import running

ACCOUNT, REGION = "210987654321", "eu-west-1"


def test_a_users_key_is_of_its_account_also_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        iam = first.client("iam", ACCOUNT, REGION)
        iam.create_user(UserName="somebody")
        key = iam.create_access_key(UserName="somebody")["AccessKey"]["AccessKeyId"]
    with running(tmp_path) as again:
        made = again.client("cloudformation", key, REGION).create_stack(
            StackName="of-somebody", TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
        )
        assert made["StackId"].split(":")[4] == ACCOUNT
        assert again.client("sts", key, REGION).get_caller_identity()["Arn"].endswith(f"{ACCOUNT}:user/somebody")
