"""What those who watch are told: log lines as they come, what was asked for, how busy the machine is."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.emulator.conftest import running

from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_tui.watch import Emulator as Watch

IMAGE = "works:1"
WAIT_S = 60


async def _behaves(spec: ContainerSpec, output: Output) -> Exit:
    """A job says its command; a function says `got EVENT`, and fails when the event tells it to."""
    runtime = spec.environment.get("AWS_LAMBDA_RUNTIME_API")
    if runtime is None:
        output(f"2026-07-31 12:00:00 - supervisor - WARNING - {' '.join(spec.command)}\n".encode())
        return Exit(0)
    host, _, at = runtime.partition("/")
    while True:
        path = f"/{at}/2018-06-01/runtime/invocation"
        request, event = await _exchange(host, "GET", f"{path}/next")
        output(b"got " + event + b"\n")
        how = "error" if b"fail" in event else "response"
        await _exchange(host, "POST", f"{path}/{request}/{how}", b'{"errorType": "Told", "errorMessage": "so"}')


async def _exchange(host: str, method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
    address, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    try:
        writer.write(head.encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    headers, _, content = answer.partition(b"\r\n\r\n")
    found = [
        line.split(b": ")[1] for line in headers.split(b"\r\n") if line.lower().startswith(b"lambda-runtime-aws")
    ]
    return (found[0].decode() if found else ""), content


def engine() -> FakeEngine:
    return FakeEngine(_behaves, {IMAGE: Image(IMAGE, "sha256:1", "x86_64", supervised=True)})


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("state"), engine, retry_s=0.01) as started:
        yield started


@pytest.fixture(scope="module")
def watch(emulator: Any) -> Watch:
    return Watch(emulator.endpoint)


def invoke(emulator: Any, name: str, event: object, kind: str = "RequestResponse") -> str:
    client = emulator.client("lambda")
    answer = client.invoke(FunctionName=name, InvocationType=kind, Payload=json.dumps(event).encode())
    return str(answer["ResponseMetadata"]["RequestId"])


def lines(watch: Watch, since: int = 0) -> list[tuple[float, str, str, str, str]]:
    return [line for batch in watch.log_lines(since, follow=False) for line in batch.lines]


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (value := found()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return value


def submit(emulator: Any, name: str, words: Sequence[str], **container: Any) -> str:
    batch = emulator.client("batch")
    place = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    batch.create_compute_environment(computeEnvironmentName=name, type="MANAGED", computeResources=place)
    order = [{"order": 1, "computeEnvironment": name}]
    batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    role = emulator.role(f"{name}-executes")
    properties = {"image": IMAGE, "command": list(words), "executionRoleArn": role, "resourceRequirements": needs}
    batch.register_job_definition(
        jobDefinitionName=f"{name}-def",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={**properties, **container},
    )
    return str(batch.submit_job(jobName=f"{name}-job", jobQueue=name, jobDefinition=f"{name}-def")["jobId"])


def test_lines_name_function_and_request_with_those_of_the_platform(emulator: Any, watch: Watch) -> None:
    emulator.function("said")
    request = invoke(emulator, "said", {"n": 1})
    until(lambda: [line for line in lines(watch) if line[2] == request and line[4].startswith("REPORT")])
    mine = [line for line in lines(watch) if line[2] == request]
    assert {line[1] for line in mine} == {"said"}
    assert [line[4].split()[0] for line in mine] == ["START", "got", "END", "REPORT"]
    assert mine[1][4] == 'got {"n": 1}'
    assert abs(mine[1][0] - time.time()) < WAIT_S


def test_lines_come_while_they_are_written_and_go_on_where_one_was(emulator: Any, watch: Watch) -> None:
    emulator.function("live")
    follower = watch.log_lines(int(time.time() * 1_000_000))
    asked = invoke(emulator, "live", {"n": 1})
    first = next(batch for batch in follower if any(line[2] == asked for line in batch.lines))
    assert (asked, "", f"START RequestId: {asked} Version: $LATEST") in [line[2:] for line in first.lines]
    later = invoke(emulator, "live", {"n": 2})
    again = Watch(emulator.endpoint).log_lines(first.seq)
    found: list[str] = []
    while not any(each.startswith(f"REPORT RequestId: {later}") for each in found):
        found += [line[4] for line in next(again).lines if line[1] == "live"]
    assert f"START RequestId: {asked} Version: $LATEST" not in found
    assert f"START RequestId: {later} Version: $LATEST" in found
    follower.close()
    again.close()


def test_lines_of_a_job_name_the_job_and_their_level(emulator: Any, watch: Watch) -> None:
    job = submit(emulator, "spoken", ["all", "is", "dust"])
    (line,) = until(lambda: [line for line in lines(watch) if line[2] == f"job:{job}"])
    assert line[1:] == (
        "spoken-job",
        f"job:{job}",
        "WARN",
        "2026-07-31 12:00:00 - supervisor - WARNING - all is dust",
    )


def test_what_a_job_was_asked_with_is_told_without_its_secrets(emulator: Any, watch: Watch) -> None:
    value = "dont-tell"
    arn = emulator.client("secretsmanager").create_secret(Name="s", SecretString=value)["ARN"]
    given = [{"name": "EVENT", "value": '{"n": 7}'}, {"name": "DB_PASSWORD", "value": value}]
    job = submit(emulator, "asked", ["go"], environment=given, secrets=[{"name": "PLAIN", "valueFrom": arn}])
    until(lambda: [line for line in lines(watch) if line[2] == f"job:{job}"])
    told = watch.invocation(job)
    assert (told["kind"], told["event"], told["command"]) == ("job", '{"n": 7}', ["go"])
    assert told["environment"]["AWS_BATCH_JOB_ID"] == job
    assert (told["environment"]["PLAIN"], told["environment"]["DB_PASSWORD"]) == ("(hidden)", "(hidden)")
    assert value not in json.dumps(told)


def test_what_an_invocation_was_asked_with_is_told_while_it_is_queued_or_done(emulator: Any, watch: Watch) -> None:
    emulator.function("kept", Environment={"Variables": {"MODE": "dark", "API_TOKEN": "abc"}})
    request = invoke(emulator, "kept", {"n": 3})
    told = watch.invocation(request)
    assert (told["id"], told["function"], told["origin"]) == (request, "kept", "api")
    assert (told["event"], told["truncated"]) == ('{"n": 3}', False)
    assert told["environment"]["MODE"] == "dark"
    hidden = {name for name, value in told["environment"].items() if value == "(hidden)"}
    assert hidden == {"API_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    queued = invoke(emulator, "kept", {"n": 4}, "Event")
    assert watch.invocation(queued)["event"] == '{"n": 4}'


def test_an_event_longer_than_can_be_run_again_is_told_to_be_cut(emulator: Any, watch: Watch) -> None:
    emulator.function("long")
    told = watch.invocation(invoke(emulator, "long", "x" * 2**20))
    assert (told["truncated"], len(told["event"])) == (True, 2**16)


def test_the_machine_tells_its_containers_and_what_was_asked_of_each_service(emulator: Any, watch: Watch) -> None:
    emulator.function("runs")
    invoke(emulator, "runs", {})
    told = watch.machine()
    assert 0 <= told["cpu"] <= 1
    assert 0 < told["memory"] < 1
    assert told["memory_total"] > 2**20
    assert 0 < told["disk_free"] < told["disk_total"]
    assert told["gpus"] == []
    (box,) = [each for each in told["containers"] if each["function"] == "runs"]
    assert (box["kind"], box["gpus"], box["memory_mb"]) == ("lambda", [], None)
    before = told["requests"]
    with pytest.raises(ClientError):
        emulator.client("s3").head_bucket(Bucket="none-of-this-name")
    after = watch.machine()["requests"]
    assert after["s3"] == before.get("s3", 0) + 1
    assert before["lambda"] >= 2


@pytest.mark.parametrize("path", ["/_hfaas/logsbook", "/_hfaas/invocations/", "/_hfaas/invocations/none"])
def test_what_is_not_there_says_so(emulator: Any, path: str) -> None:
    assert asked(emulator, "GET", path)[0] == 404


@pytest.mark.parametrize("path", ["/_hfaas/logs", "/_hfaas/machine", f"/_hfaas/invocations/{quote('a:1#2')}"])
def test_nothing_there_can_be_changed_and_no_web_page_reads_it(emulator: Any, path: str) -> None:
    assert asked(emulator, "POST", path)[0] == 405
    assert asked(emulator, "GET", path, Origin="http://evil.example")[0] == 403


def asked(emulator: Any, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=WAIT_S)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content
