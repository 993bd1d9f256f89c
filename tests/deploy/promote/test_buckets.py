"""Whose buckets a pipeline names: against an unmodified moto, and what AWS says besides."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests import faults
from tests.deploy.conftest import Parse
from tests.faults import Proxy

from hfaas_deploy import names
from hfaas_deploy.aws import notifications, target
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import ExistingBucketError, TargetUnreachable
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.promote.buckets import Buckets
from hfaas_deploy.promote.promotion import Adoption, BucketPlan, Owner

ACCOUNT, REGION = "123456789012", "eu-west-1"
FDL = """\
    hfaas: {{stack: films, buckets: {{}}}}
    functions:
      aws:
      - lambda:
          name: one
          init_script: a.sh
          container: {{image: debian}}
          input: [{{storage_provider: s3, path: {bucket}/in}}]
          output: [{{storage_provider: s3, path: {bucket}/out}}]
    """


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    target.forget_credentials()
    yield
    target.forget_credentials()


@pytest.fixture
def proxy(moto_server: str, keys: None) -> Iterator[Proxy]:
    with faults.before(moto_server) as found:
        yield found


@pytest.fixture
def place(proxy: Proxy) -> Target:
    return Target.aws(REGION, stand_in=proxy.url).within(ACCOUNT)


@pytest.fixture
def name() -> str:
    return f"films-{uuid.uuid4().hex[:8]}"


def make(place: Target, bucket: str, region: str = REGION) -> Any:
    s3 = place.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    return s3


def plan(place: Target, pipeline: Pipeline, *held: str) -> BucketPlan:
    found, *_ = Buckets(place).plans(pipeline, held)
    return found


def existing(parse: Parse, name: str) -> Pipeline:
    marked = FDL.replace("buckets: {{}}", f"buckets: {{{{{name}: {{{{existing: true}}}}}}}}")
    return parse(marked.format(bucket=name))


def test_a_name_that_nobody_has_is_free(place: Target, parse: Parse, name: str) -> None:
    assert plan(place, parse(FDL.format(bucket=name))) == BucketPlan(name, Owner.FREE)


def test_a_bucket_of_ours_is_taken_over_unless_the_stack_has_it(place: Target, parse: Parse, name: str) -> None:
    make(place, name)
    pipeline = parse(FDL.format(bucket=name))

    found = plan(place, pipeline)
    held = plan(place, pipeline, name)

    assert (found.owner, found.is_adopted, found.fault) == (Owner.OURS, True, "")
    assert (held.owner, held.is_adopted, held.note) == (Owner.OURS, False, "")


def test_of_a_bucket_that_is_taken_over_it_is_known_what_is_in_it(place: Target, parse: Parse, name: str) -> None:
    s3 = make(place, name)
    s3.put_object(Bucket=name, Key="in/a", Body=b"abc")

    found = plan(place, parse(FDL.format(bucket=name)))

    assert found.adoption == Adoption(objects=1, bytes=3)


def test_whom_a_bucket_notifies_that_is_taken_over_is_a_loss_and_our_own_functions_are_none(
    place: Target, parse: Parse, name: str
) -> None:
    s3 = make(place, name)
    queue = place.client("sqs").create_queue(QueueName=f"others-{name}")["QueueUrl"]
    arn = f"arn:aws:sqs:{place.region}:{place.account}:others-{name}"
    told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": [told]}, SkipDestinationValidation=True
    )

    found = plan(place, parse(FDL.format(bucket=name)))

    place.client("sqs").delete_queue(QueueUrl=queue)
    assert found.adoption.losses == (f"does not notify others-{name} any more",)


def test_a_bucket_that_everybody_may_read_is_said_to_be_closed(place: Target, parse: Parse, name: str) -> None:
    s3 = make(place, name)
    s3.put_bucket_acl(Bucket=name, ACL="public-read")

    assert plan(place, parse(FDL.format(bucket=name))).adoption.losses == ("is closed to the public",)


def test_a_right_that_is_missing_is_told_of_a_bucket_that_is_taken_over(
    place: Target, proxy: Proxy, parse: Parse, name: str
) -> None:
    make(place, name)
    proxy.refuse(f"GET /{name}?notification", code="AccessDenied", status=403)

    found = plan(place, parse(FDL.format(bucket=name)))

    assert found.is_adopted
    assert "s3:GetBucketNotification" in found.note


def test_for_somebody_elses_bucket_a_free_name_is_suggested(
    place: Target, proxy: Proxy, parse: Parse, name: str
) -> None:
    make(place, f"{name}-9012")
    proxy.refuse(f"HEAD /{name}\n", code="403", status=403)

    found = plan(place, parse(FDL.format(bucket=name)))

    assert found.owner is Owner.FOREIGN
    assert found.fault.startswith(f"bucket {name} is somebody else's: {name}-")
    assert f"{name}-9012 is free" not in found.fault
    assert found.fault.endswith(" is free")


def test_a_suggested_name_is_never_too_long(place: Target, proxy: Proxy, parse: Parse, name: str) -> None:
    long = f"{name}-{'x' * 60}"[:63]
    proxy.refuse(f"HEAD /{long}\n", code="403", status=403)

    fault = plan(place, parse(FDL.format(bucket=long))).fault

    suggested = fault.removesuffix(" is free").rpartition(" ")[2]
    assert names.bucket_fault(suggested) == ""
    assert suggested != long


def test_a_bucket_of_ours_in_another_region_is_a_fault(place: Target, parse: Parse, name: str) -> None:
    make(Target.aws("eu-south-2", stand_in=place.endpoint).within(ACCOUNT), name, "eu-south-2")

    found = plan(place, parse(FDL.format(bucket=name)))

    assert "is yours, but in eu-south-2" in found.fault
    assert "--region eu-south-2" in found.fault
    assert f", or {name}-9012 is free" in found.fault


class Elsewhere(BaseHTTPRequestHandler):
    """S3, as it answers about a bucket of another region."""

    def do_HEAD(self) -> None:
        self.send_response(301)
        self.send_header("x-amz-bucket-region", "eu-south-2")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_bucket_to_which_s3_only_shows_the_way_is_in_another_region(keys: None, parse: Parse, name: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        place = Target.aws(REGION, stand_in=f"http://127.0.0.1:{server.server_port}").within(ACCOUNT)
        try:
            found = plan(place, parse(FDL.format(bucket=name)))
        finally:
            server.shutdown()

    assert "but in eu-south-2" in found.fault
    assert found.fault.endswith("use another name")


def test_an_existing_bucket_keeps_what_others_have_there(place: Target, parse: Parse, name: str) -> None:
    others(place, name, "other/")

    found = plan(place, existing(parse, name))

    assert found.is_existing
    assert found.fault == ""
    assert found.note == "others have 1 there"


def test_what_we_wrote_there_before_is_not_counted_as_others(place: Target, parse: Parse, name: str) -> None:
    others(place, name, "other/")
    s3 = place.client("s3")
    document = notifications.read(s3, name, ACCOUNT)
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:one"
    ours = {"Id": "hfaas.films.1", "LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    theirs = {"Id": "theirs", "LambdaFunctionArn": function, "Events": ["s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={**document, notifications.LAMBDA: [ours, theirs]}
    )

    found = plan(place, existing(parse, name))

    assert found.note == "others have 2 there"


def test_an_entry_of_others_that_ours_would_meet_is_a_fault(place: Target, parse: Parse, name: str) -> None:
    others(place, name, "in/")

    found = plan(place, existing(parse, name))

    assert "in/* meets in/*" in found.fault
    assert "another folder" in found.fault


def others(place: Target, bucket: str, prefix: str) -> None:
    """Somebody else's notification in a bucket."""
    queue = place.client("sqs").create_queue(QueueName=bucket)["QueueUrl"]
    arn = place.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    rule = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    entry = {"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"], "Filter": rule}
    make(place, bucket).put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry]}
    )


def test_an_existing_bucket_that_is_not_there_is_a_fault(place: Target, parse: Parse, name: str) -> None:
    assert "is said to exist and does not" in plan(place, existing(parse, name)).fault


def test_an_existing_bucket_of_another_account_cannot_be_listened_to(
    place: Target, proxy: Proxy, parse: Parse, name: str
) -> None:
    proxy.refuse(f"HEAD /{name}\n", code="403", status=403)

    assert "is of another account" in plan(place, existing(parse, name)).fault


def test_notifications_that_may_not_be_read_are_a_fault(
    place: Target, proxy: Proxy, parse: Parse, name: str
) -> None:
    make(place, name)
    proxy.refuse(f"GET /{name}?notification", code="AccessDenied", status=403)

    assert "s3:GetBucketNotification" in plan(place, existing(parse, name)).fault


def test_the_bucket_that_all_pipelines_share_is_made_first_and_must_not_be_somebody_elses(
    place: Target, proxy: Proxy, parse: Parse, name: str
) -> None:
    pipeline, shared = parse(FDL.format(bucket=name)), names.artifacts_bucket(ACCOUNT, REGION)

    *_, free = Buckets(place).plans(pipeline, ())
    proxy.refuse(f"HEAD /{shared}\n", code="403", status=403)
    *_, foreign = Buckets(place).plans(pipeline, ())

    assert (free.name, free.owner) == (shared, Owner.FREE)
    assert "of all pipelines" in free.note
    assert foreign.owner is Owner.FOREIGN
    assert "is somebody else's" in foreign.fault


def test_the_owner_is_checked_by_s3_itself(place: Target, proxy: Proxy, parse: Parse, name: str) -> None:
    """A bucket that others let us list is not ours: S3 refuses it when it is told whom to expect."""
    make(place, name)
    proxy.refuse("x-amz-expected-bucket-owner", ACCOUNT, f"HEAD /{name}\n", code="403", status=403)

    assert plan(place, parse(FDL.format(bucket=name))).owner is Owner.FOREIGN


def test_other_refusals_and_silence_say_nothing_of_the_owner(
    place: Target, proxy: Proxy, parse: Parse, name: str
) -> None:
    pipeline = parse(FDL.format(bucket=name))
    proxy.refuse(f"HEAD /{name}\n", code="ExpiredToken", status=400)
    with pytest.raises(ExistingBucketError, match="cannot be looked at"):
        plan(place, pipeline)
    with pytest.raises(TargetUnreachable):
        plan(Target.aws(REGION, stand_in="http://127.0.0.1:1").within(ACCOUNT), pipeline)
