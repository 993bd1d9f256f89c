"""Every type, one row each: made, changed, looked at through its own service, gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.emulator.cloudformation import templates as t

Look = Callable[[Any, str], Any]


@dataclass(frozen=True)
class Row:
    """A type's properties at first and later, and what its service then says of each."""

    type: str
    first: dict[str, Any]
    later: dict[str, Any]
    look: Look
    seen: tuple[Any, Any]
    needs: dict[str, Any] = field(default_factory=dict)


ROLE = {"Role": t.resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": t.TRUST})}
FUNCTION = {**ROLE, "Function": t.function()}
ANY = t.allow("s3:GetObject", "*")
OTHER = t.allow("s3:PutObject", "*")


def action(document: dict[str, Any]) -> str:
    return str(document["Statement"][0]["Action"][0])


def inline(aws: Any, name: str) -> str:
    iam = aws("iam")
    role = iam.list_roles()["Roles"][0]["RoleName"]
    policy = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    return action(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])


def managed(aws: Any, arn: str) -> str:
    iam = aws("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    attached = iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return f"{action(document)} {len(attached)}"


def setting(operation: str, *keys: Any) -> Look:
    def look(aws: Any, name: str) -> Any:
        found = getattr(aws("s3"), operation)(Bucket=name)
        for key in keys:
            found = found[key]
        return found

    return look


def attribute(name: str) -> Look:
    return lambda aws, url: (
        aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"].get(name)
    )


def configuration(name: str) -> Look:
    return lambda aws, function: aws("lambda").get_function_configuration(FunctionName=function).get(name)


def policy_of_queue(aws: Any, _: str) -> bool:
    url = aws("sqs").list_queues()["QueueUrls"][0]
    return (
        "PutObject" in aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["Policy"]
    )


def described_rule(*keys: str) -> Look:
    def look(aws: Any, name: str) -> Any:
        found = aws("events").describe_rule(Name=name)
        return [found.get(key) for key in keys]

    return look


def targets(aws: Any, name: str) -> list[str]:
    found = aws("events").list_targets_by_rule(Rule=name)["Targets"]
    return sorted(f"{one['Id']} {one['Arn'].rpartition(':')[2]} {one.get('Input', '')}" for one in found)


def rule_tags(aws: Any, name: str) -> Any:
    arn = aws("events").describe_rule(Name=name)["Arn"]
    return aws("events").list_tags_for_resource(ResourceARN=arn)["Tags"]


def profile_roles(aws: Any, name: str) -> list[bool]:
    roles = aws("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    return ["Other" in one["RoleName"] for one in roles]


def rule(**more: Any) -> dict[str, Any]:
    pattern = {"source": ["aws.batch"], "detail": {"status": ["FAILED"]}}
    return {"EventPattern": pattern, "State": "ENABLED", **more}


def target(id: str, **more: Any) -> dict[str, Any]:
    return {"Id": id, "Arn": f"arn:aws:sqs:us-east-1:123456789012:{id}", **more}


def fn(**changed: Any) -> dict[str, Any]:
    return dict(t.function("subject", **changed)["Properties"])


def lifecycle(days: int) -> dict[str, Any]:
    return {"LifecycleConfiguration": {"Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": days}]}}


def origin(name: str) -> dict[str, Any]:
    return {
        "CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": [name], "MaxAge": 5}]}
    }


def retries(count: int) -> dict[str, Any]:
    return {"FunctionName": t.ref("Function"), "Qualifier": "$LATEST", "MaximumRetryAttempts": count}


def inline_policy(document: dict[str, Any]) -> dict[str, Any]:
    return {"PolicyName": "p", "PolicyDocument": document, "Roles": [t.ref("Role")]}


def role(**more: Any) -> dict[str, Any]:
    return {"AssumeRolePolicyDocument": t.TRUST, **more}


ROWS = {
    "role's inline policy": Row(
        "AWS::IAM::Role",
        role(Policies=[{"PolicyName": "p", "PolicyDocument": ANY}]),
        role(Policies=[{"PolicyName": "q", "PolicyDocument": OTHER}]),
        inline,
        ("s3:GetObject", "s3:PutObject"),
    ),
    "role's description": Row(
        "AWS::IAM::Role",
        role(Description="one"),
        role(Description="two"),
        lambda aws, name: aws("iam").get_role(RoleName=name)["Role"]["Description"],
        ("one", "two"),
    ),
    "inline policy": Row(
        "AWS::IAM::Policy", inline_policy(ANY), inline_policy(OTHER), inline, ("s3:GetObject", "s3:PutObject"), ROLE
    ),
    "managed policy": Row(
        "AWS::IAM::ManagedPolicy",
        {"PolicyDocument": ANY},
        {"PolicyDocument": OTHER, "Roles": [t.ref("Role")]},
        managed,
        ("s3:GetObject 0", "s3:PutObject 1"),
        ROLE,
    ),
    "function's memory": Row(
        "AWS::Lambda::Function", fn(), fn(MemorySize="1024"), configuration("MemorySize"), (512, 1024), ROLE
    ),
    "function's time": Row(
        "AWS::Lambda::Function", fn(Timeout=9), fn(Timeout=900), configuration("Timeout"), (9, 900), ROLE
    ),
    "function's image": Row(
        "AWS::Lambda::Function",
        fn(),
        fn(Code={"ImageUri": t.OTHER_IMAGE}),
        lambda aws, name: aws("lambda").get_function(FunctionName=name)["Code"]["ImageUri"],
        (t.IMAGE, t.OTHER_IMAGE),
        ROLE,
    ),
    "function's variables": Row(
        "AWS::Lambda::Function",
        fn(),
        {key: one for key, one in fn().items() if key != "Environment"},
        lambda aws, name: (configuration("Environment")(aws, name) or {}).get("Variables", {}),
        ({"FUNCTION_CONFIG": "e30="}, {}),
        ROLE,
    ),
    "function's reserved concurrency": Row(
        "AWS::Lambda::Function",
        fn(ReservedConcurrentExecutions=1),
        fn(),
        lambda aws, name: (
            aws("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        ),
        (1, None),
        ROLE,
    ),
    # Plain moto answers with the first configuration it was given; the emulator's is patched.
    "function's retries": Row(
        "AWS::Lambda::EventInvokeConfig",
        retries(2),
        retries(0),
        lambda aws, _: "FunctionArn" in aws("lambda").get_function_event_invoke_config(FunctionName="detect"),
        (True, True),
        FUNCTION,
    ),
    "log group's retention": Row(
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 14},
        {},
        lambda aws, name: (
            aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"][0].get("retentionInDays")
        ),
        (14, None),
    ),
    "bucket's life cycle": Row(
        "AWS::S3::Bucket",
        lifecycle(7),
        lifecycle(30),
        setting("get_bucket_lifecycle_configuration", "Rules", 0, "Expiration", "Days"),
        (7, 30),
    ),
    "bucket's versions": Row(
        "AWS::S3::Bucket",
        {"VersioningConfiguration": {"Status": "Enabled"}},
        {},
        setting("get_bucket_versioning", "Status"),
        ("Enabled", "Suspended"),
    ),
    "bucket's public access": Row(
        "AWS::S3::Bucket",
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": "false"}},
        setting("get_public_access_block", "PublicAccessBlockConfiguration", "BlockPublicAcls"),
        (True, False),
    ),
    "bucket's origins": Row(
        "AWS::S3::Bucket",
        origin("https://a"),
        origin("https://b"),
        setting("get_bucket_cors", "CORSRules", 0, "AllowedOrigins"),
        (["https://a"], ["https://b"]),
    ),
    "bucket's encryption": Row(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            }
        },
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
                ]
            }
        },
        setting(
            "get_bucket_encryption",
            "ServerSideEncryptionConfiguration",
            "Rules",
            0,
            "ApplyServerSideEncryptionByDefault",
            "SSEAlgorithm",
        ),
        ("AES256", "aws:kms"),
    ),
    "bucket's tags": Row(
        "AWS::S3::Bucket",
        {"Tags": [{"Key": "a", "Value": "1"}]},
        {"Tags": [{"Key": "b", "Value": "2"}]},
        setting("get_bucket_tagging", "TagSet"),
        ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}]),
    ),
    "queue's time-out": Row(
        "AWS::SQS::Queue", {"VisibilityTimeout": 60}, {}, attribute("VisibilityTimeout"), ("60", "30")
    ),
    "queue's encryption": Row(
        "AWS::SQS::Queue",
        {"SqsManagedSseEnabled": True},
        {"SqsManagedSseEnabled": False},
        attribute("SqsManagedSseEnabled"),
        ("true", "false"),
    ),
    "queue's order": Row(
        "AWS::SQS::Queue",
        {"FifoQueue": True},
        {"FifoQueue": True, "ContentBasedDeduplication": True},
        attribute("ContentBasedDeduplication"),
        ("false", "true"),
    ),
    "queue's policy": Row(
        "AWS::SQS::QueuePolicy",
        {"Queues": [t.ref("Q")], "PolicyDocument": t.allow("s3:GetObject", t.att("Q"))},
        {"Queues": [t.ref("Q")], "PolicyDocument": t.allow("s3:PutObject", t.att("Q"))},
        policy_of_queue,
        (False, True),
        {"Q": t.resource("AWS::SQS::Queue")},
    ),
    "rule's pattern and state": Row(
        "AWS::Events::Rule",
        rule(Description="failures"),
        rule(EventPattern='{"source": ["mine"]}', State="DISABLED"),
        described_rule("EventPattern", "State", "Description"),
        (
            ['{"source": ["aws.batch"], "detail": {"status": ["FAILED"]}}', "ENABLED", "failures"],
            ['{"source": ["mine"]}', "DISABLED", None],
        ),
    ),
    "rule's targets": Row(
        "AWS::Events::Rule",
        rule(Targets=[target("a"), target("b")]),
        rule(Targets=[target("b", Input="{}"), target("c")]),
        targets,
        (["a a ", "b b "], ["b b {}", "c c "]),
    ),
    "rule's tags": Row(
        "AWS::Events::Rule",
        rule(Tags=[{"Key": "a", "Value": "1"}]),
        rule(Tags=[{"Key": "b", "Value": "2"}]),
        rule_tags,
        ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}]),
    ),
    "instance profile's role": Row(
        "AWS::IAM::InstanceProfile",
        {"Roles": [t.ref("Role")]},
        {"Roles": [t.ref("Other")]},
        profile_roles,
        ([False], [True]),
        {**ROLE, "Other": ROLE["Role"]},
    ),
}


def template(row: Row, properties: dict[str, Any]) -> str:
    subject = t.resource(row.type, properties)
    outputs = {"Id": {"Value": t.ref("Subject")}}
    parameters = {"Image": {"Type": "String", "Default": t.IMAGE}}
    return t.body({**row.needs, "Subject": subject}, Outputs=outputs, Parameters=parameters)


@pytest.mark.parametrize("what", ROWS)
def test_a_type_is_made_changed_in_place_and_removed(cfn: Any, aws: Any, what: str) -> None:
    makes_changes_and_removes(cfn, aws, ROWS[what])


def makes_changes_and_removes(cfn: Any, aws: Any, row: Row) -> None:
    first = cfn.create("mask", template(row, row.first))
    assert first["StackStatus"] == "CREATE_COMPLETE", cfn.events("mask")
    made = first["Outputs"][0]["OutputValue"]
    assert row.look(aws, made) == row.seen[0]
    later = cfn.update("mask", template(row, row.later))
    assert later["StackStatus"] == "UPDATE_COMPLETE", cfn.events("mask")
    assert later["Outputs"][0]["OutputValue"] == made, "it was replaced"
    assert row.look(aws, made) == row.seen[1]
    assert cfn.delete("mask")["StackStatus"] == "DELETE_COMPLETE"


def test_a_rule_of_a_name_that_is_taken_is_not_taken_over(cfn: Any, aws: Any) -> None:
    aws("events").put_rule(Name="failures", EventPattern='{"source": ["mine"]}')
    cfn.create("mask", t.body({"Rule": t.resource("AWS::Events::Rule", rule(Name="failures"))}))
    assert cfn.settled("mask")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert described_rule("EventPattern")(aws, "failures") == ['{"source": ["mine"]}']


def test_a_rule_says_its_arn(cfn: Any) -> None:
    body = t.body({"Rule": t.resource("AWS::Events::Rule", rule())}, Outputs={"Arn": {"Value": t.att("Rule")}})
    arn = cfn.create("mask", body)["Outputs"][0]["OutputValue"]
    assert arn.startswith("arn:aws:events:us-east-1:123456789012:rule/mask-Rule-")


@pytest.mark.parametrize("type", ["List<AWS::EC2::Subnet::Id>", "CommaDelimitedList"])
def test_a_list_parameter_given_as_text_arrives_as_a_list(cfn: Any, aws: Any, type: str) -> None:
    """A queue policy takes a list of queues, so a Ref to the parameter is enough."""
    url = aws("sqs").create_queue(QueueName="one")["QueueUrl"]
    policy = {"Queues": t.ref("Queues"), "PolicyDocument": t.allow("s3:PutObject", "*")}
    body = t.body({"P": t.resource("AWS::SQS::QueuePolicy", policy)}, Parameters={"Queues": {"Type": type}})
    given = [{"ParameterKey": "Queues", "ParameterValue": f"{url}, {url}"}]
    assert cfn.create("mask", body, Parameters=given)["StackStatus"] == "CREATE_COMPLETE", cfn.events("mask")
    assert policy_of_queue(aws, url)


def test_a_permission_is_replaced_by_a_new_statement(cfn: Any, aws: Any) -> None:
    cfn.create("mask", t.pipeline())
    changed = t.permission()
    changed["Properties"]["SourceArn"] = "arn:aws:s3:::elsewhere"
    assert cfn.update("mask", t.pipeline(Permission=changed))["StackStatus"] == "UPDATE_COMPLETE"
    policy = aws("lambda").get_policy(FunctionName="detect")["Policy"]
    assert "elsewhere" in policy
    assert "hfaas-pipeline" not in policy


def test_a_zip_function_is_refused_in_so_many_words(cfn: Any) -> None:
    zipped = t.function(PackageType="Zip", Code={"ZipFile": "pass"}, Handler="index.x")
    del zipped["Properties"]["Handler"]
    cfn.create("mask", t.pipeline(Function=zipped))
    failed = [why for _, status, why in cfn.events("mask", "Function") if status == "CREATE_FAILED"]
    assert "only functions of container images are supported" in failed[0]
