"""Functions behind HTTP, and a schedule, with the real supervisor in real containers."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from tests.whole.conftest import hfaas_in, start

from hfaas_emulator.trace import Hop, What
from hfaas_tui.transfer import client
from hfaas_tui.watch import find

pytestmark = pytest.mark.docker

Hfaas = Callable[..., CompletedProcess[str]]

ALL_BYTES = bytes(range(256)) * 64
SCRIPT = """\
#!/bin/sh
[ -z "$CONT_VAR_seconds" ] || sleep "$CONT_VAR_seconds"
[ -z "$CONT_VAR_code" ] || { echo "fails as it was told to"; exit "$CONT_VAR_code"; }
cat "$INPUT_FILE_PATH"
"""
PIPELINE = """\
functions:
  aws:
  - lambda: &both
      name: open
      memory: 128
      timeout: 20
      init_script: echo.sh
      container: {{image: "{image}"}}
      output: [{{storage_provider: s3, path: echoes/out}}]
    api_gateway: {{name: open, method: {{authorizationType: NONE}}}}
    hfaas: {{url: public}}
  - lambda: {{<<: *both, name: guarded}}
    api_gateway: {{name: guarded}}
    hfaas: {{url: iam}}
"""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


class Reply(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class World:
    """The deployed functions, and where they are called."""

    def __init__(self, directory: Path, image: str) -> None:
        self.directory = directory
        self.hfaas = hfaas_in(directory)
        start(self.hfaas, "docker")
        (directory / "echo.sh").write_text(SCRIPT)
        (directory / "pipeline.yaml").write_text(PIPELINE.format(image=image))
        deployed = self.hfaas("deploy", "-f", "pipeline.yaml")
        assert deployed.returncode == 0, deployed.stderr
        self.emulator = find(None, directory / ".hfaas")
        self.urls = {
            (each["function"], each["kind"]): str(each["url"])
            for each in json.loads(self.hfaas("url", "--json").stdout)
        }

    def aws(self, service: str) -> Any:
        return client(self.emulator.endpoint, service)

    def call(
        self, url: str, body: bytes = b"", method: str = "POST", kind: str = "application/octet-stream"
    ) -> Reply:
        """Send one request as curl would."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            at = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, at, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def hops(self, what: What) -> list[Hop]:
        return [hop for hop in self.emulator.hops() if hop.what is what]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("project")
    try:
        yield World(directory, base_image)
    finally:
        hfaas_in(directory)("down")


KINDS = ["function URL", "HTTP API"]


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_go_in_and_come_back(world: World, kind: str) -> None:
    answer = world.call(world.urls["open", kind], ALL_BYTES)

    assert (answer.status, answer.body) == (200, ALL_BYTES)
    assert answer.headers["amz-lambda-request-id"]


@pytest.mark.parametrize("kind", KINDS)
def test_text_is_as_it_was_sent(world: World, kind: str) -> None:
    answer = world.call(world.urls["open", kind], "grüße ✓".encode(), kind="text/plain; charset=utf-8")

    assert (answer.status, answer.body.decode()) == (200, "grüße ✓")


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_that_fails_is_an_error_with_its_words(world: World, kind: str) -> None:
    answer = world.call(world.urls["open", kind] + "?code=3", b"x")

    assert answer.status == 500
    assert json.loads(answer.body)["errorType"] == "Hfaas.ScriptFailed"
    assert b"fails as it was told to" in answer.body


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_not_sign_is_refused_and_who_does_is_not(world: World, kind: str) -> None:
    assert world.call(world.urls["guarded", kind], b"x").status == 403

    (world.directory / "body").write_text(kind)
    signed = world.hfaas("invoke", "guarded", "--http", "--data", "body")
    assert (signed.returncode, signed.stdout.strip()) == (0, kind), signed.stderr


@pytest.mark.parametrize(("kind", "limit"), [("function URL", 6), ("HTTP API", 10)])
def test_more_than_the_limit_reaches_no_function(world: World, kind: str, limit: int) -> None:
    before = len(world.hops(What.INVOCATION_STARTED))

    assert world.call(world.urls["open", kind], b"x" * (limit * 2**20 + 1)).status == 413
    assert len(world.hops(What.INVOCATION_STARTED)) == before


def test_a_large_body_below_the_limit_goes_both_ways(world: World) -> None:
    content = ALL_BYTES * 192  # 3 MiB, 4 in base64
    answer = world.call(world.urls["open", "function URL"], content)

    assert (answer.status, answer.body == content) == (200, True)


def test_an_api_gives_up_before_the_function_does(world: World) -> None:
    gateway = world.aws("apigatewayv2")
    (api,) = [each["ApiId"] for each in gateway.get_apis()["Items"] if each["Name"] == "open"]
    (integration,) = gateway.get_integrations(ApiId=api)["Items"]
    which = {"ApiId": api, "IntegrationId": integration["IntegrationId"]}
    gateway.update_integration(**which, TimeoutInMillis=1000)
    before = len(world.hops(What.INVOCATION_SUCCEEDED))
    try:
        began = time.monotonic()
        answer = world.call(world.urls["open", "HTTP API"] + "?seconds=6", b"late")
        took = time.monotonic() - began
    finally:
        gateway.update_integration(**which, TimeoutInMillis=30_000)

    assert answer.status == 503
    assert took >= 1
    assert world.emulator.idle(120)["idle"]
    (ran,) = world.hops(What.INVOCATION_SUCCEEDED)[before:]
    assert ran.detail["duration_ms"] > 6000, "the function runs on"


def test_a_rest_api_queues_what_nobody_waits_for(world: World) -> None:
    url = rest_api(world)
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        headers = {"X-Amz-Invocation-Type": "Event", "Content-Type": "application/json"}
        connection.request("POST", parts.path, b'{"queued": true}', headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    assert world.emulator.idle(120)["idle"]

    assert (answer.status, said) == (200, b"")  # the function would have said what it was told
    assert '"queued": true' in world.hfaas("logs", "open").stdout


def rest_api(world: World) -> str:
    """Make a REST API whose callers say whether they wait, and return its URL."""
    gateway = world.aws("apigateway")
    arn = world.aws("lambda").get_function(FunctionName="open")["Configuration"]["FunctionArn"]
    api = gateway.create_rest_api(name="queue")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    header = "method.request.header.X-Amz-Invocation-Type"
    where = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    gateway.put_method(**where, authorizationType="NONE", requestParameters={header: False})
    gateway.put_integration(
        **where,
        type="AWS",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        requestParameters={"integration.request.header.X-Amz-Invocation-Type": header},
    )
    gateway.put_method_response(**where, statusCode="200")
    gateway.put_integration_response(**where, statusCode="200")
    gateway.create_deployment(restApiId=api, stageName="v1")
    world.aws("lambda").add_permission(
        FunctionName="open",
        StatementId="rest",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    return f"{world.emulator.endpoint}/restapis/{api}/v1/_user_request_/"


def test_a_schedule_runs_a_function_once(world: World) -> None:
    lambdas, scheduler = world.aws("lambda"), world.aws("scheduler")
    about = lambdas.get_function(FunctionName="open")["Configuration"]
    role = world.aws("iam").create_role(RoleName="schedules", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 10))  # to come still when it is made
    scheduler.create_schedule(
        Name="once",
        ScheduleExpression=f"at({moment})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": about["FunctionArn"], "RoleArn": role, "Input": '{"it": "is time"}'},
        ActionAfterCompletion="DELETE",
    )
    deadline = time.monotonic() + 60
    while not world.hops(What.SCHEDULE_FIRED):
        assert time.monotonic() < deadline, "it did not fire within 60 s"
        time.sleep(0.1)
    assert world.emulator.idle(120)["idle"]

    assert world.hfaas("logs", "open").stdout.count('{"it": "is time"}') == 1
    assert len(world.hops(What.SCHEDULE_FIRED)) == 1
    assert scheduler.list_schedules()["Schedules"] == []
