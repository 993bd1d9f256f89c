"""Which lines the Logs view shows: its drop-downs, its filter, and what it was asked for from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hfaas_tui.ui.logs.filter import Wanted
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.widgets import loghead
from hfaas_tui.ui.widgets.choice import Choice
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.logview import LogView

EVERYTHING = "all functions"


class LogWishes(View):
    """The part of the view that knows what the user wants to see."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted = Wanted()
        self._reach = 0
        self._typed = ""
        self._ignores_case = False
        self._brought: Wanted | None = None
        """What somebody followed here from another view: going back takes it along."""

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    def show(self, subject: str) -> None:
        """Show a function's lines, or those of an invocation or a job."""
        self.query_one(FilterBar).clear()
        self._typed = ""
        run = self.store.run(subject.removeprefix("job:"))
        is_request = run is not None or subject.startswith("job:") or subject in self.hfaas.logs.requests()
        self._reach = 0
        self._want(Wanted(request=subject.removeprefix("job:")) if is_request else Wanted(function=subject))
        self._brought = self._wanted
        self.view.set_follow(True)
        self.view.focus()

    def _want(self, wanted: Wanted) -> None:
        pattern = self._typed.removeprefix("!")
        self._wanted = replace(
            wanted,
            since=self.now() - self._reach if self._reach else 0,
            pattern=pattern,
            is_inverted=self._typed.startswith("!") and bool(pattern),
            ignores_case=self._ignores_case and bool(pattern),
        )
        self.view.want(self._wanted)

    def filter_changed(self, text: str) -> None:
        self._typed = text
        self._want(self._wanted)

    def action_ignore_case(self) -> None:
        self._ignores_case = not self._ignores_case
        self._want(self._wanted)

    # --- the drop-downs

    def action_function(self) -> None:
        names = sorted({*self.hfaas.logs.functions(), *(each.name for each in self.store.functions())} - {""})
        values = [(EVERYTHING, EVERYTHING), *((name, name) for name in names)]
        self._choose("Function", values, self._wanted.function or EVERYTHING, self._function_chosen)

    def _function_chosen(self, name: str) -> None:
        self._want(replace(self._wanted, function="" if name == EVERYTHING else name))

    def action_level(self) -> None:
        values = list(loghead.LEVELS_OFFERED.items())
        self._choose("Level", values, self._wanted.level or "all", self._level_chosen)

    def _level_chosen(self, level: str) -> None:
        self._want(replace(self._wanted, level="" if level == "all" else level))

    def action_range(self) -> None:
        values = [(name, f"last {name}" if seconds else name) for name, seconds in loghead.RANGES.items()]
        chosen = next(name for name, seconds in loghead.RANGES.items() if seconds == self._reach)
        self._choose("Range of time", values, chosen, self._range_chosen)

    def _range_chosen(self, name: str) -> None:
        self._reach = loghead.RANGES[name]
        self._want(self._wanted)

    def _choose(self, title: str, values: list[tuple[str, str]], chosen: str, then: Callable[[str], None]) -> None:
        def answered(value: str | None) -> None:
            if value:
                then(value)

        self.app.push_screen(Choice(title, values, chosen), answered)

    def action_request(self) -> None:
        """Show only the request of the line under the cursor, or all again."""
        number = self.view.cursor
        if self._wanted.request or number is None:
            self._want(replace(self._wanted, request=""))
        else:
            self._want(replace(self._wanted, request=self.hfaas.logs.request(number).removeprefix("job:")))
