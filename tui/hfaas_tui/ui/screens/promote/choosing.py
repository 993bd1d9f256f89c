"""What the view asks to be chosen: the pipeline, and whose account it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.screens.promote.accounts import Somewhere
from hfaas_tui.ui.widgets.choice import Choice
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.promote.view import Promote


class Choosing:
    """Opens the dialogs, and has the view go on with what was chosen."""

    def __init__(self, view: Promote) -> None:
        self._view = view

    def account(self) -> None:
        """Choose profile and region, and plan with them."""
        view = self._view

        def ask(profiles: Sequence[str]) -> None:
            region = view.proposal.region if view.proposal else ""
            view.app.push_screen(Somewhere(profiles, view.where, region), self._go)

        view.work("profiles", view.promoter.profiles, ask)

    def _go(self, where: Where | None) -> None:
        view = self._view
        if where is None or where == view.where:
            return
        view.kept.where = where
        view.planned.forget()
        view.turn(view.planned)
        if not view.hfaas.is_read_only:
            view.planned.soon()
            view.panes.show()

    def pipeline(self) -> None:
        """Take another pipeline of the folder."""
        view = self._view
        if len(view.looking.files) < 2:
            view.say("there is no other pipeline in this folder")
        elif view.deployed.is_running:
            view.say("a promotion is under way", Condition.WARNING)
        else:
            values = [(str(path), path.name) for path in view.looking.files]
            chosen = str(view.proposal.file) if view.proposal else ""
            view.app.push_screen(Choice("Which pipeline?", values, chosen), lambda path: view.show(path or ""))
