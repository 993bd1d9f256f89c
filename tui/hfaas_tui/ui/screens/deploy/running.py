"""A deploy from the Deploy view: one at a time, its lines in a pane, its end in a toast; again on each save when hot."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Condition, Problem, Task
from hfaas_tui.ui.project import checking, project
from hfaas_tui.ui.project.deploying import Outcome
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.ui.widgets.diff import Row, row

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.deploy.view import Deploy

LINES_KEPT = 1000
_IDS = count(1)


class Running:
    """The deploy that runs, or ran last."""

    def __init__(self, view: Deploy) -> None:
        self._view = view
        self._task: Task | None = None
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._told = 0
        self._shown = 0
        self._failure: Problem | None = None
        self._again = False
        self.is_hot = False

    @property
    def is_busy(self) -> bool:
        """Tell whether a deploy is under way."""
        return self._task is not None

    # --- beginning

    def check_and_deploy(self) -> None:
        """Deploy what is saved, unless there are errors in it."""
        editor = self._view.files.pipeline
        if editor is None:
            self._view.say("there is no pipeline to deploy: n writes one", Condition.WARNING)
        elif self.is_busy:
            self._view.say("a deploy is under way: wait for it to end", Condition.WARNING)
        else:
            self._begin(editor.path)

    def _begin(self, path: Path) -> None:
        def look() -> checking.Check:
            return checking.check(path, project.read(path).text)

        def looked(found: checking.Check) -> None:
            if found.errors:
                self._refuse(found)
            elif self._view.store.health.is_up:
                self._deploy(path)
            else:
                self._ask_start(path)

        self._view.work("ready", look, looked)

    def _refuse(self, found: checking.Check) -> None:
        errors = f"{found.errors} error{'s' * (found.errors != 1)}"
        self._view.say(f"not deployed: {errors}; F3 goes there", Condition.FAILED)
        self._view.check_soon(0)

    def _ask_start(self, path: Path) -> None:
        emulation, backend = self._view.hfaas.emulation, self._view.backend
        if emulation is None:
            self._view.say("no emulator answers: esc, then S starts one", Condition.FAILED)
            return

        def start() -> None:
            emulation.start()
            backend.health()  # by which it learns where the emulator is

        def started(_: None) -> None:
            self._view.hfaas.feeds.hurry()
            self._deploy(path)

        def answered(yes: bool | None) -> None:
            if yes:
                self._view.say("starting the emulator…", Condition.RUNNING)
                self._view.work("start", start, started)

        question = Confirm("No emulator runs", ["Start one here, and deploy to it?"], yes="Start", harmless=True)
        self._view.app.push_screen(question, answered)

    def _deploy(self, path: Path) -> None:
        if self.is_busy:
            return
        deployer = self._view.deployer
        self._lines.clear()
        self._told, self._shown, self._failure = 0, -1, None
        self._task = Task(next(_IDS), "deploy", path.parent.name)
        self._view.store.put_task(self._task)

        def call() -> Outcome:
            return deployer.deploy(path, self._say)

        self._view.work("deploy", call, self._done, self._failed, exclusive=False)

    def _say(self, text: str) -> None:
        """Take a line, from the thread of the deploy."""
        self._lines.extend(text.splitlines())
        self._told += 1

    # --- ending

    def _done(self, outcome: Outcome) -> None:
        self._end(Condition.OK, str(outcome))
        self._view.side.tell(())
        self._view.say(str(outcome))
        self._view.hfaas.feeds.hurry()
        self._view.planning.soon()
        self._go_on()

    def _failed(self, problem: Problem) -> None:
        self._failure = problem
        self._end(Condition.FAILED, problem.message)
        self._show()
        self._view.hfaas.report(replace(problem, message=f"deploy failed: {problem.message}"))
        self._view.hfaas.feeds.hurry()
        self._view.planning.soon()
        self._go_on()

    def _end(self, state: Condition, message: str) -> None:
        if self._task:
            self._view.store.put_task(replace(self._task, state=state, message=message))
        self._task = None

    # --- the pane

    def look(self) -> None:
        """Show what the deploy has said since; called at each poll."""
        if self.is_busy and self._shown != self._told:
            self._shown = self._told
            self._show()

    def _show(self) -> None:
        lines = [row(line) for line in list(self._lines)]
        if self._failure:
            head = [
                Row(((" ✗ ", "err"),), ((self._failure.message, "err"),)),
                row(self._failure.hint, "dim", "   "),
                row(""),
            ]
            self._view.side.tell([*head, *lines], is_over=True)
        else:
            self._view.side.tell([row("deploying…", "run"), *lines])

    def forget_failure(self) -> None:
        """Give the room of the log back once the user goes on writing."""
        if self._failure and not self.is_busy:
            self._failure = None
            self._view.side.tell(())

    # --- hot

    def toggle(self) -> None:
        """Redeploy at each save from now on, or no longer."""
        self.is_hot = not self.is_hot
        self._view.say("redeploys whenever a file is saved: F10 ends it" if self.is_hot else "redeploys by F2 only")

    def redeploy(self) -> None:
        """Deploy what was saved now, or as soon as the deploy that runs has ended."""
        if self.is_busy:
            self._again = True
        else:
            self.check_and_deploy()

    def _go_on(self) -> None:
        if self._again:
            self._again = False
            self.check_and_deploy()
