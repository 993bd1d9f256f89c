"""What a container found out about itself: as closed as Lambda's."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.docker_config import Place, container_config
from hfaas_emulator.containers.engine import ContainerSpec

PLACE = Place("x", "volume", cpus=2)
BASE = "hfaas/base:bookworm"

FACTS = """
touch /x 2>&1
echo ===; id
echo ===; cat /proc/self/status
echo ===; ulimit -n
echo ===; test -e /dev/shm || echo none
"""


@pytest.fixture(scope="module")
def facts(docker_ready: None) -> dict[str, str]:
    """What one container found out about itself."""
    output: list[bytes] = []

    async def look() -> None:
        engine = DockerEngine(Path(tempfile.mkdtemp()))
        await engine.open()
        command = ("/bin/sh", "-c", FACTS)
        container = await engine.run(
            ContainerSpec(f"hfaas-test-{os.getpid()}", BASE, command=command), output.append
        )
        await container.wait()
        await engine.close()

    asyncio.run(look())
    return dict(
        zip(("root", "id", "status", "files", "shm"), b"".join(output).decode().split("===\n"), strict=True)
    )


@pytest.mark.docker
def test_the_root_is_read_only(facts: dict[str, str]) -> None:
    assert "Read-only file system" in facts["root"]


@pytest.mark.docker
def test_the_user_is_lambdas(facts: dict[str, str]) -> None:
    assert "uid=993 gid=990 groups=990" in facts["id"]


@pytest.mark.docker
def test_there_are_no_capabilities(facts: dict[str, str]) -> None:
    assert "CapBnd:\t0000000000000000" in facts["status"]


@pytest.mark.docker
def test_there_is_no_way_to_new_privileges(facts: dict[str, str]) -> None:
    assert "NoNewPrivs:\t1" in facts["status"]


@pytest.mark.docker
def test_files_are_limited(facts: dict[str, str]) -> None:
    assert facts["files"] == "1024\n"


@pytest.mark.docker
def test_there_is_no_shared_memory(facts: dict[str, str]) -> None:
    assert facts["shm"] == "none\n"


def host(spec: ContainerSpec) -> dict[str, object]:
    config: dict[str, object] = container_config(spec, PLACE)["HostConfig"]
    return config


def test_memory_has_no_swap() -> None:
    config = host(ContainerSpec("a", "b", memory_mb=128))
    assert config["Memory"] == config["MemorySwap"] == 128 * 2**20


def test_no_more_processors_are_asked_for_than_there_are() -> None:
    assert host(ContainerSpec("a", "b", cpus=6.0))["NanoCpus"] == 2_000_000_000


def test_gpus_are_asked_for_as_devices() -> None:
    assert host(ContainerSpec("a", "b", gpus=("GPU-1", "GPU-2")))["DeviceRequests"] == [
        {"Driver": "", "DeviceIDs": ["GPU-1", "GPU-2"], "Capabilities": [["gpu"]]}
    ]


def test_the_images_own_command_stays_when_none_is_given() -> None:
    config = container_config(ContainerSpec("a", "b"), PLACE)
    assert {"Entrypoint", "Cmd", "WorkingDir"}.isdisjoint(config)
