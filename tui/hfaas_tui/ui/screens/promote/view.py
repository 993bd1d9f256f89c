"""What a promotion would take to AWS, whether exactly that was rehearsed, what AWS has of it; and promoting it.

pipeline file -> proposal (worker) -> Check -> P: plan (worker) -> Plan -> P: a dialog -> Deploy (thread) -> Verify
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from hfaas_tui.ui import actions
from hfaas_tui.ui.model import Target
from hfaas_tui.ui.project import project, promoting
from hfaas_tui.ui.project.promoting import Promoter
from hfaas_tui.ui.project.promotion import Proposal
from hfaas_tui.ui.screens.promote import accounts, route
from hfaas_tui.ui.screens.promote.acting import Acting, command
from hfaas_tui.ui.screens.promote.check_page import CheckPage
from hfaas_tui.ui.screens.promote.choosing import Choosing
from hfaas_tui.ui.screens.promote.deploy_page import DeployPage
from hfaas_tui.ui.screens.promote.looking import Looking
from hfaas_tui.ui.screens.promote.page import Page
from hfaas_tui.ui.screens.promote.plan_page import PlanPage
from hfaas_tui.ui.screens.promote.sheets import TemplateSheet
from hfaas_tui.ui.screens.promote.verify_page import Row as Result
from hfaas_tui.ui.screens.promote.verify_page import VerifyPage
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.textpane import TextPane
from hfaas_tui.ui.widgets.vtable import VTable
from hfaas_tui.where import Where

NEEDS_PROPOSAL = {"open", "promote", "template", "export", "copy", "account"}


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
    Promote.-doing #checks { max-height: 6; }
    Promote.-short #detail, Promote.-short #detail-title { display: none; }
    Promote.-short #checks { max-height: 9; }
    Promote.-short.-doing #detail, Promote.-short.-doing #detail-title { display: block; }
    Promote.-short.-doing #detail { height: 4; }
    Promote.-short.-doing #checks { max-height: 3; }
    Promote.-open VTable, Promote.-open #checks, Promote.-open #checks-title { display: none; }
    Promote.-open #detail, Promote.-open #detail-title { display: block; }
    Promote.-open #detail, Promote.-short.-doing.-open #detail { height: 1fr; scrollbar-size-vertical: 1; }
    Promote.-empty #detail, Promote.-empty #detail-title { display: none; }
    Promote.-bare #detail, Promote.-bare #detail-title, Promote.-bare #checks, Promote.-bare #checks-title,
    Promote.-bare #sum { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.add_class("-bare")
        self.looking = Looking(self)
        self.acting, self.choosing = Acting(self), Choosing(self)
        self.where = Where("aws")
        self.checked, self.planned = CheckPage(self), PlanPage(self)
        self.deployed, self.verified = DeployPage(self), VerifyPage(self)
        self.page: Page = self.checked
        self._deployed: object = None
        self._wanted = self._followed = ""

    @property
    def proposal(self) -> Proposal | None:
        """Return what would be promoted, as far as that is known."""
        return self.looking.proposal

    @property
    def promoter(self) -> Promoter:
        """Return who promotes."""
        return promoting.of(self.hfaas)

    @property
    def is_narrow(self) -> bool:
        return self.has_class("-narrow")

    def body(self) -> ComposeResult:
        yield ChromeLine(id="route")
        yield ChromeLine(id="what")
        yield VTable[Any](self.page.WIDE, self._cell, lambda row: row.id, empty=self.page.empty, id="list")
        yield ChromeLine(id="detail-title", fill="─")
        yield TextPane(wraps=True, id="detail")
        yield ChromeLine(id="checks-title", fill="─")
        yield TextPane(wraps=False, id="checks")
        yield ChromeLine(id="sum")

    def _cell(self, row: Any, column: str) -> tuple[str, str]:
        return self.page.cell(row, column)

    @property
    def table(self) -> VTable[Any]:
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
        if self.page.has_news:
            self.show_page()
        self._to_end()  # the pane may have got another size since

    def looked(self) -> None:
        """Show what was found out of the pipeline."""
        self.show_page()

    # --- showing

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        self.table.set_columns(self._columns)
        self.show_page()

    @property
    def _columns(self) -> Sequence[Any]:
        return self.page.SMALL if self.is_narrow else self.page.WIDE

    def turn(self, page: Page) -> None:
        """Show another step."""
        self.page, self._followed = page, ""
        self.remove_class("-open")
        self._refit()
        self.table.action_first()
        self.table.focus()
        self._followed = ""
        self.show_page()
        self.hfaas.poll()

    def show_page(self) -> None:
        """Show what the step says now."""
        page = self.page
        self.set_class(page.is_bare, "-bare")
        self.set_class(page.CLASS == "-doing", "-doing")
        rows = page.rows()
        self.set_class(not rows, "-empty")
        self.table.empty = list(page.empty)
        is_followed = not self._followed or getattr(self.table.selected, "id", "") == self._followed
        self.table.set_rows(rows)
        if self._wanted and any(self._wanted == row.name and self.table.select(row.id) for row in self.table.rows):
            self._wanted = ""
        if (follow := page.followed()) and is_followed and self.table.select(follow):
            self._followed = follow
        self.show_route()
        self._show_detail()
        self.show_checks()
        self.refresh_bindings()

    def show_route(self) -> None:
        """Say from where to where, and which step this is."""
        self.query_one("#route", ChromeLine).show(route.whence(self), [*route.steps(self), Part(" ")])
        self.query_one("#what", ChromeLine).show(self.page.what())
        self.query_one("#sum", ChromeLine).show(self.page.sum())

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
        left, right = self.page.title(row)
        self.query_one("#detail-title", ChromeLine).show(left, right)
        pane = self.query_one("#detail", TextPane)
        is_log = self.page is self.deployed
        pane.show(self.page.detail(row), from_top=not is_log)
        if is_log:
            self._to_end()

    def _to_end(self) -> None:
        """Show the newest lines of the log, unless somebody reads it."""
        pane = self.query_one("#detail", TextPane)
        is_read = self.has_class("-open") or pane.has_focus
        if self.page is self.deployed and not is_read and pane.scroll_offset.y != pane.max_scroll_y:
            pane.scroll_end(animate=False, force=True, immediate=True)

    def show_checks(self) -> None:
        """Show what is below, with what is known now."""
        self.query_one("#checks-title", ChromeLine).show(self.page.below_title())
        self.query_one("#checks", TextPane).show(self.page.below())

    def place(self) -> Target:
        """Return the account as long as a promotion changes it."""
        one = self.deployed.undertaking
        if one is None or not one.is_running:
            return self.store.target
        who = one.promotion.identity
        return Target("aws", accounts.account(who.account), who.region, self.where.profile)

    def unsaved(self) -> str:
        if not self.deployed.is_running:
            return ""
        return "A promotion is under way. AWS finishes what it was told; promoting again goes on from there."

    # --- keys

    def show(self, subject: str) -> None:
        """Go to a function's row, or to another pipeline file."""
        if subject.endswith(tuple(project.SUFFIXES)):
            self.looking.file = Path(subject)
            self.planned.forget()
            self.turn(self.checked)
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
        """Look at the pipeline again; ask AWS again where it was asked."""
        self.looking.soon()
        if self.page is self.planned and not self.hfaas.is_read_only:
            self.planned.soon()
            self.show_page()

    def action_promote(self) -> None:
        self.acting.promote()

    def action_stop(self) -> None:
        """End the promotion once the step that runs now is over."""
        if self.deployed.undertaking and self.deployed.is_running:
            self.deployed.undertaking.stop()
            self.show_page()

    def action_turn(self, number: int) -> None:
        """Show the step of this number."""
        pages = {page.NUMBER: page for page in (self.checked, self.planned, self.deployed, self.verified)}
        if number in pages:
            self.turn(pages[number])

    def action_previous_step(self) -> None:
        self.action_turn({1: 5, 2: 1, 4: 2, 5: 4}[self.page.NUMBER])

    def action_next_step(self) -> None:
        self.action_turn({1: 2, 2: 4, 4: 5, 5: 1}[self.page.NUMBER])

    def action_account(self) -> None:
        self.choosing.account()

    def action_template(self) -> None:
        if self.proposal:
            settings, file = self.hfaas.settings, self.proposal.file
            near = file.relative_to(settings.folder) if file.is_relative_to(settings.folder) else file
            told = command(near, self.where, settings.build_args)
            self.app.push_screen(TemplateSheet(self.proposal, told))

    def action_export(self) -> None:
        """Save what this step is about: the template, or the report of the promotion."""
        if self.page in (self.deployed, self.verified) and self.deployed.undertaking:
            self.acting.report()
        elif self.proposal:
            self.acting.save(self.proposal)

    def action_copy(self) -> None:
        row = self.table.selected
        if isinstance(row, Result):
            self.hfaas.copy(row.value, f"{row.kind} {row.name}")
        elif self.proposal:
            self.hfaas.copy(self.proposal.sha256, "the SHA-256 of the template")

    def action_choose(self) -> None:
        self.choosing.pipeline()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in NEEDS_PROPOSAL and self.proposal is None:
            return False
        if action == "open" and (self.has_class("-open") or self.page is self.verified):
            return False
        if action == "stop" and not self.deployed.is_running:
            return False
        if action == "account" and self.deployed.is_running:
            return False
        if action == "promote" and (
            self.deployed.is_running or (self.page is self.verified and self.verified.is_done)
        ):
            return False
        return super().check_action(action, parameters)
