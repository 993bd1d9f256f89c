"""What plays AWS in tests of promotions: an emulator in a second process, and a registry of images as its ECR.

Tests that name the fixture `stand_in` share one that runs Functions as plain processes, each with an account of its
own; `aws` is the Target there, with credentials in the environment. `standin(folder)` starts one of the test's own.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.registry import Registry

from hfaas_deploy.aws import target
from hfaas_deploy.aws.target import Target

ACCOUNT = "210987654321"
"""A key id of twelve digits is the account there."""

OTHER = "111122223333"
"""The account of somebody else."""

REGION = "eu-west-1"
START_WITHIN = 60
STOP_WITHIN = 60

_accounts = itertools.count(310_000_004_321, 10_000)
"""All end as ACCOUNT does: who promotes for the first time types these digits."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """An emulator that plays AWS: `url` is where it answers, `registry` the HOST:PORT of its images, if it has one."""

    url: str
    state: Path
    registry: str = ""
    account: str = ACCOUNT

    def apart(self) -> StandIn:
        """The same for an account that nobody else has: what others leave behind fills no page of its lists."""
        return replace(self, account=str(next(_accounts)))

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which `hfaas` promotes to it; all others of AWS are to be unset."""
        return {
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "of no worth",
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HFAAS_AWS_STAND_IN": self.url,
        }

    def target(self) -> Target:
        """The Target that a promotion begins with: its account is not known yet."""
        return Target.aws(REGION, stand_in=self.url)

    def use(self, patch: pytest.MonkeyPatch) -> Target:
        """Set the environment as long as a test runs, and return the Target with its account."""
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in self.environment.items():
            patch.setenv(name, value)
        target.forget_credentials()  # a session keeps the credentials that it found first
        return self.target().within(self.account)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Have the credentials of another account until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", OTHER)
        target.forget_credentials()
        yield
    target.forget_credentials()


@contextmanager
def standin(folder: Path, registry: str = "", engine: str = "process") -> Iterator[StandIn]:
    """Run an emulator that plays AWS until the block ends; `registry` is the HOST:PORT of what is to be its ECR."""
    with emulating(folder, "--engine", engine, *(("--registry", registry) if registry else ())) as url:
        yield StandIn(url, folder, registry)


@contextmanager
def emulating(folder: Path, *options: str) -> Iterator[str]:
    """Run an emulator in a second process until the block ends, and return where it answers."""
    command = [sys.executable, "-m", "hfaas_emulator", "--port", "0", "--state", str(folder), "--tether", *options]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HFAAS_AWS"))}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=plain) as process,
    ):
        assert process.stdin is not None
        try:
            yield _endpoint(process, folder)
        finally:
            process.terminate()
            process.stdin.close()
            process.wait(STOP_WITHIN)


def _endpoint(process: subprocess.Popen[bytes], state: Path) -> str:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if (state / "emulator.json").exists():
            return str(json.loads((state / "emulator.json").read_text())["endpoint"])
        time.sleep(0.02)
    raise AssertionError((state / "log").read_text())


@pytest.fixture(scope="session")
def shared_stand_in(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[StandIn]:
    """One that the tests of a worker share: names of buckets and repositories in it are to be unique."""
    with standin(tmp_path_factory.mktemp("standin"), registry.address) as found:
        yield found


@pytest.fixture
def stand_in(shared_stand_in: StandIn) -> StandIn:
    """The shared one, with an account of the test's own."""
    return shared_stand_in.apart()


@pytest.fixture
def aws(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """That account as a Target."""
    yield stand_in.use(monkeypatch)
    target.forget_credentials()
