"""What a filter bar does to a table: which rows stay, how many, and regexes tried where they can do no harm."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hfaas_tui.ui.matching.matching import Sieve
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.vtable import VTable

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.view import View


AT_ONCE = 1_000
"""Rows that are looked through while the user waits: some milliseconds; more are, in a worker."""

AGAIN_S = 1.0
"""Pause between two children that try a regex on rows that came."""

Verdicts = dict[str, tuple[Any, bool]]
"""By key: a row, and whether it passes."""


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
        self._last_try = 0.0
        self._problem = ""

    def set(self, text: str) -> None:
        """Show only what matches; with a regex or many rows what was shown stays until that is known."""
        self._next, self._problem = None, ""
        sieve, rows = Sieve(text), list(self._table.rows)
        if not sieve.query.terms or (not sieve.query.patterns and len(rows) <= AT_ONCE):
            self._use(sieve, {})
            return
        self._next = sieve
        self._try(sieve, rows)

    def look(self) -> None:
        """Have a regex tried on rows that are new, and say how many rows there are."""
        is_due = time.monotonic() - self._last_try >= AGAIN_S  # a child costs as much as many paints
        if self._sieve.is_pending and not self._is_trying and is_due:
            self._try(self._sieve, list(self._table.rows))
        self._note()

    def _use(self, sieve: Sieve, verdicts: Verdicts) -> None:
        self._sieve = sieve
        has_terms = bool(sieve.query.terms)
        self._table.set_filter((lambda row: self._keeps(sieve, verdicts, row)) if has_terms else None)
        self._note()

    def _keeps(self, sieve: Sieve, verdicts: Verdicts, row: Any) -> bool:
        """Tell whether a row passes; what was told of it before holds until it changes."""
        key = self._table.key(row)
        known = verdicts.get(key)
        if known is not None and (known[0] is row or known[0] == row):
            return known[1]
        columns = self._columns or [column.key for column in self._table.columns]
        passes = sieve.keeps(lambda column: self._table.text(row, column), columns)
        if not sieve.is_pending:
            verdicts[key] = row, passes
        return passes

    def _try(self, sieve: Sieve, rows: Sequence[Any]) -> None:
        self._is_trying, self._last_try = True, time.monotonic()
        verdicts: Verdicts = {}

        def call() -> Verdicts:
            passes = 2 if sieve.query.patterns else 1  # what the child must try, then with its answers
            for _ in range(passes):
                for row in rows:
                    self._keeps(sieve, verdicts, row)
                if sieve.is_pending:
                    sieve.settle()
            return verdicts

        self._view.work("filter", call, lambda found: self._tried(sieve, found))

    def _tried(self, sieve: Sieve, verdicts: Verdicts) -> None:
        self._is_trying = False
        if sieve is self._next:
            self._next = None
        elif sieve is not self._sieve:
            return
        if sieve.problem:
            self._problem = sieve.problem
            self._note()
        else:
            self._use(sieve, verdicts)

    def _note(self) -> None:
        marks = f"{self._table.marks} marked      " if self._table.marks else ""
        shown, total = len(self._table.shown), self._table.total
        count = f"{shown} of {total}" if self._sieve.query.terms else f"{total}"
        if self._next is None:
            self._view.query_one(FilterBar).note(self._problem or f"{marks}{count} {self._noun}")
