"""Tells whether the kernel killed something for memory since a moment."""

from __future__ import annotations

import os

COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")  # cgroup v2, v1
SHARE = 0.7  # of the memory size: a killed script that used more is taken for out of memory where nothing counts


class Memory:
    """The kernel's count of memory kills as it was when this was made."""

    def __init__(self) -> None:
        self._before = _kills()

    def exhausted(self, peak_kb: int) -> bool:
        """Tell whether memory ran out; `peak_kb` decides only where the kernel's counter cannot be read."""
        now = _kills()
        if now is not None and self._before is not None:
            return now > self._before
        size = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        return size.isdigit() and peak_kb >= SHARE * int(size) * 1024


def _kills() -> int | None:
    if os.environ.get("HFAAS_FUNCTION_DIR"):
        return None  # a plain process has no cgroup of its own: what counts there is the whole machine
    for path in COUNTERS:
        try:
            with open(path) as counter:
                text = counter.read()
        except OSError:
            continue
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return None
