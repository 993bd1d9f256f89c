"""The first thing to see where no pipeline is: what can be begun with, and what this machine can run.

Nothing is written or started before a choice, and what each one writes and starts is said while it is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from hfaas_tui.doctor import Finding
from hfaas_tui.ui import actions, frame
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.screens.system.lines import doctor
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.screens.welcome.choices import CHOICES, Choices
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.textpane import Line, TextPane

LONG = "Build a data-processing pipeline here, run it on this machine, then promote it to AWS with one key."
SHORT = "Build a pipeline here, run it on this machine, promote it with one key."


class Page(TextPane, can_focus=False):
    """The page; its view has the keys."""


class Welcome(View):
    """Comes up where there is no project yet."""

    NAME = "welcome"
    BINDINGS = actions.bindings("welcome")
    AUTO_FOCUS = ""
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.HEALTH, Kind.FUNCTIONS)
    DEFAULT_CSS = """
    Welcome #tabs { display: none; }
    Welcome.-gone > #trouble { display: none; }
    Welcome #margin { height: 1fr; padding: 2 8 0 12; }
    Welcome.-narrow #margin, Welcome.-short #margin { padding: 1 2 0 2; }
    Welcome #page { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.findings: Sequence[Finding] | None = None
        self.choices = Choices(self)
        self._chosen = 0

    def body(self) -> ComposeResult:
        with Container(id="margin"):
            yield Page(wraps=False, id="page")

    def on_mount(self) -> None:
        super().on_mount()
        self.action_doctor()

    # --- showing

    def update(self) -> None:
        pane = self.query_one("#page", TextPane)
        pane.show(self._lines(is_wide=self.size.width >= frame.WIDE, width=pane.size.width))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.update)

    def _lines(self, *, is_wide: bool, width: int) -> Iterator[Line]:
        yield (Part(LONG if is_wide else SHORT, "head"),)
        yield ()
        for number, (name, wide, narrow) in enumerate(CHOICES):
            is_here = number == self._chosen
            action = f"choose({number})"
            mark = Part("▸ " if is_here else "  ", "key", action)
            title = Part(f"{number + 1}  {name:<{28 if is_wide else 27}}", "key" if is_here else "", action)
            yield mark, title, Part(" " + (wide if is_wide else narrow), "dim", action)
        yield from self._section("This machine", width)
        yield from doctor(self.findings)
        yield from self._section(f"What happens when you press {self._chosen + 1}", width)
        for label, text in self.choices.consequences(self._chosen):
            yield Part(f"{label:<10}", "dim"), Part(clean(text))

    def _section(self, title: str, width: int) -> Iterator[Line]:
        yield ()
        if not self.has_class("-short"):
            yield ()
        yield (Part(f"─ {title} " + "─" * max(0, width - len(title) - 3), "head"),)

    def _show_frame(self) -> None:
        super()._show_frame()
        left = [Part(" hfaas  "), Part(f"◇ no project in {clean(self.choices.folder)}", "head")]
        self.query_one("#header", ChromeLine).show(left, self._status())

    def _status(self) -> Iterator[Part]:
        found = {each.subject: each.level for each in self.findings or ()}
        for subject, word in (("Docker", "docker"), ("GPU", "gpu")):
            if subject in found:
                is_good = found[subject] == "ok"
                yield Part(f"{word} {'✓' if is_good else '!'}  ", "ok" if is_good else "warn")
        is_up = self.store.health.is_up
        yield Part("emulator ✓ " if is_up else "emulator ■ stopped ", "ok" if is_up else "dim")

    # --- keys

    def action_doctor(self) -> None:
        """Look at this machine."""
        self.findings = None
        self.update()

        def call() -> list[Finding]:
            from hfaas_tui import doctor as looking

            return looking.examine()

        self.work("doctor", call, self._examined)

    def _examined(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.update()
        self._show_frame()

    def action_move_down(self) -> None:
        self._choose((self._chosen + 1) % len(CHOICES))

    def action_move_up(self) -> None:
        self._choose((self._chosen - 1) % len(CHOICES))

    def _choose(self, number: int) -> None:
        self._chosen = number
        self.update()

    def on_text_pane_clicked(self, event: TextPane.Clicked) -> None:
        """Show what a choice does; begin with it when it is clicked again."""
        event.stop()
        number = int(event.action.removeprefix("choose(").removesuffix(")"))
        if number == self._chosen:
            self.action_open()
        else:
            self._choose(number)

    def action_open(self) -> None:
        self.choices.begin(self._chosen)

    def _begin(self, number: int) -> None:
        self._choose(number)
        self.action_open()

    def action_choose_1(self) -> None:
        self._begin(0)

    def action_choose_2(self) -> None:
        self._begin(1)

    def action_choose_3(self) -> None:
        self._begin(2)

    def action_choose_4(self) -> None:
        self._begin(3)

    def action_choose_5(self) -> None:
        self._begin(4)

    def focus_main(self) -> None:
        self.set_focus(None)
