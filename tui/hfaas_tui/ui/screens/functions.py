"""The functions, and what the one under the cursor is and did."""

from __future__ import annotations

from textual.app import ComposeResult

from hfaas_tui.ui import actions, glyphs
from hfaas_tui.ui.model import Function
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.vtable import Column, VTable

COLUMNS = (
    Column("state", "STATE", 9),
    Column("name", "NAME", 23, grow=1),
    Column("mode", "MODE", 12),
    Column("memory", "MEM", 5, prio=3, align="right"),
    Column("gpus", "GPU", 3, align="right"),
)


class Functions(View):
    NAME = "functions"
    BINDINGS = actions.bindings("functions")
    KINDS = (Kind.FUNCTIONS, Kind.RUNS)

    def body(self) -> ComposeResult:
        yield VTable[Function](COLUMNS, self._cells, lambda each: each.name, empty=["No functions yet."])

    def update(self) -> None:
        self.query_one(VTable).set_rows(self.store.functions())

    def _cells(self, row: Function, column: str) -> tuple[str, str]:
        look = glyphs.LOOKS[row.state]
        match column:
            case "state":
                return f"{look.glyph} {look.word}", look.tone
            case "name":
                return row.name, ""
            case "mode":
                return row.mode, ""
            case "memory":
                return str(row.memory_mb), ""
            case _:
                return str(row.gpus or "-"), ""
