"""What is deployed: each function, how it is, what its runs came to, and what it logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from hfaas_tui.ui import actions, frame
from hfaas_tui.ui.model import Condition, Function, Stats
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.stats import stats
from hfaas_tui.ui.widgets import functiondetail
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.ui.widgets.functionrows import ALL, NONE, SMALL, USUAL, Row
from hfaas_tui.ui.widgets.logview import LogView
from hfaas_tui.ui.widgets.textpane import TextPane
from hfaas_tui.ui.widgets.vtable import VTable

DEBOUNCE_S = 0.08
"""How long the cursor must rest before the pane beside it is made anew."""

EMPTY = (
    "No functions here yet.",
    "6  write one, or open a pipeline file, and deploy it",
    "   `hfaas deploy -f pipeline.yaml` in a shell does the same",
)
EMPTY_LIVE = ("No functions of hfaas here yet.", "7  promotes the pipeline, from the local emulator")


class Functions(View):
    """The first view."""

    NAME = "functions"
    NOUN = "functions"
    BINDINGS = actions.bindings("functions")
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.FUNCTIONS, Kind.RUNS, Kind.HEALTH, Kind.TASKS)
    DEFAULT_CSS = """
    Functions #left { width: 1fr; }
    Functions #list { height: 1fr; }
    Functions #detail { width: 39; border-left: solid $secondary; padding-left: 1; }
    Functions #strip { height: 11; max-height: 40%; }
    Functions.-short #strip { height: 9; }
    Functions.-narrow #detail { display: none; }
    Functions.-zoomed #detail, Functions.-zoomed #strip { display: none; }
    Functions.-open #left, Functions.-bare #detail { display: none; }
    Functions.-open #detail { display: block; width: 1fr; border-left: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._debounce: Timer | None = None
        self._wanted = ""
        self._painted = (0.0, 0)
        self._is_empty = False
        self._rows: list[Row] = []
        self._functions_seen = -1

    def body(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield VTable[Row](
                    USUAL,
                    lambda row, column: row.cell(column, self.now()),
                    lambda row: row.name,
                    order=lambda row, column: row.order(column),
                    empty=["Looking for functions…"],
                    id="list",
                )
                with Vertical(id="strip"):
                    yield ChromeLine(id="striptitle", fill="─")
                    yield LogView(self.hfaas.logs, function="")
            yield TextPane(wraps=False, id="detail")

    @property
    def table(self) -> VTable[Row]:
        """Return the table; there is one."""
        return self.query_one("#list", VTable)

    # --- showing

    def update(self) -> None:
        found = stats(self.store, self.now())
        self.table.empty = self._why_empty()
        self._bring_up(found)
        self.table.set_rows(self._rows)
        if self._is_empty != (self.table.total == 0):
            self._is_empty = not self._is_empty
            self.refresh_bindings()
        if self._wanted and self.table.select(self._wanted):
            self._wanted = ""

    def _why_empty(self) -> list[str]:
        """Say why there are no functions, or that some are being made."""
        deploys = (each for each in self.store.tasks() if each.kind == "deploy")
        made = next((each for each in deploys if each.state is Condition.RUNNING), None)
        if made is not None:
            return [f"Deploying {made.name}…", made.message]
        health = self.store.health
        empty = EMPTY_LIVE if self.store.target.is_live else EMPTY
        return list(empty if health.is_up else self.gone if health.problem else self.table.empty)

    def _bring_up(self, found: Mapping[str, Stats]) -> None:
        """Make rows of what is new; most of thousands are as before."""
        seen = self.store.version(Kind.FUNCTIONS)
        if seen != self._functions_seen:
            self._functions_seen = seen
            self._rows = [Row(each, found.get(each.name, NONE)) for each in self.store.functions()]
        else:
            self._rows = [
                row if (now := found.get(row.function.name, NONE)) is row.stats else Row(row.function, now)
                for row in self._rows
            ]

    def tick(self) -> None:
        painted = float(int(self.now())), self.query_one("#detail").size.width
        if painted != self._painted:  # times go on, and the pane is another width
            self._painted = painted
            self.table.freshen()
            self._show_detail()

    def show(self, subject: str) -> None:
        if not self.table.select(subject):
            self._wanted = subject

    def on_resize(self) -> None:
        self._choose_columns()
        super().on_resize()

    def _choose_columns(self) -> None:
        is_narrow = self.size.width < frame.WIDE
        self.table.set_columns(ALL if self.has_class("-zoomed") else SMALL if is_narrow else USUAL)

    def on_vtable_highlighted(self, event: VTable.Highlighted) -> None:
        event.stop()
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(DEBOUNCE_S, self._show_selected)

    def _show_selected(self) -> None:
        self._show_detail()
        row = self.table.selected
        title = f" Logs · {row.name} · follow ● " if row else " Logs "
        self.query_one("#striptitle", ChromeLine).show([Part("─"), Part(title, "head")])
        strip = self.query_one(LogView)
        strip.function = row.name if row else ""
        strip.empty = [f"No log lines of {row.name} yet.", "i  invokes it"] if row else []

    def _show_detail(self) -> None:
        row, pane = self.table.selected, self.query_one("#detail", TextPane)
        pane.show(functiondetail.lines(row, self.now(), pane.size.width) if row else [])

    def on_vtable_opened(self, event: VTable.Opened) -> None:
        event.stop()
        self.action_open()

    # --- what keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        is_ours = any(each.method == action for each in actions.FUNCTIONS)
        return False if is_ours and self._is_empty else super().check_action(action, parameters)

    def selected(self) -> Function | None:
        """Return the function under the cursor."""
        return self.table.selected.function if self.table.selected else None

    def marked(self) -> list[Function]:
        """Return the marked functions, else the one under the cursor."""
        return [row.function for row in self.table.marked]

    def step_back(self) -> bool:
        for name in ("-open", "-zoomed"):
            if self.has_class(name):
                self.remove_class(name)
                self._choose_columns()
                self.table.focus()
                return True
        return False

    def action_open(self) -> None:
        if self.table.selected:
            self.add_class("-open")
            self.query_one("#detail").focus()
            self.call_after_refresh(self._show_detail)

    def action_detail(self) -> None:
        if self.has_class("-narrow"):
            self.action_open()
        else:
            self.toggle_class("-bare")

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")
        self._choose_columns()

    def action_sort(self) -> None:
        self.table.action_sort()

    def action_reverse(self) -> None:
        self.table.action_reverse()

    def action_mark(self) -> None:
        self.table.action_mark()

    def action_logs(self) -> None:
        self._go("logs")

    def action_edit(self) -> None:
        self._go("deploy")

    def action_promote(self) -> None:
        self._go("promote")

    def _go(self, view: str) -> None:
        if (function := self.selected()) is not None:
            self.hfaas.go(view, function.name)

    def action_copy(self) -> None:
        if self.selected() is not None:
            self.hfaas.copy("\n".join(each.name for each in self.marked()), "the name")

    def action_fdl(self) -> None:
        from hfaas_tui.ui.project.configuration import as_yaml
        from hfaas_tui.ui.widgets.sheet import Sheet

        if (function := self.selected()) is not None:
            text = as_yaml(function)
            self.app.push_screen(Sheet(f"Configuration · {function.name}", text.splitlines(), text=text))

    def action_invoke(self) -> None:
        from hfaas_tui.ui.screens.functions.invoke import Invoke

        if functions := self.marked():
            self.app.push_screen(Invoke(functions))

    def action_shell(self) -> None:
        from hfaas_tui.ui import shell

        function = self.selected()
        engine = self.store.health.status.get("engine", {}).get("name", "")
        if function is None:
            return
        if why := shell.reason_against(function, engine, self.store.target):
            self.say(why, Condition.WARNING)
            return
        self.hfaas.outside(lambda: shell.run(function))

    def action_delete(self) -> None:
        names = [each.name for each in self.marked()]
        if not names:
            return
        if self.store.target.kind == "aws":
            self.say("on AWS a function belongs to its Stack, which `hfaas destroy` takes down", Condition.WARNING)
            return
        is_live, what = self.store.target.is_live, names[0] if len(names) == 1 else f"{len(names)} functions"
        lines = [*names[:8], *([f"and {len(names) - 8} more"] if len(names) > 8 else [])]
        asked = Confirm(
            f"Delete {what}?",
            [*lines, "", "Its runs, logs and buckets stay. What it was deployed with can deploy it again."],
            phrase=what if is_live else "",
            danger=is_live,
        )
        self.app.push_screen(asked, lambda answer: self._delete(names) if answer else None)

    def _delete(self, names: list[str]) -> None:
        backend = self.backend  # as long as it takes: the user may go to another target meanwhile

        def call() -> None:
            for name in names:
                backend.delete_function(name)

        def done(_: None) -> None:
            self.table.clear_marks()
            self.hfaas.feeds.hurry()
            self.say(f"deleted {', '.join(names[:3])}{'…' if len(names) > 3 else ''}")

        self.work("delete", call, done, exclusive=False)
