"""Memory of a container from the kernel's own files, where the engine runs on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from hfaas_emulator.containers.oom_signals import OomSignals

LOOK_S = 0.005
"""Between two looks at what the kernel tells of a group that was removed."""

LOOKS = 200
"""After so many it is given up; a machine at rest needs 5, one with much to do was seen to need 40."""

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
        self._signals: OomSignals | None = None
        self._unsignalled = 0

    def watch(self) -> None:
        """Have the kernel signal each lack of memory from now on, where it does that."""
        for candidate in self._candidates:
            with contextlib.suppress(OSError):  # not its place, cgroup v2, or gone already
                signals = OomSignals(candidate)
                self._adopt(signals, candidate)
                return

    async def settle(self) -> bool:
        """Wait, where the group was just removed, until all is told of it; False where a kill can have been missed."""
        for _ in range(LOOKS):
            self.kills()
            if self._signals is None or self._signals.is_clear:
                break
            await asyncio.sleep(LOOK_S)
        return self._signals is not None and self._signals.is_clear

    def close(self) -> None:
        """Let go of the kernel's signals."""
        if self._signals:
            self._signals.close()

    def peak_bytes(self) -> int:
        """Return the largest use so far, files cached in memory included; 0 when the machine does not tell."""
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if (text := self._read(name)).strip().isdecimal():
                self._peak = max(self._peak, int(text))
        return self._peak

    def kills(self) -> int:
        """Return how many processes the kernel killed in it."""
        if self._signals and self._signals.is_final:
            return self._kills
        counted = self._counted()  # before the signals: one that came since is not taken for one more
        self._kills = max(self._kills, counted)
        if self._signals:
            signalled = self._signals.count()
            self._unsignalled = max(self._unsignalled, counted - signalled)
            self._kills = max(self._kills, signalled + self._unsignalled)
        return self._kills

    def _adopt(self, signals: OomSignals, folder: Path) -> None:
        """Rely on signals when it is known what was before them."""
        try:
            before = _killed((folder / "memory.oom_control").read_text())
        except OSError:
            signals.close()
            raise
        self._unsignalled = max(0, before - signals.count())
        self._signals = signals

    def _counted(self) -> int:
        return max(_killed(self._read(name)) for name in ("memory.oom_control", "memory.events"))

    def _read(self, name: str) -> str:
        for candidate in self._candidates:
            try:
                return (candidate / name).read_text()
            except OSError:
                continue
        return ""


def _killed(text: str) -> int:
    found = (line.split()[1] for line in text.splitlines() if line.startswith("oom_kill "))
    return int(next(found, 0))
