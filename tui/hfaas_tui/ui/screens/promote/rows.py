"""How resources and checks are painted: cells and lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hfaas_tui import units
from hfaas_tui.ui import glyphs
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.promotion import Proposal
from hfaas_tui.ui.screens.promote import resources
from hfaas_tui.ui.screens.promote.checks import Check
from hfaas_tui.ui.screens.promote.resources import Resource
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line

LABEL = 13


def cell(row: Resource, column: str) -> tuple[str, str]:
    """Return what a column says of a resource; AWS is not asked, so all of them are new."""
    if column == "action":
        return "+ create", "ok"
    if column == "about":
        return row.about, "dim"
    return str(getattr(row, column)), ""


def details(row: Resource, proposal: Proposal | None) -> Iterator[Line]:
    """Yield a resource's properties, of a function its image first."""
    found = list(resources.details(row))
    if proposal and row.kind == resources.FUNCTION:
        found[:0] = _image(row, proposal)
    wide = min(26, max((len(name) for name, _ in found), default=0))
    for name, value in found:
        yield (Part(f"   {name:<{wide}}  ", "head"), Part(value))


def _image(row: Resource, proposal: Proposal) -> Iterator[tuple[str, str]]:
    found = next((each for each in proposal.seen.images if each.function == row.name), None)
    if found is None:
        return
    state = "deployed here" if found.is_same else "another one is deployed here" if found.deployed else "new"
    size = units.size(found.size) if found.size else ""
    parts = (found.wanted or "known once it is built", size, state)
    yield "image", "   ".join(part for part in parts if part)


def check(check: Check, *, is_narrow: bool) -> Line:
    """Return a check as a line, its hint only where there is room."""
    look = glyphs.LOOKS[check.state]
    glyph = look.glyph if check.state is not Condition.NONE else "~" if check.name else " "
    text = check.brief if is_narrow and check.brief else check.text
    hint = [Part(f"   {check.hint}", "dim")] if check.hint and not is_narrow else []
    return (Part(f" {glyph} ", look.tone), Part(f"{check.name:<{LABEL}}", "head"), Part(text), *hint)


def checks_title(found: Sequence[Check]) -> Sequence[Part]:
    """Return what stands above the checks."""
    open_ones = sum(each.state in {Condition.WARNING, Condition.FAILED} for each in found)
    count = Part(f"{open_ones} to look at ", "warn") if open_ones else Part("all is well ", "ok")
    return [Part("─ "), Part("Checks ", "head"), count]
