"""The list of problems: chosen by key or click, with what one key would do about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from hfaas_tui.ui.project.checking import Remark
from hfaas_tui.ui.widgets.diff import Pane, Row, row

MOST = 100
"""Problems that are listed; with more, the file is no pipeline."""


class Problems(Pane):
    """Problems in the order of the file; the chosen one is what a fix is for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next", show=False),
        Binding("up,k", "move(-1)", "Previous", show=False),
        Binding("enter", "fix", "Fix", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """The user chose a problem."""

        remark: Remark

    @dataclass
    class Fix(Message):
        """The user wants the fix of a problem."""

        remark: Remark

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.remarks: tuple[Remark, ...] = ()
        self.at = 0
        self.is_brief = False
        self._note = ""
        self._more = 0

    @property
    def chosen(self) -> Remark | None:
        """Return the problem under the cursor."""
        return self.remarks[self.at] if self.at < len(self.remarks) else None

    def update_remarks(self, remarks: Sequence[Remark], note: str = "", *, is_brief: bool = False) -> None:
        """Show other problems; the chosen one stays chosen while it is there."""
        kept = self.chosen
        self.remarks, self._note, self.is_brief = tuple(remarks[:MOST]), note, is_brief
        self._more = len(remarks) - len(self.remarks)
        self.at = self.remarks.index(kept) if kept in self.remarks else min(self.at, max(0, len(self.remarks) - 1))
        self.show(self._all())

    def choose(self, at: int) -> None:
        """Put the cursor on a problem and say so."""
        if self.remarks:
            self.at = at % len(self.remarks)
            self.show(self._all())
            lines = self.lines_of(self.at)
            if lines and not (self.scroll_offset.y <= lines[0] < self.scroll_offset.y + self.size.height):
                self.scroll_to(y=lines[0], animate=False)
            self.post_message(self.Chosen(self.remarks[self.at]))

    def _all(self) -> Iterator[Row]:
        for at, remark in enumerate(self.remarks):
            yield from self._rows_of(at, remark)
        if self._more:
            yield row(f"and {self._more} more", "dim")
        if not self.remarks:
            yield row("no problems", "ok")
        if self._note and self.is_brief:
            yield row("")
            yield row(self._note, "warn")

    def _rows_of(self, at: int, remark: Remark) -> Iterator[Row]:
        glyph, tone = ("✗", "err") if remark.is_error else ("!", "warn")
        chosen = "cursor" if at == self.at else ""
        lead = ((f" {'▸' if chosen else ' '} ", ""), (f"{glyph} ", tone))
        advice = f"  {remark.advice}" if self.is_brief and remark.advice else ""
        pieces = ((f"{remark.line}:{remark.column} {remark.message}", ""), (advice, "run"))
        yield Row(lead, pieces, chosen, at, self.is_brief)
        if remark.advice and not self.is_brief:
            yield Row((("       ", ""),), ((remark.advice, "run"),), "", at)

    def action_move(self, by: int) -> None:
        self.choose(max(0, min(len(self.remarks) - 1, self.at + by)))

    def action_fix(self) -> None:
        if self.chosen:
            self.post_message(self.Fix(self.chosen))

    def on_click(self, event: events.Click) -> None:
        found = self.row_at(event.y)
        if found and found.owner >= 0:
            self.choose(found.owner)
            if event.chain > 1:
                self.action_fix()
