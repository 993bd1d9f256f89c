"""The list of the Runs view and the detail below it: what is shown, and how it is kept up to date."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input

from hfaas_tui.ui.model import Condition, Problem, Run, RunDetail
from hfaas_tui.ui.project import costs
from hfaas_tui.ui.screens.runs.full import RunFull
from hfaas_tui.ui.screens.view import NARROW, View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets import runcounts, runlines, runtable, runtabs
from hfaas_tui.ui.widgets.chrome import ChromeLine
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.runlines import Scene
from hfaas_tui.ui.widgets.runtable import RunTable, Tab
from hfaas_tui.ui.widgets.tablefilter import TableFilter
from hfaas_tui.ui.widgets.textpane import TextPane
from hfaas_tui.ui.widgets.vtable import VTable

DEBOUNCE_S = 0.08
RETRY_S = 2.0
DETAILS_KEPT = 64
BUSY = 8
"""A refill that took long is followed by a pause of so many times as long: the keys come first."""


class RunList(View):
    """Invocations and jobs, and the one under the cursor."""

    NOUN = "runs"
    KINDS = (Kind.RUNS, Kind.HEALTH, Kind.MACHINE, Kind.TARGET)
    DEFAULT_CSS = """
    RunList > #runs-counts { background: $surface; }
    RunList > RunTable { height: 1fr; }
    RunList.-gone > RunTable { opacity: 70%; }
    RunList > #run-title { background: $surface; }
    RunList > #run-strip { height: 11; max-height: 32%; }
    RunList.-short > #run-strip { height: 7; max-height: 30%; }
    RunList.-zoomed > #run-title, RunList.-zoomed > #run-strip { display: none; }
    RunList.-full > RunTable, RunList.-full > #runs-counts { display: none; }
    RunList.-full > #run-strip { display: none; }
    RunList.-full > #run-title { display: block; }
    RunList.-full > RunFull { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.tab: Tab = "all"
        self.range = "15m"
        self._details: OrderedDict[str, RunDetail] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._counts: Counter[Condition] = Counter()
        self._lit: Run | None = None
        self._asked: Run | None = None
        self._awaited = ""
        self._left = ""
        self._debounce: Timer | None = None
        self._pause_until = 0.0
        self._is_late = False

    # --- the parts

    def body(self) -> ComposeResult:
        yield ChromeLine(id="runs-counts")
        table = RunTable(self.now)
        self._filter = TableFilter(self, table, self.NOUN, runtable.FILTERS)
        yield table
        yield TextPane(wraps=False, id="run-title")
        yield TextPane(wraps=False, id="run-strip")
        yield RunFull()

    def on_mount(self) -> None:
        for name in ("#run-title", "#run-strip"):
            self.query_one(name, TextPane).can_focus = False
        self.query_one("#run-title").styles.height = 1

    @property
    def table(self) -> RunTable:
        return self.query_one(RunTable)

    @property
    def is_full(self) -> bool:
        """Tell whether one run takes the whole body."""
        return self.has_class("-full")

    @property
    def run(self) -> Run | None:
        return self.table.selected

    # --- keeping up

    def update(self) -> None:
        if time.monotonic() < self._pause_until:
            self._is_late = True
            return
        began = time.monotonic()
        self._refill()
        took = time.monotonic() - began
        self._pause_until = time.monotonic() + (BUSY * took if took > 0.01 else 0)

    def tick(self) -> None:
        if self._is_late and time.monotonic() >= self._pause_until:
            self.update()
        if self.table.look():
            if self.range != "all":
                self.update()
            if self.run is not None and not self.run.is_over:
                self._follow()

    def _follow(self) -> None:
        """Show what became of a run that goes on; of its last lines nobody tells."""
        if self.is_full and int(self.now()) % 2 == 0:
            self._asked = None
            self._ask()
        self.paint()

    def _refill(self) -> None:
        self._is_late = False
        since = self._since()
        found = runtable.chosen(self.store.runs(), self.tab, since)
        self._counts = found.counts
        if found.rows:
            self.table.empty = list(runcounts.UNMATCHED)
        else:
            last = self.now() - found.newest if found.newest else None
            self.table.empty = list(runcounts.why_empty(self.tab, self.range, self.store.health, last))
        self.table.put(found.rows, since)
        self._show_counts()
        self._find_awaited()

    def _since(self) -> float:
        _, span = runcounts.RANGES[self.range]
        return self.now() - span if span else 0.0

    def _show_counts(self) -> None:
        is_short = self.size.width < NARROW
        parts = runcounts.line(self.tab, self.range, self._counts, is_short=is_short)
        self.query_one("#runs-counts", ChromeLine).show(parts, runcounts.legend(is_short=is_short))

    # --- the run under the cursor

    @on(VTable.Highlighted)
    def _highlighted(self, event: VTable.Highlighted) -> None:
        event.stop()
        self.paint()
        if event.row is self._lit:
            return
        self._lit = event.row
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(DEBOUNCE_S, self._ask)

    def _ask(self) -> None:
        """Have a worker find out more about the run, unless it did for this very state of it."""
        run = self.run
        if run is None or run == self._asked:
            return
        self._asked, backend = run, self.backend

        def fetch() -> RunDetail:
            costs.load()
            detail = backend.detail(run)
            runtabs.pretty(detail.event)  # large events take long, and are kept
            return detail

        self.work("detail", fetch, self._learnt, lambda problem: self._failed(run, problem))

    def _learnt(self, detail: RunDetail) -> None:
        name = detail.run.id
        self._problems.pop(name, None)
        self._details[name] = detail
        self._details.move_to_end(name)
        while len(self._details) > DETAILS_KEPT:
            self._details.popitem(last=False)
        self.paint()

    def _failed(self, run: Run, problem: Problem) -> None:
        self._asked = None
        self._problems = {run.id: problem.message + (f": {problem.hint}" if problem.hint else "")}
        self.set_timer(RETRY_S, self._ask)
        self.paint()

    def price(self, run: Run, now: float) -> float | None:
        """Say what a run would cost on AWS, in dollars; None as long as nobody knows."""
        return costs.of_run(run, now, self.store.target.region)

    def scene(self) -> Scene | None:
        """Return what is known of the run under the cursor."""
        run = self.run
        if run is None:
            return None
        known = self._details.get(run.id)
        detail = runlines.with_row(known, run) if known else RunDetail(run)
        others = (self.store.run(name) for name in (run.job, run.invocation) if name)
        return Scene(
            detail,
            self.now(),
            self.size.width,
            legs=tuple(leg for leg in others if leg is not None),
            gpus=self.store.machine.gpus,
            price=self.price,
            problem=self._problems.get(run.id, ""),
            can_change=not self.hfaas.is_read_only,
            can_repeat=not self.hfaas.is_read_only and (run.kind == "job" or self._is_kept(detail)),
        )

    def _is_kept(self, detail: RunDetail) -> bool:
        """Tell whether the target has the run's event: AWS keeps none."""
        return bool(detail.event) or not self.store.target.is_live

    def paint(self) -> None:
        panes = [*self.query("#run-title").results(TextPane), *self.query("#run-strip").results(TextPane)]
        if len(panes) < 2:  # a worker was slower than the end of the app
            return
        title, strip = panes
        scene = self.scene()
        title.show([] if scene is None else [runlines.title(scene)])
        if scene is None:
            strip.show([])
        elif self.is_full:
            self.query_one(RunFull).show(scene)
        else:
            strip.show(runlines.strip(scene, is_tall=self.has_class("-tall")))

    @on(TextPane.Clicked)
    def _clicked(self, event: TextPane.Clicked) -> None:
        event.stop()
        self.call_later(self.run_action, event.action)

    def on_resize(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._show_counts()
        self.paint()

    # --- where to look

    def show(self, subject: str) -> None:
        """Select a run, wherever it hides; or show the runs of a function."""
        if self.store.function(subject) is not None or any(run.function == subject for run in self.store.runs()):
            self._set_filter(f"function:{subject}")
            return
        run = self.store.run(subject) or next((r for r in self.store.runs() if r.id.startswith(subject)), None)
        if run is None:
            self.say(f"Run {runlines.short(subject)} is not known; it is shown as soon as it is", Condition.WARNING)
        self.await_run(run.id if run else subject)

    def await_run(self, id: str, left: str = "") -> None:
        """Put the cursor on a run as soon as it is known, unless it was on `left` and is no more."""
        self._awaited, self._left = id, left
        self._refill()

    def _find_awaited(self) -> None:
        run = self.store.run(self._awaited) if self._awaited else None
        if run is None:
            return
        self._awaited = ""
        if self._left and (self.run is None or self.run.id != self._left):
            return
        if not self.table.select(run.id):
            self._reveal(run)

    def _reveal(self, run: Run) -> None:
        """Take back whatever hides a run, and put the cursor on it."""
        self.tab = "all"
        if run.ended is not None and run.ended < self._since():
            self.range = "all"
        self.query_one(FilterBar).clear()
        self.table.set_filter(None)
        self._refill()
        self.table.select(run.id)

    def _set_filter(self, text: str) -> None:
        bar = self.query_one(FilterBar)
        bar.add_class("-open")
        bar.query_one(Input).value = text
        self.focus_main()

    def set_range(self, name: str) -> None:
        if name:
            self.range = name
            self._refill()

    def action_tab(self, tab: Tab) -> None:
        self.tab = tab
        self._refill()

    def focus_main(self) -> None:
        if self.is_full:
            self.query_one(RunFull).focus_text()
        else:
            self.table.focus()
