"""Threads that bring what a target says into the store; each begins anew when its target vanished and came back.

What is known stays when the target is gone; `health` says so, and when the next try is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from hfaas_tui.errors import CliError
from hfaas_tui.ui.backend import Backend, News
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import LogLine
from hfaas_tui.ui.state import Store

Piece = TypeVar("Piece")

LOOK_S = 2.0
"""Pause between two looks at what no stream tells: health, machine, functions, places."""

QUIET = ((30.0, 10.0), (5.0, 5.0))
"""After so many seconds in which nothing happened, the pause is that long."""

FIRST_TRY_S, LONGEST_TRY_S = 0.5, 10.0


class Pause:
    """Longer after each try that failed."""

    def __init__(self, first: float = FIRST_TRY_S, longest: float = LONGEST_TRY_S) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def take(self) -> float:
        """Return how long to wait now."""
        now, self._next = self._next, min(self._next * 2, self._longest)
        return now

    def reset(self) -> None:
        """Begin with the shortest again."""
        self._next = self._first


def ignored(_: Exception) -> None:
    """Tell nobody of a defect."""


class Feeds:
    """Everything that runs in the background; `start` once, `close` at the end."""

    def __init__(
        self, backend: Backend, store: Store, logs: LogStore, defect: Callable[[Exception], None] = ignored
    ) -> None:
        self._backend = backend
        self._defect = defect
        self._store = store
        self._logs = logs
        self._closing = threading.Event()
        self._look_now = threading.Event()
        self._met: set[str] = set()
        self._read_now = {name: threading.Event() for name in ("news", "lines")}
        self._happened = time.monotonic()
        self._is_up = False

    def start(self) -> None:
        """Start the threads; they end with the process."""
        threads = {
            "look": self._look_for_ever,
            "news": lambda: self._read("news", self._backend.news, self._take_news),
            "lines": lambda: self._read("lines", self._backend.log_lines, self._take_lines),
        }
        for name, loop in threads.items():
            threading.Thread(target=loop, daemon=True, name=f"hfaas-feed-{name}").start()

    @property
    def is_closing(self) -> bool:
        """Tell whether the end has begun."""
        return self._closing.is_set()

    def hurry(self) -> None:
        """Look at once: the user changed something."""
        self._happened = time.monotonic()
        self._look_now.set()

    def close(self) -> None:
        """End everything."""
        self._closing.set()
        for event in (self._look_now, *self._read_now.values()):
            event.set()
        self._backend.close()

    # --- looks

    def _look_for_ever(self) -> None:
        pause = Pause()
        while not self._closing.is_set():
            wait = self._rest() if self._looked() else pause.take()
            if self._is_up:
                pause.reset()
            else:
                self._plan(wait)
            self._look_now.wait(wait)
            self._look_now.clear()

    def _looked(self) -> bool:
        """Look, and go on looking when an answer was of a kind that nobody foresaw."""
        try:
            return self._look()
        except Exception as error:  # noqa: BLE001 - a thread that died would show old things as if they were new
            self._defect(error)
            return False

    def _look(self) -> bool:
        """Look at everything once; tell whether the target answered."""
        health, before = self._backend.health(), self._store.health
        if not health.is_up:
            since = before.since if before.problem and not before.is_up else time.time()
            health = replace(health, since=since, next_try=before.next_try)
        if health != before:
            self._store.set_health(health)
        if self._backend.target != self._store.target:
            self._store.set_target(self._backend.target)
        was_up, self._is_up = self._is_up, health.is_up
        if health.is_up:
            if not was_up:
                self._wake_readers()
            self._look_closer()
        return health.is_up

    def _look_closer(self) -> None:
        self._store.set_machine(self._backend.machine())
        try:
            self._store.set_functions(self._backend.functions())
            self._store.set_places(self._backend.places())
        except CliError as error:
            if self._backend.health().is_up:  # else the next look says it
                self._fault(error)

    def _fault(self, error: CliError) -> None:
        from hfaas_tui.ui.model import Problem

        health = replace(self._store.health, problem=Problem(error.message, error.hint))
        if health != self._store.health:
            self._store.set_health(health)

    def _plan(self, wait: float) -> None:
        health = replace(self._store.health, next_try=time.time() + wait)
        self._store.set_health(health)

    def _rest(self) -> float:
        quiet = time.monotonic() - self._happened
        return next((pause for after, pause in QUIET if quiet > after), LOOK_S)

    # --- streams

    def _read(self, name: str, stream: Callable[[], Iterator[Piece]], take: Callable[[Piece], None]) -> None:
        """Take what a stream brings; when it ends, look why, and read on as soon as the target is back."""
        pause, wake = Pause(), self._read_now[name]
        while not self._closing.is_set():
            try:
                for piece in stream():
                    pause.reset()
                    take(piece)
                self._look_now.set()
            except CliError:  # the look says what is the matter
                pass
            except Exception as error:  # noqa: BLE001 - as above
                self._defect(error)
            wake.wait(pause.take())
            wake.clear()

    def _wake_readers(self) -> None:
        for event in self._read_now.values():
            event.set()

    def _take_news(self, news: News) -> None:
        self._happened = time.monotonic()
        if news.runs or news.steps:
            self._store.put_runs(news.runs, news.steps)
            self._meet(run.function for run in news.runs)
        if news.writers is not None:
            self._store.note_objects(news.writers)

    def _meet(self, functions: Iterable[str]) -> None:
        """Look at once when something runs that the last look did not find; once for each name."""
        new = {name for name in functions if self._store.function(name) is None} - self._met
        if new:
            self._met |= new
            self._look_now.set()

    def _take_lines(self, lines: list[LogLine]) -> None:
        self._logs.append(lines)
