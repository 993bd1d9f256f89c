"""The right side of the Deploy view: problems, what will happen, and help for a key or the log of the deploy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.project.checking import Check, Help
from hfaas_tui.ui.project.deploying import Plan
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.diff import Pane, Row, help_rows, plan_rows, row
from hfaas_tui.ui.widgets.problems import Problems

WHAT = "What will happen"


class Side(Vertical):
    """Three panes one below the other; in a narrow window only the one that matters most."""

    DEFAULT_CSS = """
    Side { width: 42; height: 1fr; border-left: solid $secondary; }
    Side Problems { height: auto; max-height: 12; min-height: 2; }
    Side #plan { height: auto; max-height: 50%; min-height: 3; }
    Side #more { height: 1fr; }
    Side.-quiet Problems { max-height: 2; }
    """

    def __init__(self, *, id: str, is_live: bool) -> None:
        super().__init__(id=id)
        self._is_live = is_live
        self._check = Check()
        self._plan: Plan | None = None
        self._trouble: Problem | None = None
        self._note = ""
        self._is_old = True
        self._story: Sequence[Row] = ()
        self._is_over = False
        self._help: Help | None = None

    def compose(self) -> ComposeResult:
        yield ChromeLine(id="problems-title", fill="─")
        yield Problems(id="problems")
        yield ChromeLine(id="plan-title", fill="─")
        yield Pane(id="plan")
        yield ChromeLine(id="more-title", fill="─")
        yield Pane(id="more")

    def on_mount(self) -> None:
        self._show()

    # --- what is known

    def checked(self, check: Check) -> None:
        """Show the problems of a text."""
        self._check = check
        self._show()

    def planned(self, plan: Plan | None, note: str = "", *, is_old: bool = False) -> None:
        """Show what a deploy would do; `note` says what it waits for."""
        self._plan, self._note, self._trouble, self._is_old = plan, note, None, is_old
        self._show()

    def not_planned(self, problem: Problem, note: str = "") -> None:
        """Say why it is not known what a deploy would do; what was known stays, dimmed."""
        self._trouble, self._note, self._is_old = problem, note, True
        self._show()

    def help(self, help: Help | None) -> None:
        """Show help for another key."""
        if help != self._help:
            self._help = help
            self._show_more()

    def tell(self, rows: Sequence[Row], *, is_over: bool = False) -> None:
        """Show the log of a deploy, its end while it goes on; help comes back when there is none."""
        self._story, self._is_over = rows, is_over
        self._place()
        self._show_more()

    def refit(self) -> None:
        """Show the same in another size."""
        self._show()

    # --- showing it

    @property
    def _is_narrow(self) -> bool:
        return self.screen.has_class("-narrow")

    def _show(self) -> None:
        self._place()
        problems = self.query_one(Problems)
        problems.update_remarks(self._check.remarks, self._note, is_brief=self._is_narrow)
        title = "Problems  (F3 next · ⏎ fix) " if self._is_narrow else "PROBLEMS  "
        counts = () if self._is_narrow else summary(self._check)
        self._title("problems", title, counts)
        what = f"{WHAT if self._is_narrow else WHAT.upper()} ({'AWS' if self._is_live else 'local'}) "
        self._title("plan", what)
        self.query_one("#plan", Pane).show(self._plan_rows())
        self._show_more()

    def _place(self) -> None:
        """Choose what a narrow window shows."""
        here = "log" if self._story else "problems" if self._check.remarks else "plan"
        for each in ("log", "problems", "plan"):
            self.set_class(each == here, f"-at-{each}")
        self.set_class(not self._check.remarks, "-quiet")

    def _title(self, name: str, text: str, counts: Sequence[Part] = ()) -> None:
        self.query_one(f"#{name}-title", ChromeLine).show([Part("─ "), Part(text, "head"), *counts])

    def _plan_rows(self) -> Iterator[Row]:
        if self._trouble:
            yield Row(((" ✗ ", "err"),), ((self._trouble.message, ""),))
            yield row(self._trouble.hint, "dim", "   ")
            yield row("")
        if self._plan:
            yield from plan_rows(self._plan, is_old=self._is_old)
        elif not self._trouble and not self._note:
            yield row("looking at what is deployed…", "dim")
        if self._note:
            yield from [row("")] if self._plan else []
            yield row(self._note, "warn")

    def _show_more(self) -> None:
        if self._story:
            self._title("more", "DEPLOY ")
            self.query_one("#more", Pane).show(self._story, follow=not self._is_over)
        else:
            self._title("more", f"HELP: {self._help.name} " if self._help else "HELP ")
            self.query_one("#more", Pane).show(help_rows(self._help))


def summary(check: Check) -> tuple[Part, ...]:
    """Return how many problems there are, in words."""
    errors, warnings = check.errors, check.warnings
    parts = []
    if errors:
        parts.append(Part(f" ✗ {errors} error{'s' * (errors != 1)} ", "err"))
    if warnings:
        parts.append(Part(f" ! {warnings} warning{'s' * (warnings != 1)} ", "warn"))
    return tuple(parts)
