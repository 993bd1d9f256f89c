"""How much of this machine there is for this process: its CPUs and its memory, bounded by its control group."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MIB = 2**20
LIMITS = ("memory.max", "memory/memory.limit_in_bytes")


def here(root: Path = Path("/sys/fs/cgroup")) -> tuple[float, int]:
    """Return vCPUs and MB of memory."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return float(cpus), min(total, *(_limit(root / name, total) for name in LIMITS)) // MIB


def _limit(path: Path, otherwise: int) -> int:
    with suppress(OSError, ValueError):  # no such group, or no limit in it
        return int(path.read_text())
    return otherwise
