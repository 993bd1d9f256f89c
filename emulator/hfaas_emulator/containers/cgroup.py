"""Memory of a container from the kernel's own files, where the engine runs on this machine."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PLACES = (
    "memory/docker/{id}",
    "memory/system.slice/docker-{id}.scope",
    "docker/{id}",
    "system.slice/docker-{id}.scope",
)


class MemoryGroup:
    """The memory control group of one container; remembers what it read last, because the group dies first."""

    def __init__(self, id: str, root: Path = _ROOT) -> None:
        self._candidates = [root / place.format(id=id) for place in _PLACES]
        self._peak = 0
        self._kills = 0

    def peak_bytes(self) -> int:
        """Return the largest use so far, files cached in memory included; 0 when the machine does not tell."""
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if (text := self._read(name)).strip().isdecimal():
                self._peak = max(self._peak, int(text))
        return self._peak

    def kills(self) -> int:
        """Return how many processes the kernel killed in it."""
        for name in ("memory.oom_control", "memory.events"):
            for line in self._read(name).splitlines():
                if line.startswith("oom_kill "):
                    self._kills = max(self._kills, int(line.split()[1]))
        return self._kills

    def _read(self, name: str) -> str:
        for candidate in self._candidates:
            try:
                return (candidate / name).read_text()
            except OSError:
                continue
        return ""
