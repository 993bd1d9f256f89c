"""The line that opens on `/`: what is typed filters the list at once, `esc` takes the filter back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from hfaas_tui.ui.safe import clean


class FilterBar(Horizontal):
    """An input and a note beside it; hidden until it is opened."""

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; background: $panel; }
    FilterBar.-open { display: block; }
    FilterBar > .filterbar--slash { width: 3; color: $text-accent; text-style: bold; }
    FilterBar > Input { width: 1fr; border: none; padding: 0; height: 1; background: $panel; }
    FilterBar > .filterbar--note { width: auto; max-width: 60%; color: $text-muted; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear the filter", show=False),
        Binding("enter,down", "keep", "Keep it and go back to the list", show=False),
    ]

    @dataclass
    class Changed(Message):
        """The filter is another one; empty for none."""

        text: str

    @dataclass
    class Left(Message):
        """The user goes back to the list."""

    def __init__(self) -> None:
        super().__init__()
        self._noted = ""

    def compose(self) -> ComposeResult:
        yield Static(" /", classes="filterbar--slash", markup=False)
        yield Input(select_on_focus=False, compact=True)
        yield Static("", classes="filterbar--note", markup=False)

    @property
    def text(self) -> str:
        """Return the filter as typed."""
        return self.query_one(Input).value

    def open(self) -> None:
        """Show it and type into it; what was typed last is still there."""
        self.add_class("-open")
        self.query_one(Input).focus()

    def note(self, text: str) -> None:
        """Say beside it how many matched, or what is wrong with the pattern."""
        if text != self._noted:
            self._noted = text
            self.query_one(".filterbar--note", Static).update(clean(text, 80))

    def clear(self) -> bool:
        """Take the filter back; False when there was none."""
        was = self.has_class("-open")
        self.query_one(Input).value = ""
        self.remove_class("-open")
        return was

    def action_clear(self) -> None:
        self.clear()
        self.post_message(self.Left())

    def action_keep(self) -> None:
        if not self.text:
            self.remove_class("-open")
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_keep()
