"""Log lines of all functions, in the order they came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hfaas_tui.ui.model import LogLine


class LogStore:
    """One writer, many readers."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.version = 0
        self._lines: list[LogLine] = []

    def __len__(self) -> int:
        return len(self._lines)

    def append(self, lines: Sequence[LogLine]) -> None:
        self._lines.extend(lines)
        self.version += 1

    def line(self, number: int) -> LogLine:
        return self._lines[number]

    def lines(self, start: int, stop: int) -> Iterable[LogLine]:
        return self._lines[start:stop]
