"""Starting and stopping the emulator: one key, a question when something would be cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Condition, Problem
from hfaas_tui.ui.stats import stats
from hfaas_tui.ui.widgets.confirm import Confirm

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.view import View

NOT_OURS = "this window looks at an emulator that was named; `hfaas up` and `hfaas down` start and stop it"


class Switch:
    """Turns the emulator of the app on and off; one change at a time."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._is_turning = False

    def turn(self) -> None:
        """Start the emulator when none answers, else stop it."""
        view = self._view
        if view.hfaas.emulation is None:
            view.say(NOT_OURS, Condition.WARNING)
        elif self._is_turning:
            view.say("under way", Condition.WARNING)
        elif view.store.health.is_up:
            self._ask()
        else:
            self.start()

    def start(self) -> None:
        """Start it in the background; nothing happens when it runs."""
        view, emulation = self._view, self._view.hfaas.emulation
        if emulation is None or self._is_turning:
            return
        self._is_turning = True
        view.say("starting the emulator…", Condition.QUEUED)
        view.work("emulator", emulation.start, lambda found: self._turned(f"up at {found.endpoint}"), self._failed)

    def _ask(self) -> None:
        view = self._view
        figures = stats(view.store, view.now()).values()
        running, queued = sum(each.running for each in figures), sum(each.queued for each in figures)
        if not running and not queued:
            self._stop()
            return
        lines = [
            f"{running} running and {queued} waiting {'run' if running + queued == 1 else 'runs'} would be cut off.",
            "Buckets, spaces, functions and logs stay in the state folder.",
        ]
        asked = Confirm("Stop the emulator?", lines, yes="Stop it")
        view.app.push_screen(asked, lambda answer: self._stop() if answer else None)

    def _stop(self) -> None:
        view, emulation = self._view, self._view.hfaas.emulation
        if emulation is None:
            return
        self._is_turning = True
        view.say("stopping the emulator…", Condition.QUEUED)
        view.work("emulator", emulation.stop, lambda _: self._turned("stopped; S starts it again"), self._failed)

    def _turned(self, words: str) -> None:
        self._is_turning = False
        self._view.hfaas.feeds.hurry()
        self._view.say(f"the emulator is {words}")

    def _failed(self, problem: Problem) -> None:
        self._is_turning = False
        self._view.hfaas.feeds.hurry()
        self._view.hfaas.report(problem)
