"""Runs the UI on the terminal it was started on, in a world of hostile texts: what a test reads from a real pty."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from tests.tui.ui.corpus import SHORT, everywhere, hostile
from tests.tui.ui.world import NOW
from textual.binding import BindingType

from hfaas_tui.ui.app import HfaasApp
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.settings import Settings
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.ui.widgets.sheet import Sheet


class Hostile(HfaasApp):
    """Says hostile things of its own accord, and asks hostile questions on F6 and F7."""

    BINDINGS: ClassVar[list[BindingType]] = [("f6", "ask", ""), ("f7", "sheet", ""), ("f8", "everywhere", "")]

    def action_everywhere(self) -> None:
        everywhere(self.store)
        for number, text in enumerate(SHORT):
            self.say(text, list(Condition)[number % len(Condition)])
            self.notify(text, title=text)

    def action_ask(self) -> None:
        self.push_screen(Confirm(" ".join(SHORT[:20]), SHORT, phrase=SHORT[0]))

    def action_sheet(self) -> None:
        self.push_screen(Sheet(" ".join(SHORT[:20]), SHORT))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    settings = Settings(fps=30, folder=folder, pipeline=folder / "pipeline.yaml")
    Hostile(hostile(), settings=settings, clock=lambda: NOW).run()
