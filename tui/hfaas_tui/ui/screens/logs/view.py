"""The log lines of all functions: followed, filtered, searched, copied, saved."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult, SuspendNotSupported
from textual.containers import Vertical

from hfaas_tui.errors import CliError
from hfaas_tui.ui import actions
from hfaas_tui.ui.logs import export
from hfaas_tui.ui.logs.filter import Wanted
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.screens.logs.wishes import LogWishes
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets import loghead
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.logview import COPIED, LogView
from hfaas_tui.ui.widgets.textpane import TextPane

WIDE = 100
"""Columns from which the head says everything in words."""
EXPORTS = {
    "shown txt": "lines that are shown, as text",
    "shown jsonl": "lines that are shown, as JSONL",
    "all txt": "all lines, as text",
    "all jsonl": "all lines, as JSONL",
}


class Logs(LogWishes):
    """Lines as they come; the head says which ones are shown."""

    NAME = "logs"
    BINDINGS = actions.bindings("logs")
    KINDS = (Kind.FUNCTIONS, Kind.HEALTH)
    DEFAULT_CSS = """
    Logs LogView { height: 1fr; border-top: solid $secondary; }
    Logs.-gone LogView { opacity: 70%; }
    Logs #detail { height: 11; display: none; }
    Logs.-short #detail { height: 7; }
    Logs.-detail #detail { display: block; }
    Logs #detail TextPane { height: 1fr; }
    Logs.-zoomed > #header, Logs.-zoomed > #tabs, Logs.-zoomed > #hints, Logs.-zoomed #detail { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rate = loghead.Rate()
        self._detailed: int | None = None
        self._nothing: tuple[object, list[str]] = (None, [])

    def body(self) -> ComposeResult:
        yield ChromeLine(id="head")
        yield LogView(self.hfaas.logs, poll_s=self.hfaas.settings.poll_s)
        with Vertical(id="detail"):
            yield ChromeLine(id="title")
            yield TextPane()

    def on_mount(self) -> None:
        super().on_mount()
        self.view.focus()

    # --- looking

    def update(self) -> None:
        self._show_head()

    def tick(self) -> None:
        if self._reach:
            self.view.shown.age(self.now() - self._reach)
        self._show_head()
        self._show_detail()

    def _show_head(self) -> None:
        view, is_wide = self.view, self.size.width >= WIDE
        total = len(self.hfaas.logs)
        rate = self._rate.at(self.now(), total)
        head = loghead.wishes(self._wanted, self._reach, is_wide)
        self.query_one("#head", ChromeLine).show(head, loghead.counts(view, total, rate, is_wide))
        self.query_one(FilterBar).note(loghead.note(view, self._typed, self._ignores_case, is_wide))
        if not view.rows:
            self._show_nothing()

    def _show_nothing(self) -> None:
        logs, view = self.hfaas.logs, self.view
        key = (self._wanted, self._reach, self._typed, len(logs) > 0, self.store.health.is_up, self.size)
        if key == self._nothing[0]:
            return
        if not self.store.health.is_up and self.store.health.problem:
            problem = self.store.health.problem
            lines = [f"✗ Cannot read logs: {problem.message}", f"  {problem.hint}", "", "  8  go to System"]
        else:
            last = self._last_of(self._wanted.function) if self._reach else None
            lines = loghead.nothing(
                self._wanted, self._reach, last, self._typed, len(logs) > 0, self.hfaas.is_read_only
            )
        self._nothing = key, lines
        above, left = (4, 28) if self.size.width >= WIDE else (2, 8)
        view.empty = [""] * above + [" " * left + line for line in lines]
        view.refresh()

    def _last_of(self, function: str) -> float | None:
        """Return the seconds since a function wrote its last line, if that was not too many lines ago."""
        logs = self.hfaas.logs
        for number in range(len(logs) - 1, max(-1, len(logs) - COPIED), -1):
            if not function or logs.function(number) == function:
                return self.now() - logs.times[number]
        return None

    # --- the filter

    def focus_main(self) -> None:
        self.view.focus()

    def step_back(self) -> bool:
        if self.has_class("-zoomed"):
            self.remove_class("-zoomed")
        elif self.has_class("-detail"):
            self._close_detail()
        else:
            return False
        return True

    def go_back(self) -> bool:
        if super().go_back():
            return True
        if self.view.marks:
            self.view.marks.clear()
            self.view.refresh()
            return True
        if self.view.shown.is_cleared:
            self.action_clear()
            return True
        plain = replace(self._wanted, since=0)
        if not plain.is_all or self._reach:
            was_brought = self._wanted == self._brought
            self._reach = 0
            self._want(Wanted())
            return not was_brought
        return False

    def action_highlight(self) -> None:
        shown = self.view.shown
        shown.highlight(not shown.is_highlighting)
        if not self._typed:
            self.say(f"{'highlights' if shown.is_highlighting else 'filters'} what you type after /")

    def action_next_match(self) -> None:
        self._match(1)

    def action_previous_match(self) -> None:
        self._match(-1)

    def _match(self, by: int) -> None:
        if not self.view.next_match(by):
            self.say(
                "no more matches that way" if self._typed else "nothing is searched: / does", Condition.WARNING
            )

    # --- how lines are shown

    def action_follow(self) -> None:
        self.view.set_follow(not self.view.follow)

    def action_wrap(self) -> None:
        self.view.is_wrapped = not self.view.is_wrapped
        self.view.redraw()

    def action_time(self) -> None:
        self.view.has_time = not self.view.has_time
        self.view.redraw()

    def action_pause(self) -> None:
        self.view.shown.is_paused = not self.view.shown.is_paused
        self.view.poll()

    def action_clear(self) -> None:
        """Hide the lines there are; the second time show them again."""
        self.view.shown.clear(on=not self.view.shown.is_cleared)
        self.view.set_follow(True)
        self.view.poll()

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")

    # --- one line

    def on_log_view_opened(self, event: LogView.Opened) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        if self.has_class("-detail"):
            self._close_detail()
        elif self.view.cursor is not None:
            self.view.set_follow(False)
            self.add_class("-detail")
            self._show_detail()
            self.call_after_refresh(self.view.reveal)

    def _close_detail(self) -> None:
        self.remove_class("-detail")
        self._detailed = None
        self.view.focus()

    def _show_detail(self) -> None:
        number = self.view.cursor
        if not self.has_class("-detail") or number is None or number == self._detailed:
            return
        self._detailed = number
        line = self.hfaas.logs.line(number)
        title = loghead.title(number, line, self.size.width)
        self.query_one("#title", ChromeLine).show([Part(title, "dim")])
        self.query_one(TextPane).show(loghead.whole(line), from_top=True)

    def action_mark(self) -> None:
        if (number := self.view.cursor) is not None:
            self.view.set_follow(False)
            self.view.marks ^= {number}
            self.view.refresh()

    def action_copy(self) -> None:
        """Copy what is selected with the mouse, the marked lines, or the one under the cursor."""
        selected, view = self.get_selected_text(), self.view
        numbers = sorted(view.marks) or [each for each in [view.cursor] if each is not None]
        if not selected and not numbers:
            return
        text = selected or "\n".join(export.as_text(self.hfaas.logs.line(number)) for number in numbers[:COPIED])
        self.app.copy_to_clipboard(text)
        self.say(f"copied {text.count(chr(10)) + 1:,} lines" if "\n" in text else "copied the line")

    # --- leaving the screen

    def action_invoke(self) -> None:
        number = self.view.cursor
        name = self._wanted.function or (self.hfaas.logs.function(number) if number is not None else "")
        function = self.store.function(name)
        if function is None:
            self.hfaas.go("functions")
            return
        from hfaas_tui.ui.screens.functions.invoke import Invoke

        self.app.push_screen(Invoke([function]))

    def action_export(self) -> None:
        self._choose("Export", list(EXPORTS.items()), "shown txt", self._export)

    def _export(self, what: str) -> None:
        part, _, kind = what.partition(" ")
        logs, now, folder = self.hfaas.logs, self.now(), self.hfaas.settings.folder
        numbers = range(len(logs)) if part == "all" else self.view.shown.numbers()

        def told(path: Path) -> None:
            self.say(f"{len(numbers):,} lines are in {path}")

        self.work("export", lambda: export.save(logs, numbers, folder, now, kind), told)

    def action_pager(self) -> None:
        logs, numbers = self.hfaas.logs, self.view.shown.numbers()

        def written() -> Path:
            handle, name = tempfile.mkstemp(prefix="hfaas-logs-", suffix=".txt")
            try:
                with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                    export.write(logs, numbers, file, "txt")
            except OSError as error:
                Path(name).unlink(missing_ok=True)
                raise CliError(f"cannot write lines for the pager: {error.strerror}", "is there room?") from error
            return Path(name)

        self.work("pager", written, self._page)

    def _page(self, file: Path) -> None:
        pager = shlex.split(os.environ.get("PAGER", "")) or ["less"]
        try:
            with self.app.suspend():
                subprocess.run([*pager, str(file)], check=False)
        except SuspendNotSupported:
            self.say("this terminal cannot be handed to a pager; ^s saves the lines", Condition.WARNING)
        except OSError as error:
            self.say(f"cannot start {pager[0]}: {error.strerror}; set $PAGER", Condition.FAILED)
        finally:
            file.unlink(missing_ok=True)
