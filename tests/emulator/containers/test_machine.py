"""How much of this machine there is for jobs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfaas_emulator.containers.machine import here

TOTAL_MB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_limit_of_the_control_group_bounds_the_memory(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(f"{64 * 2**20}\n")
    assert here(tmp_path)[1] == 64


def test_without_a_limit_all_memory_counts(tmp_path: Path) -> None:
    assert here(tmp_path)[1] == TOTAL_MB
    (tmp_path / "memory.max").write_text("max\n")
    assert here(tmp_path)[1] == TOTAL_MB


def test_there_is_at_least_one_cpu() -> None:
    assert here()[0] >= 1
