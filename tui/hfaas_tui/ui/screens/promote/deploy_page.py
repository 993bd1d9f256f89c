"""Deploy: a promotion that runs, or ran last: its steps, what is said, what there is of outputs, and why it failed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hfaas_tui.ui import glyphs, safe
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.project.step import Step
from hfaas_tui.ui.project.undertaking import Undertaking
from hfaas_tui.ui.screens.promote import amounts, plan_checks
from hfaas_tui.ui.screens.promote.page import Page
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.ui.widgets.vtable import Column

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.promote.view import Promote

BAR = 24
LOG_SHOWN = 500


class DeployPage(Page):
    """The fourth step; the third is a dialog."""

    NUMBER = 4
    CLASS = "-doing"
    WIDE = (
        Column("state", "", 2),
        Column("what", "STEP", 26),
        Column("name", "NAME", 28, grow=1),
        Column("about", "", 30, grow=2),
        Column("time", "TIME", 7, align="right"),
    )
    SMALL = (
        Column("state", "", 2),
        Column("what", "STEP", 20),
        Column("name", "NAME", 18, grow=1),
        Column("about", "", 16, grow=2),
        Column("time", "TIME", 6, align="right"),
    )

    def __init__(self, view: Promote) -> None:
        super().__init__(view)
        self._seen: object = None

    @property
    def undertaking(self) -> Undertaking | None:
        """Return the promotion that runs, or the newest of this pipeline to where it goes."""
        kept, file = self.view.kept, self.view.file
        return kept.running or (kept.of(file, self.view.where) if file else None)

    @property
    def is_running(self) -> bool:
        return self.undertaking is not None and self.undertaking.is_running

    @property
    def has_news(self) -> bool:
        one = self.undertaking
        seen = (one, one.version, int(self.view.now()) if one.is_running else 0) if one else None
        is_other = seen != self._seen
        self._seen = seen
        return is_other

    @property
    def is_bare(self) -> bool:
        return self.undertaking is None

    @property
    def empty(self) -> Sequence[str]:
        return ("Nothing was promoted from here yet.", "[  goes back to the plan")

    def rows(self) -> Sequence[Step]:
        return self.undertaking.steps if self.undertaking else ()

    def followed(self) -> str:
        current = self.undertaking.current if self.undertaking else None
        return current.id if current else ""

    def cell(self, row: Step, column: str) -> tuple[str, str]:
        look = glyphs.LOOKS[row.state]
        if column == "state":
            return (look.glyph if row.state is not Condition.NONE else "=", look.tone)
        if column == "time":
            return safe.duration(row.seconds(self.view.now())) if row.began is not None else "", "dim"
        if column == "about":
            tone = look.tone if look.tone in {"err", "warn", "run"} else "dim"
            return amounts.about(row, self.view.now(), is_narrow=self.view.is_narrow), tone
        return str(getattr(row, column)), "dim" if row.state is Condition.PENDING else ""

    def what(self) -> Iterator[Part]:
        one = self.undertaking
        if one is None:
            return
        done, total = one.progress()
        now = self.view.now()
        took = safe.duration((one.ended or now) - one.began)
        if one.failure:
            yield Part(f" ✗ {one.failure.message}", "err")
            yield Part(f"   {one.failure.hint}", "dim")
        elif one.promoted:
            yield Part(f" ✓ {one.promotion.preview.stack} is promoted", "ok")
            yield Part(f"   in {took}   ", "dim")
            yield Part("]", "key", "next_step")
            yield Part(" verify", "", "next_step")
        elif one.is_stopped:
            yield Part(f" ■ stopped after {done} of {total} steps", "warn")
            yield Part("   P goes on where it was", "dim")
        else:
            yield from self._moving(one, f"  {done} of {total}   {took}")

    def _moving(self, one: Undertaking, steps: str) -> Iterator[Part]:
        """Yield how far it is; while images are pushed, their bytes."""
        amount, is_narrow, now = one.pushed, self.view.is_narrow, self.view.now()
        room = BAR if is_narrow or amount else 2 * BAR
        if amount and is_narrow:
            room, steps = BAR // 2, steps.partition("   ")[0]
        is_unknown = amount is not None and amount.share is None
        yield Part(
            f" {amounts.sliding(one.share, room, now) if is_unknown else amounts.bar(one.share, room)}", "run"
        )
        if amount:
            yield Part(f"  {amounts.told(amount)}", "head")
        yield Part(steps)
        if one.is_stopping:
            yield Part("   stops after this step", "warn")

    def sum(self) -> Iterator[Part]:
        one = self.undertaking
        if one is None:
            return
        if one.is_running:
            if not self.view.hfaas.is_read_only:
                yield Part(" x", "key", "stop")
                yield Part(" stops after this step  ", "", "stop")
            yield Part(" what AWS does by then, it finishes by itself; promoting again goes on from there", "dim")
        elif not one.promoted:
            yield Part(" finished steps stay, nothing is done twice", "dim")
            yield Part("   P", "key", "promote")
            yield Part(" promotes again   ", "", "promote")
            yield Part("^s", "key", "export")
            yield Part(" saves a report", "", "export")

    def title(self, row: Step | None) -> tuple[Sequence[Part], Sequence[Part]]:  # noqa: ARG002 - the log is of all
        more = [] if self.view.has_class("-open") else [Part(" ⏎ all ", "dim", "open")]
        return [Part("─ "), Part("Log ", "head")], more

    def detail(self, row: Step | None) -> Iterator[Line]:  # noqa: ARG002 - as above
        for one in list(self.undertaking.lines)[-LOG_SHOWN:] if self.undertaking else ():
            yield (Part(f" {plan_checks.second(one.time)}  ", "dim"), Part(one.text, "err" if one.is_bad else ""))

    def below_title(self) -> Sequence[Part]:
        one = self.undertaking
        if one and one.failure:
            return [Part("─ "), Part("What now ", "head")]
        return [Part("─ "), Part("Outputs ", "head"), Part("so far " if self.is_running else "", "dim")]

    def below(self) -> Iterator[Line]:
        one = self.undertaking
        if one is None:
            return
        if one.failure:
            room = max(20, self.view.size.width - 5)
            for at, line in enumerate(textwrap.wrap(one.failure.message, room)):
                yield (Part(" ✗ " if at == 0 else "   ", "err"), Part(line, "err"))
            yield from ((Part(f"   {line}"),) for line in textwrap.wrap(one.failure.hint, room))
            return
        for function, reference in list(one.arrived.items()):
            yield (Part(f" {'image ' + function:<26} ", "head"), Part(reference))
        for name, value in one.outputs.items():
            yield (Part(f" {name:<26} ", "head"), Part(value))
        if not one.outputs and one.is_running:
            yield (Part(" those of the Stack come when it is up", "dim"),)
