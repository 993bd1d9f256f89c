"""What is shown instead of everything in a window that is too small."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST = Size(60, 16)


def is_too_small(size: Size) -> bool:
    """Tell whether nothing useful fits."""
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmall(ModalScreen[None]):
    """Goes away by itself when the window grows."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $surface; }
    TooSmall Static { width: 1fr; text-align: center; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.leave", "Quit")]

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def on_mount(self) -> None:
        self.tell(self.app.size)

    def tell(self, size: Size) -> None:
        """Say how large the window is."""
        self.query_one(Static).update(f"make the window larger (now {size.width}×{size.height})")
