"""What was acknowledged before `kill -9` is there after a restart, and nothing else is on the disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.emulator.s3.conftest import until

pytestmark = pytest.mark.slow

QUEUE = "arn:aws:sqs:us-east-1:000000000000:events"
MIB = 1 << 20
PART = b"p" * 5 * MIB


class Emulator:
    """An emulator in a process of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        command = [
            sys.executable,
            "-m",
            "hfaas_emulator",
            "--engine",
            "process",
            "--port",
            "0",
            "--state",
            str(state),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.endpoint = json.loads((state / "emulator.json").read_text())["endpoint"]
        assert self.endpoint in line

    def client(self, service: str) -> Any:
        make: Any = boto3.client  # typed for each service; here any will do
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def files(self) -> list[Path]:
        return [path for path in (self.state / "objects").rglob("*") if path.is_file()]


class Story:
    """What was done to the first emulator, and the second one on the same state."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.acknowledged: list[str] = []
        self.upload = ""
        self.part = ""
        self.versions: list[str] = []
        self.big = os.urandom(3 * MIB)

    def tell(self, emulator: Emulator) -> None:
        s3 = emulator.client("s3")
        for bucket in ("plain", "versioned", "noisy", "gone"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="plain", Key="small é", Body=b"v1")
        s3.put_object(
            Bucket="plain", Key="small é", Body=b"v2", Metadata={"a": "b"}, Tagging="x=y", ContentType="t/u"
        )
        s3.put_object(Bucket="plain", Key="big", Body=self.big)
        s3.copy_object(Bucket="plain", Key="copy", CopySource="plain/big")
        s3.put_object(Bucket="plain", Key="removed", Body=self.big)
        s3.delete_object(Bucket="plain", Key="removed")
        s3.put_object_tagging(Bucket="plain", Key="big", Tagging={"TagSet": [{"Key": "late", "Value": "tag"}]})
        s3.delete_bucket(Bucket="gone")
        self._versions(s3)
        self._uploads(s3)
        self._noise(emulator, s3)

    def _versions(self, s3: Any) -> None:
        s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        for n in range(3):
            self.versions.append(s3.put_object(Bucket="versioned", Key="k", Body=b"%d" % n)["VersionId"])
        s3.delete_object(Bucket="versioned", Key="k", VersionId=self.versions.pop(1))
        s3.delete_object(Bucket="versioned", Key="k")

    def _uploads(self, s3: Any) -> None:
        named = {"Bucket": "plain", "Key": "later"}
        self.upload = s3.create_multipart_upload(**named, Metadata={"from": "before"})["UploadId"]
        self.part = s3.upload_part(**named, UploadId=self.upload, PartNumber=1, Body=PART)["ETag"]
        done = s3.create_multipart_upload(Bucket="plain", Key="joined")["UploadId"]
        etag = s3.upload_part(Bucket="plain", Key="joined", UploadId=done, PartNumber=1, Body=b"whole")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        s3.complete_multipart_upload(Bucket="plain", Key="joined", UploadId=done, MultipartUpload=parts)

    def _noise(self, emulator: Emulator, s3: Any) -> None:
        """Kill the emulator while objects come in, each with a message to a queue."""
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": QUEUE}
        policy = json.dumps({"Statement": [statement]})
        emulator.client("sqs").create_queue(QueueName="events", Attributes={"Policy": policy})
        s3.put_bucket_notification_configuration(
            Bucket="noisy",
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]
            },
        )
        writer = threading.Thread(target=self._write, args=(s3,))
        writer.start()
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < 40:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        emulator.kill()
        writer.join()

    def _write(self, s3: Any) -> None:
        with suppress(BotoCoreError, ClientError):
            for n in range(10_000):
                body = b"x" * (n % 3 * 20_000)
                s3.put_object(Bucket="noisy", Key=f"k{n:05}", Body=body)
                self.acknowledged.append(f"k{n:05}")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = Story(tmp_path_factory.mktemp("state"))
    story.tell(Emulator(story.state))
    return story


@pytest.fixture(scope="module")
def after(story: Story) -> Iterator[Emulator]:
    emulator = Emulator(story.state)
    yield emulator
    emulator.kill()


@pytest.fixture
def s3(after: Emulator) -> Any:
    return after.client("s3")


def test_objects_survive_with_metadata_and_tags(s3: Any) -> None:
    got = s3.get_object(Bucket="plain", Key="small é")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"v2", {"a": "b"}, "t/u")
    tags = {key: s3.get_object_tagging(Bucket="plain", Key=key)["TagSet"][0]["Key"] for key in ("small é", "big")}
    assert tags == {"small é": "x", "big": "late"}


def test_bytes_on_disk_survive_and_a_copy_still_shares_them(story: Story, s3: Any) -> None:
    for key in ("big", "copy"):
        assert s3.get_object(Bucket="plain", Key=key)["Body"].read() == story.big


def test_what_was_deleted_stays_deleted(s3: Any) -> None:
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket="plain")["Contents"]}
    assert keys - {"later"} == {"small é", "big", "copy", "joined"}
    assert "gone" not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_versions_and_delete_markers_survive_in_order(story: Story, s3: Any) -> None:
    listed = s3.list_object_versions(Bucket="versioned")
    assert [version["VersionId"] for version in listed["Versions"]] == story.versions[::-1]
    assert [marker["IsLatest"] for marker in listed["DeleteMarkers"]] == [True]
    got = s3.get_object(Bucket="versioned", Key="k", VersionId=story.versions[1])
    assert got["Body"].read() == b"2"


def test_an_unfinished_upload_can_be_finished(story: Story, s3: Any) -> None:
    named = {"Bucket": "plain", "Key": "later", "UploadId": story.upload}
    second = s3.upload_part(**named, PartNumber=2, Body=b"end")["ETag"]
    parts = [{"PartNumber": 1, "ETag": story.part}, {"PartNumber": 2, "ETag": second}]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    got = s3.get_object(Bucket="plain", Key="later")
    assert (got["Body"].read(), got["Metadata"]) == (PART + b"end", {"from": "before"})


def test_every_acknowledged_object_is_there_and_has_its_message(story: Story, after: Emulator, s3: Any) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="noisy")
    kept = {item["Key"] for page in pages for item in page["Contents"]}
    assert kept >= set(story.acknowledged)
    assert told(after) == kept


def told(emulator: Emulator) -> set[str]:
    """The keys in the queue's messages."""
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="events")["QueueUrl"]
    keys: set[str] = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies = [json.loads(message["Body"]) for message in messages]
        keys |= {body["Records"][0]["s3"]["object"]["key"] for body in bodies if "Records" in body}
    return keys


def test_only_files_that_objects_refer_to_are_on_the_disk(story: Story, after: Emulator) -> None:
    large = [key for key in story.acknowledged if int(key[1:]) % 3 == 2]
    expected = len(large) + 2  # big (shared by copy) and the upload's part
    until(lambda: len(after.files()) - expected in (0, 1))  # one PUT may have missed its answer
