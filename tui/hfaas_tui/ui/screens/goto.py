"""The line that `:` opens."""

from __future__ import annotations

from textual.screen import ModalScreen


class GoTo(ModalScreen[None]):
    pass
