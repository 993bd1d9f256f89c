"""A whole emulator on a free port, its containers functions of the test, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from hfaas_emulator import server
from hfaas_emulator.containers.engine import ContainerSpec, Engine, Exit, Image, Output
from hfaas_emulator.containers.fake import FakeEngine

WAIT_S = 60
IMAGE = "works:1"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


async def _behaves(spec: ContainerSpec, output: Output) -> Exit:
    """Do what the command of a job says, `say TEXT CODE`; everything else waits for ever."""
    if spec.command[:1] == ("say",):
        _, text, code = spec.command
        output(f"{text}\n".encode())
        return Exit(int(code))
    await asyncio.sleep(3600)
    return Exit(0)


class Emulator:
    """A running emulator."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str, account: str = "test", region: str = "us-east-1") -> Any:
        """Return a boto3 client that does not repeat what failed."""
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    def role(self, name: str = "works") -> str:
        """Make a role and return its ARN."""
        made = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        return str(made["Role"]["Arn"])

    def function(self, name: str, **more: Any) -> dict[str, Any]:
        """Make a function of an image that is there."""
        iam = self.client("iam")
        known = {role["RoleName"]: role["Arn"] for role in iam.list_roles()["Roles"]}
        role = known.get("works") or self.role()
        settings = {"Role": role, "PackageType": "Image", "Code": {"ImageUri": IMAGE}, **more}
        return dict(self.client("lambda").create_function(FunctionName=name, **settings))


def _fake() -> Engine:
    return FakeEngine(_behaves, {IMAGE: Image(IMAGE, "sha256:1", "x86_64", supervised=True)})


@contextmanager
def running(state: Path, make: Callable[[], Engine | None] = _fake, **options: Any) -> Iterator[Emulator]:
    """Run an emulator over a state directory; leaving stops it as SIGTERM does."""
    up = threading.Event()
    held: dict[str, Any] = {}

    async def serve() -> None:
        stop = asyncio.Event()
        held["loop"], held["stop"] = asyncio.get_running_loop(), stop
        async with server.opened(server.Options(0, state, **options), stop, make()) as announced:
            held["endpoint"] = announced.endpoint
            up.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 (shown by the test that waits)
            held["error"] = error
            up.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(WAIT_S), "the emulator did not start"
    if "error" in held:
        raise held["error"]
    try:
        yield Emulator(held["endpoint"])
    finally:
        held["loop"].call_soon_threadsafe(held["stop"].set)
        thread.join(WAIT_S)
        assert not thread.is_alive(), "the emulator did not stop"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests of a module; each makes its own queues and functions."""
    with running(tmp_path_factory.mktemp("state")) as started:
        yield started


@pytest.fixture
def start() -> Callable[[Path], AbstractContextManager[Emulator]]:
    """Start an emulator over a state directory."""
    return running
