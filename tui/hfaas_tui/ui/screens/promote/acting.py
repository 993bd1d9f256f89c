"""From the plan to the promotion: the dialog, the thread, the report, the command line."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError
from hfaas_tui.ui.filenames import safe_name
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project import project, promotion
from hfaas_tui.ui.project.undertaking import Undertaking
from hfaas_tui.ui.screens.promote import checks, resources
from hfaas_tui.ui.screens.promote.agreeing import Agree, Keys
from hfaas_tui.ui.screens.promote.ending import Ending

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promotion
    from hfaas_tui.ui.project.promotion import Proposal
    from hfaas_tui.ui.screens.promote.view import Promote
    from hfaas_tui.where import Where


class Acting:
    """Does what the view's keys ask for that reaches the account."""

    def __init__(self, view: Promote) -> None:
        self._view = view

    def promote(self) -> None:
        """Go on from where the user is: plan, ask, deploy."""
        view = self._view
        if view.deployed.is_running:
            view.turn(view.deployed)
            view.say("a promotion is under way: x stops it after this step", Condition.WARNING)
        elif view.page is not view.planned or view.planned.promotion is None or view.planned.refusal:
            view.turn(view.planned)
            if not view.planned.is_busy:
                view.planned.soon()
                view.panes.show()
        elif not view.planned.say_why_not():
            self._ask()

    def _ask(self) -> None:
        promotion = self._view.planned.promotion
        if promotion is None:
            return

        def answered(keys: Keys | None) -> None:
            self._view.panes.show_route()
            if keys is not None:
                self._begin(promotion, keys)

        self._view.app.push_screen(Agree(promotion, self._view.now()), answered)
        self._view.panes.show_route()

    def _begin(self, promotion: Promotion, keys: Keys) -> None:
        view = self._view
        if view.file is None:
            return
        made = resources.resources(json.loads(promotion.template.body))
        names = {one.id: (one.kind, one.name) for one in made if not one.is_part}
        one = Undertaking(promotion, view.where, names, view.hfaas.clock)
        view.kept.put(view.file, one)
        end = Ending(view.hfaas)
        one.begin(view.promoter, keys, end.agree, lambda: end.came(one))
        view.turn(view.deployed)

    # --- to keep

    def save(self, proposal: Proposal) -> None:
        """Write the template into the project's folder."""
        view = self._view

        def saved(path: Path) -> None:
            view.say(f"template {proposal.sha256[: checks.SHA]} saved to {path}")

        view.work("save", lambda: promotion.save(proposal, view.hfaas.settings.folder), saved)

    def report(self) -> None:
        """Write down all that is known of the promotion; nobody ever reads half of it."""
        one, view = self._view.deployed.undertaking, self._view
        if one is None:
            return
        stamp = time.strftime("%Y-%m-%dT%H%M%S", time.localtime(one.began))
        path = view.hfaas.settings.folder / safe_name(f"hfaas-promote-{one.promotion.preview.stack}-{stamp}.json")

        def write() -> Path:
            try:
                project.put(path, (json.dumps(one.report(), indent=1) + "\n").encode())
            except OSError as error:
                raise CliError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
            return path

        view.work("report", write, lambda saved: view.say(f"report saved to {saved}"))


def command(file: Path, where: Where, build_args: Mapping[str, str]) -> tuple[str, ...]:
    """Return the line that does the same from a shell, in pieces that belong together."""
    options = [("--build-arg", f"{name}={value}") for name, value in build_args.items()]
    options += [("--profile", where.profile)] if where.profile else []
    options += [("--region", where.region)] if where.region else []
    return tuple(map(shlex.join, [("hfaas", "promote", "-f", str(file)), *options]))
