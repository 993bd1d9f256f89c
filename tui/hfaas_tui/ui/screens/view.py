"""What the eight views share: the frame, the look at the store, the filter, and calls that run in workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.screen import Screen

from hfaas_tui.ui import actions, safe
from hfaas_tui.ui.errands import send
from hfaas_tui.ui.model import Condition, Problem, Target
from hfaas_tui.ui.state import Kind, Store
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.logview import LogView
from hfaas_tui.ui.widgets.tablefilter import TableFilter
from hfaas_tui.ui.widgets.vtable import VTable

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp
    from hfaas_tui.ui.backend import Backend

Value = TypeVar("Value")

TABS = (
    ("functions", "Functions", "Func"),
    ("logs", "Logs", "Logs"),
    ("runs", "Runs", "Runs"),
    ("storage", "Storage", "Store"),
    ("pipeline", "Pipeline", "Pipe"),
    ("deploy", "Deploy", "Deploy"),
    ("promote", "Promote", "Promo"),
    ("system", "System", "Sys"),
)
NARROW = 108
"""Columns below which the views are called by their short names."""


class View(Screen[None]):
    """One view. Subclasses give NAME, BINDINGS, KINDS, `body` and `update`."""

    NAME: ClassVar[str] = ""
    KINDS: ClassVar[tuple[Kind, ...]] = ()
    """What of the store it shows: `update` is called when one of these changed."""
    NOUN: ClassVar[str] = "rows"
    """What its table lists: the filter bar counts them."""

    DEFAULT_CSS = """
    View > #trouble { display: none; }
    View.-gone > #trouble { display: block; }
    View.-gone VTable { opacity: 70%; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (118, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]

    def __init__(self) -> None:
        super().__init__(id=f"view-{self.NAME}")
        self._seen = -1
        self._seen_frame: object = None
        self._filter: TableFilter | None = None
        self._gone: float | None = None
        self.is_ready = False
        """Whether its widgets are there."""

    # --- for subclasses

    def body(self) -> ComposeResult:
        """Yield what stands between the tabs and the keys."""
        yield from ()

    def update(self) -> None:
        """Bring what is on screen up to date with the store; called on the event loop, at most `fps` times a second."""

    def tick(self) -> None:
        """Look at what is not in the store, as often."""

    def show(self, subject: str) -> None:
        """Go to a subject: a function, a run's id, a URI; called after the view came up."""

    def filter_changed(self, text: str) -> None:
        """Show only what matches; of the first table, unless a view does it another way."""
        if (found := self._filter_of()) is not None:
            found.set(text)

    def step_back(self) -> bool:
        """Close what is open in the view; False when nothing was."""
        return False

    def place(self) -> Target:
        """Return what the first row names: where keys of the view have their effect."""
        return self.store.target

    def unsaved(self) -> str:
        """Return what would be lost if the user left now; empty for nothing."""
        return ""

    # --- services

    @property
    def hfaas(self) -> HfaasApp:
        """Return the app."""
        return cast("HfaasApp", self.app)

    @property
    def store(self) -> Store:
        return self.hfaas.store

    @property
    def backend(self) -> Backend:
        return self.hfaas.backend

    def now(self) -> float:
        """Return the Unix time, as the app's clock has it."""
        return self.hfaas.clock()

    @property
    def gone(self) -> tuple[str, ...]:
        """Return what stands where a list would, when the target does not answer."""
        problem = self.store.health.problem
        if self.store.target.is_live and problem and problem.is_of_credentials:
            name, helps = self.store.target.kind.upper(), problem.hint.split("; ")
            return f"Not signed in to {name}: {problem.message}.", *helps
        if self.store.target.is_live:
            return (
                f"{self.store.target.kind.upper()} does not answer.",
                "The row below says why; this goes on by itself.",
            )
        return "No emulator answers.", "S  starts one here", "8  says more of it"

    def work(
        self,
        group: str,
        call: Callable[[], Value],
        then: Callable[[Value], None],
        failed: Callable[[Problem], None] | None = None,
        *,
        exclusive: bool = True,
    ) -> None:
        """Make a call in a thread and hand its result over on the event loop; a toast tells of a failure.

        A newer call of the same group makes the result of the older one unwanted.
        """
        send(self, self.hfaas, f"{self.NAME}.{group}", call, then, failed, exclusive=exclusive)

    def say(self, text: str, state: Condition = Condition.OK) -> None:
        """Tell the user in a toast."""
        self.hfaas.say(text, state)

    # --- the frame

    def compose(self) -> ComposeResult:
        yield ChromeLine(id="header")
        yield ChromeLine(id="tabs")
        yield from self.body()
        yield FilterBar()
        yield ChromeLine(id="trouble")
        yield ChromeLine(id="hints")

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._show_hints())
        self.is_ready = True
        self.hfaas.poll()

    def on_screen_resume(self) -> None:
        self._seen = -1
        for log in self.query(LogView):
            log.wake()
        self.hfaas.poll()

    def on_resize(self) -> None:
        self._seen_frame = None
        self.hfaas.poll()

    def poll(self) -> None:
        """Look at the store; called while the view is seen, below a dialog too."""
        seen = self.store.version(*self.KINDS)
        if seen != self._seen:
            self._seen = seen
            self.update()
        self.tick()
        if self._filter is not None:
            self._filter.look()
        self._show_frame()

    def _show_frame(self) -> None:
        frame = (
            self.store.version(Kind.TARGET, Kind.HEALTH, Kind.RUNS, Kind.MACHINE, Kind.PLACES),
            self.size,
            self.hfaas.is_read_only,
            self.place(),
        )
        if frame == self._seen_frame:
            return
        self._seen_frame = frame
        self._show_trouble()
        self.query_one("#header", ChromeLine).show(self.hfaas.header_left(self.place()), self.hfaas.header_right())
        self.query_one("#tabs", ChromeLine).show(self._tabs())
        self._show_hints()

    def _show_trouble(self) -> None:
        """Say that the target is gone, and that what is on screen is from before."""
        problem = None if self.store.health.is_up else self.store.health.problem
        self._gone = None if problem is None else self._gone or self.now()
        self.set_class(problem is not None, "-gone")
        if problem is not None and self._gone is not None:
            age = safe.ago(self.now() - self._gone).replace("now", "just now")
            parts = [
                Part(f" ✗ {problem.message}", "err"),
                Part(f"   {problem.hint}"),
                Part(f"   what you see is from {age}", "dim"),
            ]
            self.query_one("#trouble", ChromeLine).show(parts)

    def _tabs(self) -> Iterable[Part]:
        is_narrow = self.size.width < NARROW
        yield Part(" ")
        for number, (name, long, short) in enumerate(TABS, 1):
            text = f"{number} {short if is_narrow else long}"
            is_here = name == self.NAME
            yield Part(f"[{text}]" if is_here else f" {text} ", "active" if is_here else "", f"app.view_{number}")

    def _show_hints(self) -> None:
        hints = []
        for action in actions.of(self.NAME):
            if action.hint and self.allows(action):
                hints += [
                    Part(f" {self.hfaas.label(action)}", "key", action.method),
                    Part(f" {action.hint} ", "", action.method),
                ]
        self.query_one("#hints", ChromeLine).show(
            _paired(hints, self.size.width - 8), [Part("? help ", "key", "app.help")]
        )

    def on_chrome_line_clicked(self, event: ChromeLine.Clicked) -> None:
        event.stop()
        self.call_later(self.run_action, event.action)

    # --- the filter

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()
        if (found := self._filter_of()) is not None:
            found.look()

    def _filter_of(self) -> TableFilter | None:
        if self._filter is None:
            for table in self.query(VTable):
                self._filter = TableFilter(self, table, self.NOUN)
                break
        return self._filter

    def go_back(self) -> bool:
        """Close, else clear the selection, else the filter; False when there was nothing of it."""
        if self.step_back():
            return True
        if self.get_selected_text():
            self.clear_selection()
            return True
        if any(table.clear_marks() for table in self.query(VTable) if table.marks):
            return True
        if self.query_one(FilterBar).clear():
            self.focus_main()
            return True
        return False

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        event.stop()
        self.filter_changed(event.text)

    def on_filter_bar_left(self, event: FilterBar.Left) -> None:
        event.stop()
        self.focus_main()

    def focus_main(self) -> None:
        """Put the focus where the keys of the view work."""
        self.screen.focus_next("VTable, LogView")

    # --- what is allowed

    def allows(self, action: actions.Action) -> bool:
        """Tell whether an action can be used now."""
        return bool(self.check_action(action.method, ()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.hfaas.is_read_only and any(each.method == action and each.danger for each in actions.of(self.NAME)):
            return False
        return super().check_action(action, parameters)


def _paired(hints: list[Part], width: int) -> list[Part]:
    """Keep as many keys as fit, each with its word."""
    kept: list[Part] = []
    used = 0
    for at in range(0, len(hints), 2):
        used += len(hints[at].text) + len(hints[at + 1].text)
        if used > width:
            break
        kept += hints[at : at + 2]
    return kept
