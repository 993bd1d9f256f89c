"""Jobs on a machine that has less than they ask for: `--gpu fallback --scale-down`, 32 vCPUs and no GPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.emulator.batch.actor import IMAGE, Gates, Stage
from tests.emulator.batch.lab import Lab, fresh, needs
from tests.emulator.conftest import running

from hfaas_emulator.containers.gpus import GpuMode


@pytest.fixture(scope="module")
def gates() -> Gates:
    return Gates()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, gates: Gates) -> Iterator[Lab]:
    state, options = tmp_path_factory.mktemp("state"), {"gpus": GpuMode.FALLBACK, "scale_down": True}
    with running(state, lambda: Stage(gates, gpus=0), **options) as emulator:
        yield Lab(emulator, IMAGE)


def test_on_a_machine_without_gpu_a_fallback_runs_on_the_cpu_and_says_so(lab: Lab, gates: Gates) -> None:
    job_id = lab.submit("wait", gate := fresh("gate"), define={"container": needs(gpus="1")})
    job = lab.when(job_id, "RUNNING", reason="on CPU instead of 1 GPU")
    assert job["tags"] == {"hfaas:note": "on CPU instead of 1 GPU"}
    gates.open(gate)
    assert lab.ended(job_id)["tags"] == {"hfaas:note": "on CPU instead of 1 GPU"}


def test_a_job_larger_than_the_machine_may_run_with_less_and_says_so(lab: Lab) -> None:
    job_id = lab.submit("show", "cpus", "memory", define={"container": needs("64", "70000")})
    assert lab.ended(job_id)["tags"] == {"hfaas:note": "32 of 64 vCPUs; 65536 of 70000 MB"}
    assert lab.lines(job_id) == ["cpus=32.0", "memory=65536"]
