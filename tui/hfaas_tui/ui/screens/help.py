"""The keys of the current view."""

from __future__ import annotations

from textual.screen import ModalScreen


class Help(ModalScreen[None]):
    def __init__(self, view: str) -> None:
        super().__init__()
        self._view = view
