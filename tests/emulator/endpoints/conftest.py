"""An emulator with one function behind a REST API, an HTTP API and a function URL; what it answers, each test says."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from tests.emulator.conftest import running

from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine

ACCOUNT = "000000000000"
IMAGE = "works:1"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ARN}/invocations"


class Failure(Exception):
    """The function reports an error instead of an answer."""


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def signed(service: str = "execute-api", region: str = "us-east-1", key: str = "test") -> dict[str, str]:
    """Return the header of a signed request."""
    scope = f"Credential={key}/20260101/{region}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}


class Site:
    """The function, its endpoints, and how to call them."""

    def __init__(self) -> None:
        self.engine = FakeEngine(self._behave, {IMAGE: Image(IMAGE, "sha256:1", "x86_64", supervised=True)})
        self.answer: Callable[[Any], Any] = lambda event: event
        self.events: list[Any] = []
        self.endpoint = ""
        self.rest = self.http = self.url = ""
        self._clients: dict[tuple[str, str], Any] = {}
        self._free = threading.Event()
        self._free.set()

    def client(self, service: str, key: str = "test") -> Any:
        """Return a boto3 client, the same one each time: making one takes longer than any test."""
        if (service, key) not in self._clients:
            make: Any = boto3.client
            keys = {"aws_access_key_id": key, "aws_secret_access_key": "secret", "region_name": "us-east-1"}
            config = Config(retries={"total_max_attempts": 1})
            self._clients[service, key] = make(service, endpoint_url=self.endpoint, config=config, **keys)
        return self._clients[service, key]

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request as curl would."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def answers(self, answer: Any) -> None:
        """Say what the function answers from now on: a value, an exception, or what to do with the event."""
        self.answer = answer if callable(answer) else lambda _event: answer

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the function begin with no event until the block ends."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def settle(self) -> None:
        """Wait until nothing is under way."""
        assert self.ask("GET", "/_hfaas/idle?wait=60").json["idle"]

    def told(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the hops of endpoints."""
        with urllib.request.urlopen(f"{self.endpoint}/_hfaas/trace?since={since}") as trace:
            hops = [json.loads(line) for line in trace]
        return [hop for hop in hops if hop["what"] == "endpoint.called"]

    def permit(self, name: str, function: str = "f", **more: str) -> None:
        """Let somebody invoke the function."""
        settings = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", **more}
        self.client("lambda").add_permission(FunctionName=function, StatementId=name, **settings)

    async def _behave(self, spec: ContainerSpec, _output: Output) -> Exit:
        host, _, at = spec.environment["AWS_LAMBDA_RUNTIME_API"].partition("/")
        base = f"/{at}/2018-06-01/runtime/invocation"
        while True:
            request, event = await _call(host, "GET", f"{base}/next")
            while not self._free.is_set():
                await asyncio.sleep(0.01)
            self.events.append(json.loads(event))
            try:
                said = self.answer(json.loads(event))
            except Failure as failure:
                error = {"errorType": "Failure", "errorMessage": str(failure)}
                await _call(host, "POST", f"{base}/{request}/error", json.dumps(error).encode())
                continue
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            await _call(host, "POST", f"{base}/{request}/response", body)

    def make(self) -> None:
        """Make the function and its endpoints."""
        role = self.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        functions = self.client("lambda")
        functions.create_function(
            FunctionName="f", Role=role, PackageType="Image", Code={"ImageUri": IMAGE}, Timeout=30
        )
        self.url = functions.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
        self.permit("url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
        self.permit("via", Principal="*", InvokedViaFunctionUrl=True)  # type: ignore[arg-type]
        self.permit("gateway")
        self.http = self._make_http()
        self.rest = self._make_rest()

    def _make_http(self) -> str:
        gateway = self.client("apigatewayv2")
        api = str(gateway.create_api(Name="a", ProtocolType="HTTP")["ApiId"])
        for version, path in (("2.0", "two"), ("1.0", "one")):
            integration = gateway.create_integration(
                ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=ARN, PayloadFormatVersion=version
            )["IntegrationId"]
            target = f"integrations/{integration}"
            gateway.create_route(ApiId=api, RouteKey=f"ANY /{path}/{{proxy+}}", Target=target)
            gateway.create_route(ApiId=api, RouteKey=f"GET /{path}/{{id}}/x", Target=target)
            gateway.create_route(
                ApiId=api, RouteKey=f"GET /{path}/signed", Target=target, AuthorizationType="AWS_IAM"
            )
        gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        gateway.create_stage(ApiId=api, StageName="dev", AutoDeploy=True, StageVariables={"k": "v"})
        return api

    def _make_rest(self) -> str:
        gateway = self.client("apigateway")
        api = str(gateway.create_rest_api(name="a", binaryMediaTypes=["image/png"])["id"])
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        self.rest_resource(api, root, "{proxy+}", "ANY", SCAR)
        self.rest_resource(api, root, "signed", "GET", authorization="AWS_IAM")
        gateway.create_deployment(restApiId=api, stageName="prod")
        return api

    def rest_resource(
        self,
        api: str,
        parent: str,
        part: str,
        method: str,
        settings: dict[str, Any] | None = None,
        authorization: str = "NONE",
    ) -> str:
        """Make a resource with one method and return its id."""
        gateway = self.client("apigateway")
        resource = str(gateway.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"])
        place = {"restApiId": api, "resourceId": resource, "httpMethod": method}
        gateway.put_method(**place, authorizationType=authorization)
        gateway.put_integration(
            **place, **{"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": URI, **(settings or {})}
        )
        return resource


SCAR = {
    "requestParameters": {
        "integration.request.header.X-Amz-Invocation-Type": "method.request.header.X-Amz-Invocation-Type"
    }
}
"""How scar lets callers choose not to wait."""


async def _call(host: str, method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
    """Make one request to the Runtime API; return the request id it names and the answer's body."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    try:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        headers, _, content = (await reader.read()).partition(b"\r\n\r\n")
        found = [
            line for line in headers.decode().lower().split("\r\n") if line.startswith("lambda-runtime-aws-req")
        ]
        return (found[0].partition(": ")[2] if found else ""), content
    finally:
        writer.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One emulator for all tests of a module, function and endpoints made."""
    made = Site()
    with running(tmp_path_factory.mktemp("state"), lambda: made.engine) as emulator:
        made.endpoint = emulator.endpoint
        made.make()
        yield made
