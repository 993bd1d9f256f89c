"""Textual's own widgets under the same load: `python peers.py minimal|log|richlog|datatable RATE`.

A counter in the first line says that a key was taken; it is painted in the same pass as what the key changed.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import deque
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Log, RichLog, Static

STEP_S = 0.05
ROWS, COLUMNS = 10_000, 9


class Peer(App[None]):
    """A widget, and a counter of keys above it."""

    CSS = "#count { height: 1; } Log, RichLog, DataTable { height: 1fr; }"
    BINDINGS: ClassVar = [Binding("f2", "down", priority=True)]

    def __init__(self, kind: str, rate: int) -> None:
        super().__init__()
        self._kind, self._rate, self._keys, self._got = kind, rate, 0, 0
        self._lines: deque[list[str]] = deque()

    def compose(self) -> ComposeResult:
        yield Static("keys 0 end", id="count", markup=False)
        match self._kind:
            case "log":
                yield Log()
            case "richlog":
                yield RichLog(markup=False, highlight=False)
            case "datatable":
                yield DataTable[str](cursor_type="row")

    def on_mount(self) -> None:
        if self._kind == "datatable":
            table = self.query_one(DataTable[str])
            table.add_columns(*(f"COLUMN {n}" for n in range(COLUMNS)))
            for row in range(ROWS):
                table.add_row(*(f"cell {row} {n}" for n in range(COLUMNS)), key=str(row))
            if self._rate:
                self.set_interval(0.1, self._change)
        elif self._rate:
            threading.Thread(target=self._produce, daemon=True).start()
            self.set_interval(STEP_S, self._write)

    def _change(self) -> None:
        table = self.query_one(DataTable[str])
        column = list(table.columns)[3]
        for _ in range(self._rate // 10):
            table.update_cell(str(random.randrange(ROWS)), column, f"{time.time():.3f}")

    def _produce(self) -> None:
        began, number, step = time.perf_counter(), 0, round(self._rate * STEP_S)
        while True:
            time.sleep(max(0.0, began + number / self._rate - time.perf_counter()))
            self._lines.append([f"12:00:00.000 bench-function-1 line {number + n:07d} ok" for n in range(step)])
            number += step

    def _write(self) -> None:
        while self._lines:
            lines = self._lines.popleft()
            self._got += len(lines)
            if self._kind == "log":
                self.query_one(Log).write_lines(lines)
            else:
                for line in lines:
                    self.query_one(RichLog).write(line)

    def action_down(self) -> None:
        self._keys += 1
        self.query_one("#count", Static).update(f"keys {self._keys} end, {self._got} lines")
        if isinstance(self.focused, DataTable):
            self.focused.action_cursor_down()
        elif self.focused:
            self.focused.action_scroll_down()


Peer(sys.argv[1], int(sys.argv[2])).run()
