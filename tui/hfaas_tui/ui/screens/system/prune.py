"""Removing images that hfaas made and no function uses, once the user has seen their names and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfaas_tui.ui import pruning
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.pruning import Image
from hfaas_tui.ui.widgets.confirm import Confirm
from hfaas_tui.units import size

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.system.view import System

SHOWN = 10


class Pruning:
    """Belongs to the view."""

    def __init__(self, view: System) -> None:
        self._view = view

    def begin(self) -> None:
        """Look for the images; which ones are used tells the emulator only."""
        view = self._view
        if not view.store.health.is_up:
            view.say("which images are used tells the emulator: S starts it", Condition.WARNING)
            return
        functions = view.store.functions()
        view.work("prune", lambda: pruning.unused(functions), self._ask)

    def _ask(self, images: list[Image]) -> None:
        if not images:
            self._view.say("no images to remove: functions use all that hfaas made")
            return
        more = len(images) - SHOWN
        lines = [
            *(f"{size(image.size):>7}  {image.name}" for image in images[:SHOWN]),
            *([f"         and {more} more"] if more > 0 else []),
            "",
            "Functions of other projects may use them; a deploy makes them again.",
        ]
        total = size(sum(image.size for image in images))
        title = f"Remove {len(images)} image{'' if len(images) == 1 else 's'}, up to {total}?"
        asked = Confirm(title, lines, yes="Remove")
        self._view.app.push_screen(asked, lambda answer: self._remove(images) if answer else None)

    def _remove(self, images: list[Image]) -> None:
        self._view.work("prune", lambda: pruning.remove(images), lambda done: self._removed(*done))

    def _removed(self, freed: int, kept: list[str]) -> None:
        if kept:
            self._view.say(f"kept {len(kept)}: {kept[0]}", Condition.WARNING)
        self._view.say(f"removed images of {size(freed)}; layers that others share stay")
