"""The list of log lines: a million of them or more, of which only the visible ones are read and rendered.

The store is looked at some times a second. While the end is followed, the top row is computed from the data whenever
a row is painted, never taken from a scroll position that may lag. The cursor and the marks belong to line numbers,
so that a filter keeps them where they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from hfaas_tui.ui.logs.filter import Wanted
from hfaas_tui.ui.logs.shown import Shown
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets import logline
from hfaas_tui.ui.widgets.logline import Columns, Lines

COPIED = 20_000
"""Lines that a selection copies at most."""
POLL_S = 1 / 12
SIDEWAYS = 16
"""Columns that one step to the side moves."""
HANG = 2
"""Columns that the rest of a wrapped line stands in."""


class LogView(ScrollView, can_focus=True):
    """Lines of a LogStore, those that are wanted: all of them, or one function's, or what a pattern matches.

    `LogView(store, function="name")` is a plain strip for below a list: time, level and text of that function,
    following the end. Set `.function` to show another one. It needs no call from outside: it looks at the store
    by itself, and paints `.empty` (lines of text) where there is nothing to show.

    `LogView(store)` is the Logs view's: with columns for function and request, and a cursor. `want` says which lines
    are shown, `follow`, `is_wrapped`, `is_paused` and `has_time` how.
    """

    DEFAULT_CSS = """
    LogView { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
              background: $surface; color: $foreground; }
    LogView > .log--time { color: $text-muted; }
    LogView > .log--request { color: $text-muted; }
    LogView > .log--function0 { color: $text-accent; }
    LogView > .log--function1 { color: $text-success; }
    LogView > .log--function2 { color: $text-primary; }
    LogView > .log--function3 { color: $text-secondary; }
    LogView > .log--debug { color: $text-muted; }
    LogView > .log--info { color: $text-accent; }
    LogView > .log--warn { color: $text-warning; text-style: bold; }
    LogView > .log--error { color: $text-error; }
    LogView > .log--cursor { background: $block-cursor-blurred-background; }
    LogView:focus > .log--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    LogView:nocolor > .log--cursor { text-style: reverse bold; }
    LogView > .log--match { background: $warning; color: $background; }
    LogView:nocolor > .log--match { text-style: reverse; }
    LogView > .log--pill { background: $accent; color: $background; text-style: bold; }
    LogView:nocolor > .log--pill { text-style: reverse bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"log--{name}"
        for name in (
            *("time", "request", "debug", "info", "warn", "error", "cursor", "match", "pill"),
            *(f"function{number}" for number in range(logline.COLOURS)),
        )
    }
    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("ctrl+d", "half(1)", "Half a page down", show=False),
        Binding("ctrl+u", "half(-1)", "Half a page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("right", "aside(1)", "To the right", show=False),
        Binding("left", "aside(-1)", "To the left", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    @dataclass
    class Opened(Message):
        """The user opened a line."""

        number: int

    def __init__(
        self,
        store: LogStore,
        *,
        function: str | None = None,
        empty: Sequence[str] = (),
        poll_s: float = POLL_S,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.log_store = store
        self.shown = Shown(store)
        self.lines = Lines(store, self._look)
        self.empty = list(empty)
        self.marks: set[int] = set()
        self.is_strip = function is not None
        self.is_wrapped = False
        self.has_time = True
        self.follow = True
        self._poll_s = poll_s
        self._cursor = 0
        self._aside = 0
        self._unseen = 0
        self._looks: dict[str, Style] = {}
        self._rows_laid: tuple[object, list[tuple[int, int]]] = (None, [])
        if function:
            self.shown.want(Wanted(function=function))

    # --- what is shown

    @property
    def function(self) -> str:
        """Return the function whose lines are shown; empty for all."""
        return self.shown.wanted.function

    @function.setter
    def function(self, name: str) -> None:
        if name != self.function:
            self.follow = True
            self.want(Wanted(function=name))

    def want(self, wanted: Wanted) -> None:
        """Show other lines; those that are shown stay until some of them were found."""
        self.shown.want(wanted)
        self.poll()

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

    def poll(self) -> None:
        """Look at the store, and repaint what another look is due."""
        top = self.shown.line(self.top) if self.rows else 0
        before = self.rows, self.unseen
        if not self.shown.poll():
            return
        self._resize()
        if not self.follow:
            self._scroll(self.shown.row(top))
            if self.shown.is_rearranged or before[0] < self.size.height:
                self.refresh()
            elif self.unseen != before[1]:
                self.refresh(Region(0, self.size.height - 1, self._width, 1))
            return
        self._scroll(self.rows)
        self.refresh()

    def redraw(self) -> None:
        """Paint everything anew: columns or marks changed."""
        self._lay_out()
        self._resize()
        self.refresh()

    def set_follow(self, on: bool) -> None:
        """Follow the end, or stay where it is now."""
        if on == self.follow:
            return
        if on:
            self.follow = True
            self._scroll(self.rows)
        else:
            top, last = self.top, self.cursor or 0
            self.follow, self._cursor, self._unseen = False, last, last + 1
            self._scroll(top)
        self.refresh()

    def go(self, number: int) -> None:
        """Put the cursor on a line, or on the next one that is shown."""
        self._go(self.shown.row(number))

    # --- moving

    def action_move(self, by: int) -> None:
        at, top = self.cursor_row, self.top
        if not self.follow and not top <= at < top + self._height:  # it was scrolled away
            at = top - 1 if by > 0 else top + self._height
        self._go(at + by)

    def action_page(self, by: int) -> None:
        if by > 0 and self.cursor_row >= self.rows - 1:
            self.set_follow(True)
        else:
            self._go(self.cursor_row + by * max(1, self._height - 1))

    def action_half(self, by: int) -> None:
        self._go(self.cursor_row + by * max(1, self._height // 2))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self.set_follow(True)

    def action_aside(self, by: int) -> None:
        self._aside = max(0, self._aside + by * SIDEWAYS)
        self.refresh()

    def action_open(self) -> None:
        if (number := self.cursor) is not None:
            self.set_follow(False)
            self.post_message(self.Opened(number))

    def _go(self, row: int) -> None:
        row = max(0, min(row, self.rows - 1))
        if not self.rows or (self.follow and row == self.rows - 1):
            return
        self.set_follow(False)
        self._cursor = self.shown.line(row)
        self.reveal()

    def reveal(self) -> None:
        """Scroll as little as brings the cursor on the screen."""
        row, top, height = self.cursor_row, self.top, self._height
        if row < top:
            self._scroll(row)
        elif self.is_wrapped:
            while top < row and sum(self._rows_of(each) for each in range(top, row + 1)) > height:
                top += 1
            self._scroll(top)
        elif row >= top + height:
            self._scroll(row - height + 1)
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if not (event.ctrl or event.shift):
            self.set_follow(False)

    def on_mouse_scroll_down(self) -> None:
        self.call_later(self._follow_at_end)

    def _on_scroll_to(self, message: object) -> None:  # noqa: ARG002 - the base class scrolls
        self.set_follow(False)
        self.call_later(self._follow_at_end)

    def _on_scroll_up(self, event: object) -> None:  # noqa: ARG002
        self.set_follow(False)

    def _follow_at_end(self) -> None:
        if not self.follow and self.scroll_offset.y >= self.max_scroll_y and not self.is_wrapped:
            self.set_follow(True)

    def on_click(self, event: events.Click) -> None:
        if (row := self._row_at(event.y)) is None or self.is_strip:
            return
        if event.y == self.size.height - 1 and self.unseen and event.x >= self._width - len(self._pill()):
            self.set_follow(True)
            return
        is_second = event.chain >= 2 and row == self.cursor_row
        if row != self.cursor_row or not self.follow:
            self._go(row)
        if is_second:
            self.action_open()

    # --- sizes

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
        while row > 0 and (left := left - self._rows_of(row - 1)) >= 0:
            row -= 1
        return row

    def _scroll(self, row: int) -> None:
        self.scroll_to(y=min(row, self.max_scroll_y), animate=False)

    def _resize(self) -> None:
        more = self._height - 1 if self.is_wrapped else 0
        self.virtual_size = Size(self._width, self.rows + more)

    def _lay_out(self) -> None:
        wide = self._width >= 110
        longest = max(map(len, self.log_store.functions()), default=0)
        columns = Columns(
            has_time=self.has_time,
            has_fraction=wide,
            function=0 if self.is_strip else min(longest, 16 if wide else 9),
            has_request=not self.is_strip,
        )
        if columns != self.lines.columns:
            self.lines.columns = columns
            self.lines.forget()

    def on_mount(self) -> None:
        self.set_interval(self._poll_s, self._tick)
        self.poll()

    def on_unmount(self) -> None:
        self.shown.close()

    def _tick(self) -> None:
        if self.screen.is_current or self.app.screen.is_modal:
            self.poll()

    def on_resize(self) -> None:
        top = self.top
        self.redraw()
        self._scroll(self.rows if self.follow else top)

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

    def render_line(self, y: int) -> Strip:
        width, base = self._width, self.rich_style
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
        key = (self.top, self.rows, self.size, self.is_wrapped, self.lines.columns, self.shown.generation)
        if self._rows_laid[0] != key:
            top, stop = self.top, min(self.rows, self.top + self._height)
            laid = [(row, piece) for row in range(top, stop) for piece in range(self._rows_of(row))]
            self._rows_laid = key, laid
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
        before, text = self.lines.strips(number)
        if self.shown.is_match(number):
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
        return strip.extend_cell_length(width).apply_style(self._look("cursor") if is_cursor else self.rich_style)

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

    # --- selecting with the mouse

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

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - asked for when painting
        if self.text_selection is not None:
            self.set_follow(False)  # the lines must stay under the mouse
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self.rows - 1
        rows = range(max(0, first), min(last, first + COPIED, self.rows - 1) + 1)
        texts = [" " + self.lines.plain(self.shown.line(row)) for row in rows]
        if not texts:
            return None
        if selection.end is not None and rows[-1] == last:
            texts[-1] = texts[-1][: selection.end.x]
        if selection.start is not None:
            texts[0] = texts[0][selection.start.x :]
        return "\n".join(texts), "\n"

    def matches(self) -> Sequence[int]:
        """Return the lines that match the pattern."""
        return self.shown.matches

    def next_match(self, by: int) -> bool:
        """Go to the next match, or the one before; False when there is none."""
        matches, here = self.shown.matches, self.cursor
        if here is None or not matches:
            return False
        at = bisect_left(matches, here)
        at = at - 1 if by < 0 else at + (at < len(matches) and matches[at] == here)
        if not 0 <= at < len(matches):
            return False
        self.go(matches[at])
        return True


def _offset_of(style: Style | None) -> Style | None:
    """Keep of a style only where it is, which a selection needs."""
    return Style(meta=style.meta) if style and style.meta else None
