"""ECR over restarts, without a registry, with one that stopped: each test runs emulators of its own.

They are apart from the others, because an emulator that starts empties the moto of its process.
"""

from __future__ import annotations

import socket
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.emulator.conftest import running as emulating
from tests.emulator.moto_services.test_ecr import ACCOUNT, REGION, behaves, function, refusal, standing_in
from tests.registry import Registry

from hfaas_emulator.containers.engine import Image
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.errors import EmulatorError


def test_repositories_are_there_after_a_restart_and_images_too(registry: Registry, tmp_path: Path) -> None:
    name = f"hfaas/r-{uuid.uuid4().hex[:8]}"
    with standing_in(tmp_path, registry.address) as first:
        first.client("ecr", ACCOUNT, REGION).create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    pushed = registry.push(name, "one")
    with standing_in(tmp_path, registry.address) as again:
        ecr = again.client("ecr", ACCOUNT, REGION)
        (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
        assert (found["imageTagMutability"], found["repositoryUri"]) == ("IMMUTABLE", f"{registry.address}/{name}")
        assert ecr.list_images(repositoryName=name)["imageIds"][0]["imageDigest"] == pushed


def test_a_repositorys_address_follows_the_registry_and_goes_without_one(
    registry: Registry, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with standing_in(state, registry.address) as first:
        first.client("ecr", ACCOUNT, REGION).create_repository(repositoryName="hfaas/x")
    with standing_in(state, "") as again:
        (found,) = again.client("ecr", ACCOUNT, REGION).describe_repositories()["repositories"]
    assert found["repositoryUri"] == f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/hfaas/x"


def test_a_registry_that_does_not_answer_any_more_is_named(tmp_path: Path, registry: Registry) -> None:
    """Its port is taken, so that nothing else answers there, and nobody listens."""
    name = f"hfaas/r-{uuid.uuid4().hex[:8]}"
    with standing_in(tmp_path, registry.address) as aws:
        ecr = aws.client("ecr", ACCOUNT, REGION)
        ecr.create_repository(repositoryName=name)
        assert ecr.list_images(repositoryName=name)["imageIds"] == []
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with standing_in(tmp_path, address) as again:
            ecr = again.client("ecr", ACCOUNT, REGION)
            with pytest.raises(ClientError, match=f"the registry at {address} does not answer"):
                ecr.list_images(repositoryName=name)


def test_what_is_no_address_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="no address of a registry"), standing_in(tmp_path, "http://here/"):
        pass


def test_images_that_are_not_the_registrys_are_the_engines(registry: Registry, tmp_path: Path) -> None:
    local = {"works:1": Image("works:1", "sha256:1", "x86_64", supervised=True)}
    with emulating(tmp_path, lambda: FakeEngine(behaves, local), registry=registry.address) as aws:
        assert function(aws, "works:1")["PackageType"] == "Image"
        assert refusal(function, aws=aws, uri="nope:1") == "InvalidParameterValueException"
