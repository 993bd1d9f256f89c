"""What a promotion would take to AWS, whether exactly that was rehearsed, what AWS has of it; and promoting it.

pipeline file -> proposal (worker) -> Check -> P: plan (worker) -> Plan -> P: a dialog -> Deploy (thread) -> Verify
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from hfaas_tui.ui import actions
from hfaas_tui.ui.errands import is_there
from hfaas_tui.ui.model import Target
from hfaas_tui.ui.project import project, promoting
from hfaas_tui.ui.project.promoting import Promoter
from hfaas_tui.ui.project.promotion import Proposal
from hfaas_tui.ui.project.undertakings import Undertakings
from hfaas_tui.ui.screens.promote import accounts
from hfaas_tui.ui.screens.promote.acting import Acting, command
from hfaas_tui.ui.screens.promote.check_page import CheckPage
from hfaas_tui.ui.screens.promote.choosing import Choosing
from hfaas_tui.ui.screens.promote.deploy_page import DeployPage
from hfaas_tui.ui.screens.promote.looking import Looking
from hfaas_tui.ui.screens.promote.page import Page
from hfaas_tui.ui.screens.promote.panes import Panes
from hfaas_tui.ui.screens.promote.plan_page import PlanPage
from hfaas_tui.ui.screens.promote.sheets import TemplateSheet
from hfaas_tui.ui.screens.promote.verify_page import Row as Result
from hfaas_tui.ui.screens.promote.verify_page import VerifyPage
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.vtable import VTable
from hfaas_tui.where import Where

NEEDS_PROPOSAL = {"open", "promote", "template", "export", "copy", "account"}


class Promote(View):
    """The seventh view."""

    NAME = "promote"
    NOUN = "resources"
    BINDINGS = actions.bindings("promote")
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.FUNCTIONS, Kind.HEALTH, Kind.TARGET)
    DEFAULT_CSS = Panes.CSS

    def __init__(self) -> None:
        super().__init__()
        self.add_class("-bare")
        self.looking, self.panes = Looking(self), Panes(self)
        self.acting, self.choosing = Acting(self), Choosing(self)
        self.checked, self.planned = CheckPage(self), PlanPage(self)
        self.deployed, self.verified = DeployPage(self), VerifyPage(self)
        self.page: Page = self.checked
        self._deployed: object = None

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

    @property
    def kept(self) -> Undertakings:
        """Return what the window knows of its promotions, and what was chosen here, whatever was looked at since."""
        return self.hfaas.switching.undertakings

    @property
    def where(self) -> Where:
        """Return whose account it goes to, as far as that was chosen."""
        return self.kept.where or Where("aws")

    @property
    def file(self) -> Path | None:
        """Return the pipeline file, as soon as it is known which."""
        return self.proposal.file if self.proposal else self.kept.file or self.hfaas.settings.pipeline

    @property
    def pages(self) -> Mapping[int, Page]:
        """Return the steps by their numbers; the third is a dialog."""
        return {page.NUMBER: page for page in (self.checked, self.planned, self.deployed, self.verified)}

    def body(self) -> ComposeResult:
        step = self.deployed.NUMBER if self.kept.running else self.kept.step
        self.page = self.pages[step]
        yield from self.panes.compose()

    @property
    def is_shown(self) -> bool:
        """Tell whether its widgets are there: not before it came up, nor when it goes with its target."""
        return self.is_ready and is_there(self)

    @property
    def table(self) -> VTable[Any]:
        return self.panes.table

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
            self.panes.show()
        self.panes.to_end()  # the pane may have got another size since

    def looked(self) -> None:
        """Show what was found out of the pipeline."""
        self.panes.show()

    # --- showing

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.panes.refit)

    def turn(self, page: Page) -> None:
        """Show another step."""
        self.page = page
        self.kept.step = page.NUMBER if page in (self.deployed, self.verified) else self.checked.NUMBER
        self.remove_class("-open")
        self.panes.turn()
        self.hfaas.poll()

    @on(VTable.Highlighted)
    def _highlighted(self, event: VTable.Highlighted) -> None:
        event.stop()
        self.panes.show_detail()

    @on(VTable.Opened)
    def _opened(self, event: VTable.Opened) -> None:
        event.stop()
        self.action_open()

    def place(self) -> Target:
        """Return the account as long as a promotion changes it."""
        one = self.deployed.undertaking
        if one is None or not one.is_running:
            return self.store.target
        who = one.promotion.identity
        return Target("aws", accounts.account(who.account), who.region, self.where.profile)

    # --- keys

    def show(self, subject: str) -> None:
        """Go to a function's row, or to another pipeline file."""
        if subject.endswith(tuple(project.SUFFIXES)):
            self.kept.file = Path(subject)
            self.planned.forget()
            self.turn(self.checked)
            self.looking.soon()
        elif not self.panes.select(subject):
            self.panes.wanted = subject

    def action_open(self) -> None:
        self.add_class("-open")
        self.panes.show_detail()
        self.panes.detail.focus()
        self.refresh_bindings()

    def step_back(self) -> bool:
        if not self.has_class("-open"):
            return False
        self.remove_class("-open")
        self.panes.show_detail()
        self.table.focus()
        self.refresh_bindings()
        return True

    def action_plan(self) -> None:
        """Look at the pipeline again; ask AWS again where it was asked."""
        self.looking.soon()
        if self.page is self.planned and not self.hfaas.is_read_only:
            self.planned.soon()
            self.panes.show()

    def action_promote(self) -> None:
        self.acting.promote()

    def action_stop(self) -> None:
        """End the promotion once the step that runs now is over."""
        if self.deployed.undertaking and self.deployed.is_running:
            self.deployed.undertaking.stop()
            self.panes.show()

    def action_turn(self, number: int) -> None:
        """Show the step of this number."""
        if number in self.pages:
            self.turn(self.pages[number])

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
