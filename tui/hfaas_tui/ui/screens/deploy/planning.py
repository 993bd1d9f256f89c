"""What a deploy would do, found out one after the other: what is found out for a text that changed is not shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.project import checking
from hfaas_tui.ui.project.checking import Check
from hfaas_tui.ui.project.deploying import Deployer, Plan

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.deploy.view import Deploy


class Planning:
    """Asks for plans in a worker and shows the newest."""

    def __init__(self, view: Deploy) -> None:
        self._view = view
        self._plan: Plan | None = None
        self._is_busy = self._again = False

    def soon(self) -> None:
        """Find out anew what a deploy would do; what is being found out now is out of date."""
        if self._is_busy:
            self._again = True
            return
        found, deployer, editor = self._view.check, self._view.deployer, self._view.files.pipeline
        if editor is None or (found.pipeline is None and not found.remarks):
            return
        self._is_busy = True
        path = editor.path
        self._view.work("plan", lambda: _plan(deployer, path, found), self._done, self._failed, exclusive=False)

    def _done(self, plan: Plan | None) -> None:
        if not self._over():
            self._plan = plan or self._plan
            self._view.side.planned(self._plan, self.waits_for(), is_old=plan is None)

    def _failed(self, problem: Problem) -> None:
        if not self._over():
            starts = not self._view.store.health.is_up and self._view.hfaas.emulation is not None
            hint = "F2 starts one here and deploys" if starts else problem.hint
            self._view.side.not_planned(Problem(problem.message, hint), self.waits_for())

    def _over(self) -> bool:
        """Note that an answer came; True when it is out of date and the next one was asked for."""
        self._is_busy, again = False, self._again
        self._again = False
        if again:
            self.soon()
        return again

    def waits_for(self) -> str:
        """Return what a deploy waits for; empty when F2 would do it."""
        errors = [remark for remark in self._view.check.remarks if remark.is_error]
        if not errors:
            return ""
        count = f"{len(errors)} " if len(errors) > 1 else ""
        if self._view.has_class("-narrow"):
            return f"deploy blocked until the {count}{'errors are' if count else 'error is'} fixed"
        if all(remark.fix for remark in errors):
            return f"deploy waits for the {count}{'fixes' if count else 'fix'}"
        return f"deploy waits for the {count}{'errors' if count else 'error'}"


def _plan(deployer: Deployer, path: Path, found: Check) -> Plan | None:
    """Return what a deploy would do once every fix is applied; None when errors remain even so."""
    ready = checking.repaired(path, found) if found.errors else found
    return deployer.plan(ready.pipeline) if ready and ready.pipeline else None
