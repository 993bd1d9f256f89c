"""Notices when files of a project change, whoever changes them, by looking at their stamps in a thread.

A change is told when a second look finds it as the first one did: who writes a file empties it first, and what we
saved ourselves is known by then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hfaas_tui.ui.project.project import Stamp

PAUSE_S = 0.5
MOST = 2000
"""Files of a folder that are looked at."""

SKIPPED = frozenset({".git", ".hfaas", "__pycache__", "node_modules", ".venv"})
STATE = "emulator.json"
"""A folder with this file is an emulator's state, which changes all the time."""


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp | None]:
    """Return the stamps of files, and of the files in folders."""
    return {file: Stamp.of(file) for path in paths for file in _files(path)}


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    count = 0
    for folder, folders, names in os.walk(path):
        if STATE in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            if not name.startswith("."):  # what editors keep beside a file, and what is being saved
                yield Path(folder, name)
                count += 1
                if count >= MOST:
                    return


class Watch:
    """Looks at paths until it is closed; `taken` gives what changed since it was last asked."""

    def __init__(self, pause: float = PAUSE_S) -> None:
        self._pause = pause
        self._paths: tuple[Path, ...] = ()
        self._known: dict[Path, Stamp | None] = {}
        self._new: dict[Path, Stamp | None] = {}
        self._changed: set[Path] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def look_at(self, paths: Iterable[Path], known: Mapping[Path, Stamp | None] = {}) -> None:
        """Watch these paths from now on, from the stamps at which they were read or watched before."""
        new = tuple(dict.fromkeys(paths))
        if new == self._paths:
            return
        found = stamps(new)
        with self._lock:
            known = {**found, **known, **self._known}
            self._known = {path: known[path] for path in found}
            self._paths = new
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="hfaas-watch")
            self._thread.start()

    def knows(self, path: Path, stamp: Stamp | None) -> None:
        """Take a file as it was left: we wrote it ourselves."""
        with self._lock:
            self._known[path] = stamp
            self._changed.discard(path)

    def taken(self) -> set[Path]:
        """Return what changed since the last call; nothing any more once it is closed."""
        if not self._changed or self._closing.is_set():
            return set()
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed

    def close(self) -> None:
        self._closing.set()

    def look(self) -> None:
        """Look once."""
        found = stamps(self._paths)
        with self._lock:
            new = {path: found.get(path) for path in found | self._known}
            new = {path: stamp for path, stamp in new.items() if stamp != self._known.get(path)}
            settled = {path: stamp for path, stamp in new.items() if path in self._new and self._new[path] == stamp}
            self._changed |= settled.keys()
            self._known |= settled
            self._new = new

    def _run(self) -> None:
        while not self._closing.wait(self._pause):
            self.look()
