"""The emulator of this UI: attached to when one runs on the project's state, else a child that ends with us."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from hfaas_tui.errors import NoEmulator
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.watch import Emulator, find


class Emulation:
    """Starts, stops and finds the emulator; may be called from workers."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._own = ExitStack()
        self._ours: Emulator | None = None
        self._lock = threading.Lock()

    @property
    def state(self) -> Path:
        return self.options.state

    @property
    def is_ours(self) -> bool:
        """Tell whether the emulator ends when we do."""
        return self._ours is not None

    def use(self, engine: str) -> None:
        """Choose the engine of the next emulator."""
        self.options = replace(self.options, engine=engine)

    def start(self) -> Emulator:
        """Attach to the emulator that runs on the state, or start one of our own; CliError when it cannot."""
        with self._lock:
            if (there := self._running()) is not None:
                return there
            self._end()  # ours has ended by itself
            self._ours = self._own.enter_context(rehearsal(self.options))
            return self._ours

    def stop(self) -> None:
        """End the emulator, ours or another's; CliError when none runs."""
        with self._lock:
            find(None, self.options.state).stop()
            self._end()

    def close(self) -> None:
        """End the emulator that we started; one that somebody else did stays."""
        with self._lock:
            self._end()

    def _running(self) -> Emulator | None:
        try:
            return find(None, self.options.state)
        except NoEmulator:
            return None

    def _end(self) -> None:
        self._own.close()
        self._ours = None
