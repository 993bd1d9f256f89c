"""An emulator whose containers do what their command says, for commands to talk to."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hfaas_emulator import server
from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_tui.cli import execute
from hfaas_tui.jobs import STATUSES, Jobs
from hfaas_tui.transfer import client

IMAGE = "works:1"
WAIT_S = 60
Told = tuple[int, str, str]
Hfaas = Callable[..., Told]


async def obey(spec: ContainerSpec, output: Output) -> Exit:
    """Be a container that takes `say WORDS`, `fail CODE` or `sleep`; a function answers with its event's body."""
    if runtime := spec.environment.get("AWS_LAMBDA_RUNTIME_API"):
        return await _answer_for_ever(runtime)
    match spec.command:
        case ("say", *words):
            output(f"{' '.join(words)}\n".encode())
        case ("fail", code):
            output(b"no such frame\n")
            return Exit(int(code))
        case _:
            output(b"going to sleep\n")
            await asyncio.sleep(3600)
    return Exit(0)


async def _answer_for_ever(runtime: str) -> Exit:
    host, _, at = runtime.partition("/")
    while True:
        request, event = await _exchange(host, "GET", f"/{at}/2018-06-01/runtime/invocation/next")
        answer = json.dumps(_echo(json.loads(event))).encode()
        await _exchange(host, "POST", f"/{at}/2018-06-01/runtime/invocation/{request}/response", answer)


def _echo(event: Any) -> Any:
    """Return an HTTP event's body, with what else was asked in headers; other events as they are."""
    if "requestContext" not in event:
        return event
    given = {name.lower(): value for name, value in event["headers"].items()}
    asked = {
        **{name: given.get(name, "") for name in ("x-asked", "authorization")},
        "x-query": json.dumps(event.get("queryStringParameters")),
    }
    asked["x-path"] = str(event.get("rawPath") or event.get("path"))
    asked["x-method"] = str(event.get("httpMethod") or event["requestContext"]["http"]["method"])
    status = 418 if given.get("x-asked") == "fail" else 200
    body, encoded = event.get("body") or "", event.get("isBase64Encoded", False)
    return {"statusCode": status, "headers": asked, "body": body, "isBase64Encoded": encoded}


async def _exchange(host: str, method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
    """Send one request of the Runtime API; return the request id in its answer, and the body."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    try:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        top, _, content = (await reader.read()).partition(b"\r\n\r\n")
        found = re.search(rb"(?im)^lambda-runtime-aws-request-id: (\S+)", top)
        return found[1].decode() if found else "", content
    finally:
        writer.close()


class Batch:
    """A queue of 2 vCPUs of its own in a running emulator."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.api = endpoint, client(endpoint, "batch")
        self.queue = f"q-{uuid.uuid4().hex[:8]}"
        profile = client(endpoint, "iam").create_instance_profile(InstanceProfileName=self.queue)
        resources = {
            "type": "EC2",
            "maxvCpus": 2,
            "minvCpus": 0,
            "instanceTypes": ["optimal"],
            "subnets": ["subnet-0"],
            "securityGroupIds": ["sg-0"],
            "instanceRole": profile["InstanceProfile"]["Arn"],
        }
        environment = self.api.create_compute_environment(
            computeEnvironmentName=self.queue, type="MANAGED", computeResources=resources
        )
        order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
        self.api.create_job_queue(jobQueueName=self.queue, priority=1, computeEnvironmentOrder=order)

    def submit(self, *command: str, vcpus: str = "1", image: str = IMAGE, **more: Any) -> str:
        """Submit a job that does this and return its id."""
        requirements = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "128"}]
        container = {"image": image, "command": list(command), "resourceRequirements": requirements}
        definition = self.api.register_job_definition(
            jobDefinitionName="works", type="container", containerProperties=container
        )
        settings = {"jobName": "works", "jobQueue": self.queue, **more}
        made = self.api.submit_job(jobDefinition=definition["jobDefinitionArn"], **settings)
        return str(made["jobId"])

    def until(self, id: str, *statuses: str) -> str:
        """Wait until a job is in one of these states and return its id."""
        deadline = time.monotonic() + WAIT_S
        while (job := self.api.describe_jobs(jobs=[id])["jobs"][0])["status"] not in statuses:
            assert time.monotonic() < deadline, f"still {job['status']}: {job.get('statusReason')}"
            time.sleep(0.01)
        return id

    def clear(self) -> None:
        """End everything that has not ended."""
        jobs = Jobs(self.api)
        for each in jobs.all(self.queue, STATUSES[:-2]):
            self.api.terminate_job(jobId=each.id, reason="the test is over")
            self.until(each.id, "FAILED", "SUCCEEDED")

    def done(self, *command: str, **more: Any) -> str:
        """Submit a job, wait until it has ended and return its id."""
        return self.until(self.submit(*command, **more), "SUCCEEDED", "FAILED")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an emulator, in a thread of its own, for all tests of a module."""
    up = threading.Event()
    held: dict[str, Any] = {}

    async def serve() -> None:
        stop = asyncio.Event()
        held["loop"], held["stop"] = asyncio.get_running_loop(), stop
        engine = FakeEngine(obey, {IMAGE: Image(IMAGE, "sha256:1", "x86_64", supervised=True)})
        async with server.opened(server.Options(0, tmp_path_factory.mktemp("state")), stop, engine) as announced:
            held["endpoint"] = announced.endpoint
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(WAIT_S), "the emulator did not start"
    yield held["endpoint"]
    held["loop"].call_soon_threadsafe(held["stop"].set)
    thread.join(WAIT_S)
    assert not thread.is_alive(), "the emulator did not stop"


@pytest.fixture
def batch(endpoint: str) -> Iterator[Batch]:
    """A queue of the test's own; what is left in it makes room for the next test."""
    made = Batch(endpoint)
    yield made
    made.clear()


@pytest.fixture
def hfaas(endpoint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Hfaas:
    """Run a command on the emulator; returns exit code, output and errors."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("COLUMNS", "300")

    def call(*arguments: str) -> Told:
        capsys.readouterr()
        code = execute(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
