"""How much memory this machine can still give, so that idle environments make way before the kernel kills."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

SPARE = 0.1
"""The part of the machine's memory that is never given to another environment."""

MIB = 2**20


def available_mb(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return the memory that can be given out without swapping; where nobody says, all there is."""
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    except OSError:
        pass
    return total_mb()


def total_mb() -> int:
    """Return the size of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB


class Memory:
    """Tells whether memory is short."""

    def __init__(self, available: Callable[[], int] = available_mb, total: int | None = None) -> None:
        self._available = available
        self._spare = int(SPARE * (total_mb() if total is None else total))

    def short(self, wanted_mb: int = 0) -> bool:
        """Tell whether giving out `wanted_mb` would eat into the spare memory."""
        return self._available() - wanted_mb < self._spare
