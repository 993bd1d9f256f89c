"""The kernel's counters of a control group, played by the test: it signals what the kernel would."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfaas_emulator.containers import cgroup
from hfaas_emulator.containers.cgroup import MemoryGroup
from hfaas_emulator.containers.oom_signals import OomSignals


class Kernel:
    """One group, as deep as it must be; both counters are caught when they are asked for."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = root / "memory/docker/abc"
        self.folder.mkdir(parents=True)
        (self.folder / "memory.usage_in_bytes").write_text("0\n")
        self.killed(0)
        self.counters: list[int] = []
        patch.setattr(os, "eventfd", self._made)

    def _made(self, value: int, flags: int) -> int:
        self.counters.append(REAL(value, flags))
        return self.counters[-1]

    def killed(self, count: int) -> None:
        (self.folder / "memory.oom_control").write_text(f"under_oom 0\noom_kill {count}\n")

    def lacks(self) -> None:
        os.eventfd_write(self.counters[1], 1)

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def tell_removal(self) -> None:
        for counter in reversed(self.counters):
            os.eventfd_write(counter, 1)


REAL = os.eventfd


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(tmp_path, monkeypatch)


@pytest.fixture
def group(kernel: Kernel, tmp_path: Path) -> Iterator[MemoryGroup]:
    group = MemoryGroup("abc", tmp_path)
    group.watch()
    yield group
    group.close()


def test_the_kernel_is_asked_for_both_counters(kernel: Kernel, group: MemoryGroup) -> None:
    asked = (kernel.folder / "cgroup.event_control").read_text().split()
    assert (int(asked[0]), len(asked)) == (kernel.counters[1], 2)


def test_each_signal_counts_while_the_group_lives(kernel: Kernel, group: MemoryGroup) -> None:
    kernel.lacks()
    kernel.lacks()
    assert group.kills() == 2


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_the_signal_of_the_removal_is_not_counted(kernel: Kernel, group: MemoryGroup, times: int) -> None:
    for _ in range(times):
        kernel.lacks()
    kernel.remove()
    kernel.tell_removal()
    assert await group.settle()
    assert group.kills() == times


async def test_a_removal_without_a_signal_is_certain_at_once(
    kernel: Kernel, group: MemoryGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.remove()
    monkeypatch.setattr(asyncio, "sleep", None)
    assert await group.settle()
    kernel.tell_removal()
    assert group.kills() == 0


async def test_one_signal_of_a_group_that_is_gone_is_understood_once_the_removal_is_told(
    kernel: Kernel, group: MemoryGroup
) -> None:
    kernel.lacks()
    kernel.remove()
    assert group.kills() == 0
    kernel.tell_removal()
    assert await group.settle()
    assert group.kills() == 1


async def test_a_removal_that_is_never_told_leaves_a_doubt(
    kernel: Kernel, group: MemoryGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "LOOKS", 2)
    kernel.lacks()
    kernel.remove()
    assert not await group.settle()


async def test_kills_before_the_signals_count_too(kernel: Kernel, tmp_path: Path) -> None:
    kernel.killed(2)
    group = MemoryGroup("abc", tmp_path)
    group.watch()
    kernel.lacks()
    kernel.remove()
    kernel.tell_removal()
    assert await group.settle()
    assert group.kills() == 3
    group.close()


def test_a_kill_that_was_signalled_and_counted_is_one(kernel: Kernel, group: MemoryGroup) -> None:
    kernel.lacks()
    kernel.killed(1)
    assert group.kills() == 1


@pytest.mark.parametrize("missing", ["memory.usage_in_bytes", "memory.oom_control"])
async def test_a_group_without_signals_is_not_certain(kernel: Kernel, tmp_path: Path, missing: str) -> None:
    (kernel.folder / missing).unlink()
    group = MemoryGroup("abc", tmp_path)
    group.watch()
    assert not await group.settle()
    assert all(_is_closed(counter) for counter in kernel.counters)


def test_closing_gives_both_counters_back_and_keeps_the_count(kernel: Kernel, group: MemoryGroup) -> None:
    kernel.lacks()
    assert group.kills() == 1
    group.close()
    group.close()
    assert all(_is_closed(counter) for counter in kernel.counters)
    assert group.kills() == 1


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/sys/fs/cgroup/memory/memory.oom_control").exists(), reason="v1")
def test_the_real_kernel_tells_a_removal_by_both_counters() -> None:
    folder = Path(f"/sys/fs/cgroup/memory/hfaas-test-{os.getpid()}")
    folder.mkdir()
    try:
        signals = OomSignals(folder)
    finally:
        folder.rmdir()
    end = time.monotonic() + 60
    while not signals._removed.total():
        assert time.monotonic() < end
    assert (signals._lacks.total(), signals.count(), signals.is_final) == (1, 0, True)
    signals.close()


def _is_closed(counter: int) -> bool:
    try:
        os.fstat(counter)
    except OSError:
        return True
    return False
