"""The UI on a target in memory: `python made.py functions|storage ROWS UPDATES_PER_S`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.backend import Backend, News
from hfaas_tui.ui.model import Condition, Entry, Function, Health, Listing, LogLine, Machine, Place, Run, Target

PAGE = 1000
STEP_S = 0.1
OBJECTS = "s3://bench"


class Made:
    """A target with as many functions and objects as wanted, of which some change all the time."""

    def __init__(self, rows: int, updates: int) -> None:
        self.target = Target("local", "127.0.0.1:4566", "us-east-1")
        self._updates = updates
        self._functions = [Function(f"function-{n:05d}", memory_mb=2048, timeout_s=300) for n in range(rows)]
        self._entries = [
            Entry(f"{OBJECTS}/object-{n:05d}.jpg", f"object-{n:05d}.jpg", 1000 + n, time.time())
            for n in range(rows)
        ]
        self._closing = threading.Event()

    def health(self) -> Health:
        return Health(is_up=True, since=1.0)

    def machine(self) -> Machine:
        return Machine(cpu=0.5, memory=0.5)

    def functions(self) -> list[Function]:
        return self._functions

    def places(self) -> list[Place]:
        return [Place(OBJECTS, len(self._entries), 0)]

    def log_lines(self) -> Iterator[list[LogLine]]:
        self._closing.wait()
        yield []

    def news(self) -> Iterator[News]:
        """Yield runs that begin and end, and objects that are written."""
        number, step = 0, max(1, round(self._updates * STEP_S))
        while not self._closing.wait(STEP_S if self._updates else None):
            runs = tuple(self._run(each) for each in range(number, number + step))
            number += step
            yield News(runs, (), {each.outputs[0]: (each.function, each.id) for each in runs})

    def _run(self, number: int) -> Run:
        row = number * 7 % len(self._functions)
        now = time.time()
        return Run(
            f"{number:08x}-0000-4000-8000-000000000000",
            self._functions[row].name,
            state=Condition.OK,
            queued=now - 1,
            started=now - 0.9,
            ended=now,
            outputs=(self._entries[row].uri,),
        )

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:  # noqa: ARG002
        start = int(after or 0)
        page = tuple(self._entries[start : start + PAGE])
        rest = str(start + PAGE) if start + PAGE < len(self._entries) else ""
        return Listing(uri, page, rest)

    def head(self, uri: str) -> dict[str, str]:  # noqa: ARG002
        return {"size": "1000"}

    def read(self, uri: str, limit: int) -> bytes:  # noqa: ARG002
        return b"x" * min(limit, 1000)

    def close(self) -> None:
        self._closing.set()


class App(HfaasApp):
    """Opens the bucket when the view is storage."""

    def on_mount(self) -> None:
        if self._first == "storage":
            self.go("storage", OBJECTS + "/")


def main() -> None:
    view, rows, updates = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    made: Any = Made(rows, updates)
    App(cast("Backend", made), first=view).run()


main()
