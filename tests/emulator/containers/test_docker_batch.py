"""What a Batch job's container finds when it looks around."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

import pytest

from hfaas_emulator.containers.docker import DockerEngine
from hfaas_emulator.containers.docker_config import Place, container_config
from hfaas_emulator.containers.engine import ContainerSpec, Network, Restrictions, TaskLimits

BASE = "hfaas/base:bookworm"

LOOK = """
id -u; echo ===
touch /here && echo writable; echo ===
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null \
  || cat /sys/fs/cgroup/memory.max; echo ===
cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/cpu.max; echo ===
df -m /dev/shm | tail -1 | awk '{print $2}'; echo ===
cat /proc/self/status; echo ===
cat /proc/1/comm; echo ===
df -m /fast | tail -1 | awk '{print $1, $2}'; echo ===
ulimit -Sn; ulimit -Hn; echo ===
stat -f -c %i /data; stat -f -c %i /; ls -A /data | wc -l; echo ===
stat -c %a /tmp; echo ===
ulimit -f; echo ===
env
"""
NAMES = ("uid", "root", "memory", "quota", "shm", "status", "first", "fast", "files", "data", "tmp", "fsize", "env")


def batch(**given: object) -> ContainerSpec:
    fixed = {"restrictions": Restrictions.BATCH, "storage_mb": 0, "user": "", "read_only": False}
    name = f"hfaas-test-{os.getpid()}-{time.time_ns()}"
    return ContainerSpec(name, BASE, **{**fixed, **given})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def facts(docker_ready: None) -> dict[str, str]:
    """What one container found out about itself."""
    output: list[bytes] = []
    limits = TaskLimits(
        shared_memory_mb=96,
        init=True,
        tmpfs={"/fast": 32},
        ulimits={"nofile": (2000, 3000)},
        volumes=("/data",),
    )

    async def look() -> None:
        engine = DockerEngine(Path(tempfile.mkdtemp()))
        await engine.open()
        spec = batch(
            command=("/bin/sh", "-c", LOOK),
            memory_mb=200,
            cpus=0.5,
            network=Network.OWN,
            environment={"AWS_BATCH_JOB_ID": "a b"},
            labels={"hfaas.task": "x" * 10_000},
            task=limits,
        )
        await (await engine.run(spec, output.append)).wait()
        await engine.close()

    asyncio.run(look())
    parts = b"".join(output).decode().split("===\n")
    return dict(zip(NAMES, (part.strip() for part in parts), strict=True))


@pytest.mark.docker
@pytest.mark.parametrize(
    ("what", "is_so"),
    [
        ("uid", lambda text: text == "0"),
        ("root", lambda text: text == "writable"),
        ("memory", lambda text: set(text.split()) == {str(200 << 20)}),
        ("quota", lambda text: text == "50000"),
        ("shm", lambda text: text == "96"),
        ("status", lambda text: "CapBnd:\t00000000a80425fb" in text),
        ("status", lambda text: "NoNewPrivs:\t0" in text),
        ("first", lambda text: text in {"docker-init", "tini"}),
        ("fast", lambda text: text == "tmpfs 32"),
        ("files", lambda text: text.split() == ["2000", "3000"]),
        ("data", lambda text: text.split()[0] != text.split()[1] and text.split()[2] == "0"),
        ("tmp", lambda text: text == "1777"),
        ("fsize", lambda text: text == "unlimited"),
        ("env", lambda text: "AWS_BATCH_JOB_ID=a b" in text),
    ],
)
def test_a_job_finds(facts: dict[str, str], what: str, is_so: object) -> None:
    assert is_so(facts[what]), facts[what]  # type: ignore[operator]


def host(spec: ContainerSpec, place: Place | None = None) -> dict[str, object]:
    config: dict[str, object] = container_config(spec, place or Place("x"))["HostConfig"]
    return config


def test_no_job_is_privileged() -> None:
    assert "Privileged" not in host(batch())


def test_a_job_may_ask_for_a_read_only_root() -> None:
    assert host(batch(read_only=True))["ReadonlyRootfs"] is True


def test_a_job_loses_no_capability() -> None:
    assert {"CapDrop", "SecurityOpt", "PidsLimit"}.isdisjoint(host(batch()))


def test_a_jobs_log_is_long_enough_to_be_read_again() -> None:
    assert host(batch())["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}}


def test_where_the_nvidia_runtime_is_who_asks_for_no_gpu_sees_none() -> None:
    place = Place("x", nvidia_runtime=True)
    wishes = {"NVIDIA_VISIBLE_DEVICES": "all"}
    assert container_config(batch(environment=wishes), place)["Env"] == ["NVIDIA_VISIBLE_DEVICES=void"]
    asks = batch(environment=wishes, gpus=("GPU-1",))
    assert container_config(asks, place)["Env"] == ["NVIDIA_VISIBLE_DEVICES=GPU-1"]


def test_an_engine_that_knows_gpus_by_files_alone_is_asked_by_their_names() -> None:
    asked = host(batch(gpus=("GPU-1",)), Place("x", cdi=True))
    assert asked["DeviceRequests"] == [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=GPU-1"]}]
