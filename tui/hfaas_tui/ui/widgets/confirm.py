"""Dialogs that ask before something is lost: one key on the emulator, the typed name on a live target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from hfaas_tui.ui.safe import clean


class Confirm(ModalScreen[bool]):
    """Answers True when the user confirmed; with a `phrase`, only once it was typed."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 76; max-width: 90%; height: auto; max-height: 90%; padding: 1 2;
                         border: heavy $warning; background: $surface; border-title-style: bold; }
    Confirm.-harmless > Vertical { border: round $primary; }
    Confirm.-danger > Vertical { border: heavy $error; }
    Confirm Static { width: 1fr; height: auto; }
    Confirm Input { margin-top: 1; }
    Confirm Horizontal { height: auto; margin-top: 1; align: center middle; }
    Confirm Button { margin: 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Cancel"),
        Binding("y", "yes", "Yes"),
    ]

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        *,
        yes: str = "Delete",
        phrase: str = "",
        danger: bool = False,
        harmless: bool = False,
    ) -> None:
        super().__init__(classes="-danger" if danger else "-harmless" if harmless else None)
        self._is_harmless = harmless
        self._title, self._lines, self._yes, self._phrase = (
            clean(title),
            [clean(each) for each in lines],
            yes,
            clean(phrase),
        )

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self._title)  # a plain string would be markup
            box.border_subtitle = "esc cancel"
            yield Static("\n".join(self._lines), markup=False)
            if self._phrase:
                yield Static(f"\nType {self._phrase} to confirm:", markup=False)
                yield Input()
            with Horizontal():
                yield Button("Cancel", id="no")
                yes = Button(self._yes, id="yes", disabled=bool(self._phrase))
                yes.variant = "primary" if self._is_harmless else "error"
                yield yes

    def on_mount(self) -> None:
        usual = "#yes" if self._is_harmless else "#no"
        self.query_one(Input if self._phrase else usual).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value != self._phrase

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value == self._phrase:
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)

    def action_yes(self) -> None:
        if not self._phrase:
            self.dismiss(True)


class Ask(ModalScreen[str]):
    """Answers what the user typed; empty when they cancelled."""

    DEFAULT_CSS = """
    Ask { align: center middle; }
    Ask > Vertical { width: 76; max-width: 90%; height: auto; padding: 1 2; border: round $primary; background: $surface; }
    Ask Static { width: 1fr; height: auto; }
    Ask Input { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, lines: Sequence[str] = (), *, value: str = "", password: bool = False) -> None:
        super().__init__()
        self._title, self._lines, self._value, self._password = clean(title), lines, value, password

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = "⏎ ok  esc cancel"
            if self._lines:
                yield Static("\n".join(clean(each) for each in self._lines), markup=False)
            yield Input(self._value, password=self._password)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss("")
