"""A function that writes into its own input, on a whole emulator: it stops after 16 times."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.config import Config

from hfaas_emulator import server
from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine

IMAGE = "works:1"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


class Way(StrEnum):
    """How what a function writes comes back to it, and by what its lineage is known then."""

    HEADER = "an object, by the SDK's trace header"
    REQUEST = "an object, by the request that our supervisor names"
    TOPIC = "a topic, by the SDK's trace header"


class Loop:
    """An emulator whose functions write one more object for each object they are told of."""

    def __init__(self) -> None:
        self.engine = FakeEngine(self._behave, {IMAGE: Image(IMAGE, "sha256:1", "x86_64", supervised=True)})
        self.endpoint = ""
        self.way = Way.HEADER
        self.topic = ""
        self.ran = 0

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        return make(service, endpoint_url=self.endpoint, config=Config(retries={"total_max_attempts": 1}), **keys)

    def make(self) -> None:
        role = self.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        functions = self.client("lambda")
        made = functions.create_function(
            FunctionName="f", Role=role, PackageType="Image", Code={"ImageUri": IMAGE}, Timeout=30
        )
        functions.add_permission(
            FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
        )
        functions.add_permission(
            FunctionName="f", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
        )
        sns = self.client("sns")
        self.topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="lambda", Endpoint=made["FunctionArn"])
        s3 = self.client("s3")
        s3.create_bucket(Bucket="films")
        watched = {"LambdaFunctionArn": made["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket="films", NotificationConfiguration={"LambdaFunctionConfigurations": [watched]}
        )

    async def _behave(self, spec: ContainerSpec, _output: Output) -> Exit:
        runtime = f"http://{spec.environment['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
        while True:
            event = await call("GET", f"{runtime}/next")
            request = event["lambda-runtime-aws-request-id"]
            self.ran += 1
            await self._write(request, event["lambda-runtime-trace-id"])
            await call("POST", f"{runtime}/{request}/response")

    async def _write(self, request: str, trace: str) -> None:
        match self.way:
            case Way.HEADER:
                await self._call("s3", "PUT", f"/films/{self.ran}", f"X-Amzn-Trace-Id: {trace}")
            case Way.REQUEST:
                await self._call("s3", "PUT", f"/films/{self.ran}", f"x-amz-meta-hfaas-request-id: {request}")
            case Way.TOPIC:
                query = urlencode({"Action": "Publish", "TopicArn": self.topic, "Message": "x"})
                await self._call("sns", "POST", f"/?{query}", f"X-Amzn-Trace-Id: {trace}")

    async def _call(self, service: str, method: str, path: str, header: str) -> None:
        scope = f"Credential=test/20260101/us-east-1/{service}/aws4_request"
        await call(method, self.endpoint + path, f"Authorization: AWS4-HMAC-SHA256 {scope}", header)

    def runs(self) -> list[dict[str, Any]]:
        """Set it off, wait until nothing is pending, and return why events were discarded."""
        self.client("s3").put_object(Bucket="films", Key="first", Body=b"x")
        while not self._is_idle():
            pass
        with urllib.request.urlopen(f"{self.endpoint}/_hfaas/trace") as trace:
            hops = [json.loads(line) for line in trace]
        return [hop for hop in hops if hop["what"] == "event.discarded"]

    def _is_idle(self) -> bool:
        with urllib.request.urlopen(f"{self.endpoint}/_hfaas/idle?wait=20") as idle:
            return bool(json.load(idle)["idle"])


async def call(method: str, url: str, *headers: str) -> dict[str, str]:
    """Make one HTTP request and return the headers of its answer."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    sent = (f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Content-Length: 0", "Connection: close")
    try:
        writer.write("".join(f"{line}\r\n" for line in (*sent, *headers, "")).encode())
        status, *lines = (await reader.read()).decode().partition("\r\n\r\n")[0].split("\r\n")
    finally:
        writer.close()
    assert status.split()[1].startswith("2"), status
    return dict(line.split(": ", 1) for line in lines)


@pytest.fixture
async def loop(tmp_path: Path) -> AsyncIterator[Loop]:
    loop = Loop()
    async with server.opened(server.Options(0, tmp_path), asyncio.Event(), loop.engine) as announced:
        loop.endpoint = announced.endpoint
        await asyncio.to_thread(loop.make)
        yield loop


@pytest.mark.parametrize("way", Way)
async def test_a_function_that_writes_into_its_own_input_stops(loop: Loop, way: Way) -> None:
    loop.way = way
    (discarded,) = await asyncio.to_thread(loop.runs)
    assert loop.ran == 16
    assert "what it writes sets it off again" in discarded["detail"]["reason"]
