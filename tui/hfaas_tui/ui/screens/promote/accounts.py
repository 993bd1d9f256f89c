"""Where a promotion goes, in words; and a dialog in which profile and region are chosen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from hfaas_tui.ui.safe import clean
from hfaas_tui.where import Where

USUAL = "what the environment says"


def account(number: str) -> str:
    """Return an account's number as people read it: `1234-5678-9012`."""
    is_one = len(number) == 12 and number.isdigit()
    return f"{number[:4]}-{number[4:8]}-{number[8:]}" if is_one else clean(number, 24)


def profile(where: Where) -> str:
    """Return in words whose credentials are taken."""
    if where.profile:
        return f"profile {where.profile}"
    if os.environ.get("AWS_PROFILE"):
        return f"profile {os.environ['AWS_PROFILE']}"
    return "keys of the environment" if os.environ.get("AWS_ACCESS_KEY_ID") else "profile default"


class Somewhere(ModalScreen[Where]):
    """Answers with which profile and in which region to promote; None when the user left."""

    DEFAULT_CSS = """
    Somewhere { align: center middle; }
    Somewhere > Vertical { width: 60; max-width: 90%; height: auto; max-height: 90%; padding: 0 1;
                           border: round $primary; background: $surface; }
    Somewhere:nocolor > Vertical { border: round $foreground; }
    Somewhere OptionList { height: auto; max-height: 12; border: none; background: $surface; padding: 0; }
    Somewhere Static { width: 1fr; height: 1; margin-top: 1; color: $text-muted; }
    Somewhere Input { height: 1; border: none; padding: 0; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False)]

    def __init__(self, profiles: Sequence[str], where: Where, region: str) -> None:
        super().__init__()
        self._values = ["", *profiles]
        self._where, self._region = where, region

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text("Promote with which profile, and where to?")
            box.border_subtitle = "⏎ choose  tab region  esc leave"
            yield OptionList(*(Option(clean(each) or USUAL) for each in self._values), markup=False, compact=True)
            yield Static("region; empty for the pipeline's", markup=False)
            yield Input(self._where.region, placeholder=clean(self._region) or "as eu-west-1", compact=True)

    def on_mount(self) -> None:
        at = self._values.index(self._where.profile) if self._where.profile in self._values else 0
        self.query_one(OptionList).highlighted = at

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._answer()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer()

    def _answer(self) -> None:
        chosen = self._values[self.query_one(OptionList).highlighted or 0]
        region = self.query_one(Input).value.strip()
        self.dismiss(Where("aws", profile=chosen, region=region))

    def action_leave(self) -> None:
        self.dismiss(None)
