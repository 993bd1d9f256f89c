"""A dialog of text to read: a configuration, the keys, past messages. It can be searched, copied and saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line, TextPane

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp


class Sheet(ModalScreen[None]):
    """Lines in a frame; with `text` it can be copied and saved as a whole."""

    DEFAULT_CSS = """
    Sheet { align: center middle; }
    Sheet > Vertical { width: 104; max-width: 96%; height: auto; max-height: 96%; padding: 0 1; border: round $primary;
                       background: $surface; border-title-style: bold; border-title-color: $foreground;
                       border-subtitle-color: $text-muted; }
    Sheet:nocolor > Vertical { border: round $foreground; }
    Sheet TextPane { height: auto; max-height: 100%; }
    Sheet Input { height: 1; border: none; padding: 0; display: none; background: $panel; dock: bottom; }
    Sheet.-searching Input { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("slash", "search", "Search"),
        Binding("c", "copy", "Copy"),
        Binding("ctrl+s", "save", "Save as text"),
        Binding("q,question_mark,f1,y", "close", "Close", show=False),
    ]

    def __init__(self, title: str, lines: Iterable[str | Line], *, text: str = "", name: str = "text") -> None:
        super().__init__()
        self._title = clean(title, 80)
        self._file = f"hfaas-{name}.txt"
        self._lines = [(Part(line),) if isinstance(line, str) else line for line in lines]
        self._text = text or "\n".join("".join(part.text for part in line).rstrip() for line in self._lines)

    @property
    def hfaas(self) -> HfaasApp:
        return cast("HfaasApp", self.app)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self._title)  # a plain string would be markup
            box.border_subtitle = "esc close  / search  c copy  ^s save as text"
            yield TextPane(wraps=False)
            yield Input(placeholder="search", select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(TextPane).focus()
        self.show_lines(self.lines())

    def on_resize(self) -> None:
        self.show_lines(self.lines())

    def lines(self) -> Sequence[Line]:
        """Return what to show now; a sheet that depends on its size gives others."""
        return self._lines

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines, those with the word that is searched for first marked."""
        wanted = self.query_one(Input).value.lower()
        pane = self.query_one(TextPane)
        if wanted:
            lines = [line for line in lines if wanted in "".join(part.text for part in line).lower()]
            lines = lines or [(Part(f"nothing here says “{wanted}”", "dim"),)]
        pane.styles.height = max(1, len(lines))
        pane.show(lines)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.show_lines(self.lines())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(TextPane).focus()

    def action_search(self) -> None:
        self.add_class("-searching")
        self.query_one(Input).focus()

    def action_close(self) -> None:
        field = self.query_one(Input)
        if self.has_class("-searching"):
            field.value = ""
            self.remove_class("-searching")
            self.query_one(TextPane).focus()
        else:
            self.dismiss()

    def action_copy(self) -> None:
        self.hfaas.copy(self._text, "the text")

    def action_save(self) -> None:
        file = Path(self.hfaas.settings.folder) / self._file
        try:
            file.write_text(self._text + "\n", encoding="utf-8", errors="replace")
        except OSError as error:
            self.hfaas.say(f"cannot save {file}: {error.strerror}", Condition.FAILED)
        else:
            self.hfaas.say(f"saved {file}")
