"""A restart comes from the snapshot and the requests after it, whatever moment the emulator was killed at."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
import pytest_asyncio

from hfaas_emulator.journal import Journal, Put, Table
from hfaas_emulator.moto_services.bridge import Answer
from hfaas_emulator.moto_services.snapshots import Snapshots
from hfaas_emulator.moto_services.thread import Moto

WAIT_S = 60
FILE = "control-planes.snapshot"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class Emulator:
    """A running emulator in a process of its own."""

    def __init__(self, state: Path, process: subprocess.Popen[str]) -> None:
        self.state = state
        self._process = process
        self.endpoint: str = json.loads((state / "emulator.json").read_text())["endpoint"]

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def role(self, name: str) -> str:
        made = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]
        return str(made["RoleId"])

    def roles(self) -> dict[str, str]:
        return {role["RoleName"]: role["RoleId"] for role in self.client("iam").list_roles()["Roles"]}

    def problems(self) -> list[str]:
        with urlopen(f"{self.endpoint}/_hfaas/trace?since=0", timeout=WAIT_S) as answer:
            hops = [json.loads(line) for line in answer]
        return [hop["detail"]["message"] for hop in hops if hop["what"] == "problem"]

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.communicate(timeout=WAIT_S)


@contextmanager
def running(state: Path) -> Iterator[Emulator]:
    options = ["--port", "0", "--state", str(state), "--engine", "process"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hfaas_emulator", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("hfaas emulator: ")
        yield Emulator(state, process)
    finally:
        process.kill()
        process.communicate(timeout=WAIT_S)


def requests(state: Path) -> list[tuple[str, bytes]]:
    with closing(sqlite3.connect(state / "journal.sqlite")) as journal:
        return list(journal.execute("SELECT key, value FROM request ORDER BY key"))


def put_back(state: Path, rows: list[tuple[str, bytes]]) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite")) as journal, journal:
        journal.executemany("INSERT INTO request VALUES (?, ?)", rows)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_kill_between_snapshot_and_the_deletion_of_its_requests_doubles_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as emulator:
        before = {"one": emulator.role("one")}
        emulator.client("iam").attach_role_policy(RoleName="one", PolicyArn=BASIC)
        emulator.client("iam").create_group(GroupName="g")
        emulator.client("s3").create_bucket(Bucket="kept")
        emulator.client("s3").put_object(Bucket="kept", Key="k", Body=b"first", Tagging="a=b")
        url = emulator.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        emulator.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
        in_snapshot = requests(tmp_path)
        until(lambda: (tmp_path / FILE).exists() and not requests(tmp_path))
        before["two"] = emulator.role("two")  # after the snapshot
        emulator.end(signal.SIGKILL)
    rest = requests(tmp_path)  # none if it was quiet for so long that the next snapshot has it
    put_back(tmp_path, in_snapshot)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    with running(tmp_path) as emulator:
        assert emulator.roles() == before
        attached = emulator.client("iam").list_attached_role_policies(RoleName="one")["AttachedPolicies"]
        assert [policy["PolicyArn"] for policy in attached] == [BASIC]
        assert emulator.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"first"
        assert emulator.client("s3").get_object_tagging(Bucket="kept", Key="k")["TagSet"][0]["Value"] == "b"
        url = emulator.client("sqs").get_queue_url(QueueName="q")["QueueUrl"]
        received = emulator.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in received] == ["hello"]
        assert emulator.problems() == []
        assert requests(tmp_path) in (rest, [])  # until a snapshot has them, too
        emulator.end(signal.SIGTERM)
    assert requests(tmp_path) == []  # a stop writes the last one


def deploy(emulator: Emulator) -> None:
    resources = {
        "Kept": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kept"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
    }
    stacks = emulator.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})


@pytest.mark.slow
def test_a_broken_snapshot_is_set_aside_objects_are_kept_and_a_deployment_makes_the_rest_again(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as emulator:
        emulator.role("old")
        deploy(emulator)
        emulator.client("s3").put_object(Bucket="kept", Key="k", Body=b"first")
        emulator.end(signal.SIGTERM)
    snapshot = tmp_path / FILE
    broken = snapshot.read_bytes()[:-100]
    snapshot.write_bytes(broken)
    with running(tmp_path) as emulator:
        (problem,) = emulator.problems()
        assert "damaged" in problem
        assert "deploy again" in problem
        assert emulator.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"first"
        assert emulator.roles() == {}
        deploy(emulator)
        assert emulator.client("sqs").get_queue_url(QueueName="q")
        assert emulator.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"first"
    assert snapshot.with_suffix(".aside").read_bytes() == broken


@pytest.fixture
def journal() -> Iterator[Journal]:
    with closing(Journal(None)) as journal:
        journal.write([Put(Table.REQUEST, "0000000000000007", b"{}")])
        yield journal


@pytest_asyncio.fixture
async def moto(journal: Journal) -> AsyncIterator[Moto]:
    moto = Moto(journal)
    await moto.open(lambda: lambda _request: Answer(200, (), b""))
    yield moto
    await moto.close()


async def test_a_snapshot_is_written_when_nothing_changes_any_more(
    tmp_path: Path, moto: Moto, journal: Journal
) -> None:
    snapshots = Snapshots(tmp_path, moto, journal, print, quiet_s=0.05)
    async with snapshots.kept():
        snapshots.changed()
        async with asyncio.timeout(WAIT_S):
            while journal.last(Table.REQUEST):
                await asyncio.sleep(0.005)
        assert b'"last": "0000000000000007"' in (tmp_path / FILE).read_bytes().partition(b"\n")[0]


async def test_a_stop_does_not_wait_for_quiet(tmp_path: Path, moto: Moto, journal: Journal) -> None:
    snapshots = Snapshots(tmp_path, moto, journal, print, quiet_s=3600)
    async with asyncio.timeout(WAIT_S), snapshots.kept():
        snapshots.changed()
    assert not journal.last(Table.REQUEST)


async def test_nothing_changed_nothing_written(tmp_path: Path, moto: Moto, journal: Journal) -> None:
    async with Snapshots(tmp_path, moto, journal, print).kept():
        pass
    assert list(tmp_path.iterdir()) == []


async def test_a_snapshot_that_cannot_be_written_is_told_and_costs_no_request(
    tmp_path: Path, moto: Moto, journal: Journal
) -> None:
    told: list[str] = []
    (tmp_path / FILE).mkdir()  # nothing can be renamed over it
    snapshots = Snapshots(tmp_path, moto, journal, told.append)
    await snapshots.take()
    assert "could not be written" in told[0]
    assert journal.last(Table.REQUEST) == "0000000000000007"
