"""Verify: what was promoted: whether each function answers there, the outputs, and the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfaas_tui.ui import safe
from hfaas_tui.ui.project.undertaking import Undertaking
from hfaas_tui.ui.screens.promote import accounts, checks, plan_checks
from hfaas_tui.ui.screens.promote.page import Page
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.ui.widgets.vtable import Column

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Identity


@dataclass(frozen=True, slots=True)
class Row:
    """A result, an output or an image."""

    id: str
    state: str
    tone: str
    kind: str
    name: str
    value: str


class VerifyPage(Page):
    """The last step."""

    NUMBER = 5
    CLASS = "-done"
    WIDE = (
        Column("state", "", 2),
        Column("kind", "", 9),
        Column("name", "NAME", 30),
        Column("value", "", 40, grow=1),
    )
    SMALL = (
        Column("state", "", 2),
        Column("kind", "", 9),
        Column("name", "NAME", 20),
        Column("value", "", 30, grow=1),
    )

    @property
    def undertaking(self) -> Undertaking | None:
        """Return the promotion that came to its end, or at least to trying the functions out."""
        one = self._ended
        return one if one and not self._outdated(one) else None

    @property
    def _ended(self) -> Undertaking | None:
        one = self.view.deployed.undertaking
        return one if one and not one.is_running and (one.promoted or one.smoked) else None

    def _outdated(self, one: Undertaking) -> str:
        """Say why what was verified is not what would be promoted now; empty when it is."""
        was, proposal, planned = one.promotion, self.view.proposal, self.view.planned.promotion
        if proposal and was.template.sha256 != proposal.sha256:
            return f"it was template {was.template.sha256[: checks.SHA]}, and the file has changed since."
        if planned and _place(planned.identity) != _place(was.identity):
            return f"it was account {accounts.account(was.identity.account)} {was.identity.region}."
        return ""

    @property
    def is_done(self) -> bool:
        """Tell whether all went well."""
        return self.undertaking is not None and self.undertaking.promoted is not None

    @property
    def is_bare(self) -> bool:
        return self.undertaking is None

    @property
    def empty(self) -> Sequence[str]:
        if (one := self._ended) and (why := self._outdated(one)):
            return (f"What was verified last is out of date: {why}", "P  promotes it as it is now")
        return ("Nothing was promoted from here yet.", "[  goes back")

    def rows(self) -> Sequence[Row]:
        return list(_rows(self.undertaking)) if self.undertaking else ()

    def cell(self, row: Row, column: str) -> tuple[str, str]:
        return str(getattr(row, column)), row.tone if column == "state" else ""

    def what(self) -> Iterator[Part]:
        one = self.undertaking
        if one and one.failure:
            yield Part(f" ✗ {one.failure.message}", "err")
            yield Part(f"   {one.failure.hint}", "dim")
        elif one and one.promoted:
            yield Part(f" ✓ {one.promoted.stack} is promoted", "ok")
            yield Part(f"   in {safe.duration((one.ended or 0) - one.began)}", "dim")
            yield Part(
                f"   {len(one.smoked)} of {len(one.promoted.images) or len(one.smoked)} functions tried", "dim"
            )

    def sum(self) -> Iterator[Part]:
        if self.undertaking:
            yield Part(" c", "key", "copy")
            yield Part(" copy   ", "", "copy")
            yield Part("^s", "key", "export")
            yield Part(" save a report   ", "", "export")
            yield Part("y", "key", "template")
            yield Part(" command line   ", "", "template")
            if not (self.view.store.target.is_live or self.view.is_narrow):
                yield Part("^p", "key")
                yield Part(" Target: go to AWS shows it there")

    def title(self, row: Row | None) -> tuple[Sequence[Part], Sequence[Part]]:
        return ([Part("─ "), Part(f"{row.name} ", "head")], []) if row else ((), ())

    def detail(self, row: Row | None) -> Iterator[Line]:
        if row is not None:
            yield (Part(f"   {row.value}"),)

    def below_title(self) -> Sequence[Part]:
        return [Part("─ "), Part("Record ", "head"), Part("kept in the account ", "dim")]

    def below(self) -> Iterator[Line]:
        one = self.undertaking
        if one is None:
            return
        if one.promoted is None:
            yield _fact("template", one.promotion.template.sha256[: checks.SHA])
            yield (Part("   what was promoted stays up; P promotes again and tries the functions again", "dim"),)
            return
        done = one.promoted
        yield _fact("template", f"{done.template[: checks.SHA]}   as it was rehearsed")
        yield _fact("account", f"{accounts.account(done.account)} {done.region}")
        yield _fact("by", done.by)
        yield _fact("at", plan_checks.date(done.at))
        yield _fact("hfaas", done.version)


def _place(identity: Identity) -> tuple[str, str]:
    return identity.account, identity.region


def _fact(name: str, text: str) -> Line:
    return (Part(f"   {name:<12}", "head"), Part(text))


def _rows(one: Undertaking) -> Iterator[Row]:
    for function, words in one.smoked.items():
        good = function not in one.bad
        yield Row(f"smoke {function}", "✓" if good else "✗", "ok" if good else "err", "verified", function, words)
    for name, value in one.outputs.items():
        yield Row(f"output {name}", "·", "dim", "output", name, value)
    for function, image in (one.promoted.images if one.promoted else one.arrived).items():
        yield Row(f"image {function}", "·", "dim", "image", function, image)
