"""The supervisor as a real process, a real Runtime API on port 0, and moto's S3 behind it."""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config
from tests.supervisor.cloud import Cdmi, Certificates, Cloud, Dav, Handler, Server, secured

from hfaas_supervisor.job import Job
from hfaas_supervisor.stores import web

DEADLINE_S = 60
LIMITS_S = (3, 9, 27)

T = TypeVar("T")


def in_time(attempt: Callable[[float], T], reached: Callable[[T], bool], limits: Sequence[float] = LIMITS_S) -> T:
    """Attempt something that must end by its limit, with a longer one while it did not get as far as it has to."""
    for limit in limits:
        result = attempt(limit)
        if reached(result):
            break
    return result


@dataclass
class Answer:
    """What one run of the supervisor left behind."""

    code: int
    stdout: bytes
    log: str
    peak_kb: int = 0

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def body(self) -> str:
        return base64.b64decode(self.json["body"]).decode()

    @property
    def error(self) -> str:
        return str(self.json["errorType"])

    @property
    def message(self) -> str:
        return str(self.json["errorMessage"])


class Box:
    """A place for one Function: its layer, its /tmp, its environment."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.tmp = folder / "tmp"
        self.layer = folder / "function"
        self.tmp.mkdir()
        self.layer.mkdir()
        self.environment = {**environment, "HFAAS_TMP": str(self.tmp), "HFAAS_FUNCTION_DIR": str(self.layer)}
        self.job = Job("shrink")

    def script(self, text: str) -> None:
        path = self.layer / "script"
        path.write_bytes(text.encode())
        path.chmod(0o755)

    def image(self, **image: object) -> None:
        (self.layer / "image.json").write_text(json.dumps(image))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "hfaas_supervisor", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"FUNCTION_CONFIG": self.job.encode(), **self.environment, **environment},
        )

    def run(self, event: object = None, **environment: str) -> Answer:
        raw = event if isinstance(event, bytes) else b"" if event is None else json.dumps(event).encode()
        with self.start(**environment) as process:
            out, log = process.communicate(raw, timeout=DEADLINE_S)
        return Answer(process.returncode, out, log.decode(errors="replace"))

    def batch(self, event: object = None, **environment: str) -> Answer:
        """Run the supervisor as a Batch Job; the log is on its stdout."""
        if event is not None:
            environment["EVENT"] = event if isinstance(event, str) else json.dumps(event)
        with self.start("batch", **environment) as process:
            out, log = process.communicate(b"not for a Job", timeout=DEADLINE_S)
        return Answer(process.returncode, out + log, (out + log).decode(errors="replace"))

    def begun(self, _: object = None) -> bool:
        """Tell whether a script has touched `$HOME/begun` since this was asked last."""
        mark = self.folder / "begun"
        there = mark.exists()
        mark.unlink(missing_ok=True)
        return there

    def clean(self) -> bool:
        """Tell whether nothing is left but a warm environment's emptied folders."""
        spare = [path for path in self.tmp.iterdir() if path.name.startswith(".hfaas-")]
        return not [
            path
            for path in self.tmp.rglob("*")
            if path.is_file() or (path.parent == self.tmp and path not in spare)
        ]


@dataclass
class S3:
    """moto's S3 with one bucket of this test."""

    client: Any
    bucket: str

    def put(self, key: str, body: bytes = b"data", metadata: dict[str, str] | None = None) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=metadata or {})

    def get(self, key: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return data

    def metadata(self, key: str) -> dict[str, str]:
        found: dict[str, str] = self.client.head_object(Bucket=self.bucket, Key=key)["Metadata"]
        return found

    def keys(self) -> list[str]:
        answer = self.client.list_objects_v2(Bucket=self.bucket)
        return [entry["Key"] for entry in answer.get("Contents", [])]

    def event(self, *keys: str, name: str = "ObjectCreated:Put", **more: object) -> dict[str, Any]:
        from urllib.parse import quote_plus

        return {
            "Records": [
                {
                    "eventSource": "aws:s3",
                    "eventName": name,
                    "eventTime": "2026-01-02T03:04:05.000Z",
                    "s3": {"bucket": {"name": self.bucket}, "object": {"key": quote_plus(key, safe="/")}},
                    **more,
                }
                for key in keys
            ]
        }


@dataclass
class Reported:
    """What the supervisor posted for one request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass
class RuntimeApi:
    """A Runtime API: Events go in, posts come out."""

    address: str = ""
    events: queue.Queue[tuple[str, bytes, float]] = field(default_factory=queue.Queue)
    posts: queue.Queue[Reported] = field(default_factory=queue.Queue)
    asked: queue.Queue[float] = field(default_factory=queue.Queue)

    def invoke(self, event: object, *, seconds: float = 10, id: str = "") -> Reported:
        raw = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.events.put((id or str(uuid.uuid4()), raw, seconds))
        return self.posts.get(timeout=DEADLINE_S)


@dataclass
class Batch:
    """SubmitJob of Batch: what came in, and what is answered, the last of it for ever."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b'{"jobId": "job-1"}')])

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment of the last Job."""
        request = self.requests[-1]
        if "nodeOverrides" in request:
            (request,) = request["nodeOverrides"]["nodePropertyOverrides"]
        return {entry["name"]: entry["value"] for entry in request["containerOverrides"]["environment"]}

    @property
    def event(self) -> Any:
        return json.loads(self.variables["EVENT"])


class _BatchHandler(BaseHTTPRequestHandler):
    batch: Batch

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.batch.requests.append(json.loads(body))
        self.batch.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        answers = self.batch.answers
        status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: RuntimeApi

    def do_GET(self) -> None:
        self.api.asked.put(time.monotonic())
        request, raw, seconds = self.api.events.get()
        if not request:  # the test is over and nobody listens
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:shrink",
            "Lambda-Runtime-Trace-Id": f"Root=1-{request[:8]}",
        }
        self._answer(200, raw, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.api.posts.put(Reported(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self._answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Runtime:
    """A supervisor in Lambda mode at its Runtime API."""

    def __init__(self, box: Box, api: RuntimeApi, log: Path) -> None:
        self.box, self.api, self._log = box, api, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        variables = {
            "FUNCTION_CONFIG": self.box.job.encode(),
            **self.box.environment,
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_EXECUTION_ENV": "AWS_Lambda_Image",
            "AWS_LAMBDA_FUNCTION_NAME": "shrink",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/shrink",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            **environment,
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hfaas_supervisor"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=variables,
            )
        return self.process

    def invoke(self, event: object, *, seconds: float = 10, id: str = "") -> Reported:
        if self.process is None:
            self.start()
        return self.api.invoke(event, seconds=seconds, id=id)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def endpoint(moto_server: str) -> str:
    return moto_server


@pytest.fixture(scope="session")
def client(endpoint: str) -> Iterator[Any]:
    config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    made = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
    yield made
    made.close()


@pytest.fixture
def s3(client: Any) -> S3:
    bucket = f"b-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    return S3(client, bucket)


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("bytecode"))


@pytest.fixture
def box(tmp_path: Path, endpoint: str, bytecode: str) -> Box:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPYCACHEPREFIX": bytecode,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    return Box(tmp_path, environment)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def trusting(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process trust the certificates of the test's servers."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca))
    monkeypatch.setattr(web, "_context", None)
    monkeypatch.setattr(web, "PAUSE_S", 0.01)


@pytest.fixture
def space(certificates: Certificates) -> Iterator[Cloud]:
    """A Oneprovider with the space `ours`."""
    with _cloud(Cdmi, certificates) as cloud:
        cloud.folders.add("cdmi/ours")
        yield cloud


@pytest.fixture
def dav(certificates: Certificates) -> Iterator[Cloud]:
    with _cloud(Dav, certificates) as cloud:
        yield cloud


@contextmanager
def _cloud(handler: type[Handler], certificates: Certificates) -> Iterator[Cloud]:
    cloud = Cloud()
    with _serving(type("Handler", (handler,), {"cloud": cloud}), certificates) as cloud.address:
        yield cloud


ServeTls = Callable[[type[Handler]], str]


@pytest.fixture
def serve_tls(certificates: Certificates) -> Iterator[ServeTls]:
    with ExitStack() as servers:
        yield lambda handler: servers.enter_context(_serving(handler, certificates))


Serve = Callable[[type[BaseHTTPRequestHandler]], str]
"""Starts a server for this test and returns its host:port."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda handler: servers.enter_context(_serving(handler))


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], certificates: Certificates | None = None) -> Iterator[str]:
    server = (Server if certificates else ThreadingHTTPServer)(("127.0.0.1", 0), handler)
    if certificates is not None:
        secured(server, certificates)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def runtime(box: Box, tmp_path: Path, serve: Serve) -> Iterator[Runtime]:
    api = RuntimeApi()
    api.address = serve(type("Handler", (_Handler,), {"api": api}))
    made = Runtime(box, api, tmp_path / "runtime.log")
    yield made
    made.close()
    api.events.put(("", b"", 0))


@pytest.fixture
def batch(serve: Serve) -> Batch:
    made = Batch()
    made.url = f"http://{serve(type('Handler', (_BatchHandler,), {'batch': made}))}"
    return made
