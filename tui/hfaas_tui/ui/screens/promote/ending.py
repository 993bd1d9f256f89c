"""What a promotion asks and tells from its thread, whatever view and target are shown by then."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

from hfaas_tui.ui.model import Condition, Problem
from hfaas_tui.ui.project.undertaking import Undertaking
from hfaas_tui.ui.screens.promote.agreeing import Agree

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promotion
    from hfaas_tui.ui.app import HfaasApp
    from hfaas_tui.ui.screens.promote.view import Promote

VIEW = "view-promote"


class Ending:
    """Belongs to one promotion; the view that began it may be gone when it ends."""

    def __init__(self, app: HfaasApp) -> None:
        self._app = app

    def agree(self, promotion: Promotion) -> bool:
        """Ask again, since AWS would do something else by now; who goes away without an answer does not agree."""
        is_answered = threading.Event()
        asked = Agree(promotion, self._app.clock(), is_changed=True, left=is_answered.set)
        if not self._app.call_later(self._app.push_screen, asked):
            return False  # the window closes
        is_answered.wait()
        return asked.is_agreed

    def came(self, one: Undertaking) -> None:
        """Tell how it ended."""
        self._app.call_later(self._tell, one)

    def _view(self) -> Promote | None:
        """Return the view that can show it now; None where none was made, or it is being taken away."""
        if not self._app.is_screen_installed(VIEW):
            return None
        view = cast("Promote", self._app.get_screen(VIEW))
        return view if view.is_shown else None

    def _tell(self, one: Undertaking) -> None:
        app, view = self._app, self._view()
        if one.defect is not None:
            app.report(app.defects.note(one.defect))
        elif one.promoted:
            app.say(f"{one.promoted.stack} is promoted", link=("promote", ""))
            if view and view.page is view.deployed:
                view.turn(view.verified)
        elif one.is_stopped:
            app.say("the promotion was stopped", Condition.WARNING)
        elif one.failure:
            app.report(Problem(f"promotion failed: {one.failure.message}", one.failure.hint))
        if view:
            view.planned.forget()
            view.panes.show()
