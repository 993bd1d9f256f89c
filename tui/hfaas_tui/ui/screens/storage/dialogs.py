"""The questions of the Storage view: what to do about names that are taken, and what became of an object."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from hfaas_tui.ui import glyphs
from hfaas_tui.ui.model import Step
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.vtable import Column, VTable


class Choice(ModalScreen[str]):
    """Answers the word of the option that was chosen; empty when the user cancelled."""

    DEFAULT_CSS = """
    Choice { align: center middle; }
    Choice > Vertical { width: 76; max-width: 90%; height: auto; max-height: 90%; padding: 1 2;
                        border: round $warning; background: $surface; border-title-style: bold; }
    Choice Static { width: 1fr; height: auto; }
    Choice Horizontal { height: auto; margin-top: 1; align: center middle; }
    Choice Button { margin: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[str], options: Sequence[tuple[str, str, str]]) -> None:
        """`options` are key, word and text."""
        super().__init__()
        self._title, self._lines, self._options = clean(title), [clean(line) for line in lines], options

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = "esc cancel"
            yield Static("\n".join(self._lines), markup=False)
            with Horizontal():
                for key, word, text in self._options:
                    yield Button(f"{key}  {text}", id=word)

    def on_mount(self) -> None:
        self.query(Button).last().focus()

    def on_key(self, event: events.Key) -> None:
        for key, word, _ in self._options:
            if event.key == key:
                event.stop()
                self.dismiss(word)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or "")

    def action_cancel(self) -> None:
        self.dismiss("")


STEPS = (
    Column("time", "TIME", 8),
    Column("what", "WHAT", 9),
    Column("text", "", 10, grow=1),
    Column("run", "RUN", 8, prio=1),
)


class Story(ModalScreen[str]):
    """What became of an object, hop by hop; answers the id of the run that was opened."""

    DEFAULT_CSS = """
    Story { align: center middle; }
    Story > Vertical { width: 100; max-width: 95%; height: auto; max-height: 80%; padding: 1 1;
                       border: round $primary; background: $surface; border-title-style: bold; }
    Story Static { width: 1fr; height: auto; max-height: 4; margin: 0 1 1 1; }
    Story VTable { height: auto; max-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,e", "cancel", "Close")]

    def __init__(self, uri: str, sentence: str, steps: Sequence[Step]) -> None:
        super().__init__()
        self._uri, self._sentence, self._steps = uri, sentence, list(enumerate(steps))

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "What became of this object"
            box.border_subtitle = "⏎ open the run  esc close"
            yield Static(f"{clean(self._uri)}\n{clean(self._sentence)}", markup=False)
            yield VTable[tuple[int, Step]](STEPS, _step_cells, lambda row: str(row[0]), empty=["No hops are kept."])

    def on_mount(self) -> None:
        table = self.query_one(VTable)
        table.styles.height = max(4, min(len(self._steps) + 1, self.app.size.height - 10))
        table.set_rows(self._steps)
        table.focus()

    def on_vtable_opened(self, event: VTable.Opened) -> None:
        event.stop()
        if event.row[1].run:
            self.dismiss(event.row[1].run)

    def action_cancel(self) -> None:
        self.dismiss("")


def _step_cells(row: tuple[int, Step], column: str) -> tuple[str, str]:
    step = row[1]
    look = glyphs.LOOKS[step.state]
    match column:
        case "time":
            return time.strftime("%H:%M:%S", time.localtime(step.time)), "dim"
        case "what":
            return step.what, look.tone
        case "text":
            return step.text, ""
        case _:
            return step.run[:8], "dim"
