from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.s3.conftest import Site

from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.trace import What

ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Place:
    """A bucket of this test alone, with what it set in motion."""

    site: Site
    s3: Any
    bucket: str

    def function(self, *, permission: bool = True, **conditions: str) -> str:
        """Make a function; with `permission`, one that this bucket may invoke."""
        name = f"f-{uuid.uuid4().hex[:12]}"
        client = self.site.client("lambda")
        role = self.site.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        image = {"ImageUri": "hfaas/x:1"}
        made = client.create_function(FunctionName=name, PackageType="Image", Code=image, Role=role)
        if permission:
            self.allow(name, **conditions)
        return str(made["FunctionArn"])

    def allow(self, function: str, **conditions: str) -> None:
        """Let this bucket invoke a function."""
        self.site.client("lambda").add_permission(
            FunctionName=function,
            StatementId="s3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            **({"SourceArn": f"arn:aws:s3:::{self.bucket}", "SourceAccount": ACCOUNT} | conditions),
        )

    def queue(self) -> tuple[str, str]:
        """Make a queue that this bucket may send to; return its URL and ARN."""
        sqs = self.site.client("sqs")
        name = f"q-{uuid.uuid4().hex[:12]}"
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{self.bucket}"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn

    def notify(self, *functions: str, events: str = "s3:ObjectCreated:*", **filters: str) -> None:
        """Send this bucket's events to functions."""
        self.configure(
            LambdaFunctionConfigurations=[
                {"Id": f"rule{n}", "LambdaFunctionArn": arn, "Events": [events], **filter_of(filters)}
                for n, arn in enumerate(functions)
            ]
        )

    def configure(self, **configuration: Any) -> None:
        """Set the bucket's notifications."""
        self.s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=configuration)

    def put(self, key: str, body: bytes = b"x", **more: Any) -> None:
        """Put an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def invocations(self) -> list[Invocation]:
        """The invocations this bucket caused."""
        return [accepted for accepted in self.site.accepted if accepted.origin == f"s3:{self.bucket}"]

    def records(self) -> list[dict[str, Any]]:
        """The records in them."""
        return [record for accepted in self.invocations() for record in json.loads(accepted.payload)["Records"]]

    def hops(self, what: What) -> list[dict[str, Any]]:
        """The hops about this bucket."""
        return [dict(hop.detail) for hop in self.site.hops(what) if hop.detail.get("bucket") == self.bucket]


def filter_of(filters: dict[str, str]) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in filters.items()]
    return {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}


@pytest.fixture
def place(site: Site) -> Place:
    s3 = site.client()
    bucket = f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    return Place(site, s3, bucket)


def test_an_object_invokes_the_function_once_before_the_put_is_answered(place: Place) -> None:
    arn = place.function()
    place.notify(arn, prefix="in/", suffix=".jpg")
    place.put("in/my cat.jpg", b"meow")
    (invocation,) = place.invocations()
    (record,) = place.records()
    assert invocation.function == arn
    assert (record["eventName"], record["s3"]["configurationId"]) == ("ObjectCreated:Put", "rule0")
    assert record["s3"]["object"].items() >= {"key": "in/my+cat.jpg", "size": 4}.items()


def test_a_multipart_upload_is_one_event(place: Place, tmp_path: Any) -> None:
    place.notify(place.function())
    (tmp_path / "big").write_bytes(b"x" * (9 << 20))
    place.s3.upload_file(str(tmp_path / "big"), place.bucket, "big")
    assert [record["eventName"] for record in place.records()] == ["ObjectCreated:CompleteMultipartUpload"]
    assert place.records()[0]["s3"]["object"]["size"] == 9 << 20


def test_copies_and_removals_are_called_what_they_are(place: Place) -> None:
    arn = place.function()
    place.configure(
        LambdaFunctionConfigurations=[
            {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        ]
    )
    place.put("one")
    place.s3.copy_object(Bucket=place.bucket, Key="two", CopySource=f"{place.bucket}/one")
    place.s3.delete_object(Bucket=place.bucket, Key="one")
    place.s3.delete_objects(Bucket=place.bucket, Delete={"Objects": [{"Key": "two"}]})
    names = [record["eventName"] for record in place.records()]
    assert names == ["ObjectCreated:Put", "ObjectCreated:Copy", "ObjectRemoved:Delete", "ObjectRemoved:Delete"]


def test_a_delete_marker_and_a_removed_version_are_told_apart(place: Place) -> None:
    place.s3.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    place.notify(place.function(), events="s3:ObjectRemoved:*")
    version = place.s3.put_object(Bucket=place.bucket, Key="k", Body=b"x")["VersionId"]
    marker = place.s3.delete_object(Bucket=place.bucket, Key="k")["VersionId"]
    place.s3.delete_object(Bucket=place.bucket, Key="k", VersionId=version)
    told = [(record["eventName"], record["s3"]["object"]["versionId"]) for record in place.records()]
    assert told == [("ObjectRemoved:DeleteMarkerCreated", marker), ("ObjectRemoved:Delete", version)]


def test_tags_set_with_an_object_are_no_event_of_their_own(place: Place) -> None:
    arn = place.function()
    place.configure(
        LambdaFunctionConfigurations=[
            {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectTagging:*"]}
        ]
    )
    place.put("k", Tagging="a=b")
    place.s3.put_object_tagging(Bucket=place.bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "c"}]})
    assert [record["eventName"] for record in place.records()] == ["ObjectCreated:Put", "ObjectTagging:Put"]


def test_a_bucket_that_notifies_nobody_says_so(place: Place) -> None:
    place.put("k")
    assert place.hops(What.OBJECT_CREATED)[0]["key"] == "k"
    assert place.hops(What.TRIGGER_NONE) == [{"bucket": place.bucket, "key": "k"}]


def test_a_rule_that_does_not_match_says_why(place: Place) -> None:
    arn = place.function()
    place.notify(arn, prefix="in/")
    place.put("out/k")
    (hop,) = place.hops(What.FILTER_REJECTED)
    assert (hop["rule"], hop["target"], hop["reason"]) == ("rule0", arn, "the key does not begin with 'in/'")
    assert not place.invocations()


def test_a_permission_that_was_taken_away_stops_the_event_and_is_told(place: Place) -> None:
    arn = place.function()
    place.notify(arn)
    place.site.client("lambda").remove_permission(FunctionName=arn, StatementId="s3")
    place.put("k")
    assert not place.invocations()
    (hop,) = place.hops(What.PERMISSION_DENIED)
    assert hop["function"] == arn
    assert "no statement" in hop["reason"]


def test_the_hop_of_a_granted_permission_carries_the_invocation(place: Place) -> None:
    place.notify(place.function())
    place.put("k")
    (invocation,) = place.invocations()
    (hop,) = [hop for hop in place.site.hops(What.PERMISSION_GRANTED) if hop.invocation == invocation.id]
    assert hop.run == invocation.run


def test_an_output_goes_on_with_the_run_of_its_invocation(place: Place) -> None:
    place.notify(place.function())
    place.put("first")
    (first,) = place.invocations()
    place.put("second", Metadata={"hfaas-function": "grey", "hfaas-request-id": first.id})
    place.put("third")
    _, second, third = place.invocations()
    assert second.run == first.run
    assert third.run not in ("", first.run)


def test_a_queue_gets_the_test_event_and_then_the_object(place: Place) -> None:
    url, arn = place.queue()
    place.configure(QueueConfigurations=[{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}])
    place.put("k")
    sqs = place.site.client("sqs")
    bodies = [
        json.loads(message["Body"])
        for _ in range(2)
        for message in sqs.receive_message(QueueUrl=url).get("Messages", [])
    ]
    assert bodies[0]["Event"] == "s3:TestEvent"
    assert bodies[1]["Records"][0]["s3"]["object"]["key"] == "k"


def test_the_event_bus_gets_an_event_that_rules_can_match(place: Place) -> None:
    url, arn = place.queue()
    events = place.site.client("events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [place.bucket]}}}
    events.put_rule(Name=place.bucket, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=place.bucket, Targets=[{"Id": "q", "Arn": arn}])
    place.configure(EventBridgeConfiguration={})
    place.put("a b", b"12345")
    (message,) = place.site.client("sqs").receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["detail"]["reason"]) == ("Object Created", "PutObject")
    assert event["detail"]["object"].items() >= {"key": "a b", "size": 5}.items()


def test_a_queue_that_is_gone_fails_the_delivery_and_not_the_put(place: Place) -> None:
    url, arn = place.queue()
    place.configure(QueueConfigurations=[{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}])
    place.site.client("sqs").delete_queue(QueueUrl=url)
    place.put("k")
    assert any(arn in problem for problem in place.site.problems)


def test_notifications_come_back_as_they_were_set(place: Place) -> None:
    arn = place.function()
    place.configure(
        LambdaFunctionConfigurations=[
            {"Id": "a", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
            | filter_of({"Prefix": "in/", "Suffix": ".jpg"})
        ],
        EventBridgeConfiguration={},
    )
    got = place.s3.get_bucket_notification_configuration(Bucket=place.bucket)
    assert got["EventBridgeConfiguration"] == {}
    assert got["LambdaFunctionConfigurations"][0]["LambdaFunctionArn"] == arn
    place.put("in/k.jpg")
    assert len(place.invocations()) == 1


def test_an_empty_filter_matches_everything_and_comes_back(place: Place) -> None:
    rule = {"LambdaFunctionArn": place.function(), "Events": ["s3:ObjectCreated:*"]}
    place.configure(LambdaFunctionConfigurations=[rule | filter_of({"prefix": "in/", "suffix": ""})])
    got = place.s3.get_bucket_notification_configuration(Bucket=place.bucket)["LambdaFunctionConfigurations"]
    assert [each["Value"] for each in got[0]["Filter"]["Key"]["FilterRules"]] == ["in/", ""]
    place.put("in/k")
    assert len(place.invocations()) == 1


def test_only_the_event_bus_comes_back_too(place: Place) -> None:
    place.configure(EventBridgeConfiguration={})
    assert "EventBridgeConfiguration" in place.s3.get_bucket_notification_configuration(Bucket=place.bucket)


def refusal(place: Place, **configuration: Any) -> str:
    with pytest.raises(ClientError) as error:
        place.configure(**configuration)
    answer = error.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == "InvalidArgument"
    return str(answer["Error"]["Message"])


UNABLE = "Unable to validate the following destination configurations"


def lambda_rule(arn: str, **filters: str) -> dict[str, Any]:
    return {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"], **filter_of(filters)}


def test_a_function_that_does_not_exist_is_refused(place: Place) -> None:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nobody"
    assert refusal(place, LambdaFunctionConfigurations=[lambda_rule(arn)]) == UNABLE
    assert "LambdaFunctionConfigurations" not in place.s3.get_bucket_notification_configuration(Bucket=place.bucket)


def test_a_function_that_the_bucket_may_not_invoke_is_refused(place: Place) -> None:
    unheard = place.function(permission=False)
    other = place.function(SourceArn="arn:aws:s3:::another-bucket")
    foreign = place.function(SourceAccount="111111111111")
    for arn in (unheard, other, foreign):
        assert refusal(place, LambdaFunctionConfigurations=[lambda_rule(arn)]) == UNABLE


def test_a_permission_with_wildcards_is_enough(place: Place) -> None:
    place.notify(place.function(SourceArn="arn:aws:s3:::b-*"))


def test_a_queue_without_a_policy_is_refused(place: Place) -> None:
    name = f"q-{uuid.uuid4().hex[:12]}"
    place.site.client("sqs").create_queue(QueueName=name)
    queue = {"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}", "Events": ["s3:ObjectCreated:*"]}
    assert refusal(place, QueueConfigurations=[queue]) == UNABLE


def test_validation_can_be_skipped_as_on_aws(place: Place) -> None:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:later"
    place.s3.put_bucket_notification_configuration(
        Bucket=place.bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": [lambda_rule(arn)]},
        SkipDestinationValidation=True,
    )
    place.put("k")
    assert place.hops(What.PERMISSION_DENIED)[0]["reason"] == "the function does not exist"


def test_overlapping_rules_are_refused(place: Place) -> None:
    one, two = place.function(), place.function()
    rules = [lambda_rule(one, prefix="in/"), lambda_rule(two, prefix="in/raw/")]
    assert "overlapping suffixes" in refusal(place, LambdaFunctionConfigurations=rules)
    place.configure(LambdaFunctionConfigurations=[lambda_rule(one, prefix="in/"), lambda_rule(two, prefix="out/")])
