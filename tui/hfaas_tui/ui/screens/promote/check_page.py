"""Check: what the pipeline file makes, and how it was rehearsed here. AWS is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hfaas_tui.ui.screens.promote import checks, resources, rows
from hfaas_tui.ui.screens.promote.page import Page
from hfaas_tui.ui.screens.promote.resources import Resource
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.ui.widgets.vtable import Column

EMPTY = (
    "No pipeline in this folder, nor above it.",
    "6  write one, or open a pipeline file",
    "   a promotion takes to AWS what the file says and what was rehearsed here",
)
LOOKING = ("Looking at the pipeline…",)


class CheckPage(Page):
    """The first step."""

    NUMBER = 1
    WIDE = (
        Column("action", "ACTION", 8),
        Column("kind", "KIND", 25, prio=1),
        Column("name", "NAME", 34, grow=1),
        Column("about", "WITH", 20, prio=2, grow=2),
    )
    SMALL = (Column("action", "ACTION", 8), Column("short", "KIND", 12), Column("name", "NAME", 14, grow=1))

    @property
    def is_bare(self) -> bool:
        return self.view.proposal is None

    @property
    def empty(self) -> Sequence[str]:
        looking = self.view.looking
        if looking.problem:
            return (f"This pipeline cannot be promoted: {looking.problem.message}", looking.problem.hint)
        return EMPTY if looking.is_done else LOOKING

    def rows(self) -> Sequence[Resource]:
        proposal = self.view.proposal
        return resources.resources(proposal.document, self._images()) if proposal else ()

    def _images(self) -> dict[str, str]:
        """Return by function the tag of the image that its files make; a plan and a repository name it so, too."""
        seen = self.view.proposal.seen.images if self.view.proposal else ()
        tags = {each.function: each.wanted.rpartition(":")[2] for each in seen if not each.is_process}
        return {name: f"image {tag}" for name, tag in tags.items() if tag}

    def cell(self, row: Resource, column: str) -> tuple[str, str]:
        return rows.cell(row, column)

    def what(self) -> Iterator[Part]:
        looking, proposal = self.view.looking, self.view.proposal
        if looking.problem and proposal:
            yield Part(f" ✗ {looking.problem.message}", "err")
            yield Part(f"   {looking.problem.hint}   what you see is from before", "dim")
        elif proposal:
            functions = len(proposal.functions)
            yield Part(f" {proposal.stack}", "head")
            yield Part(f"   template {proposal.sha256[: checks.SHA]}")
            yield Part(f"   {functions} function{'s' * (functions != 1)}")
            yield Part(f"   {proposal.file.name}", "dim")
            if len(looking.files) > 1:
                yield Part(f"   o one of {len(looking.files)}", "dim", "choose")

    def sum(self) -> Iterator[Part]:
        count = sum(not row.is_part for row in self.view.table.rows)
        new = "" if self.view.is_narrow else " in an account that has none of it"
        yield Part(f" {count} create{new}", "ok")
        if not self.view.hfaas.is_read_only:
            yield Part("   P", "key", "promote")
            yield Part(" asks AWS what it has, and changes nothing there", "", "promote")

    def title(self, row: Resource | None) -> tuple[Sequence[Part], Sequence[Part]]:
        if row is None:
            return (), ()
        left = [Part("─ "), Part(f"+ {row.name} ", "head"), Part(f"· {row.kind} ", "dim")]
        return left, [] if self.view.has_class("-open") else [Part(" ⏎ all ", "dim", "open")]

    def detail(self, row: Resource | None) -> Iterator[Line]:
        if row is not None:
            yield from rows.details(row, self.view.proposal)

    def below_title(self) -> Sequence[Part]:
        return rows.checks_title(self._checks())

    def below(self) -> Iterator[Line]:
        yield from (rows.check(each, is_narrow=self.view.is_narrow) for each in self._checks())

    def _checks(self) -> Sequence[checks.Check]:
        view = self.view
        return list(checks.checks(view.proposal, view.looking.evidence, view.now())) if view.proposal else ()
