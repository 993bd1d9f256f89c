"""The process: its start, its stop, and what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from hfaas_emulator import server
from hfaas_emulator.containers.engine import Exit
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.listening import bind

WAIT_S = 60


def command(state: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "hfaas_emulator",
        "--port",
        "0",
        "--state",
        str(state),
        "--engine",
        "process",
        *more,
    ]


@contextmanager
def started(state: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(command(state), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("hfaas emulator: http://127.0.0.1:")
        yield process, json.loads((state / "emulator.json").read_text())["endpoint"]
    finally:
        process.kill()
        process.communicate(timeout=WAIT_S)


def client(service: str, endpoint: str) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def refused(state: Path, *more: str) -> str:
    ended = subprocess.run(command(state, *more), capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9_and_the_private_state_goes_on(tmp_path: Path) -> None:
    with started(tmp_path) as (process, endpoint):
        role = client("iam", endpoint).create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
        s3 = client("s3", endpoint)
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="a/b", Body=b"x" * 100_000)
        queue = client("sqs", endpoint).create_queue(QueueName="q")["QueueUrl"]
        client("sqs", endpoint).send_message(QueueUrl=queue, MessageBody="hello")
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir() if path.is_file()}
    assert all(mode == 0o600 for mode in modes.values()), modes
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    with started(tmp_path) as (process, endpoint):
        assert client("iam", endpoint).get_role(RoleName="r")["Role"]["RoleId"] == role["RoleId"]
        assert client("s3", endpoint).get_object(Bucket="kept", Key="a/b")["ContentLength"] == 100_000
        queue = client("sqs", endpoint).get_queue_url(QueueName="q")["QueueUrl"]
        assert client("sqs", endpoint).receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
        assert not (tmp_path / "emulator.json").exists()


class Slow(FakeEngine):
    """An engine that opens when it is told to."""

    def __init__(self) -> None:
        super().__init__(lambda *_: asyncio.sleep(0, Exit(0)), {})
        self.asked, self.may_open = asyncio.Event(), asyncio.Event()

    async def open(self) -> None:
        self.asked.set()
        await self.may_open.wait()
        await super().open()


async def test_it_is_healthy_before_all_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports: list[int] = []

    def noted(host: str, port: int) -> socket.socket:
        listener = bind(host, port)
        ports.append(listener.getsockname()[1])
        return listener

    monkeypatch.setattr(server, "bind", noted)
    engine = Slow()

    async def serve() -> None:
        async with server.opened(server.Options(0, tmp_path), asyncio.Event(), engine):
            assert (tmp_path / "emulator.json").exists()

    serving = asyncio.create_task(serve())
    await asyncio.wait_for(engine.asked.wait(), WAIT_S)
    assert await asyncio.to_thread(_health, ports[0]) == 200
    assert not (tmp_path / "emulator.json").exists()
    engine.may_open.set()
    await serving


def test_it_answers_and_stops_when_asked(tmp_path: Path) -> None:
    with started(tmp_path) as (process, endpoint):
        assert client("sts", endpoint).get_caller_identity()["Account"] == "000000000000"
        _post(endpoint, "/_hfaas/stop")
        assert process.wait(WAIT_S) == 0


def _health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    with contextlib.closing(connection):
        connection.request("GET", "/_localstack/health")
        return connection.getresponse().status


def _post(endpoint: str, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
    connection.request("POST", path)
    assert connection.getresponse().status == 202
    connection.close()


def test_a_port_that_is_taken_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused(tmp_path, "--port", str(taken.getsockname()[1]))
    assert "Address already in use" in said or "address already in use" in said
    assert "hint: " in said


@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/proc/version").exists(), reason="needs a path that cannot be made"
)
def test_a_state_directory_that_cannot_be_made_is_one_clear_sentence() -> None:
    assert "cannot be used" in refused(Path("/proc/version/state"))


@pytest.mark.slow
def test_stopping_ends_long_polls_in_peace(tmp_path: Path) -> None:
    with started(tmp_path) as (process, endpoint):
        follower = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=WAIT_S)
        follower.request("GET", "/_hfaas/trace?follow=1")
        follower.getresponse()
        sqs = client("sqs", endpoint)
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        poller = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=WAIT_S)
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/sqs/aws4_request, Signature=0",
            "X-Amz-Target": "AmazonSQS.ReceiveMessage",
        }
        poller.request("POST", "/", json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20}), headers)
        sqs.list_queues()
        process.send_signal(signal.SIGINT)
        status = poller.getresponse().status
        assert process.stderr is not None
        said = process.stderr.read()
        follower.close()
        poller.close()
        assert (process.wait(WAIT_S), status, said) == (0, 503, "")
