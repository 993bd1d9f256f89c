"""The emulator of this UI: attached to when one runs on the project's state, else a child that ends with us."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.watch import Emulator, find


class Emulation:
    """Starts, stops and finds the emulator; may be called from workers, one at a time."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._own = ExitStack()

    @property
    def state(self) -> Path:
        return self.options.state

    def start(self) -> Emulator:
        """Start an emulator of our own; CliError when it cannot."""
        return self._own.enter_context(rehearsal(self.options))

    def stop(self) -> None:
        """End the emulator, ours or another's; CliError when none runs."""
        find(None, self.options.state).stop()
        self.close()

    def close(self) -> None:
        """End the emulator that we started; one that somebody else did stays."""
        self._own.close()
