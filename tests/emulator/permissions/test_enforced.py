"""A role's requests to a running emulator, with credentials that AssumeRole gave: refused where AWS refuses."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.emulator.conftest import Emulator

ACCOUNT, REGION = "000000000000", "us-east-1"
TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
})  # fmt: skip

Statement = Mapping[str, Any]


def allow(actions: str | list[str], *resources: str, **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources) or "*", **more}


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def session_client(endpoint: str, credentials: Mapping[str, str], service: str, **settings: Any) -> Any:
    make: Any = boto3.client
    settings = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **settings}
    return make(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(parameter_validation=False, **settings),
    )


class Role:
    """A role with an inline policy, and a session of it."""

    def __init__(self, emulator: Emulator, *statements: Statement, session_policy: str = "", **more: Any) -> None:
        self.emulator = emulator
        self.name = f"role-{uuid.uuid4().hex[:8]}"
        self.iam = emulator.client("iam")
        made = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=TRUST, **more)
        self.arn = made["Role"]["Arn"]
        if statements:
            self.put(*statements)
        narrowed = {"Policy": session_policy} if session_policy else {}
        sts = emulator.client("sts")
        self.credentials = sts.assume_role(RoleArn=self.arn, RoleSessionName="tries", **narrowed)["Credentials"]

    @property
    def principal(self) -> str:
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.name}/tries"

    def put(self, *statements: Statement) -> None:
        self.iam.put_role_policy(RoleName=self.name, PolicyName="own", PolicyDocument=document(*statements))

    def client(self, service: str, **settings: Any) -> Any:
        return session_client(self.emulator.endpoint, self.credentials, service, **settings)

    def says(self, action: str, resource: str, kind: str = "identity-based policy") -> str:
        """AWS's sentence for what nothing allows."""
        where = f" on resource: {resource}" if resource else ""
        return (
            f"User: {self.principal} is not authorized to perform: {action}{where} because no {kind} allows the "
            f"{action} action"
        )


@pytest.fixture
def role(emulator: Emulator) -> Callable[..., Role]:
    def make(*statements: Statement, **more: Any) -> Role:
        return Role(emulator, *statements, **more)

    return make


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="in/a", Body=b"content")
    return name


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[int, str, str]:
    """Return status, code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"].get("Message", "")


def of_bucket(name: str, key: str = "") -> str:
    return f"arn:aws:s3:::{name}" + (f"/{key}" if key else "")


def quoted(name: str, key: str = "") -> str:
    return f'"{of_bucket(name, key)}"'


def hops(endpoint: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{endpoint}/_hfaas/trace?since=0") as answer:
        return [json.loads(line) for line in answer if line.strip()]


# --------------------------------------------------------------------------------------------------------- S3


def test_a_role_without_policies_may_put_nothing_and_is_told_in_awss_words(role: Any, bucket: str) -> None:
    nobody = role()
    said = refused(nobody.client("s3").put_object, Bucket=bucket, Key="out/x", Body=b"x")
    assert said == (403, "AccessDenied", nobody.says("s3:PutObject", quoted(bucket, "out/x")))


def test_a_developers_own_keys_may_do_everything(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="any", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="any")["Body"].read() == b"x"


def test_a_role_may_do_what_its_policy_says_and_no_more(role: Any, bucket: str) -> None:
    s3 = role(allow("s3:GetObject", of_bucket(bucket, "in/*"))).client("s3")
    assert s3.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"content"
    assert refused(s3.get_object, Bucket=bucket, Key="out/a")[0] == 403
    assert refused(s3.delete_object, Bucket=bucket, Key="in/a")[0] == 403
    assert refused(s3.list_objects_v2, Bucket=bucket)[0] == 403


def test_a_refused_upload_leaves_nothing(role: Any, emulator: Emulator, bucket: str) -> None:
    refused(role().client("s3").put_object, Bucket=bucket, Key="in/a", Body=b"other")
    assert emulator.client("s3").get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"content"


def test_a_head_is_refused_without_words(role: Any, bucket: str) -> None:
    assert refused(role().client("s3").head_object, Bucket=bucket, Key="in/a")[:2] == (403, "403")


def test_a_missing_object_is_403_to_whoever_may_not_list(role: Any, bucket: str) -> None:
    reader = role(allow("s3:GetObject", of_bucket(bucket, "*")))
    said = refused(reader.client("s3").get_object, Bucket=bucket, Key="none")
    assert said == (403, "AccessDenied", reader.says("s3:ListBucket", quoted(bucket)))
    assert refused(reader.client("s3").head_object, Bucket=bucket, Key="none")[0] == 403


def test_a_missing_object_is_404_to_whoever_may_list(role: Any, bucket: str) -> None:
    s3 = role(allow("s3:GetObject", of_bucket(bucket, "*")), allow("s3:ListBucket", of_bucket(bucket))).client("s3")
    assert refused(s3.get_object, Bucket=bucket, Key="none")[:2] == (404, "NoSuchKey")
    assert refused(s3.head_object, Bucket=bucket, Key="none")[0] == 404


def test_a_missing_bucket_is_404_to_everybody(role: Any) -> None:
    assert refused(role().client("s3").get_object, Bucket="nowhere-at-all", Key="x")[:2] == (404, "NoSuchBucket")


def test_parts_are_put_like_objects_and_aborted_by_a_permission_of_their_own(role: Any, bucket: str) -> None:
    s3 = role(allow("s3:PutObject", of_bucket(bucket, "out/*"))).client("s3")
    assert refused(s3.create_multipart_upload, Bucket=bucket, Key="in/x")[0] == 403
    target = {"Bucket": bucket, "Key": "out/x"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    assert "s3:AbortMultipartUpload" in refused(s3.abort_multipart_upload, **target, UploadId=upload)[2]
    assert "s3:ListMultipartUploadParts" in refused(s3.list_parts, **target, UploadId=upload)[2]
    parts = {"Parts": [{"ETag": part, "PartNumber": 1}]}
    assert s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)["Key"] == "out/x"


def test_a_copy_needs_its_source_as_well(role: Any, bucket: str) -> None:
    s3 = role(allow("s3:PutObject", of_bucket(bucket, "out/*"))).client("s3")
    copy = {"Bucket": bucket, "Key": "out/a", "CopySource": f"{bucket}/in/a"}
    assert "s3:GetObject on resource" in refused(s3.copy_object, **copy)[2]


def test_tags_and_acls_in_headers_are_permissions_of_their_own(role: Any, bucket: str) -> None:
    s3 = role(allow("s3:PutObject", of_bucket(bucket, "*"))).client("s3")
    assert "s3:PutObjectTagging" in refused(s3.put_object, Bucket=bucket, Key="t", Tagging="a=b")[2]
    assert "s3:PutObjectAcl" in refused(s3.put_object, Bucket=bucket, Key="t", ACL="private")[2]


@pytest.mark.parametrize(
    ("call", "more", "action"),
    [
        ("list_buckets", {}, "s3:ListAllMyBuckets"),
        ("get_bucket_policy", {"Bucket": ""}, "s3:GetBucketPolicy"),
        ("get_bucket_location", {"Bucket": ""}, "s3:GetBucketLocation"),
        ("list_object_versions", {"Bucket": ""}, "s3:ListBucketVersions"),
        ("list_multipart_uploads", {"Bucket": ""}, "s3:ListBucketMultipartUploads"),
        ("delete_bucket", {"Bucket": ""}, "s3:DeleteBucket"),
        ("delete_bucket_tagging", {"Bucket": ""}, "s3:PutBucketTagging"),
        ("get_object_tagging", {"Bucket": "", "Key": "in/a"}, "s3:GetObjectTagging"),
        ("get_object_acl", {"Bucket": "", "Key": "in/a"}, "s3:GetObjectAcl"),
        ("get_object", {"Bucket": "", "Key": "in/a", "VersionId": "null"}, "s3:GetObjectVersion"),
        ("delete_object", {"Bucket": "", "Key": "in/a", "VersionId": "null"}, "s3:DeleteObjectVersion"),
        ("restore_object", {"Bucket": "", "Key": "in/a"}, "s3:RestoreObject"),
    ],
)
def test_a_request_to_s3_means_the_action_that_aws_names(
    role: Any, bucket: str, call: str, more: dict[str, str], action: str
) -> None:
    given = {**more, **({"Bucket": bucket} if "Bucket" in more else {})}
    status, _, said = refused(getattr(role().client("s3"), call), **given)
    assert (status, f"to perform: {action} " in said) == (403, True), said


def test_of_several_objects_those_are_deleted_that_may_be(role: Any, emulator: Emulator, bucket: str) -> None:
    root = emulator.client("s3")
    for key in ("own/<a>&b", "own/c"):
        root.put_object(Bucket=bucket, Key=key, Body=b"")
    deleter = role(allow("s3:DeleteObject", of_bucket(bucket, "own/*")))
    wanted = {"Objects": [{"Key": key} for key in ("own/<a>&b", "in/a", "own/c")]}
    answer = deleter.client("s3").delete_objects(Bucket=bucket, Delete=wanted)
    assert sorted(each["Key"] for each in answer["Deleted"]) == ["own/<a>&b", "own/c"]
    (error,) = answer["Errors"]
    assert (error["Key"], error["Code"]) == ("in/a", "AccessDenied")
    assert error["Message"] == deleter.says("s3:DeleteObject", quoted(bucket, "in/a"))
    assert [each["Key"] for each in root.list_objects_v2(Bucket=bucket)["Contents"]] == ["in/a"]


def test_of_several_objects_none_is_deleted_when_none_may_be(role: Any, emulator: Emulator, bucket: str) -> None:
    answer = role().client("s3").delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/a"}]})
    assert [each["Code"] for each in answer["Errors"]] == ["AccessDenied"]
    assert emulator.client("s3").head_object(Bucket=bucket, Key="in/a")["ContentLength"] == 7


def test_a_bucket_whose_name_is_written_otherwise_is_the_same_bucket(role: Any, bucket: str) -> None:
    lister = role(allow("s3:ListAllMyBuckets")).client("s3", signature_version="s3v4")
    address = lister.generate_presigned_url("list_objects_v2", {"Bucket": bucket})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace(bucket, bucket.replace("-", "%2D")))


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_may_what_its_role_may(role: Any, bucket: str, version: str) -> None:
    reader = role(allow("s3:GetObject", of_bucket(bucket, "in/*"))).client("s3", signature_version=version)
    given, other = (
        reader.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}) for key in ("in/a", "b")
    )
    with urllib.request.urlopen(given) as answer:
        assert answer.read() == b"content"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(other)


def test_a_bucket_policy_of_the_same_account_may_allow_too(role: Any, emulator: Emulator, bucket: str) -> None:
    nobody = role()
    given = allow("s3:GetObject", of_bucket(bucket, "*"), Principal={"AWS": nobody.arn})
    emulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(given))
    assert nobody.client("s3").get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"content"


def test_a_bucket_policy_denies_a_role_that_may(role: Any, emulator: Emulator, bucket: str) -> None:
    anybody = role(allow("s3:*"))
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": of_bucket(bucket, "*")}
    emulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(deny))
    said = refused(anybody.client("s3").get_object, Bucket=bucket, Key="in/a")[2]
    assert said.endswith(f"on resource: {quoted(bucket, 'in/a')} with an explicit deny in a resource-based policy")


def test_a_bucket_of_another_account_must_agree(role: Any, emulator: Emulator) -> None:
    theirs, name = emulator.client("s3", "333333333333"), f"theirs-{uuid.uuid4().hex[:8]}"
    theirs.create_bucket(Bucket=name)
    anybody = role(allow("s3:*"))
    put = anybody.client("s3").put_object
    assert refused(put, Bucket=name, Key="x")[2] == anybody.says(
        "s3:PutObject", quoted(name, "x"), "resource-based policy"
    )
    given = allow("s3:PutObject", of_bucket(name, "*"), Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    theirs.put_bucket_policy(Bucket=name, Policy=document(given))
    assert put(Bucket=name, Key="x")["ETag"]


def test_conditions_see_the_request(role: Any, bucket: str) -> None:
    below = allow("s3:ListBucket", of_bucket(bucket), Condition={"StringLike": {"s3:prefix": "in/*"}})
    s3 = role(below).client("s3")
    assert s3.list_objects_v2(Bucket=bucket, Prefix="in/")["KeyCount"] == 1
    assert refused(s3.list_objects_v2, Bucket=bucket)[0] == 403


def test_a_condition_that_the_emulator_does_not_know_is_named(role: Any, bucket: str) -> None:
    inside = allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    said = refused(role(inside).client("s3").get_object, Bucket=bucket, Key="in/a")[2]
    assert said.endswith("this emulator does not know the condition key aws:sourcevpce)")


# ------------------------------------------------------------------------------------------ changes, and sessions


def test_a_policy_counts_as_soon_as_it_is_put_and_as_long_as_it_is_there(role: Any, bucket: str) -> None:
    changing = role()
    get = changing.client("s3").get_object
    assert refused(get, Bucket=bucket, Key="in/a")[0] == 403
    changing.put(allow("s3:GetObject"))
    assert get(Bucket=bucket, Key="in/a")["ContentLength"] == 7
    changing.iam.delete_role_policy(RoleName=changing.name, PolicyName="own")
    assert refused(get, Bucket=bucket, Key="in/a")[0] == 403


def test_a_managed_policy_counts_by_its_default_version(role: Any, bucket: str) -> None:
    reader, name = role(), f"managed-{uuid.uuid4().hex[:8]}"
    arn = reader.iam.create_policy(PolicyName=name, PolicyDocument=document(allow("s3:GetObject")))["Policy"]["Arn"]
    reader.iam.attach_role_policy(RoleName=reader.name, PolicyArn=arn)
    assert reader.client("s3").get_object(Bucket=bucket, Key="in/a")["ContentLength"] == 7
    reader.iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(allow("s3:PutObject")), SetAsDefault=True
    )
    assert refused(reader.client("s3").get_object, Bucket=bucket, Key="in/a")[0] == 403


def test_a_policy_of_aws_counts(role: Any, bucket: str) -> None:
    reader = role()
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    reader.iam.attach_role_policy(RoleName=reader.name, PolicyArn=arn)
    assert reader.client("s3").get_object(Bucket=bucket, Key="in/a")["ContentLength"] == 7
    assert refused(reader.client("s3").put_object, Bucket=bucket, Key="x")[0] == 403


def test_a_permissions_boundary_bounds(role: Any, emulator: Emulator, bucket: str) -> None:
    name = f"boundary-{uuid.uuid4().hex[:8]}"
    made = emulator.client("iam").create_policy(PolicyName=name, PolicyDocument=document(allow("s3:GetObject")))
    bounded = role(allow("s3:*"), PermissionsBoundary=made["Policy"]["Arn"])
    assert bounded.client("s3").get_object(Bucket=bucket, Key="in/a")["ContentLength"] == 7
    said = refused(bounded.client("s3").put_object, Bucket=bucket, Key="x")[2]
    assert said == bounded.says("s3:PutObject", quoted(bucket, "x"), "permissions boundary")


def test_a_session_policy_narrows_the_role(role: Any, bucket: str) -> None:
    narrowed = role(allow("s3:*"), session_policy=document(allow("s3:GetObject")))
    assert narrowed.client("s3").get_object(Bucket=bucket, Key="in/a")["ContentLength"] == 7
    assert "no session policy" in refused(narrowed.client("s3").put_object, Bucket=bucket, Key="x")[2]


def test_a_session_is_known_by_its_key_alone(role: Any, emulator: Emulator, bucket: str) -> None:
    key = role().credentials["AccessKeyId"]
    assert refused(emulator.client("s3", key).get_object, Bucket=bucket, Key="in/a")[0] == 403


def test_a_role_that_is_gone_may_nothing(role: Any, bucket: str) -> None:
    gone = role(allow("s3:*"))
    gone.iam.delete_role_policy(RoleName=gone.name, PolicyName="own")
    gone.iam.delete_role(RoleName=gone.name)
    assert refused(gone.client("s3").get_object, Bucket=bucket, Key="in/a")[0] == 403


# ---------------------------------------------------------------------------------------------- other services


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def test_a_queue_is_refused_in_its_own_words(role: Any, emulator: Emulator) -> None:
    queue = emulator.client("sqs").create_queue(QueueName="refused")["QueueUrl"]
    nobody = role()
    status, code, said = refused(nobody.client("sqs").send_message, QueueUrl=queue, MessageBody="x")
    assert (status, code) == (403, "AccessDenied")
    assert said == nobody.says("sqs:sendmessage", arn("sqs", "refused"))


def test_a_batch_of_messages_is_the_action_of_one(role: Any, emulator: Emulator) -> None:
    queue = emulator.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    sender = role(allow("sqs:SendMessage", arn("sqs", "batches"))).client("sqs")
    sent = sender.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "x"}])
    assert len(sent["Successful"]) == 1
    assert refused(sender.receive_message, QueueUrl=queue)[0] == 403


def test_a_queue_policy_may_allow_too(role: Any, emulator: Emulator) -> None:
    sqs, nobody = emulator.client("sqs"), role()
    queue = sqs.create_queue(QueueName="open")["QueueUrl"]
    given = allow("sqs:SendMessage", arn("sqs", "open"), Principal={"AWS": nobody.arn})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document(given)})
    assert nobody.client("sqs").send_message(QueueUrl=queue, MessageBody="x")["MessageId"]


def test_a_function_is_invoked_by_whoever_may(role: Any, emulator: Emulator) -> None:
    emulator.function("called")
    nobody = role()
    said = refused(nobody.client("lambda").invoke, FunctionName="called", InvocationType="DryRun")
    name = arn("lambda", "function:called")
    assert said == (403, "AccessDeniedException", nobody.says("lambda:InvokeFunction", name))
    nobody.put(allow("lambda:InvokeFunction", name))
    assert nobody.client("lambda").invoke(FunctionName="called", InvocationType="DryRun")["StatusCode"] == 204
    assert "lambda:GetFunction " in refused(nobody.client("lambda").get_function, FunctionName="called")[2]
    assert "lambda:ListFunctions on resource: * " in refused(nobody.client("lambda").list_functions)[2]


def test_a_functions_policy_may_allow_too(role: Any, emulator: Emulator) -> None:
    emulator.function("open")
    nobody = role()
    given = {"FunctionName": "open", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": nobody.arn}
    emulator.client("lambda").add_permission(**given)
    assert nobody.client("lambda").invoke(FunctionName="open", InvocationType="DryRun")["StatusCode"] == 204


def test_a_job_needs_its_definition_and_its_queue(role: Any) -> None:
    definition, queue = arn("batch", "job-definition/d"), arn("batch", "job-queue/q")
    submitter = role(allow("batch:SubmitJob", definition))
    batch, job = submitter.client("batch"), {"jobName": "j", "jobDefinition": "d", "jobQueue": queue}
    assert refused(batch.submit_job, **job) == (
        403,
        "AccessDeniedException",
        submitter.says("batch:SubmitJob", queue),
    )
    submitter.put(allow("batch:SubmitJob", definition, queue))
    assert refused(batch.submit_job, **job)[:2] == (400, "ClientException")
    assert refused(batch.describe_jobs, jobs=["x"])[2] == submitter.says("batch:DescribeJobs", "*")
    assert refused(batch.terminate_job, jobId="x", reason="r")[2] == submitter.says(
        "batch:TerminateJob", arn("batch", "job/x")
    )


def test_log_lines_are_written_by_whoever_may(role: Any, emulator: Emulator) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName="/own")
    writer = role(allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn("logs", "log-group:/own:*")))
    own = writer.client("logs")
    own.create_log_stream(logGroupName="/own", logStreamName="s")
    own.put_log_events(logGroupName="/own", logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])
    said = refused(own.get_log_events, logGroupName="/own", logStreamName="s")
    name = arn("logs", "log-group:/own:log-stream:s")
    assert said == (400, "AccessDeniedException", writer.says("logs:GetLogEvents", name))


def test_a_secret_is_found_by_its_name_and_allowed_by_its_arn(role: Any, emulator: Emulator) -> None:
    made = emulator.client("secretsmanager").create_secret(Name="keys/one", SecretString="hidden")
    reader = role(allow("secretsmanager:GetSecretValue", made["ARN"]))
    get = reader.client("secretsmanager").get_secret_value
    assert get(SecretId="keys/one")["SecretString"] == "hidden"
    assert get(SecretId=made["ARN"])["SecretString"] == "hidden"
    said = refused(get, SecretId="keys/two")
    assert said == (400, "AccessDeniedException", reader.says("secretsmanager:GetSecretValue", "keys/two"))


def test_a_topic_is_refused_in_its_own_words(role: Any, emulator: Emulator) -> None:
    topic = emulator.client("sns").create_topic(Name="news")["TopicArn"]
    nobody = role()
    said = refused(nobody.client("sns").publish, TopicArn=topic, Message="x")
    assert said == (403, "AuthorizationError", nobody.says("sns:Publish", topic))


@pytest.mark.parametrize(
    ("service", "call", "arguments", "action", "resource"),
    [
        ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]},
         "events:PutEvents", arn("events", "event-bus/default")),
        ("events", "put_rule", {"Name": "r", "EventPattern": "{}"}, "events:PutRule", arn("events", "rule/r")),
        ("stepfunctions", "start_execution", {"stateMachineArn": arn("states", "stateMachine:m")},
         "states:StartExecution", arn("states", "stateMachine:m")),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {}}, "dynamodb:GetItem", arn("dynamodb", "table/t")),
        ("ssm", "get_parameter", {"Name": "/a/b"}, "ssm:GetParameter", arn("ssm", "parameter/a/b")),
        ("cloudwatch", "list_metrics", {}, "cloudwatch:ListMetrics", "*"),
        ("iam", "get_role", {"RoleName": "r"}, "iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/r"),
        ("cloudformation", "describe_stacks", {"StackName": "s"}, "cloudformation:DescribeStacks",
         arn("cloudformation", "stack/s/*")),
        ("scheduler", "get_schedule", {"Name": "s"}, "scheduler:GetSchedule", arn("scheduler", "schedule/default/s")),
        ("ecr", "describe_images", {"repositoryName": "r"}, "ecr:DescribeImages", arn("ecr", "repository/r")),
        ("ecr", "get_authorization_token", {}, "ecr:GetAuthorizationToken", "*"),
        ("apigateway", "get_rest_apis", {}, "apigateway:GET", f"arn:aws:apigateway:{REGION}::/restapis"),
        ("batch", "describe_job_queues", {}, "batch:DescribeJobQueues", "*"),
        ("lambda", "list_tags", {"Resource": arn("lambda", "function:f")}, "lambda:ListTags", "*"),
    ],
)  # fmt: skip
def test_a_request_means_the_action_and_resource_that_aws_names(
    role: Any, service: str, call: str, arguments: dict[str, Any], action: str, resource: str
) -> None:
    nobody = role()
    _, _, said = refused(getattr(nobody.client(service), call), **arguments)
    assert said == nobody.says(action, resource)


def test_who_am_i_needs_no_permission(role: Any) -> None:
    nobody = role()
    assert nobody.client("sts").get_caller_identity()["Arn"] == nobody.principal


def test_a_role_assumes_another_one_that_trusts_its_account_only_with_a_permission(role: Any) -> None:
    first, second = role(), role()
    assume = first.client("sts").assume_role
    asked = {"RoleArn": second.arn, "RoleSessionName": "next"}
    assert refused(assume, **asked) == (
        403,
        "AccessDenied",
        f"User: {first.principal} is not authorized to perform: sts:AssumeRole on resource: {second.arn}",
    )
    first.put(allow("sts:AssumeRole", second.arn))
    assert assume(**asked)["AssumedRoleUser"]["Arn"].endswith(f"assumed-role/{second.name}/next")


# ------------------------------------------------------------------------------------------------------- trace


def test_what_is_refused_leaves_a_hop_that_names_role_action_and_resource(
    role: Any, emulator: Emulator, bucket: str
) -> None:
    nobody = role()
    refused(nobody.client("s3").put_object, Bucket=bucket, Key="hop", Body=b"")
    (hop,) = (
        hop
        for hop in hops(emulator.endpoint)
        if hop["what"] == "role.denied" and hop["detail"]["role"] == nobody.name
    )
    assert hop["detail"] == {
        "role": nobody.name,
        "action": "s3:PutObject",
        "resource": of_bucket(bucket, "hop"),
        "reason": "because no identity-based policy allows the s3:PutObject action",
    }
