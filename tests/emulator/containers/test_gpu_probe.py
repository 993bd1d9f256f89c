"""A program called `nvidia-smi` on PATH plays the driver."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hfaas_emulator.containers import docker_gpus, gpu_probe
from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.process import ProcessEngine

Driver = Callable[[str], None]
H100 = "GPU-5f3c2b1a-0000, NVIDIA H100 80GB HBM3, 81559"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Puts a program on PATH that runs this shell code."""

    def install(code: str) -> None:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return install


@pytest.mark.skipif(gpu_probe.is_worth_a_look(), reason="this machine has a driver")
def test_without_a_driver_nothing_is_started() -> None:
    assert gpu_probe.look() == gpu_probe.Found((), "no NVIDIA driver on this machine")


def test_all_gpus_are_found_with_name_and_memory(driver: Driver) -> None:
    driver(f"echo '{H100}'; echo 'GPU-2, NVIDIA L4, 23034'")
    found = gpu_probe.look()
    assert found.gpus == (
        Gpu("GPU-5f3c2b1a-0000", "NVIDIA H100 80GB HBM3", 81559),
        Gpu("GPU-2", "NVIDIA L4", 23034),
    )
    assert found.detail == "NVIDIA H100 80GB HBM3 (81559 MB), NVIDIA L4 (23034 MB)"


def test_the_question_is_for_what_is_needed_and_no_more(driver: Driver, tmp_path: Path) -> None:
    driver(f'echo "$@" > {tmp_path}/asked; echo "{H100}"')
    gpu_probe.look()
    asked = (tmp_path / "asked").read_text()
    assert asked == "--query-gpu=uuid,name,memory.total --format=csv,noheader,nounits\n"


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("echo 'Failed to initialize NVML'; exit 18", "nvidia-smi fails: Failed to initialize NVML"),
        ("exit 9", "nvidia-smi fails: exit code 9"),
        ("echo 'hello, world'", "nvidia-smi fails: it says 'hello, world'"),
        ("echo 'GPU-1, NVIDIA L4, [N/A]'", "nvidia-smi fails: it says 'GPU-1, NVIDIA L4, [N/A]'"),
        ("printf '\\377\\376'", "nvidia-smi fails: it says '\ufffd\ufffd'"),
        ("true", "nvidia-smi knows no GPU"),
    ],
)
def test_an_answer_that_is_none_is_told_in_its_own_words(driver: Driver, code: str, detail: str) -> None:
    driver(code)
    assert gpu_probe.look() == gpu_probe.Found((), detail)


def test_a_driver_that_hangs_is_not_waited_for(driver: Driver) -> None:
    driver("sleep 600; true")
    assert gpu_probe.look(deadline_s=0.2).detail == "nvidia-smi did not answer within 0.2 s"


def test_a_program_that_cannot_run_is_told(driver: Driver, tmp_path: Path) -> None:
    driver("")
    (tmp_path / "bin" / "nvidia-smi").write_text("#!/no/such/shell\n")
    assert gpu_probe.look().detail.startswith("nvidia-smi cannot be started")


def test_docker_without_the_runtime_is_told_how_to_get_it(driver: Driver) -> None:
    driver(f"echo '{H100}'")
    found = docker_gpus.look({"Runtimes": {"runc": {}}})
    assert found.gpus == ()
    assert found.detail.startswith("NVIDIA H100 80GB HBM3 (81559 MB), but Docker lacks the NVIDIA runtime: install")
    assert "nvidia-ctk runtime configure --runtime=docker" in found.detail


@pytest.mark.parametrize(
    "info",
    [
        {"Runtimes": {"runc": {}, "nvidia": {}}},
        {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=GPU-5f3c2b1a-0000"}]},
    ],
)
def test_docker_with_runtime_or_device_files_has_the_gpus(driver: Driver, info: dict[str, object]) -> None:
    driver(f"echo '{H100}'")
    assert [each.uuid for each in docker_gpus.look(info).gpus] == ["GPU-5f3c2b1a-0000"]


@pytest.mark.parametrize(
    ("wish", "kept"),
    [
        (None, ["GPU-11", "GPU-12", "GPU-2"]),
        ("2,0", ["GPU-2", "GPU-11"]),
        ("GPU-2", ["GPU-2"]),
        ("GPU-12,9,0", ["GPU-12"]),
        ("GPU-1", []),
        ("", []),
        ("-1", []),
    ],
)
def test_what_is_hidden_from_the_emulator_stays_hidden(wish: str | None, kept: list[str]) -> None:
    gpus = tuple(Gpu(uuid, "NVIDIA L4", 23034) for uuid in ("GPU-11", "GPU-12", "GPU-2"))
    left = gpu_probe.visible(gpu_probe.Found(gpus, "three"), wish)
    assert [each.uuid for each in left.gpus] == kept
    assert kept or left.detail == f"three, but CUDA_VISIBLE_DEVICES={wish} hides all"


async def test_the_process_engine_knows_them_once_it_is_open(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(f"echo '{H100}'")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    engine = ProcessEngine(tmp_path)
    await engine.open()
    assert (engine.gpu_detail, len(engine.gpus)) == ("NVIDIA H100 80GB HBM3 (81559 MB)", 1)
    await engine.close()
