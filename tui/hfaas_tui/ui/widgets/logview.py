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

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.selection import Selection
from textual.timer import Timer

from hfaas_tui.ui.logs.filter import Wanted
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.widgets.logcanvas import LogCanvas
from hfaas_tui.ui.widgets.logline import Columns

QUIET_S, RESTING_S = 5.0, 0.25
"""After so long without a line, the pause between two looks at the store."""

COPIED = 20_000
"""Lines that a selection copies at most."""
POLL_S = 1 / 12
SIDEWAYS = 16
"""Columns that one step to the side moves."""
HANG = 2
"""Columns that the rest of a wrapped line stands in."""


class LogView(LogCanvas):
    """Lines of a LogStore, those that are wanted: all of them, or one function's, or what a pattern matches.

    `LogView(store, function="name")` is a plain strip for below a list: time, level and text of that function,
    following the end. Set `.function` to show another one. It needs no call from outside: it looks at the store
    by itself, and paints `.empty` (lines of text) where there is nothing to show.

    `LogView(store)` is the Logs view's: with columns for function and request, and a cursor. `want` says which lines
    are shown, `follow`, `is_wrapped`, `is_paused` and `has_time` how.
    """

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
        super().__init__(store, is_strip=function is not None, empty=empty, id=id, classes=classes)
        self.has_time = True
        self._poll_s = poll_s
        self._timer: Timer | None = None
        self._version, self._quiet = -1, 0
        self._functions = 0
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
        if self._timer is not None:  # it may rest; somebody waits for the first of them now
            self._timer.stop()
            self._timer, self._quiet = None, 0
            self.wake()

    def poll(self) -> None:
        """Look at the store, and repaint what another look is due."""
        top = self.shown.line(self.top) if self.rows else 0
        before = self.rows, self.unseen
        if not self.shown.poll():
            return
        if self._functions != (functions := self.log_store.function_count):
            self._functions = functions
            self._lay_out()
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
        was = self.cursor_row
        self.set_follow(False)
        self._cursor = self.shown.line(row)
        for each in (was, row):
            self.refresh(Region(0, each - self.top, self._width, 1))
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
        if self.is_wrapped or self.top != top:
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

    def _scroll(self, row: int) -> None:
        self.scroll_to(y=min(row, self.max_scroll_y), animate=False)

    def _resize(self) -> None:
        more = self._height - 1 if self.is_wrapped else 0
        size = Size(self._width, self.rows + more)
        # set as usual it would lay out and paint the whole screen anew, at each poll while lines come
        self.set_reactive(LogView.virtual_size, size)
        self._scroll_update(size)

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
            self.refresh()

    def on_mount(self) -> None:
        self.poll()
        self.wake()

    def on_unmount(self) -> None:
        self.shown.close()

    def _tick(self) -> None:
        self._timer = None
        if not self.screen.is_current and not self.app.screen.is_modal:
            return  # until somebody wakes it
        version = self.log_store.version
        self._quiet = 0 if version != self._version else self._quiet + 1
        self._version = version
        self.poll()
        is_quiet = self._quiet * self._poll_s > QUIET_S
        self._timer = self.set_timer(max(RESTING_S, self._poll_s) if is_quiet else self._poll_s, self._tick)

    def wake(self) -> None:
        """Look at the store again; while its screen is not shown, it does not."""
        if self._timer is None:
            self._timer = self.set_timer(self._poll_s, self._tick)

    def on_resize(self) -> None:
        top = self.top
        self.redraw()
        self._scroll(self.rows if self.follow else top)

    # --- selecting with the mouse

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
