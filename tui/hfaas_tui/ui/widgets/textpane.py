"""Lines of words in tones, that scroll: detail panes. What a line says may come from anywhere; it is made harmless."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.chrome import Part

Line = tuple[Part, ...]
LONGEST = 100_000
"""Characters shown of one line; it is wrapped before that."""

INDENT = 4
TONES = ("ok", "err", "warn", "run", "dim", "key", "head")


class TextPane(ScrollView, can_focus=True):
    """Shows lines; parts with an action can be clicked. Wraps what is too wide, or cuts it when not `wraps`."""

    DEFAULT_CSS = """
    TextPane { overflow-x: hidden; overflow-y: auto; background: $surface; color: $foreground;
               scrollbar-size-vertical: 1; }
    TextPane > .text--head { color: $text-muted; text-style: bold; }
    TextPane > .text--key { color: $text-accent; text-style: bold; }
    TextPane > .text--dim { color: $text-muted; }
    TextPane > .text--ok { color: $text-success; }
    TextPane > .text--err { color: $text-error; text-style: bold; }
    TextPane > .text--warn { color: $text-warning; }
    TextPane > .text--run { color: $text-accent; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"text--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("pagedown,ctrl+f,ctrl+d", "page_down", "Page down", show=False),
        Binding("pageup,ctrl+b,ctrl+u", "page_up", "Page up", show=False),
        Binding("home,g", "scroll_home", "First", show=False),
        Binding("end,G", "scroll_end", "Last", show=False),
    ]

    @dataclass
    class Clicked(Message):
        """A part with an action was clicked."""

        action: str

    def __init__(self, *, wraps: bool = True, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._wraps = wraps
        self._lines: tuple[Line, ...] = ()
        self._rows: list[Line] = []

    def show(self, lines: Iterable[Line], *, from_top: bool = False) -> None:
        """Show other lines; nothing happens when they are the same."""
        new = tuple(lines)
        if new != self._lines:
            self._lines = new
            self._lay_out()
        if from_top:
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width, before = self.size.width, self._rows
        self._rows = [row for line in self._lines for row in self._fitted(line, width)]
        if len(self._rows) > self.size.height:  # the scrollbar takes a column
            width = max(0, width - self.styles.scrollbar_size_vertical)
            self._rows = [row for line in self._lines for row in self._fitted(line, width)]
        size = Size(width, len(self._rows))
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
            return
        for at, row in enumerate(self._rows):
            if at >= len(before) or row != before[at]:
                self.refresh_line(at)

    def _fitted(self, line: Line, width: int) -> Sequence[Line]:
        line = tuple(Part(clean(part.text, LONGEST), part.tone, part.action) for part in line)
        wide = sum(cell_len(part.text) for part in line)
        if wide <= width or not width:
            return (line,)
        return wrapped(line, width) if self._wraps else (cut(line, width),)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        at = int(self.scroll_offset.y) + y
        if at >= len(self._rows):
            return Strip.blank(self.size.width, base)
        segments = [Segment(part.text, self._look(part.tone, base)) for part in self._rows[at]]
        return Strip(segments).crop_extend(0, self.size.width, base)

    def _look(self, tone: str, base: Style) -> Style:
        return base + self.get_component_rich_style(f"text--{tone}", partial=True) if tone else base

    def on_click(self, event: events.Click) -> None:
        at, x = int(self.scroll_offset.y) + event.y, 0
        for part in self._rows[at] if at < len(self._rows) else ():
            end = x + cell_len(part.text)
            if part.action and x <= event.x < end:
                self.post_message(self.Clicked(part.action))
            x = end


def cut(line: Line, width: int) -> Line:
    """Keep what fits; `…` says that there was more."""
    kept: list[Part] = []
    room = width - 1
    for part in line:
        piece = _begin(part.text, room) if room > 0 else ""
        kept.append(Part(piece, part.tone, part.action))
        room -= cell_len(piece)
        if piece != part.text:
            break
    return (*kept, Part("…", "dim"))


def wrapped(line: Line, width: int) -> list[Line]:
    """Break a line into rows; those after the first are indented."""
    width = max(1, width)  # a pane that is not laid out yet has none
    rows: list[list[Part]] = [[]]
    room, indent = width, min(INDENT, width // 3)
    for part in line:
        text = part.text
        while text:
            if room <= 0:
                rows.append([Part(" " * indent)])
                room = width - indent
            piece = _begin(text, room)
            rows[-1].append(Part(piece, part.tone, part.action))
            text, room = text[len(piece) :], room - cell_len(piece)
            if text:
                room = 0
    return [tuple(row) for row in rows]


def _begin(text: str, cells: int) -> str:
    """Return as much of a text as fits; at least one character."""
    rows = chop_cells(text[:cells], cells)  # none for marks that are all without a width
    return (rows[0] if rows else text[:cells]) or text[:1]
