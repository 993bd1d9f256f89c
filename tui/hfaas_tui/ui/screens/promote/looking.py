"""What would be promoted and how it was rehearsed, found out in workers; what is out of date is not shown."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.project import costs, project, promotion
from hfaas_tui.ui.project.promotion import Proposal
from hfaas_tui.ui.screens.promote import checks
from hfaas_tui.ui.screens.promote.checks import Evidence
from hfaas_tui.ui.state import Kind

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.promote.view import Promote

EVERY_S = 2.0
"""Runs are counted anew at most so often."""


class Looking:
    """Looks at the pipeline and at its runs for the view; keeps what it last knew when it cannot."""

    def __init__(self, view: Promote) -> None:
        self._view = view
        self.proposal: Proposal | None = None
        self.evidence = Evidence()
        self.problem: Problem | None = None
        """Why there is no newer proposal."""
        self.files: list[Path] = []
        """The pipelines of the folder."""
        self.is_done = False
        self._is_busy = self._again = False
        self._counted = (-1, 0.0)
        self._learnt_of = -1

    def soon(self) -> None:
        """Find out anew what would be promoted; what is being found out now is out of date."""
        if self._is_busy:
            self._again = True
            return
        self._is_busy = True
        settings = self._view.hfaas.settings
        folder, witness = settings.folder, promotion.of(self._view.hfaas)
        named = self._view.kept.file or settings.pipeline

        def call() -> tuple[list[Path], Proposal | None]:
            files = project.find(folder)
            chosen = named or next(iter(files), None)
            return files, promotion.propose(chosen, witness) if chosen else None

        self._view.work("look", call, self._found, self._failed, exclusive=False)

    def _found(self, found: tuple[list[Path], Proposal | None]) -> None:
        if not self._over():
            self.files, self.proposal = found
            self.problem = None
            self.recount()
            self._view.looked()

    def _failed(self, problem: Problem) -> None:
        if not self._over():
            self.problem = problem
            self._view.looked()

    def _over(self) -> bool:
        """Note that an answer came; True when it is out of date and the next one was asked for."""
        self.is_done = True
        self._is_busy, again = False, self._again
        self._again = False
        if again:
            self.soon()
        return again

    def recount(self) -> None:
        """Count the runs anew at the next look: those that count are others now."""
        self._counted = (-1, 0.0)

    def count(self) -> None:
        """Count the runs when there are others, now and then."""
        view, version = self._view, self._runs
        pipeline = self.proposal.pipeline if self.proposal else None
        seen, when = self._counted
        if pipeline is None or version == seen or time.monotonic() < when + (EVERY_S if seen >= 0 else 0):
            return
        self._counted = version, time.monotonic()
        store, now = view.store, view.now()
        region = view.where.region or (self.proposal.region if self.proposal else "")

        def call() -> Evidence:
            runs = [] if store.target.is_live else store.runs()  # what runs there is no rehearsal
            return Evidence(checks.trials(runs, store.functions()), costs.estimate(runs, pipeline, now, region))

        view.work("count", call, lambda evidence: self._learnt(evidence, version))

    def _learnt(self, evidence: Evidence, version: int) -> None:
        self.evidence, self._learnt_of = evidence, version
        self._view.panes.show_below()

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether all is shown that the store knows."""
        has_counted = self.proposal is None or self._learnt_of == self._counted[0] == self._runs
        return self.is_done and not self._is_busy and has_counted

    @property
    def _runs(self) -> int:
        return self._view.store.version(Kind.RUNS)
