"""What toasts said."""

from __future__ import annotations

from textual.screen import ModalScreen


class Messages(ModalScreen[None]):
    pass
