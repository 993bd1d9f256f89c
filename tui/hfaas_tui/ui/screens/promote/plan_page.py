"""Plan: what AWS has, and what a promotion would do to it; found out in a worker, and nothing is touched.

What is known stays on screen when a later look fails.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hfaas_tui import promotions
from hfaas_tui.ui.model import Condition, Problem
from hfaas_tui.ui.project.promoting import Refused
from hfaas_tui.ui.screens.promote import checks, plan_checks, plan_rows, resources, rows
from hfaas_tui.ui.screens.promote.checks import Check
from hfaas_tui.ui.screens.promote.page import Page
from hfaas_tui.ui.screens.promote.plan_rows import Row
from hfaas_tui.ui.screens.promote.resources import Resource
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.ui.widgets.vtable import Column

if TYPE_CHECKING:
    from hfaas_deploy.messages import Message
    from hfaas_deploy.promote.promotion import Promotion
    from hfaas_tui.ui.screens.promote.view import Promote


class PlanPage(Page):
    """The second step."""

    NUMBER = 2
    WIDE = (
        Column("action", "ACTION", 11),
        Column("kind", "KIND", 22, prio=1),
        Column("name", "NAME", 40, grow=1),
        Column("about", "CHANGE", 24, prio=2, grow=1),
    )
    SMALL = (
        Column("action", "ACTION", 11),
        Column("short", "KIND", 10),
        Column("name", "NAME", 22, grow=1),
        Column("about", "CHANGE", 20, grow=2),
    )

    def __init__(self, view: Promote) -> None:
        super().__init__(view)
        self.promotion: Promotion | None = None
        self.refusal: Refused | None = None
        """Why there is no newer plan."""
        self.is_busy = False
        self._again = False
        self._at = 0.0
        self._said = self._seen = ""
        self._rows: list[Row] = []
        self._made: list[Resource] = []

    # --- finding out

    def soon(self) -> None:
        """Plan anew; what is being found out now is out of date."""
        proposal = self.view.proposal
        if proposal is None:
            return
        if self.is_busy:
            self._again = True
            return
        self.is_busy = True
        promoter, where = self.view.promoter, self.view.where

        def call() -> Promotion | Refused:
            try:
                return promoter.plan(proposal.file, where, self._hear)
            except Refused as refusal:
                return refusal

        self.view.work("plan", call, self._planned, self._failed, exclusive=False)

    def _hear(self, message: Message) -> None:
        """Take what is looked at now, from the worker."""
        for line in promotions.lines(message):
            self._said = line

    @property
    def has_news(self) -> bool:
        is_other = self._said != self._seen
        self._seen = self._said
        return is_other and self.is_busy

    def _planned(self, found: Promotion | Refused) -> None:
        self.is_busy, again = False, self._again
        self._again = False
        if again:
            self.soon()
        elif isinstance(found, Refused):
            self.refusal = found
        else:
            self.take(found)
        self.view.panes.show()

    def take(self, promotion: Promotion) -> None:
        """Show this plan from now on."""
        self.promotion, self.refusal, self._at = promotion, None, self.view.now()
        self._made = resources.resources(json.loads(promotion.template.body))
        self._rows = plan_rows.rows(promotion, self._made)

    def _failed(self, problem: Problem) -> None:
        self._planned(Refused(problem.message, problem.hint))

    def forget(self) -> None:
        """What is known is of another account or file."""
        self.promotion, self.refusal, self._rows = None, None, []

    # --- showing

    @property
    def is_bare(self) -> bool:
        return self.promotion is None and self.refusal is None

    @property
    def empty(self) -> Sequence[str]:
        if self.is_busy:
            return ("Asking AWS what it has… nothing is changed there", self._said)
        if self.refusal:
            room = max(20, self.view.size.width - 4)
            return (
                *textwrap.wrap(f"There is no plan: {self.refusal.message}", room),
                *textwrap.wrap(self.refusal.hint, room),
                "r plans again, w takes another profile or region",
            )
        if self.promotion:
            return ("AWS has exactly this already.",)
        if self.view.hfaas.is_read_only:
            return ("There is no plan: this window looks only, and does not ask AWS.",)
        return ("There is no plan yet: r makes one.",)

    def rows(self) -> Sequence[Row]:
        return self._rows

    def cell(self, row: Row, column: str) -> tuple[str, str]:
        tone = {"action": row.tone, "about": row.tone if row.tone == "err" else "dim"}.get(column, "")
        return str(getattr(row, column)), tone

    def what(self) -> Iterator[Part]:
        promotion = self.promotion
        if self.refusal and promotion:
            is_narrow = self.view.is_narrow  # where the checks say what it is, and have no room for what helps
            yield Part(f" ✗ {(is_narrow and self.refusal.hint) or self.refusal.message}", "err")
            yield Part("   r", "key", "plan")
            yield Part(" plans again", "", "plan")
            if not is_narrow:
                yield Part(f"   {self.refusal.hint}", "dim")
                yield Part(f"   this is from {plan_checks.clock(self._at, self.view.now())}", "dim")
        elif promotion:
            yield Part(f" {promotion.preview.stack}", "head")
            yield Part(f"   template {promotion.template.sha256[: checks.SHA]}")
            state = promotion.stack_status or "not there yet"
            yield Part(f"   Stack {state}", "dim")
            if self.is_busy:
                yield Part("   asking AWS again…", "run")
        elif self.refusal:
            yield Part(" ✗ no plan", "err")

    def sum(self) -> Iterator[Part]:
        if self.promotion is None:
            return
        is_empty = self.promotion.is_empty
        if is_empty:
            yield Part(" AWS has exactly this ", "ok")
        else:
            yield from plan_rows.counts(self.promotion, self._made)
        if not self.view.hfaas.is_read_only and not self.why_not():
            yield Part("   P", "key", "promote")
            yield Part(" tries it again" if is_empty else " continue to confirm", "", "promote")

    def why_not(self) -> str:
        """Return why this cannot be promoted now; empty when it can be."""
        if self.promotion is None or self.is_busy:
            return "there is no plan yet"
        if self.refusal:
            return f"the plan is from before: {self.refusal.message}"
        return plan_checks.stops(self.promotion)

    def title(self, row: Row | None) -> tuple[Sequence[Part], Sequence[Part]]:
        if row is None:
            return (), ()
        left = [Part("─ "), Part(f"{row.action[:1]} {row.name} ", "head"), Part(f"· {row.kind} ", "dim")]
        return left, [] if self.view.has_class("-open") else [Part(" ⏎ all ", "dim", "open")]

    def detail(self, row: Row | None) -> Iterator[Line]:
        if row is not None:
            if row.about and not row.lines:
                yield (Part(f"   {row.about}", row.tone if row.tone == "err" else ""),)
            yield from row.lines

    def below_title(self) -> Sequence[Part]:
        return rows.checks_title(self.checks())

    def below(self) -> Iterator[Line]:
        yield from (rows.check(each, is_narrow=self.view.is_narrow) for each in self.checks())

    def checks(self) -> Sequence[Check]:
        """Return what is to be said of the plan."""
        refused = [plan_checks.of_refusal(self.refusal)] if self.refusal else []
        if self.promotion is None:
            return refused
        view = self.view
        return refused + list(plan_checks.of_plan(self.promotion, view.proposal, view.looking.evidence, view.now()))

    def say_why_not(self) -> bool:
        """Tell why this cannot be promoted; False when it can be."""
        why = self.why_not()
        if why:
            self.view.say(why, Condition.WARNING)
        return bool(why)
