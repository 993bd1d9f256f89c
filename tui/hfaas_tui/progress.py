"""How a run shows on a terminal while it goes, or in a log that is read later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.live import Live as Screen
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from hfaas_tui.clean import clean
from hfaas_tui.output import errors, table
from hfaas_tui.tally import Tally

LINE_EVERY_S = 5
COLUMNS = ("function", ">queued", ">running", ">done", ">failed")


class Silent:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def show(self, tallies: Sequence[Tally]) -> None:
        pass


class Live:
    """News and a table of counts on standard error: redrawn on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._console = errors()
        self._screen = Screen(console=self._console, auto_refresh=False, transient=True)
        self._line = ""
        self._said = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._screen.stop()

    def say(self, text: str) -> None:
        """Print one line of news above the counts."""
        self._console.print(f"[dim]{escape(clean(text))}[/]")

    def show(self, tallies: Sequence[Tally]) -> None:
        """Show how far each function is."""
        if self._console.is_terminal:
            self._screen.update(_counts(tallies), refresh=True)
        elif time.monotonic() - self._said >= LINE_EVERY_S:
            line = "; ".join(map(_brief, tallies))
            if line and line != self._line:
                self.say(line)
            self._line, self._said = line, time.monotonic()


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how much of `total` bytes has moved; what yields is told of each piece."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = errors()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.advance(task, count)


def _brief(tally: Tally) -> str:
    waits = f" ({tally.waits})" if tally.waits else ""
    return f"{tally.function} {tally.succeeded + tally.failed}/{tally.invocations}{waits}"


def _counts(tallies: Sequence[Tally]) -> Table:
    rows = [(each.function, each.queued, each.running, each.succeeded, each.failed, each.waits) for each in tallies]
    return table((*COLUMNS, "waits for" if any(each.waits for each in tallies) else ""), rows)
