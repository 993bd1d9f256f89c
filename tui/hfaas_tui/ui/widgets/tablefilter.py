"""What a filter bar does to a table: which rows stay, how many, and regexes tried where they can do no harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hfaas_tui.ui.matching import Sieve
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.vtable import VTable

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.view import View


class TableFilter:
    """The filter of one table; `look` after its rows changed."""

    def __init__(self, view: View, table: VTable[Any], noun: str, columns: Sequence[str] = ()) -> None:
        self._view = view
        self._table = table
        self._noun = noun
        self._columns = columns
        self._sieve = Sieve("")
        self._next: Sieve | None = None
        self._is_trying = False

    def set(self, text: str) -> None:
        """Show only what matches; with a regex what was shown stays until the child has answered."""
        sieve = Sieve(text)
        if not sieve.query.patterns:
            self._next = None
            self._use(sieve)
            return
        self._next = sieve
        for row in self._table.rows:
            self._keeps(sieve, row)
        self._try(sieve)

    def look(self) -> None:
        """Have a regex tried on rows that are new, and say how many rows there are."""
        if self._sieve.is_pending and not self._is_trying:
            self._try(self._sieve)
        self._note()

    def _use(self, sieve: Sieve) -> None:
        self._sieve = sieve
        has_terms = bool(sieve.query.terms)
        self._table.set_filter((lambda row: self._keeps(sieve, row)) if has_terms else None)
        self._note()

    def _keeps(self, sieve: Sieve, row: Any) -> bool:
        columns = self._columns or [column.key for column in self._table.columns]
        return sieve.keeps(lambda column: self._table.text(row, column), columns)

    def _try(self, sieve: Sieve) -> None:
        self._is_trying = True
        self._view.work("filter", sieve.settle, lambda _: self._tried(sieve))

    def _tried(self, sieve: Sieve) -> None:
        self._is_trying = False
        if sieve is self._next:
            self._next = None
            if sieve.problem:
                self._view.query_one(FilterBar).note(sieve.problem)
                return
        elif sieve is not self._sieve:
            return
        self._use(sieve)

    def _note(self) -> None:
        marks = f"{self._table.marks} marked      " if self._table.marks else ""
        shown, total = len(self._table.shown), self._table.total
        count = f"{shown} of {total}" if self._sieve.query.terms else f"{total}"
        if self._next is None and not self._sieve.problem:
            self._view.query_one(FilterBar).note(f"{marks}{count} {self._noun}")
