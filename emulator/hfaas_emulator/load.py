"""How busy the machine is: its processors, memory, disk and GPUs, and what runs on it.

Nothing is looked at unless somebody asks. Shares of processors are those since the question before, or since the start.
The kernel's own files tell all but the GPUs; `nvidia-smi` is asked only where there are some, once a second at most, and
nobody but the very first waits for it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfaas_emulator.containers import gpu_probe, process_tree
from hfaas_emulator.containers.engine import Container, Gpu
from hfaas_emulator.containers.machine import here
from hfaas_emulator.containers.process_container import ProcessContainer

MIB = 2**20
SHORTEST_S = 0.2
"""Over a shorter time a share means nothing: the one before is told again."""

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
_DOCKER = ("docker/{id}", "system.slice/docker-{id}.scope")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Box:
    """A running container: what is shown of it; `gpus` by uuid, `since` in Unix seconds."""

    container: Container
    name: str
    kind: str
    function: str
    gpus: Sequence[str]
    since: float


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of processors that were used in all, and bytes of memory that are held."""

    cpu_s: float
    memory: int


class Load:
    """Answers who asks; belongs to the event loop, the looking is done on a thread."""

    def __init__(
        self, directory: Path, gpus: Callable[[], Sequence[Gpu]], boxes: Callable[[], Iterable[Box]]
    ) -> None:
        self._directory = directory
        self._gpus = gpus
        self._boxes = boxes
        self._cpu = _Share()
        self._machine_share()
        self._shares: dict[str, _Share] = {}
        self._smi = Smi()

    async def look(self) -> dict[str, Any]:
        """Return the figures of this moment."""
        gpus, boxes = self._gpus(), list(self._boxes())
        told = await self._smi.look(gpus) if gpus else []
        return {**await asyncio.to_thread(self._figures, boxes, gpus), "gpus": told}

    def _figures(self, boxes: Sequence[Box], gpus: Sequence[Gpu]) -> dict[str, Any]:
        total, used = _memory()
        disk = shutil.disk_usage(self._directory)
        self._shares = {box.container.id: self._shares.get(box.container.id) or _Share() for box in boxes}
        return {
            "cpu": round(min(1.0, self._machine_share()), 4),
            "memory": round(used / total, 4) if total else 0,
            "memory_total": total,
            "disk_free": disk.free,
            "disk_total": disk.total,
            "containers": [self._told(box, gpus) for box in boxes],
        }

    def _machine_share(self) -> float:
        words = _text(PROC / "stat").partition("\n")[0].split()[1:9]
        processors = os.cpu_count() or 1
        if len(words) < 5:  # no Linux
            return os.getloadavg()[0] / processors
        ticks = [int(each) for each in words]
        unit = _TICKS * processors
        return self._cpu.of((sum(ticks) - ticks[3] - ticks[4]) / unit, sum(ticks) / unit)

    def _told(self, box: Box, gpus: Sequence[Gpu]) -> dict[str, Any]:
        used = _used(box.container)
        share = self._shares[box.container.id]
        index = {each.uuid: number for number, each in enumerate(gpus)}
        return {
            "id": box.container.id,
            "name": box.name,
            "kind": box.kind,
            "function": box.function,
            "cpu": round(share.of(used.cpu_s, time.time(), box.since), 4) if used else None,
            "memory_mb": round(used.memory / MIB) if used else None,
            "gpus": [index[uuid] for uuid in box.gpus if uuid in index],
            "since": box.since,
        }


class _Share:
    """How much of something was used in each unit of time, between two questions."""

    __slots__ = ("_share", "_time", "_used")

    def __init__(self) -> None:
        self._used, self._time, self._share = 0.0, 0.0, 0.0

    def of(self, used: float, now: float, began: float = 0.0) -> float:
        before = self._time or began
        if self._time and now - before < SHORTEST_S:
            return self._share
        self._share = max(0.0, used - self._used) / max(now - before, 0.001)
        self._used, self._time = used, now
        return self._share


def _memory() -> tuple[int, int]:
    """Return the memory there is and what of it is in use, of the control group's where that has less."""
    fields = _fields(PROC / "meminfo")
    total = fields.get("MemTotal:", 0) * 1024
    mine = here()[1] * MIB
    if total - mine < total // 50:
        return total, total - fields.get("MemAvailable:", 0) * 1024
    for group in (CGROUP, CGROUP / "memory"):
        if (used := _group_memory(group)) is not None:
            return mine, used
    return mine, 0


def _used(container: Container) -> Used | None:
    """Return what a container uses; None where this machine does not tell."""
    if isinstance(container, ProcessContainer):
        return _used_by_tree(container.pid)
    for place in (each.format(id=container.id) for each in _DOCKER):
        memory = _first(_group_memory(CGROUP / place), _group_memory(CGROUP / "memory" / place))
        if memory is not None:
            return Used(_group_cpu(place), memory)
    return None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _group_memory(folder: Path) -> int | None:
    """Return what a control group holds, without files that are only cached."""
    for used, cached in (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")):
        if (text := _text(folder / used).strip()).isdecimal():
            return max(0, int(text) - _fields(folder / "memory.stat").get(cached, 0))
    return None


def _group_cpu(place: str) -> float:
    """Return the seconds of processors that a control group used."""
    if usec := _fields(CGROUP / place / "cpu.stat").get("usage_usec"):
        return usec / 1e6
    text = _text(CGROUP / "cpuacct" / place / "cpuacct.usage").strip()
    return int(text) / 1e9 if text.isdecimal() else 0.0


def _used_by_tree(pid: int) -> Used | None:
    if not pid:
        return None
    cpu_s, memory = 0.0, 0
    for each in process_tree.tree(pid):
        # The name, in brackets, may hold anything.
        words = _text(PROC / str(each) / "stat").rpartition(")")[2].split()
        if len(words) > 21:
            cpu_s += sum(int(ticks) for ticks in words[11:15]) / _TICKS  # with those of children that ended
            memory += int(words[21]) * _PAGE
    return Used(cpu_s, memory)


def _fields(path: Path) -> dict[str, int]:
    """Return the lines of a file that are a name and a number."""
    words = (line.split() for line in _text(path).splitlines())
    return {each[0]: int(each[1]) for each in words if len(each) > 1 and each[1].isdecimal()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


class Smi:
    """What `nvidia-smi` says of the GPUs, a second old at most when it was asked for within the last one."""

    PERIOD_S = 1.0
    PATIENCE_S = 3.0

    def __init__(self, ask: Callable[[], str] | None = None) -> None:
        self._ask = ask or gpu_probe.ask_load
        self._said: Mapping[str, Mapping[str, Any]] = {}
        self._at = -self.PERIOD_S
        self._asking: asyncio.Task[None] | None = None

    async def look(self, gpus: Sequence[Gpu]) -> list[dict[str, Any]]:
        """Return what is known of GPUs; zeros where the driver does not tell."""
        if self._asking is None and time.monotonic() - self._at >= self.PERIOD_S:
            self._asking = asyncio.create_task(self._refresh())
        if self._asking and not self._said:
            await asyncio.wait([self._asking], timeout=self.PATIENCE_S)
        return [_gpu(number, gpu, self._said.get(gpu.uuid, {})) for number, gpu in enumerate(gpus)]

    async def _refresh(self) -> None:
        try:
            with suppress(Exception):  # a driver that does not answer has no figures, and stops nobody
                self._said = _parsed(await asyncio.to_thread(self._ask))
        finally:
            self._at = time.monotonic()
            self._asking = None


def _gpu(number: int, gpu: Gpu, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "index": number,
        "name": gpu.name,
        "utilisation": 0.0,
        "memory_used": 0,
        "memory_total": gpu.memory_mb * MIB,
        "temperature": 0,
        "power_w": 0.0,
        "driver": "",
        **said,
    }


def _parsed(answer: str) -> dict[str, dict[str, Any]]:
    """Read the answer to `gpu_probe.LOAD`, by uuid; what is not supported there is left out."""
    found: dict[str, dict[str, Any]] = {}
    for line in answer.splitlines():
        uuid, *rest = (each.strip() for each in line.split(","))
        if len(rest) == 6:
            figures = {
                "utilisation": _number(rest[0], 0.01),
                "memory_used": _number(rest[1], MIB),
                "memory_total": _number(rest[2], MIB),
                "temperature": _number(rest[3]),
                "power_w": _number(rest[4]),
                "driver": rest[5],
            }
            found[uuid] = {name: value for name, value in figures.items() if value is not None}
    return found


def _number(text: str, unit: float = 1) -> float | int | None:
    try:
        value = float(text) * unit
    except ValueError:  # [N/A], [Not Supported]
        return None
    return int(value) if value.is_integer() else round(value, 4)
