"""The pane beside a list: what an object looks like, and below it what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hfaas_tui.ui.preview.preview import Shown, hexadecimal
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.vtable import fit

FACTS = 8
"""Lines for what is known of an object."""

USUAL = 5
"""Lines of them that most objects have: a picture leaves so much room."""

NOTHING = Shown()


class Preview(ScrollView, can_focus=True):
    """A picture, lines of text, or bytes as numbers; scrolls when it is longer than the pane."""

    DEFAULT_CSS = """
    Preview { overflow-x: hidden; overflow-y: auto; background: $surface; color: $foreground;
              scrollbar-size-vertical: 1; }
    Preview > .preview--note { color: $text-warning; }
    Preview > .preview--header { color: $text-muted; text-style: bold; }
    Preview > .preview--dim { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"preview--note", "preview--header", "preview--dim"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = NOTHING
        self._rows: list[tuple[str, str] | int] = []

    def show(self, shown: Shown) -> None:
        """Show another object."""
        if shown is not self._shown:
            self._shown = shown
            self._lay_out()
            self.scroll_home(animate=False)

    @property
    def rows(self) -> int:
        """Return how many lines it takes to show everything."""
        return len(self._rows)

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != event.virtual_size.width or self._shown.data:
            self._lay_out()

    def _lay_out(self) -> None:
        """Decide what stands in which line: a text and its tone, or the number of a painted row."""
        shown, rows = self._shown, list[tuple[str, str] | int]()
        if shown.note:
            rows += [*((line, "note") for line in _wrapped(shown.note, self.size.width - 2)), ("", "")]
        rows += range(len(shown.rows))
        rows += [(line, "header" if shown.has_header and not at else "") for at, line in enumerate(shown.lines)]
        rows += [(line, "") for line in hexadecimal(shown.data, self.size.width - 1)]
        self._rows = rows
        self.virtual_size = Size(self.size.width, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        at = int(self.scroll_offset.y) + y
        if at >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[at]
        if isinstance(row, int):
            return Strip([Segment(" ", base), *self._shown.rows[row]]).crop_extend(0, width, base)
        text, tone = row
        style = base + self.get_component_rich_style(f"preview--{tone}", partial=True) if tone else base
        return Strip([Segment(" " + fit(text, max(0, width - 1)), style)]).crop_extend(0, width, base)


class PreviewPane(Vertical):
    """A line that says what it is, the preview, and the facts right below it."""

    DEFAULT_CSS = """
    PreviewPane > ChromeLine { background: $surface; }
    PreviewPane > #headline { margin-bottom: 1; }
    PreviewPane > .fact { display: none; }
    PreviewPane > .fact.-has { display: block; }
    """

    def compose(self) -> ComposeResult:
        yield ChromeLine(id="headline")
        yield Preview(id="preview")
        for number in range(FACTS):
            yield ChromeLine(classes="fact" + (" -first" if not number else ""))

    @property
    def room(self) -> tuple[int, int]:
        """Return the columns and rows a picture may take."""
        return max(1, self.size.width - 2), max(1, self.size.height - 3 - USUAL)

    _facts = 0

    def show(self, headline: Sequence[Part], shown: Shown, facts: Sequence[Sequence[Part]]) -> None:
        """Show an object."""
        self.query_one("#headline", ChromeLine).show(headline)
        self.query_one(Preview).show(shown)
        self._facts = min(len(facts), FACTS)
        for number, line in enumerate(self.query(".fact").results(ChromeLine)):
            line.set_class(number < len(facts), "-has")
            if number < len(facts):
                line.show(facts[number])
        self._share()

    def on_resize(self) -> None:
        self._share()

    def _share(self) -> None:
        """Give the preview what it needs, so that the facts follow it, but leave them room."""
        preview = self.query_one(Preview)
        most = max(1, self.size.height - 2 - self._facts)
        preview.styles.height = min(most, preview.rows + 1) if preview.rows else 0


def _wrapped(text: str, width: int) -> list[str]:
    """Return a sentence in lines of whole words."""
    lines = [""]
    for word in clean(text).split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > max(width, 10):
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines
