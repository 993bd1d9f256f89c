"""Records of promotions in the artifacts bucket, beside what others may have put there."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import pytest
from tests.standin import REGION

from hfaas_deploy.aws import artifacts
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import ArtifactsError
from hfaas_deploy.promote import record
from hfaas_deploy.promote.promotion import Promoted


@pytest.fixture
def promoted(aws: Target) -> Promoted:
    artifacts.ensure(aws.client("s3"), aws.account, aws.region)
    return Promoted(
        stack=f"films-{uuid.uuid4().hex[:8]}",
        template="8ab42362ac96" + "0" * 52,
        images={"split": "r/hfaas/split@sha256:1"},
        ids={"split": "sha256:2"},
        account=aws.account,
        region=REGION,
        by="arn:aws:sts::210987654321:user/ana",
        at=1_769_860_800.125,
        version="0.9",
        outputs={"Url": "https://x"},
    )


def put(aws: Target, key: str, body: bytes) -> None:
    aws.client("s3").put_object(Bucket=record.bucket(aws), Key=key, Body=body)


def test_a_record_is_read_back_as_it_was_written(aws: Target, promoted: Promoted) -> None:
    key = record.write(aws, promoted)

    assert key == f"promotions/{promoted.stack}/2026-01-31T12-00-00.125Z-8ab42362ac96.json"
    assert record.latest(aws, promoted.stack) == promoted


def test_the_newest_record_counts_and_all_stay(aws: Target, promoted: Promoted) -> None:
    later = replace(promoted, at=promoted.at + 0.5, by="arn:aws:sts::210987654321:user/bo")
    record.write(aws, later)
    record.write(aws, promoted)

    assert record.latest(aws, promoted.stack) == later
    assert record.history(aws, promoted.stack) == [later, promoted]
    assert [one for one in record.all(aws) if one.stack == promoted.stack] == [later]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 20_000,
        b'{"kind": "hfaas promotion"}',
        b'{"kind": "another", "stack": "x"}',
        b"x" * (record.LARGEST + 1),
    ],
    ids=["empty", "binary", "a list", "deep", "half", "another kind", "huge"],
)
def test_what_others_put_into_the_folder_is_passed_over(aws: Target, promoted: Promoted, body: bytes) -> None:
    record.write(aws, promoted)
    put(aws, f"promotions/{promoted.stack}/9999.json", body)

    assert record.latest(aws, promoted.stack) == promoted


@pytest.mark.parametrize(
    "wrong",
    [{"images": ["x"]}, {"at": "soon"}, {"by": None}, {"outputs": {"a": 1}}, {"stack": "another"}],
    ids=str,
)
def test_a_record_with_other_things_in_it_is_none(
    aws: Target, promoted: Promoted, wrong: dict[str, object]
) -> None:
    key = record.write(aws, promoted)
    text = aws.client("s3").get_object(Bucket=record.bucket(aws), Key=key)["Body"].read()

    put(aws, key, json.dumps({**json.loads(text), **wrong}).encode())

    assert record.latest(aws, promoted.stack) is None


def test_folders_that_are_no_stacks_are_passed_over(aws: Target, promoted: Promoted) -> None:
    record.write(aws, promoted)
    put(aws, "promotions/9-no-stack/x.json", b"{}")
    put(aws, "promotions/loose.json", b"{}")

    assert promoted in record.all(aws)
    assert record.latest(aws, "../etc") is None


def test_where_nothing_was_promoted_there_is_no_record(aws: Target) -> None:
    elsewhere = replace(aws, region="eu-south-2")

    assert record.latest(elsewhere, "films") is None
    assert record.all(elsewhere) == []


def test_a_bucket_of_another_account_is_not_written_to(aws: Target, promoted: Promoted) -> None:
    """Somebody made the bucket with the name that is to be ours."""
    other = replace(aws, account="111122223333")
    name = record.bucket(other)
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    with pytest.raises(ArtifactsError, match=name):
        record.write(other, promoted)
    with pytest.raises(ArtifactsError, match=name):
        record.latest(other, promoted.stack)
    with pytest.raises(ArtifactsError, match=name):
        artifacts.ensure(aws.client("s3"), other.account, other.region)
    assert aws.client("s3").list_objects_v2(Bucket=name)["KeyCount"] == 0
