"""How busy the machine is, by the kernel's files and by what `nvidia-smi` says."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hfaas_emulator import load
from hfaas_emulator.containers.engine import ContainerSpec, Exit, Gpu, Image, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.load import Box, Load, Smi

GPU = Gpu("GPU-1", "NVIDIA H100", 81_559)
OTHER = Gpu("GPU-2", "NVIDIA H100", 81_559)
SAID = "GPU-1, 12, 79000, 81559, 41, 118.50, 550.54.15\nGPU-2, [N/A], 0, 81559, [Not Supported], [N/A], 550.54.15\n"


async def _sleep(_: ContainerSpec, __: Output) -> Exit:
    await asyncio.sleep(3600)
    return Exit(0)


async def box(**more: Any) -> tuple[FakeEngine, Box]:
    engine = FakeEngine(_sleep, {"i": Image("i", "1", "x86_64", supervised=True)})
    container = await engine.run(ContainerSpec("c", "i"), lambda _: None)
    return engine, Box(container, "c", "job", "f", **{"gpus": (), "since": time.time() - 10, **more})


def patient(ask: Callable[[], str]) -> Smi:
    """A driver whose first answer is waited for as long as it takes."""
    smi = Smi(ask)
    smi.PATIENCE_S = 60
    return smi


async def test_gpus_tell_what_the_driver_tells_and_zeros_where_it_does_not(tmp_path: Path) -> None:
    looks = Load(tmp_path, lambda: (GPU, OTHER), list)
    looks._smi = patient(lambda: SAID)
    first, second = (await looks.look())["gpus"]
    assert first == {
        "index": 0,
        "name": "NVIDIA H100",
        "utilisation": 0.12,
        "memory_used": 79_000 * 2**20,
        "memory_total": 81_559 * 2**20,
        "temperature": 41,
        "power_w": 118.5,
        "driver": "550.54.15",
    }
    assert (second["utilisation"], second["temperature"], second["power_w"]) == (0, 0, 0)


async def test_the_driver_is_asked_once_a_second_at_most_and_its_failure_is_no_other_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(load, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asked: list[int] = []

    def fail() -> str:
        asked.append(1)
        raise OSError("it hangs")

    smi = patient(fail)
    for moment, times in ((100.0, 1), (100.5, 1), (100.9, 1), (101.0, 2)):
        now[0] = moment
        assert (await smi.look((GPU,)))[0]["utilisation"] == 0
        assert len(asked) == times


@pytest.mark.parametrize("version", [1, 2])
async def test_a_container_s_use_is_read_from_its_control_group(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CGROUP", tmp_path)
    engine, each = await box(gpus=("GPU-2",))
    place = f"docker/{each.container.id}"
    files = (
        {f"memory/{place}/memory.usage_in_bytes": "9437184", f"memory/{place}/memory.stat": "total_inactive_file 1048576",
         f"cpuacct/{place}/cpuacct.usage": "5000000000"},
        {f"{place}/memory.current": "9437184", f"{place}/memory.stat": "anon 1\ninactive_file 1048576",
         f"{place}/cpu.stat": "usage_usec 5000000\nuser_usec 1"},
    )[version - 1]  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    looks = Load(tmp_path, lambda: (GPU, OTHER), lambda: [each])
    looks._smi = patient(lambda: SAID)
    monkeypatch.setattr(load, "time", SimpleNamespace(time=lambda: each.since + 10, monotonic=time.monotonic))
    (told,) = (await looks.look())["containers"]
    assert (told["memory_mb"], told["gpus"], told["kind"], told["function"]) == (8, [1], "job", "f")
    assert told["cpu"] == pytest.approx(0.5)
    await engine.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
def test_the_use_of_processes_is_that_of_the_whole_tree() -> None:
    used = load._used_by_tree(os.getpid())
    assert used is not None
    assert used.cpu_s > 0
    assert used.memory > 2**20


async def test_a_question_is_answered_at_once(tmp_path: Path) -> None:
    looks = Load(tmp_path, tuple, list)
    await looks.look()
    end, took = time.monotonic() + 60, math.inf
    while took > 0.005:  # the shortest counts: others wait for a processor
        assert time.monotonic() < end, took
        began = time.perf_counter()
        told = await looks.look()
        took = min(took, time.perf_counter() - began)
    assert 0 <= told["cpu"] <= 1
