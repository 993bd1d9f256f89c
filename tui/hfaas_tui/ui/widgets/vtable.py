"""The table of every list: thousands of rows, of which only the visible ones are rendered.

The cursor, the marks and the order belong to row keys, so that a refresh, a sort or a filter keeps the same item
under the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hfaas_tui.ui.safe import clean

Row = TypeVar("Row")
TONES = ("ok", "err", "warn", "run", "dim")
LEAD = 2
"""Columns before the first cell: the cursor and the mark, which show without colour."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: those with a high `prio` go first where it is narrow; those that `grow` take what is left."""

    key: str
    title: str
    width: int
    prio: int = 0
    grow: int = 0
    align: Literal["left", "right"] = "left"


Cells = Callable[[Any, str], tuple[str, str]]
"""Gives text and tone (one of TONES, or empty) of a row's column; the table makes the text harmless."""


class VTable(ScrollView, Generic[Row], can_focus=True):
    """A list of rows; `key` names a row for good, `order` gives what a column sorts by."""

    DEFAULT_CSS = """
    VTable { overflow-x: hidden; overflow-y: auto; background: $surface; color: $foreground;
             scrollbar-size-vertical: 1; }
    VTable > .vt--header { color: $text-muted; text-style: bold; }
    VTable > .vt--cursor { background: $block-cursor-blurred-background; }
    VTable:focus > .vt--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    VTable:nocolor > .vt--cursor { text-style: reverse bold; }
    VTable > .vt--ok { color: $text-success; }
    VTable > .vt--err { color: $text-error; text-style: bold; }
    VTable > .vt--warn { color: $text-warning; }
    VTable > .vt--run { color: $text-accent; }
    VTable > .vt--dim { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"vt--header", "vt--cursor", *(f"vt--{tone}" for tone in TONES)}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("ctrl+d", "half(1)", "Half a page down", show=False),
        Binding("ctrl+u", "half(-1)", "Half a page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    @dataclass
    class Highlighted(Message):
        """The cursor is on another row, or the row under it changed; None when there is none."""

        table: VTable[Any]
        row: Any

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, VTable.Highlighted) and message.table is self.table

    @dataclass
    class Opened(Message):
        """The user opened a row."""

        table: VTable[Any]
        row: Any

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Cells,
        key: Callable[[Row], str],
        *,
        order: Callable[[Row, str], Any] | None = None,
        empty: Sequence[str] = (),
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = list(columns)
        self.empty = list(empty)
        self.sorted_by = ""
        self.is_reversed = False
        self._cells = cells
        self._key = key
        self._order = order or (lambda row, column: cells(row, column)[0])
        self._rows: list[Row] = []
        self._shown: list[Row] = []
        self._keep: Callable[[Row], bool] | None = None
        self._marked: set[str] = set()
        self._at = 0
        self._at_key = ""
        self._layout: list[tuple[Column, int]] = []
        self._styles: dict[str, Style] = {}
        self._painted: dict[int, Strip] = {}

    # --- what the views use

    @property
    def selected(self) -> Row | None:
        """Return the row under the cursor."""
        return self._shown[self._at] if self._at < len(self._shown) else None

    @property
    def shown(self) -> Sequence[Row]:
        """Return the rows that pass the filter, in their order."""
        return self._shown

    @property
    def rows(self) -> Sequence[Row]:
        """Return all rows, shown or not, in the order they were given."""
        return self._rows

    def key(self, row: Row) -> str:
        """Return the key of a row."""
        return self._key(row)

    def text(self, row: Row, column: str) -> str:
        """Return what a column says of a row."""
        return self._cells(row, column)[0]

    @property
    def total(self) -> int:
        """Return how many rows there are, shown or not."""
        return len(self._rows)

    @property
    def marked(self) -> list[Row]:
        """Return the marked rows; the one under the cursor when none is marked."""
        found = [row for row in self._rows if self._key(row) in self._marked]
        return found or [row for row in (self.selected,) if row is not None]

    @property
    def marks(self) -> int:
        """Return how many rows are marked."""
        return len(self._marked)

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Replace the rows; the cursor stays on the same item, or where that was."""
        self._rows = list(rows)
        if self._marked:
            self._marked &= {self._key(row) for row in self._rows}
        self._arrange(is_refresh=False)
        self.freshen()

    def freshen(self) -> None:
        """Paint the lines that look otherwise by now: most of what changes is not on screen."""
        if not self.is_mounted or not self._layout:
            return
        top = int(self.scroll_offset.y)
        for y in range(self.size.height):
            if self._painted.get(y) != self._rendered(y):
                self.refresh_line(top + y)

    def set_filter(self, keep: Callable[[Row], bool] | None) -> None:
        """Show only rows that `keep` says yes to; all for None."""
        self._keep = keep
        self._arrange()

    def sort_by(self, column: str, *, is_reversed: bool = False) -> None:
        """Put the rows in the order of a column; as they were given for an empty one."""
        self.sorted_by, self.is_reversed = column, is_reversed
        self._arrange()

    def select(self, key: str) -> bool:
        """Put the cursor on a row; False when it is not shown."""
        for number, row in enumerate(self._shown):
            if self._key(row) == key:
                self._go(number)
                return True
        return False

    def clear_marks(self) -> bool:
        """Mark nothing any more; False when nothing was marked."""
        was = bool(self._marked)
        self._marked.clear()
        self.refresh()
        return was

    def action_sort(self) -> None:
        """Sort by the next visible column; after the last as given."""
        keys = [column.key for column, _ in self._layout]
        at = keys.index(self.sorted_by) + 1 if self.sorted_by in keys else 0
        self.sort_by(keys[at] if at < len(keys) else "")

    def action_reverse(self) -> None:
        self.sort_by(self.sorted_by, is_reversed=not self.is_reversed)

    def action_mark(self) -> None:
        if self.selected is not None:
            self._marked ^= {self._key(self.selected)}
            self.action_move(1)
            self.refresh()

    def action_open(self) -> None:
        if self.selected is not None:
            self.post_message(self.Opened(self, self.selected))

    def action_move(self, by: int) -> None:
        self._go(self._at + by)

    def action_page(self, by: int) -> None:
        self._go(self._at + by * max(1, self._height - 1))

    def action_half(self, by: int) -> None:
        self._go(self._at + by * max(1, self._height // 2))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._shown) - 1)

    # --- arranging

    @property
    def _height(self) -> int:
        return max(1, self.size.height - 1)

    def _arrange(self, *, is_refresh: bool = True) -> None:
        keep = self._keep
        shown = self._rows if keep is None else [row for row in self._rows if keep(row)]
        if self.sorted_by:
            column = self.sorted_by
            shown = sorted(shown, key=lambda row: self._order(row, column), reverse=self.is_reversed)
        elif self.is_reversed:
            shown = shown[::-1]
        self._shown = shown
        self._at = self._found()
        self.virtual_size = Size(self.size.width or 1, len(shown) + 1)
        self._note()
        if is_refresh:
            self.refresh()

    def _found(self) -> int:
        """Return where the item under the cursor is now; where it was when it is gone."""
        last = len(self._shown) - 1
        at = max(0, min(self._at, last))
        if not self._at_key or (self._shown and self._key(self._shown[at]) == self._at_key):
            return at
        return next((n for n, row in enumerate(self._shown) if self._key(row) == self._at_key), at)

    def _note(self) -> None:
        row = self.selected
        if row is not None:
            self._at_key = self._key(row)
        if self.is_mounted:
            self.post_message(self.Highlighted(self, row))

    def _go(self, number: int) -> None:
        number = max(0, min(len(self._shown) - 1, number))
        if number == self._at:
            return
        before, self._at = self._at, number
        for each in (before, number):
            self.refresh_line(each + 1)
        self._note()
        self._reveal()

    def _reveal(self) -> None:
        top = int(self.scroll_offset.y)
        if self._at < top:
            self.scroll_to(y=self._at, animate=False, force=True, immediate=True)
        elif self._at >= top + self._height:
            self.scroll_to(y=self._at - self._height + 1, animate=False, force=True, immediate=True)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(event.size.width)
        self.virtual_size = Size(event.size.width, len(self._shown) + 1)
        self._reveal()
        self.refresh()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns."""
        self.columns = list(columns)
        self._lay_out(self.size.width)
        self.refresh()

    def _lay_out(self, width: int) -> None:
        kept, used = [], LEAD
        for column in sorted(self.columns, key=lambda each: each.prio):
            if used + column.width + 1 <= width:
                kept.append(column)
                used += column.width + 1
        kept.sort(key=self.columns.index)
        shares = sum(column.grow for column in kept) or 1
        spare = max(0, width - used)
        self._layout = [(column, column.width + spare * column.grow // shares) for column in kept]

    # --- painting

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = {}

    @property
    def _base(self) -> Style:
        found = self._styles.get("")
        if found is None:  # Textual works it out anew each time it is asked
            found = self._styles[""] = self.rich_style
        return found

    def _style(self, name: str) -> Style:
        found = self._styles.get(name)
        if found is None:
            partial = name not in {"header", "cursor"}
            found = self._styles[name] = self.get_component_rich_style(f"vt--{name}", partial=partial)
        return found

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = self._rendered(y)
        return strip

    def _rendered(self, y: int) -> Strip:
        width, base = self.size.width, self._base
        if y == 0:
            return self._header(width)
        at = int(self.scroll_offset.y) + y - 1
        if at < len(self._shown):
            return self._line(at, width)
        if not self._shown and 2 <= y < len(self.empty) + 2:
            text = "  " + clean(self.empty[y - 2])
            return Strip([Segment(text, base + self._style("dim") if y > 2 else base)]).crop_extend(0, width, base)
        return Strip.blank(width, base)

    def _header(self, width: int) -> Strip:
        style = self._style("header")
        arrow = "↑" if self.is_reversed else "↓"
        cells = (
            fit(column.title + (arrow if column.key == self.sorted_by else ""), wide, column.align) + " "
            for column, wide in self._layout
        )
        return Strip([Segment(" " * LEAD + "".join(cells), style)]).crop_extend(0, width, style)

    def _line(self, at: int, width: int) -> Strip:
        row, is_cursor = self._shown[at], at == self._at
        base = self._style("cursor") if is_cursor else self._base
        lead = ("▸" if is_cursor else " ") + ("*" if self._key(row) in self._marked else " ")
        segments = [Segment(lead, base)]
        for column, wide in self._layout:
            text, tone = self._cells(row, column.key)
            style = base + self._style(tone) if tone and not is_cursor else base
            segments.append(Segment(fit(clean(text, 4 * wide + 8), wide, column.align) + " ", style))
        return Strip(segments).crop_extend(0, width, base)

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self._sort_at(event.x)
            return
        at = int(self.scroll_offset.y) + event.y - 1
        if 0 <= at < len(self._shown):
            is_second = event.chain >= 2 and at == self._at
            self._go(at)
            if is_second:
                self.action_open()

    def _sort_at(self, x: int) -> None:
        start = LEAD
        for column, wide in self._layout:
            if start <= x < start + wide + 1:
                again = column.key == self.sorted_by
                self.sort_by(column.key, is_reversed=again and not self.is_reversed)
            start += wide + 1


def fit(text: str, width: int, align: str = "left") -> str:
    """Make a text exactly `width` cells wide; what is cut off shows as `…`."""
    count = cell_len(text)
    if count > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    return " " * (width - count) + text if align == "right" else text + " " * (width - count)
