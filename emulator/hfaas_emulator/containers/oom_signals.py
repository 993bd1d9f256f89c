"""The kernel's own signals that memory ran out in a control group (cgroup v1), however short the group lives.

The engine's `oom` event may come after `die`, or never: its shim drops a signal that it reads only once the group is
removed. Signals to this process are counted by the kernel and outlive the group.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_NEVER = str(2**60)  # bytes: no container uses as much


class OomSignals:
    """Counts how often memory ran out in one group; OSError where the kernel does not signal it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.is_clear = True
        self.is_final = False
        # Removal signals every event, the youngest first, and one of a threshold only after a grace period of the
        # kernel: once `_removed` was signalled, `_lacks` was too.
        self._removed = _Signal(folder, "memory.usage_in_bytes", _NEVER)
        try:
            self._lacks = _Signal(folder, "memory.oom_control")
        except OSError:
            self._removed.close()
            raise

    def count(self) -> int:
        """Return how often memory ran out so far; while not `is_clear` it may be one more."""
        is_gone = not self._folder.is_dir()  # before its signals are read: it ended, so none can still come
        is_removed = self._removed.total() > 0
        signals = self._lacks.total()
        if not is_gone and not self._folder.is_dir():
            return self.count()
        self.is_clear = not is_gone or is_removed or signals == 0
        self.is_final = is_gone and self.is_clear
        self._count = max(self._count, signals - is_gone)
        return self._count

    def close(self) -> None:
        """Take no more signals; what was counted stays."""
        self._removed.close()
        self._lacks.close()


class _Signal:
    """One kind of event in a group: the kernel adds 1 for each, and 1 when the group is removed."""

    def __init__(self, folder: Path, file: str, argument: str = "") -> None:
        self._total = 0
        with (folder / file).open() as watched:
            self._counter = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            try:
                asked = f"{self._counter} {watched.fileno()} {argument}".rstrip()
                (folder / "cgroup.event_control").write_text(asked)
            except OSError:
                self.close()
                raise

    def total(self) -> int:
        """Return how many there were so far."""
        if self._counter >= 0:
            with contextlib.suppress(BlockingIOError):  # none since the last look
                self._total += os.eventfd_read(self._counter)
        return self._total

    def close(self) -> None:
        counter, self._counter = self._counter, -1
        if counter >= 0:
            os.close(counter)
