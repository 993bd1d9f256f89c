"""Going from one target to another without leaving, and letting a live one be changed.

Nothing of one target may be seen on the other: the store, the log lines, the feeds and the views begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.undertakings import UNDER_WAY, Undertakings
from hfaas_tui.ui.widgets.confirm import Confirm

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp
    from hfaas_tui.ui.targets import Kind, Targets


class Switching:
    """Belongs to the app; `targets` is None where there is only one."""

    def __init__(self, app: HfaasApp, targets: Targets | None) -> None:
        self._app, self._targets = app, targets
        self.undertakings = Undertakings()

    def commands(self) -> Iterator[tuple[str, str]]:
        """Yield what the palette offers: words, and the action of the app."""
        target = self._app.store.target
        if self._targets is not None:
            for kind, words in self._targets.words(target.kind).items():
                yield f"Target: go to {words}", f"app.go_to_target('{kind}')"
        if target.is_live and not self._app.settings.read_only:
            yield ("Target: allow changes on AWS" if self._app.is_read_only else "Target: look only"), "app.allow"

    def ask(self, kind: Kind) -> None:
        """Go to another target, after a question when something would be lost."""
        losses = [*self._app.unsaved()]
        if not losses:
            self._go(kind)
            return
        asked = Confirm("Leave this target?", losses, yes="Leave it")
        self._app.push_screen(asked, lambda answer: self._go(kind) if answer else None)

    def losses(self) -> Iterator[str]:
        """Yield what would be cut off if the user left now; it goes on while another target is looked at."""
        if self.undertakings.running:
            yield UNDER_WAY

    def _go(self, kind: Kind) -> None:
        if self._targets is not None:
            backend, emulation = self._targets.open(kind)
            self._app.call_later(self._app.look_at, backend, emulation)

    def allow(self) -> None:
        """Let a live target be changed, once its account was typed; or look only again."""
        app = self._app
        if not app.is_read_only:
            app.set_read_only(True)
            app.say("nothing can be changed any more")
            return
        target = app.store.target
        if not target.place:
            app.say("AWS has not told yet which account this is", Condition.WARNING)
            return
        lines = [
            f"{target.kind.upper()} LIVE {target.shown} {target.region}",
            "",
            "Invoking, uploading and jobs cost money there, and what is deleted is gone for everybody.",
            "The last four digits of the account say that you mean this one.",
        ]
        asked = Confirm(
            "Allow changes on a live target?", lines, yes="Allow", phrase=target.place[-4:], danger=True
        )
        app.push_screen(asked, lambda answer: app.set_read_only(False) if answer else None)
