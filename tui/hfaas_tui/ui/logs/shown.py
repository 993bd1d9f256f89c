"""The rows of a list of lines: all lines of the store, or the hits of a search; some cut off at either end."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from hfaas_tui.ui.logs.filter import Scan, Wanted
from hfaas_tui.ui.logs.store import LogStore

OLD = 50_000
"""Lines that grow too old between two looks."""
_META = re.compile(r"[][.^$*+?{}\\|()]")


def is_plain(pattern: str) -> bool:
    """Tell whether a pattern matches just itself, so that it may be looked for in our process."""
    return not _META.search(pattern)


class Shown:
    """Which lines are rows: `poll` brings it up to date; between two polls nothing changes.

    While `is_highlighting`, lines that do not match the pattern are rows too.
    """

    def __init__(self, store: LogStore) -> None:
        self.wanted = Wanted()
        self.is_highlighting = False
        self.is_paused = False
        self.error = ""
        """Why the pattern that was asked for last is no pattern."""
        self.generation = 0
        self.is_rearranged = False
        """Whether rows came or went elsewhere than at the end in the last poll."""
        self._store = store
        self._base: Scan | None = None
        self._match: Scan | None = None
        self._coming: tuple[Scan | None, Scan | None] | None = None
        self._first = 0
        self._oldest = 0
        self._start = 0
        self._stop = 0
        self._count = 0
        self._seen: object = None

    # --- what to show

    def want(self, wanted: Wanted) -> None:
        """Look for other lines."""
        self.wanted, self.error = wanted, ""
        self._drop_coming()
        plain = replace(wanted, pattern="", is_inverted=False, ignores_case=False)
        needs_base = not plain.is_all and (self.is_highlighting or not wanted.pattern)
        self._coming = (
            Scan(self._store, plain) if needs_base else None,
            Scan(self._store, wanted) if wanted.pattern else None,
        )

    def highlight(self, on: bool) -> None:
        """Show lines that do not match too, or only those that do."""
        self.is_highlighting = on
        self.want(self.wanted)

    def clear(self, on: bool = True) -> None:
        """Show only lines that are yet to come, or all again."""
        self._first = len(self._store) if on else 0
        self._seen = None

    def age(self, since: float) -> None:
        """Drop lines in front that have become too old since they were looked for."""
        times = self._store.times
        for row in range(min(len(self), OLD)):
            if times[self.line(row)] >= since:
                break
            self._oldest = self.line(row) + 1

    @property
    def is_cleared(self) -> bool:
        return self._first > 0

    def close(self) -> None:
        """End all searches."""
        self._drop_coming()
        _close(self._base, self._match)

    # --- rows

    def __len__(self) -> int:
        return self._stop - self._start

    def line(self, row: int) -> int:
        """Return the number of the line in a row."""
        at = self._start + row
        return at if (numbers := self._numbers) is None else numbers[at]

    def numbers(self) -> Sequence[int]:
        """Return the numbers of all rows, as they are now."""
        numbers = self._numbers
        return range(self._start, self._stop) if numbers is None else numbers[self._start : self._stop]

    def row(self, number: int) -> int:
        """Return the row of a line, or of the next one that is shown."""
        numbers = self._numbers
        at = number if numbers is None else bisect_left(numbers, number)
        return max(0, at - self._start)

    @property
    def scan(self) -> Scan | None:
        """Return the search whose hits are the rows; none when all lines are."""
        return self._base if self._match is None or self.is_highlighting else self._match

    @property
    def _numbers(self) -> array[int] | None:
        scan = self.scan
        return None if scan is None else scan.hits

    def poll(self) -> bool:
        """Take over what came and what was found; tells whether anything changed."""
        self.is_rearranged = self._take_coming()
        for scan in (self._base, self._match):
            before = scan.hits[:1] if scan else None
            if scan and scan.poll() and scan.hits[:1] != before:
                self.is_rearranged = True
        scan = self.scan
        if self._seen is None or not self.is_paused:
            self._count = len(self._store)
        numbers = self._numbers
        first = max(self._first, self._oldest)
        self._start = first if numbers is None else bisect_left(numbers, first)
        self._stop = self._count if numbers is None else bisect_left(numbers, self._count)
        self._start = min(self._start, self._stop)
        matched = len(self._match.hits) if self._match else 0
        seen = (
            self._start,
            self._stop,
            self._count,
            matched,
            self.generation,
            scan and (scan.is_through, scan.note),
        )
        if seen == self._seen and not self.is_rearranged:
            return False
        self._seen = seen
        return True

    def _take_coming(self) -> bool:
        if self._coming is None:
            return False
        base, match = self._coming
        for scan in (base, match):
            if scan:
                scan.poll()
        is_ready = all(scan.has_something for scan in (base, match) if scan)  # before: an error is known by then
        if match and match.error:  # what was there stays until the pattern is right
            self.error = match.error
            self._drop_coming()
            return False
        if not is_ready:
            return False
        _close(self._base, self._match)
        self._base, self._match, self._coming = base, match, None
        self._oldest = 0
        self.generation += 1
        return True

    def _drop_coming(self) -> None:
        if self._coming:
            _close(*self._coming)
            self._coming = None

    # --- matches

    @property
    def pattern(self) -> Scan | None:
        """Return the search for the pattern."""
        return self._match

    @property
    def matches(self) -> Sequence[int]:
        return self._match.hits if self._match else ()

    def is_match(self, number: int) -> bool:
        """Tell whether a line is to be highlighted."""
        if self._match is None or self._match.wanted.is_inverted:
            return False
        if not self.is_highlighting:
            return is_plain(self._match.wanted.pattern)
        hits = self._match.hits
        at = bisect_left(hits, number)
        return at < len(hits) and hits[at] == number

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the pattern is found in a text, when it is plain text; other patterns only the child may try."""
        if self._match is None or not is_plain(wanted := self._match.wanted.pattern):
            return []
        if self._match.wanted.ignores_case:
            text, wanted = text.lower(), wanted.lower()
        spans, at = [], text.find(wanted)
        while at >= 0:
            spans.append((at, at + len(wanted)))
            at = text.find(wanted, at + len(wanted))
        return spans


def _close(*scans: Scan | None) -> None:
    for scan in scans:
        if scan:
            scan.close()
