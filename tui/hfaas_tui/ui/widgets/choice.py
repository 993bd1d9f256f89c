"""A drop-down: a few lines of which one is chosen by key or click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from hfaas_tui.ui.safe import clean


class Choice(ModalScreen[str]):
    """Answers the value that was chosen; empty when the user left."""

    DEFAULT_CSS = """
    Choice { align: center middle; }
    Choice > OptionList { width: auto; min-width: 30; max-width: 90%; height: auto; max-height: 80%;
                          border: round $primary; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Leave", show=False),
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
    ]

    def __init__(self, title: str, values: Sequence[tuple[str, str]], chosen: str = "") -> None:
        super().__init__()
        self._title, self._values, self._chosen = clean(title), values, chosen

    def compose(self) -> ComposeResult:
        options = OptionList(*(Option(clean(words)) for _, words in self._values), markup=False)
        options.border_title = Text(self._title)
        options.border_subtitle = "⏎ choose  esc leave"
        yield options

    def on_mount(self) -> None:
        keys = [value for value, _ in self._values]
        self.query_one(OptionList).highlighted = keys.index(self._chosen) if self._chosen in keys else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._values[event.option_index][0])

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        options.highlighted = max(0, min(len(self._values) - 1, (options.highlighted or 0) + by))

    def action_leave(self) -> None:
        self.dismiss("")
