"""How lines are painted: which row stands where, what is cut or wrapped, marked, selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hfaas_tui.ui.logs.shown import Shown
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets import logline
from hfaas_tui.ui.widgets.logline import Lines

HANG = 2
"""Columns that the rest of a wrapped line stands in."""


class LogCanvas(ScrollView, can_focus=True):
    """The rows of a LogStore on the screen. While the end is followed, the top row is computed from the data."""

    DEFAULT_CSS = """
    LogCanvas { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
              background: $surface; color: $foreground; }
    LogCanvas > .log--time { color: $text-muted; }
    LogCanvas > .log--request { color: $text-muted; }
    LogCanvas > .log--function0 { color: $text-accent; }
    LogCanvas > .log--function1 { color: $text-success; }
    LogCanvas > .log--function2 { color: $text-primary; }
    LogCanvas > .log--function3 { color: $text-secondary; }
    LogCanvas > .log--debug { color: $text-muted; }
    LogCanvas > .log--info { color: $text-accent; }
    LogCanvas > .log--warn { color: $text-warning; text-style: bold; }
    LogCanvas > .log--error { color: $text-error; }
    LogCanvas > .log--cursor { background: $block-cursor-blurred-background; }
    LogCanvas:focus > .log--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    LogCanvas:nocolor > .log--cursor { text-style: reverse bold; }
    LogCanvas > .log--match { background: $warning; color: $background; }
    LogCanvas:nocolor > .log--match { text-style: reverse; }
    LogCanvas > .log--pill { background: $accent; color: $background; text-style: bold; }
    LogCanvas:nocolor > .log--pill { text-style: reverse bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"log--{name}"
        for name in (
            *("time", "request", "debug", "info", "warn", "error", "cursor", "match", "pill"),
            *(f"function{number}" for number in range(logline.COLOURS)),
        )
    }

    def __init__(
        self,
        store: LogStore,
        *,
        is_strip: bool,
        empty: Sequence[str],
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.log_store = store
        self.shown = Shown(store)
        self.lines = Lines(store, self._look)
        self.empty = list(empty)
        self.marks: set[int] = set()
        self.is_strip = is_strip
        self.is_wrapped = False
        self.follow = True
        self._cursor = 0
        self._aside = 0
        self._unseen = 0
        self._looks: dict[str, Style] = {}
        self._is_painting = False
        self._has_selection = False
        self._rows_laid: tuple[object, list[tuple[int, int]]] = (None, [])

    # --- where things are

    @property
    def rows(self) -> int:
        return len(self.shown)

    @property
    def cursor(self) -> int | None:
        """Return the number of the line under the cursor."""
        return self.shown.line(self.cursor_row) if self.rows else None

    @property
    def cursor_row(self) -> int:
        last = self.rows - 1
        return last if self.follow else max(0, min(self.shown.row(self._cursor), last))

    @property
    def unseen(self) -> int:
        """Return how many lines came since the end was left."""
        return 0 if self.follow else max(0, self.rows - self.shown.row(self._unseen))

    @property
    def _height(self) -> int:
        return max(1, self.size.height)

    @property
    def _width(self) -> int:
        """Return the columns for text: `size` counts the scroll bar."""
        return max(1, self.scrollable_content_region.width)

    @property
    def top(self) -> int:
        """Return the first row on screen."""
        if not self.follow:
            return max(0, min(int(self.scroll_offset.y), self.rows - 1))
        if not self.is_wrapped:
            return max(0, self.rows - self._height)
        row, left = self.rows, self._height
        while row > 0 and left > 0:
            row -= 1
            left -= self._rows_of(row)
        return row

    # --- painting

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._looks = {}
        self.lines.is_dark = self.app.current_theme.dark
        self.lines.forget()

    def _look(self, name: str) -> Style:
        found = self._looks.get(name)
        if found is None:
            partial = name not in {"cursor", "pill"}
            found = self._looks[name] = self.get_component_rich_style(f"log--{name}", partial=partial)
        return found

    @property
    def _base(self) -> Style:
        found = self._looks.get("")
        if found is None:  # Textual works it out anew each time it is asked
            found = self._looks[""] = self.rich_style
        return found

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint; only who asks for a single line, to find what the mouse is on, needs to know where each piece is."""
        self._is_painting, self._has_selection = True, self.text_selection is not None
        try:
            return super().render_lines(crop)
        finally:
            self._is_painting = False

    def render_line(self, y: int) -> Strip:
        width, base = self._width, self._base
        if not self.rows:
            text = self.empty[y - 1] if 1 <= y <= len(self.empty) else ""
            return Strip([Segment("  " + clean(text))]).crop_extend(0, width, None).apply_style(base)
        at = self._laid()[y] if y < len(self._laid()) else None
        strip = Strip.blank(width, base) if at is None else self._row(*at, width)
        if y == self.size.height - 1 and self.unseen:
            pill = Strip([Segment(self._pill(), self._look("pill"))])
            strip = Strip.join([strip.crop(0, width - pill.cell_length), pill])
        return strip

    def _pill(self) -> str:
        return f" +{self.unseen:,} lines  G jumps "

    def _row_at(self, y: int) -> int | None:
        laid = self._laid()
        return laid[y][0] if y < len(laid) else None

    def _laid(self) -> list[tuple[int, int]]:
        """Return the row and the piece of it that stand in each line of the screen."""
        key = (
            self.top,
            self.follow,
            self.rows,
            self.size,
            self.is_wrapped,
            self.lines.columns,
            self.shown.generation,
        )
        if self._rows_laid[0] != key:
            top, stop = self.top, min(self.rows, self.top + self._height)
            laid = [(row, piece) for row in range(top, stop) for piece in range(self._rows_of(row))]
            self._rows_laid = key, laid[-self._height :] if self.follow else laid[: self._height]
        return self._rows_laid[1]

    def _rows_of(self, row: int) -> int:
        """Return how many lines of the screen a row takes."""
        if not self.is_wrapped:
            return 1
        before, text = self.lines.strips(self.shown.line(row))
        room = max(8, self._width - 1 - before.cell_length)
        return 1 + max(0, -(-(text.cell_length - room) // (room - HANG)))

    def _row(self, row: int, piece: int, width: int) -> Strip:
        number = self.shown.line(row)
        is_cursor = not self.is_strip and row == self.cursor_row
        is_match = self.shown.is_match(number)
        if self._is_painting and not (
            is_cursor or is_match or self.is_wrapped or self._aside or self._has_selection
        ):
            return self.lines.whole(number, "*" if number in self.marks else " ", width, self._base)
        before, text = self.lines.strips(number)
        if is_match:
            text = self._highlighted(text)
        lead = " " if self.is_strip else "▸" if is_cursor else "*" if number in self.marks else " "
        before = Strip.join([Strip([Segment(lead)]), before])
        room = max(8, width - before.cell_length)
        start = self._aside
        if self.is_wrapped:
            start = room + (piece - 1) * (room - HANG) if piece else 0
            if piece:
                before, room = Strip([Segment(" " * (before.cell_length + HANG))]), room - HANG
        shown = text.crop(start, start + room)
        x = before.cell_length + start
        if not self.is_wrapped and text.cell_length > start + room:
            shown = Strip.join([shown.crop(0, room - 1), Strip([Segment("…", self._look("time"))])])
        strip = Strip.join([before.apply_offsets(0, row), shown.apply_offsets(x, row)])
        if is_cursor:
            strip = Strip([Segment(part.text, _offset_of(part.style)) for part in strip])
        strip = self._selected(strip, row, x - before.cell_length)
        return strip.extend_cell_length(width).apply_style(self._look("cursor") if is_cursor else self._base)

    def _highlighted(self, text: Strip) -> Strip:
        """Mark what a pattern found: the words when it is plain text, else all of the line."""
        whole = "".join(segment.text for segment in text)
        spans = self.shown.spans(whole) or [(0, len(whole))]
        cuts = sorted(
            {0, text.cell_length, *(Strip([Segment(whole[:at])]).cell_length for span in spans for at in span)}
        )
        marked = {Strip([Segment(whole[:start])]).cell_length for start, _ in spans}
        parts = zip(cuts, text.divide(cuts[1:]), strict=False)
        plain = self._look("match")
        return Strip.join(
            Strip([Segment(each.text, plain) for each in part]) if start in marked else part
            for start, part in parts
        )

    def _selected(self, strip: Strip, row: int, aside: int) -> Strip:
        selection = self.text_selection
        if selection is None or (span := selection.get_span(row)) is None:
            return strip
        start, end = (
            (max(0, at - aside) for at in span) if span[1] >= 0 else (max(0, span[0] - aside), strip.cell_length)
        )
        style = self.screen.get_component_rich_style("screen--selection")
        chosen = Strip(
            [Segment(part.text, (part.style or Style.null()) + style) for part in strip.crop(start, end)]
        )
        return Strip.join([strip.crop(0, start), chosen, strip.crop(end)])


def _offset_of(style: Style | None) -> Style | None:
    """Keep of a style only where it is, which a selection needs."""
    return Style(meta=style.meta) if style and style.meta else None
