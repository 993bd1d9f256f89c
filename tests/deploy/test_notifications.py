"""Buckets of others: our notifications come and go, theirs stay, and two for one object are found beforehand."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import deploy, fdl, template
from hfaas_deploy.aws import notifications
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import BucketMissing, ExistingBucketError
from hfaas_deploy.messages import Listening, Message
from hfaas_deploy.pipeline import Function, InputPath, Pipeline

Json = dict[str, Any]
ARNS = {"f": "arn:aws:lambda:eu-west-1:111122223333:function:f"}
SOURCES = (InputPath("s3", "archive/in", (".avi", ".mp4")), InputPath("s3", "archive/raw"))
PIPELINE = Pipeline(
    Path("p.yaml"), "films", (Function("functions.aws[0]", "f", inputs=SOURCES),), existing=frozenset({"archive"})
)


def entry(id: str, prefix: str = "", suffix: str = "", event: str = "s3:ObjectCreated:*", to: str = "g") -> Json:
    rules = [{"Name": name, "Value": value} for name, value in (("Prefix", prefix), ("Suffix", suffix)) if value]
    only = {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
    return {"Id": id, "LambdaFunctionArn": f"arn:aws:lambda:x:y:function:{to}", "Events": [event], **only}


def ours() -> list[Json]:
    return notifications.wanted(PIPELINE, "archive", ARNS)


def test_each_prefix_and_suffix_is_an_entry_that_is_known_by_its_id() -> None:
    told = [(one["Id"], one["LambdaFunctionArn"], one["Filter"]["Key"]["FilterRules"]) for one in ours()]

    assert told == [
        ("hfaas.films.1", ARNS["f"], [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".avi"}]),
        ("hfaas.films.2", ARNS["f"], [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".mp4"}]),
        ("hfaas.films.3", ARNS["f"], [{"Name": "prefix", "Value": "raw/"}]),
    ]


def test_only_our_own_entries_are_exchanged() -> None:
    theirs = [entry("mine", "x/"), entry("hfaas.films-two.1", "y/"), entry("hfaas.films.x", "z/")]
    document = {
        "LambdaFunctionConfigurations": [*theirs, entry("hfaas.films.7", "gone/")],
        "QueueConfigurations": [{"Id": "hfaas.films.1", "QueueArn": "q", "Events": ["s3:ObjectRemoved:*"]}],
        "EventBridgeConfiguration": {},
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }

    after = notifications.merged(document, "films", ours())

    assert after["LambdaFunctionConfigurations"] == [*theirs, *ours()]
    assert after["QueueConfigurations"] == document["QueueConfigurations"]
    assert after["EventBridgeConfiguration"] == {}
    assert "ResponseMetadata" not in after
    assert notifications.merged(after, "films", ours()) == after


def test_a_pipeline_that_goes_leaves_what_was_there() -> None:
    before = {"LambdaFunctionConfigurations": [entry("mine", "x/")]}

    with_ours = notifications.merged(before, "films", ours())

    assert notifications.merged(with_ours, "films", []) == before
    assert notifications.merged({"LambdaFunctionConfigurations": ours()}, "films", []) == {}


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (entry("a", "in/"), True),
        (entry("a", "in/", ".jpg"), False),
        (entry("a", "in/deeper/", "o.avi"), True),
        (entry("a", "in/", ".avi", "s3:ObjectRemoved:*"), False),
        (entry("a", "in/", ".avi", "s3:ObjectCreated:Put"), True),
        (entry("a", "elsewhere/"), False),
        (entry("a"), True),
        (entry("hfaas.films.2", "in/"), False),
        (entry("hfaas.other.2", "in/"), True),
    ],
)
def test_somebody_elses_entry_for_the_same_object_is_a_conflict(other: Json, *, meets: bool) -> None:
    found = list(notifications.conflicts({"LambdaFunctionConfigurations": [other]}, "films", ours()))

    assert bool(found) == meets


def test_a_queue_of_somebody_else_may_be_in_the_way_too() -> None:
    queue = {"QueueArn": "arn:aws:sqs:x:y:letters", "Events": ["s3:ObjectCreated:*"]}

    found = list(notifications.conflicts({"QueueConfigurations": [queue]}, "films", ours()))

    assert found[0] == "in/*.avi meets * of letters"


def test_the_template_has_the_permission_and_not_the_bucket() -> None:
    document = template.document(PIPELINE)

    kinds = {one["Type"] for one in document["Resources"].values()}
    assert "AWS::S3::Bucket" not in kinds
    assert "AWS::Lambda::Permission" in kinds
    assert document["Outputs"]["ExistingBuckets"] == {"Value": "archive"}


@pytest.fixture(name="bucket")
def a_bucket_of_somebody_else(target: Target) -> str:
    name = f"archive-{uuid.uuid4().hex[:8]}"
    target.client("s3").create_bucket(Bucket=name)
    return name


FILE = """\
hfaas: {{stack: S-{bucket}, buckets: {{{bucket}: {{existing: true}}}}}}
functions:
  aws:
  - lambda:
      name: f-{bucket}
      init_script: a.sh
      container: {{image: x}}
      input: [{{storage_provider: s3, path: {bucket}/in}}]
"""


def of_bucket(folder: Path, bucket: str) -> Pipeline:
    (folder / "a.sh").write_text("#!/bin/sh\ntrue\n")
    (folder / "pipeline.yaml").write_text(FILE.format(bucket=bucket))
    return fdl.read(folder / "pipeline.yaml")


def _queue(target: Target, name: str) -> str:
    """The ARN of a queue that S3 may write into."""
    arn = f"arn:aws:sqs:{target.region}:{target.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    target.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})
    return arn


def ids(target: Target, bucket: str) -> list[str]:
    found = target.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    return [one["Id"] for kind in notifications.LISTS for one in found.get(kind, [])]


def test_a_deploy_merges_its_notifications_and_a_removal_takes_them_out(
    target: Target, bucket: str, tmp_path: Path
) -> None:
    theirs = {"Id": "theirs", "QueueArn": _queue(target, bucket), "Events": ["s3:ObjectRemoved:*"]}
    target.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [theirs]}
    )
    pipeline, told = of_bucket(tmp_path, bucket), list[Message]()

    for _ in range(2):
        deploy.deploy(pipeline, target, LayerImages(target.endpoint), told.append)

    assert ids(target, bucket) == [f"hfaas.S-{bucket}.1", "theirs"]
    assert [one for one in told if isinstance(one, Listening)] == [Listening(bucket)]
    deploy.remove(Stack(target.client("cloudformation"), pipeline.stack), told.append, target)
    assert ids(target, bucket) == ["theirs"]


def test_a_pipeline_that_listens_elsewhere_takes_its_notifications_along(
    target: Target, bucket: str, tmp_path: Path
) -> None:
    pipeline = of_bucket(tmp_path, bucket)
    deploy.deploy(pipeline, target, LayerImages(target.endpoint), lambda _: None)
    function = replace(pipeline.functions[0], inputs=())

    deploy.deploy(replace(pipeline, functions=(function,)), target, LayerImages(target.endpoint), lambda _: None)

    assert ids(target, bucket) == []


def test_a_conflict_is_found_before_anything_is_made(target: Target, bucket: str, tmp_path: Path) -> None:
    deploy.deploy(of_bucket(tmp_path, bucket), target, LayerImages(target.endpoint), lambda _: None)
    other = replace(of_bucket(tmp_path, bucket), stack=f"other-{bucket}")

    with pytest.raises(ExistingBucketError, match=rf"in/\* meets in/\* of f-{bucket}"):
        deploy.deploy(other, target, LayerImages(target.endpoint), lambda _: None)

    assert Stack(target.client("cloudformation"), other.stack).status() == ""


def test_a_bucket_that_is_not_there_is_named(target: Target) -> None:
    with pytest.raises(BucketMissing, match="no-such-bucket-here is said to exist and does not"):
        notifications.read(target.client("s3"), "no-such-bucket-here", target.account)
