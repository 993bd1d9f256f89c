"""Writing a pipeline and bringing it up: its files, what is wrong with them, what a deploy would do, and doing it.

key -> 300 ms -> check (worker) -> plan (worker) -> F2: save -> check -> deploy (worker) -> toast
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.timer import Timer

from hfaas_tui.ui import actions
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import checking, deploying, project
from hfaas_tui.ui.project.checking import Check, Edit, Remark
from hfaas_tui.ui.project.project import Source
from hfaas_tui.ui.screens.deploy.disk import Disk
from hfaas_tui.ui.screens.deploy.files import Files, marks
from hfaas_tui.ui.screens.deploy.opening import Opening
from hfaas_tui.ui.screens.deploy.planning import Planning
from hfaas_tui.ui.screens.deploy.running import Running
from hfaas_tui.ui.screens.deploy.side import Side, summary
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.editor import Editor
from hfaas_tui.ui.widgets.problems import Problems

DEBOUNCE_S = 0.3
OF_PIPELINE = frozenset({"save", "deploy", "next_problem", "fix", "editor", "next_file", "hot"})
"""What there is nothing to do with as long as no pipeline is open."""


class Deploy(View):
    """The sixth view."""

    NAME = "deploy"
    BINDINGS = actions.bindings("deploy")
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.FUNCTIONS, Kind.HEALTH, Kind.TARGET)
    DEFAULT_CSS = """
    Deploy #work { height: 1fr; layout: horizontal; }
    Deploy.-narrow #work { layout: vertical; }
    Deploy.-narrow Side { width: 1fr; height: 8; border-left: none; }
    Deploy.-narrow Side > * { display: none; }
    Deploy.-narrow Side #problems, Deploy.-narrow Side #plan, Deploy.-narrow Side #more { max-height: 7; height: 7; }
    Deploy.-narrow Side.-at-problems #problems-title, Deploy.-narrow Side.-at-problems #problems,
    Deploy.-narrow Side.-at-plan #plan-title, Deploy.-narrow Side.-at-plan #plan,
    Deploy.-narrow Side.-at-log #more-title, Deploy.-narrow Side.-at-log #more { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.check = Check()
        self._debounce: Timer | None = None
        self._deployed: object = None
        self._subject = ""
        self.opening = Opening(self)
        self.disk = Disk(self)
        self.planning = Planning(self)
        self.running = Running(self)

    def body(self) -> ComposeResult:
        with Container(id="work"):
            yield Files(id="left")
            yield Side(id="side", is_live=self.store.target.is_live)

    @property
    def files(self) -> Files:
        return self.query_one(Files)

    @property
    def side(self) -> Side:
        return self.query_one(Side)

    @cached_property
    def deployer(self) -> deploying.Deployer:
        """Return what deploys to the target."""
        return deploying.of(self.hfaas)

    # --- opening

    def on_mount(self) -> None:
        super().on_mount()
        self.opening.find()

    def on_unmount(self) -> None:
        self.disk.close()

    def on_screen_resume(self) -> None:
        self.files.touch(is_touched=False)
        super().on_screen_resume()

    async def opened(self, sources: list[Source]) -> None:
        """Show the files of a pipeline."""
        self.disk.forget()
        await self.files.open(sources, read_only=self.hfaas.is_read_only)
        if self.files.current and self.is_current:
            self.files.current.focus()
        self.refresh_bindings()
        self.check_soon(0)

    def show(self, subject: str) -> None:
        """Go to a function of the pipeline, or open a pipeline file."""
        if subject.endswith(tuple(project.SUFFIXES)):
            self.opening.open(Path(subject))
        else:
            self._subject = subject
            self._go_to_subject()

    def _go_to_subject(self) -> None:
        line = self.check.line_of(self._subject) if self._subject else None
        if line is not None and self.files.pipeline:
            self.files.show(self.files.pipeline)
            self.files.pipeline.go_to(line)
            self._subject = ""

    # --- what changes

    def update(self) -> None:
        state = (
            self.store.health.is_up,
            self.store.target,
            tuple((each.name, each.modified, each.digest) for each in self.store.functions()),
        )
        if state != self._deployed:
            self._deployed = state
            self.planning.soon()

    def tick(self) -> None:
        self.disk.look()
        self.running.look()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        self.side.refit()
        self._summarise()

    def on_files_edited(self, event: Files.Edited) -> None:
        self.running.forget_failure()
        if event.editor is self.files.pipeline:
            self.check_soon()

    def on_files_moved(self, event: Files.Moved) -> None:
        self._help(event.editor)

    def _help(self, editor: Editor | None) -> None:
        is_pipeline = editor is not None and editor is self.files.pipeline and self.check.pipeline
        self.side.help(checking.help_at(self.check, *editor.cursor_location) if is_pipeline and editor else None)

    # --- checking

    def check_soon(self, after: float = DEBOUNCE_S) -> None:
        """Check the pipeline once no key has come for a while."""
        if self._debounce:
            self._debounce.stop()
        self._debounce = self.set_timer(after, self._check_now) if after else None
        if not after:
            self._check_now()

    def _check_now(self) -> None:
        editor = self.files.pipeline
        if editor:
            path, text = editor.path, editor.text
            self.work("check", lambda: checking.check(path, text), self._checked)

    def _checked(self, found: Check) -> None:
        editor = self.files.pipeline
        if editor is None or found.text != editor.text:
            return
        self.check = found
        self.side.checked(found)
        editor.mark(marks(found))
        self._summarise()
        self._help(self.files.current)
        self._go_to_subject()
        self.disk.sync(found)
        self.planning.soon()

    def _summarise(self) -> None:
        counts = summary(self.check) if self.has_class("-narrow") else ()
        self.files.summarise(counts, [Part(" ● hot ", "run", "hot")] if self.running.is_hot else [])

    # --- keys

    def action_save(self) -> None:
        self.disk.save(self.saved)

    def saved(self) -> None:
        """Go on after all files were saved."""
        self.check_soon(0)
        if self.running.is_hot:
            self.running.redeploy()

    def action_deploy(self) -> None:
        self.disk.save(self.running.check_and_deploy)

    def action_hot(self) -> None:
        self.running.toggle()
        self._summarise()

    def action_next_problem(self) -> None:
        problems = self.query_one(Problems)
        editor = self.files.pipeline
        if not problems.remarks or editor is None:
            self.say("no problems", Condition.OK)
            return
        at = (editor.cursor_location[0] + 1, editor.cursor_location[1] + 1)
        later = [n for n, remark in enumerate(problems.remarks) if (remark.line, remark.column) > at]
        problems.choose(later[0] if later else 0)

    def on_problems_chosen(self, event: Problems.Chosen) -> None:
        if self.files.pipeline:
            if self.files.current is not self.files.pipeline:
                self.files.show(self.files.pipeline, focus=False)
            self.files.pipeline.go_to(event.remark.line - 1, event.remark.column - 1)

    def action_fix(self) -> None:
        problems = self.query_one(Problems)
        chosen = problems.chosen
        if chosen and not chosen.fix:
            chosen = next((each for each in problems.remarks if each.fix), chosen)
        if chosen:
            self._fix(chosen)

    def on_problems_fix(self, event: Problems.Fix) -> None:
        self._fix(event.remark)

    def _fix(self, remark: Remark) -> None:
        editor, text = self.files.pipeline, self.check.text
        if editor is not None and not editor.read_only and editor.text == text:
            self.work("fix", lambda: checking.fix(text, remark), self._fixed)

    def _fixed(self, edit: Edit | None) -> None:
        editor = self.files.pipeline
        if edit is None:
            self.say("nothing to fix by one key: change the line", Condition.WARNING)
        elif editor is not None and editor.text == self.check.text:
            editor.repair(edit)
            self.check_soon(0)

    def action_next_file(self) -> None:
        self.files.next()

    def action_file(self, position: int) -> None:
        self.files.at(position)

    def action_editor(self) -> None:
        if editor := self.files.current:
            self.disk.save(lambda: self.disk.edit_outside(editor.path))

    def action_open(self) -> None:
        self.opening.ask()

    def action_new(self) -> None:
        self.opening.begin()

    def action_leave(self) -> None:
        self.app.call_later(self.app.run_action, "app.back")

    def unsaved(self) -> str:
        names = [each.path.name for each in self.files.modified] if self.is_mounted else []
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not saved" if names else ""

    def focus_main(self) -> None:
        if self.files.current:
            self.files.current.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        has_pipeline = self.is_mounted and self.files.pipeline is not None
        if (action == "new" and has_pipeline) or (action in OF_PIPELINE and not has_pipeline):
            return False
        return super().check_action(action, parameters)
