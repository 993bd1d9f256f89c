"""What is on screen of a step: the route, the list, what is under the cursor, what is below, and the sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult

from hfaas_tui.ui.screens.promote import route
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.textpane import TextPane
from hfaas_tui.ui.widgets.vtable import VTable

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.promote.page import Page
    from hfaas_tui.ui.screens.promote.view import Promote


class Panes:
    """Paints the page that the view shows; `wanted` is the name of a row that the cursor goes to once it is there."""

    CSS = """
    Promote VTable { height: 1fr; }
    Promote #detail { height: 8; scrollbar-size-vertical: 0; }
    Promote #checks { height: auto; max-height: 12; }
    Promote.-doing #checks { max-height: 6; }
    Promote.-short #detail, Promote.-short #detail-title { display: none; }
    Promote.-short #checks { max-height: 9; }
    Promote.-short.-doing #detail, Promote.-short.-doing #detail-title { display: block; }
    Promote.-short.-doing #detail { height: 4; }
    Promote.-short.-doing #checks { max-height: 3; }
    Promote.-open VTable, Promote.-open #checks, Promote.-open #checks-title { display: none; }
    Promote.-open #detail, Promote.-open #detail-title { display: block; }
    Promote.-open #detail, Promote.-short.-doing.-open #detail { height: 1fr; scrollbar-size-vertical: 1; }
    Promote.-empty #detail, Promote.-empty #detail-title { display: none; }
    Promote.-bare #detail, Promote.-bare #detail-title, Promote.-bare #checks, Promote.-bare #checks-title,
    Promote.-bare #sum { display: none; }
    """

    def __init__(self, view: Promote) -> None:
        self._view = view
        self._followed = self.wanted = ""
        self._has_room = False

    def compose(self) -> ComposeResult:
        """Yield the widgets, from the top down."""
        page = self._page
        yield ChromeLine(id="route")
        yield ChromeLine(id="what")
        yield VTable[Any](page.WIDE, self._cell, lambda row: row.id, empty=page.empty, id="list")
        yield ChromeLine(id="detail-title", fill="─")
        yield TextPane(wraps=True, id="detail")
        yield ChromeLine(id="checks-title", fill="─")
        yield TextPane(wraps=False, id="checks")
        yield ChromeLine(id="sum")

    @property
    def _page(self) -> Page:
        return self._view.page

    @property
    def table(self) -> VTable[Any]:
        return self._view.query_one("#list", VTable)

    @property
    def detail(self) -> TextPane:
        return self._view.query_one("#detail", TextPane)

    def _cell(self, row: Any, column: str) -> tuple[str, str]:
        return self._page.cell(row, column)

    def _line(self, name: str) -> ChromeLine:
        return self._view.query_one(f"#{name}", ChromeLine)

    # --- showing

    def refit(self) -> None:
        """Show the page in a window of another size."""
        if not self._view.is_shown:
            return
        self.table.set_columns(self._columns)
        if self._page.followed() and not self._has_room:
            self.table.action_first()  # what is above what runs now is seen, too, as far as there is room
            self._followed = ""
        self._has_room = True
        self.show()

    @property
    def _columns(self) -> Sequence[Any]:
        return self._page.SMALL if self._view.is_narrow else self._page.WIDE

    def turn(self) -> None:
        """Show another page, from its top."""
        self._followed = ""
        self.refit()
        self.table.action_first()
        self.table.focus()
        self._followed = ""
        self.show()

    def show(self) -> None:
        """Show what the page says now; nothing of a view that goes with its target."""
        if not self._view.is_shown:
            return
        view, page = self._view, self._page
        view.set_class(page.is_bare, "-bare")
        view.set_class(page.CLASS == "-doing", "-doing")
        rows = page.rows()
        view.set_class(not rows, "-empty")
        self.table.empty = list(page.empty)
        is_followed = not self._followed or getattr(self.table.selected, "id", "") == self._followed
        self.table.set_rows(rows)
        if self.wanted and self.select(self.wanted):
            self.wanted = ""
        if (follow := page.followed()) and is_followed and self.table.select(follow):
            self._followed = follow
        self.show_route()
        self.show_detail()
        self.show_below()
        view.refresh_bindings()

    def select(self, name: str) -> bool:
        """Put the cursor on the row of this name; False when there is none."""
        return any(row.name == name and self.table.select(row.id) for row in self.table.rows)

    def show_route(self) -> None:
        """Say from where to where, and which step this is."""
        if not self._view.is_shown:
            return
        self._line("route").show(route.whence(self._view), [*route.steps(self._view), Part(" ")])
        self._line("what").show(self._page.what())
        self._line("sum").show(self._page.sum())

    def show_detail(self) -> None:
        """Show what is under the cursor."""
        row = self.table.selected
        left, right = self._page.title(row)
        self._line("detail-title").show(left, right)
        self.detail.show(self._page.detail(row), from_top=not self._is_log)
        self.to_end()

    @property
    def _is_log(self) -> bool:
        return self._page is self._view.deployed

    def to_end(self) -> None:
        """Show the newest lines of the log, unless somebody reads it."""
        is_read = self._view.has_class("-open") or self.detail.has_focus
        if self._is_log and not is_read and self.detail.scroll_offset.y != self.detail.max_scroll_y:
            self.detail.scroll_end(animate=False, force=True, immediate=True)

    def show_below(self) -> None:
        """Show what is below, with what is known now."""
        if not self._view.is_shown:
            return
        self._line("checks-title").show(self._page.below_title())
        self._view.query_one("#checks", TextPane).show(self._page.below())
