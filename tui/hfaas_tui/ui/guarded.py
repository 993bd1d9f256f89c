"""The app as `hfaas-tui` runs it: a defect ends it quietly, for `crash.py` to tell without the values it met."""

from __future__ import annotations

import gc
import sys

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.state import Message

SWITCH_S = 0.001
"""How long a thread that reads a flood may keep a paint waiting; Python's own 5 ms add up with each read of a paint."""

FREEZE_S = 3
"""When all modules are there the collector need not look at them ever again, which takes 50 ms each time."""


class Guarded(HfaasApp):
    """Keeps Textual from printing a traceback with local variables, secrets among them."""

    @property
    def defect(self) -> BaseException | None:
        """Return what ended the app; None when nothing did."""
        return self._exception

    def on_mount(self) -> None:
        """Tell what in the user's files cannot be used."""
        sys.setswitchinterval(SWITCH_S)
        self.set_timer(FREEZE_S, gc.freeze)
        for problem in self.settings.problems:
            self.say(problem, Condition.WARNING)

    def say_from_thread(self, text: str) -> None:
        """Tell something in a toast, from any thread; before the app is up it stands in the messages only."""
        try:
            self.call_from_thread(self.say, text)
        except RuntimeError:  # not up yet, or no more
            self.store.say(Message(self.clock(), clean(text)))

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()
