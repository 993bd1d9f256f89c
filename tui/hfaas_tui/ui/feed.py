"""Threads that bring what a target says into the store; each begins anew when its target vanished and came back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hfaas_tui.errors import CliError
from hfaas_tui.ui.backend import Backend
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import Health, Problem
from hfaas_tui.ui.state import Store

LOOK_S = 2.0
"""Pause between two looks at what no stream tells: health, machine, functions, places."""


class Feeds:
    """Everything that runs in the background; `start` once, `close` at the end."""

    def __init__(self, backend: Backend, store: Store, logs: LogStore) -> None:
        self._backend = backend
        self._store = store
        self._logs = logs
        self._closing = threading.Event()
        self._wake = threading.Event()

    def start(self) -> None:
        """Start the threads; they end with the process."""
        for loop in (self._look, self._read_news, self._read_lines):
            threading.Thread(
                target=self._for_ever, args=(loop,), daemon=True, name=f"hfaas-{loop.__name__}"
            ).start()

    def hurry(self) -> None:
        """Look at once: the user changed something."""
        self._wake.set()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        self._backend.close()

    def _for_ever(self, loop: Callable[[], None]) -> None:
        while not self._closing.is_set():
            try:
                loop()
            except CliError as error:
                self._store.set_health(Health(problem=Problem(error.message, error.hint), since=time.time()))
            self._closing.wait(1)

    def _look(self) -> None:
        while not self._closing.is_set():
            health = self._backend.health()
            self._store.set_health(health)
            if health.is_up:
                self._store.set_machine(self._backend.machine())
                self._store.set_functions(self._backend.functions())
                self._store.set_places(self._backend.places())
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _read_news(self) -> None:
        for news in self._backend.news():
            self._store.put_runs(news.runs, news.steps)
            if news.writers is not None:
                self._store.note_objects(news.writers)

    def _read_lines(self) -> None:
        for lines in self._backend.log_lines():
            self._logs.append(lines)
