"""The supervisor as process 1 of a container with a memory limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hfaas_supervisor

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

pytestmark = pytest.mark.docker

SOURCES = Path(next(iter(hfaas_supervisor.__path__))).parent


@contextmanager
def job(engine: DockerClient, image: str, layer: Path, script: str) -> Iterator[Container]:
    (layer / "script").write_text(script)
    layer.chmod(0o755)
    container = engine.containers.run(
        image,
        ["python3", "-m", "hfaas_supervisor", "batch"],
        entrypoint=[],
        environment={"PYTHONPATH": "/supervisor", "AWS_BATCH_JOB_ID": "job-1"},
        volumes=[f"{SOURCES}:/supervisor:ro", f"{layer}:/opt/hfaas/function:ro"],
        mem_limit="64m",
        memswap_limit="64m",
        network_mode="none",
        detach=True,
    )
    try:
        yield container
    finally:
        container.remove(force=True)


def test_d33_the_kernel_takes_the_script_and_we_say_so(
    docker_engine: DockerClient, base_image: str, tmp_path: Path
) -> None:
    with job(docker_engine, base_image, tmp_path, "python3 -c 'bytearray(200 << 20)'\n") as container:
        assert container.wait(timeout=60)["StatusCode"] == 137
        assert b"Hfaas.ScriptOutOfMemory" in container.logs()


def test_docker_stop_ends_a_job_with_143(docker_engine: DockerClient, base_image: str, tmp_path: Path) -> None:
    with job(docker_engine, base_image, tmp_path, "echo begun; exec sleep 60\n") as container:
        end = time.monotonic() + 60
        while b"begun" not in container.logs():
            assert time.monotonic() < end
        container.stop(timeout=60)
        assert container.wait(timeout=60)["StatusCode"] == 143


CLOSED = """
import os, subprocess
from hfaas_supervisor import script, secrets_manager
secrets_manager.close_memory()
with script._expendable():
    subprocess.run(["cat", "/proc/self/oom_score_adj"])
print(os.access(f"/proc/{os.getpid()}/environ", os.R_OK), flush=True)
"""


def test_d18_a_supervisor_that_knows_secrets_is_closed_and_still_has_the_script_killed_first(
    docker_engine: DockerClient, base_image: str
) -> None:
    shown = docker_engine.containers.run(
        base_image,
        ["python3", "-c", CLOSED],
        entrypoint=[],
        environment={"PYTHONPATH": "/supervisor"},
        volumes=[f"{SOURCES}:/supervisor:ro"],
        user="993:990",
        network_mode="none",
        remove=True,
    )
    assert shown.split() == [b"1000", b"False"]
