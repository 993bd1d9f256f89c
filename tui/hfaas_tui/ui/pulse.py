"""What the UI itself costs: milliseconds from a key to the screen, its share of a processor, its memory."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path

KEYS = 50
"""Keys that the figure is taken from, the newest ones."""

LONGEST_S = 1.0
"""A paint that comes later is of something else: the key changed nothing on the screen."""

STATM = Path("/proc/self/statm")


class Pulse:
    """Told of each key and of the paint after it."""

    def __init__(self) -> None:
        self._waits: deque[float] = deque(maxlen=KEYS)
        self._pressed: float | None = None
        self._clock, self._cpu = time.monotonic(), time.process_time()
        self._share = 0.0

    def pressed(self) -> None:
        """Note that a key came."""
        self._pressed = time.perf_counter()

    def painted(self) -> None:
        """Note that what it did is on the screen."""
        if self._pressed is not None:
            wait, self._pressed = time.perf_counter() - self._pressed, None
            if wait < LONGEST_S:
                self._waits.append(wait)

    @property
    def key_ms(self) -> float | None:
        """Return what half of the keys took less than; None before the first one."""
        return sorted(self._waits)[len(self._waits) // 2] * 1000 if self._waits else None

    def cpu(self) -> float:
        """Return the share of a processor since the last question, a second ago at least."""
        now, used = time.monotonic(), time.process_time()
        if now - self._clock >= 1:
            self._share = (used - self._cpu) / (now - self._clock)
            self._clock, self._cpu = now, used
        return self._share

    def words(self) -> str:
        """Return all figures in words."""
        key = f"{self.key_ms:.0f} ms key to screen, " if self.key_ms is not None else ""
        memory = f", {resident() >> 20} MB" if resident() else ""
        return f"{key}{self.cpu():.0%} cpu{memory}"


def resident() -> int:
    """Return the bytes of memory of this process; 0 where the system does not tell."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
