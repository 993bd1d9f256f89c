"""What a promotion would take to AWS and whether exactly that was rehearsed. It promotes nothing, and calls no AWS.

pipeline file -> proposal (worker) -> resources, checks; runs -> evidence (worker) -> checks, cost
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from hfaas_tui.ui import actions
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import project, promotion
from hfaas_tui.ui.project.promotion import Proposal
from hfaas_tui.ui.screens.promote import checks, resources, rows
from hfaas_tui.ui.screens.promote.looking import Looking
from hfaas_tui.ui.screens.promote.resources import Resource
from hfaas_tui.ui.screens.promote.sheets import NotYet, TemplateSheet
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.choice import Choice
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.textpane import TextPane
from hfaas_tui.ui.widgets.vtable import Column, VTable

WIDE = (
    Column("action", "ACTION", 8),
    Column("kind", "KIND", 25, prio=1),
    Column("name", "NAME", 34, grow=1),
    Column("about", "WITH", 20, prio=2, grow=2),
)
SMALL = (Column("action", "ACTION", 8), Column("short", "KIND", 12), Column("name", "NAME", 14, grow=1))
STEPS = ("Plan", "Confirm", "Deploy", "Verify")
EMPTY = (
    "No pipeline in this folder, nor above it.",
    "6  write one, or open a pipeline file",
    "   a promotion takes to AWS what the file says and what was rehearsed here",
)
LOOKING = ("Looking at the pipeline…",)
NEEDS_PROPOSAL = {"open", "promote", "template", "export", "copy"}


class Promote(View):
    """The seventh view."""

    NAME = "promote"
    NOUN = "resources"
    BINDINGS = actions.bindings("promote")
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.FUNCTIONS, Kind.HEALTH, Kind.TARGET)
    DEFAULT_CSS = """
    Promote VTable { height: 1fr; }
    Promote #detail { height: 8; scrollbar-size-vertical: 0; }
    Promote #checks { height: auto; max-height: 12; }
    Promote.-short #detail, Promote.-short #detail-title { display: none; }
    Promote.-short #checks { max-height: 9; }
    Promote.-open VTable, Promote.-open #checks, Promote.-open #checks-title { display: none; }
    Promote.-open #detail, Promote.-open #detail-title { display: block; }
    Promote.-open #detail { height: 1fr; scrollbar-size-vertical: 1; }
    Promote.-bare #detail, Promote.-bare #detail-title, Promote.-bare #checks, Promote.-bare #checks-title,
    Promote.-bare #sum { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.add_class("-bare")
        self.looking = Looking(self)
        self._deployed: object = None
        self._wanted = ""

    @property
    def proposal(self) -> Proposal | None:
        """Return what would be promoted, as far as that is known."""
        return self.looking.proposal

    def body(self) -> ComposeResult:
        yield ChromeLine(id="route")
        yield ChromeLine(id="what")
        yield VTable[Resource](WIDE, rows.cell, lambda row: row.id, empty=LOOKING, id="list")
        yield ChromeLine(id="detail-title", fill="─")
        yield TextPane(wraps=True, id="detail")
        yield ChromeLine(id="checks-title", fill="─")
        yield TextPane(wraps=False, id="checks")
        yield ChromeLine(id="sum")

    @property
    def table(self) -> VTable[Resource]:
        return self.query_one("#list", VTable)

    # --- finding out

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.looking.is_done:  # files may have changed while another view was shown
            self.looking.soon()

    def update(self) -> None:
        state = (
            self.store.target,
            self.store.health.is_up,
            tuple((each.name, each.modified, each.digest) for each in self.store.functions()),
        )
        if state != self._deployed:
            self._deployed = state
            self.looking.recount()
            self.looking.soon()

    def tick(self) -> None:
        self.looking.count()

    def looked(self) -> None:
        """Show what was found out."""
        problem = self.looking.problem
        self.table.empty = list(EMPTY)
        if problem:
            self.table.empty = [f"This pipeline cannot be promoted: {problem.message}", problem.hint]
        self._show()

    # --- showing

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        self.table.set_columns(SMALL if self.has_class("-narrow") else WIDE)
        self._show()

    def _show(self) -> None:
        proposal = self.proposal
        self.set_class(proposal is None, "-bare")
        self.table.set_rows(resources.resources(proposal.document, self._images()) if proposal else ())
        if self._wanted and any(self._wanted == row.name and self.table.select(row.id) for row in self.table.rows):
            self._wanted = ""
        self._show_route()
        self._show_detail()
        self.show_checks()
        self.refresh_bindings()

    def _images(self) -> dict[str, str]:
        """Return by function which image is deployed here, as Lambda tells it."""
        known = {each.name: each.digest.removeprefix("sha256:") for each in self.store.functions()}
        return {name: f"image {digest[: checks.SHA]}" for name, digest in known.items() if digest}

    def _show_route(self) -> None:
        proposal, is_narrow = self.proposal, self.has_class("-narrow")
        region = f" {proposal.region}" if proposal else ""
        where = "LOCAL" if is_narrow else "LOCAL emulator"
        steps = [Part("[1 Check]", "active")]
        for number, step in enumerate(STEPS, 2):
            steps.append(Part(f"─{step}" if is_narrow else f"─{number} {step}", "dim"))
        later = " later " if is_narrow else "  (2 to 5 come later) "
        left = [Part(f" {where} ─▶ AWS{region}", "head"), Part(" not connected", "dim")]
        self.query_one("#route", ChromeLine).show(left, [*steps, Part(later, "dim")])
        self.query_one("#what", ChromeLine).show(self._what())
        self.query_one("#sum", ChromeLine).show(self._sum())

    def _what(self) -> Iterator[Part]:
        proposal = self.proposal
        if self.looking.problem and proposal:
            yield Part(f" ✗ {self.looking.problem.message}", "err")
            yield Part(f"   {self.looking.problem.hint}   what you see is from before", "dim")
        elif proposal:
            functions = len(proposal.functions)
            yield Part(f" {proposal.stack}", "head")
            yield Part(f"   template {proposal.sha256[: checks.SHA]}")
            yield Part(f"   {functions} function{'s' * (functions != 1)}")
            yield Part(f"   {proposal.file.name}", "dim")
            if len(self.looking.files) > 1:
                yield Part(f"   o one of {len(self.looking.files)}", "dim", "choose")

    def _sum(self) -> Iterator[Part]:
        count = sum(not row.is_part for row in self.table.rows)
        new = "" if self.has_class("-narrow") else " in an account that has none of it"
        yield Part(f" {count} create{new}", "ok")
        yield Part("   nothing is promoted from here yet: ", "dim")
        yield Part("y", "key", "template")
        yield Part(" template", "", "template")

    @on(VTable.Highlighted)
    def _highlighted(self, event: VTable.Highlighted) -> None:
        event.stop()
        self._show_detail()

    @on(VTable.Opened)
    def _opened(self, event: VTable.Opened) -> None:
        event.stop()
        self.action_open()

    def _show_detail(self) -> None:
        row = self.table.selected
        title = [Part("─ "), Part(f"+ {row.name} ", "head"), Part(f"· {row.kind} ", "dim")] if row else []
        more = [] if self.has_class("-open") else [Part(" ⏎ all ", "dim", "open")]
        self.query_one("#detail-title", ChromeLine).show(title, more if row else [])
        function = self.store.function(row.name) if row else None
        lines = rows.details(row, self.proposal, function.digest if function else "") if row else ()
        self.query_one("#detail", TextPane).show(lines, from_top=True)

    def show_checks(self) -> None:
        """Show the checks with what is known now."""
        proposal = self.proposal
        found = list(checks.checks(proposal, self.looking.evidence, self.now())) if proposal else []
        open_ones = sum(each.state in {Condition.WARNING, Condition.FAILED} for each in found)
        count = Part(f"{open_ones} to look at ", "warn") if open_ones else Part("all is well ", "ok")
        self.query_one("#checks-title", ChromeLine).show([Part("─ "), Part("Checks ", "head"), count])
        is_narrow = self.has_class("-narrow")
        self.query_one("#checks", TextPane).show(rows.check(each, is_narrow=is_narrow) for each in found)

    # --- keys

    def show(self, subject: str) -> None:
        """Go to a function's row, or to another pipeline file."""
        if subject.endswith(tuple(project.SUFFIXES)):
            self.looking.file = Path(subject)
            self.looking.soon()
        elif not any(row.name == subject and self.table.select(row.id) for row in self.table.rows):
            self._wanted = subject

    def action_open(self) -> None:
        self.add_class("-open")
        self._show_detail()
        self.query_one("#detail", TextPane).focus()
        self.refresh_bindings()

    def step_back(self) -> bool:
        if not self.has_class("-open"):
            return False
        self.remove_class("-open")
        self._show_detail()
        self.table.focus()
        self.refresh_bindings()
        return True

    def action_plan(self) -> None:
        self.looking.soon()

    def action_promote(self) -> None:
        """Say that there is no promotion yet."""
        if self.proposal:
            self.app.push_screen(NotYet(self.proposal))

    def action_template(self) -> None:
        if self.proposal:
            self.app.push_screen(TemplateSheet(self.proposal))

    def action_export(self) -> None:
        proposal, folder = self.proposal, self.hfaas.settings.folder
        if proposal:
            self.work("save", lambda: promotion.save(proposal, folder), self._saved)

    def _saved(self, path: Path) -> None:
        if self.proposal:
            self.say(f"template {self.proposal.sha256[: checks.SHA]} saved to {path}")

    def action_copy(self) -> None:
        if self.proposal:
            self.hfaas.copy(self.proposal.sha256, "the SHA-256 of the template")

    def action_choose(self) -> None:
        """Take another pipeline of the folder."""
        if len(self.looking.files) < 2:
            self.say("there is no other pipeline in this folder")
            return
        values = [(str(path), path.name) for path in self.looking.files]
        chosen = str(self.proposal.file) if self.proposal else ""
        self.app.push_screen(Choice("Which pipeline?", values, chosen), lambda path: self.show(path or ""))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in NEEDS_PROPOSAL and self.proposal is None:
            return False
        if action == "open" and self.has_class("-open"):
            return False
        return super().check_action(action, parameters)
