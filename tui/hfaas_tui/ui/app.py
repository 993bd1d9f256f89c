"""The terminal UI itself: one store, one backend, eight views that are made when they are first shown."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from hfaas_tui.ui import actions, frame, glyphs, themes
from hfaas_tui.ui.actions import Action
from hfaas_tui.ui.feed import Feeds
from hfaas_tui.ui.filters import Ascii, Harmless
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import Condition, Problem
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.settings import Settings
from hfaas_tui.ui.state import Message, Store
from hfaas_tui.ui.widgets.chrome import Part

if TYPE_CHECKING:
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.emulation import Emulation

TOASTS_S = 5.0
ERRORS_S = 60.0
Severity = Literal["information", "warning", "error"]


class HfaasApp(App[int]):
    """Manages functions and shows what they do."""

    TITLE = "hfaas"
    CSS = """
    Screen { background: $surface; layers: base; }
    Toast { max-width: 60; }
    """
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(each.binding() for each in actions.EVERYWHERE),
        Binding("ctrl+c", "copy_or_hint", "Copy what is selected", show=False),
    ]

    def __init__(
        self,
        backend: Backend,
        *,
        settings: Settings | None = None,
        store: Store | None = None,
        logs: LogStore | None = None,
        emulation: Emulation | None = None,
        clock: Callable[[], float] = time.time,
        first: str = "functions",
    ) -> None:
        no_color = os.environ.get("NO_COLOR")
        super().__init__()
        if no_color is not None:  # Textual takes it away; the programs we start shall see it
            os.environ["NO_COLOR"] = no_color
        self.backend = backend
        self.settings = settings or Settings()
        self.store = store or Store(backend.target)
        self.logs = logs or LogStore()
        self.emulation = emulation
        self.clock = clock
        self.is_read_only = self.settings.read_only or backend.target.is_live
        self.feeds = Feeds(backend, self.store, self.logs)
        self._first = first
        self._filters_of_ours: list[LineFilter] = [Harmless(), *([Ascii()] if self.settings.ascii else [])]
        self._keys = dict(self.settings.keys)

    # --- life

    def on_mount(self) -> None:
        for theme in themes.OURS:
            self.register_theme(theme)
        self.theme = self.settings.theme
        self.set_keymap(self._keys)
        self.feeds.start()
        self.go(self._first)

    def on_unmount(self) -> None:
        self.feeds.close()

    def get_line_filters(self) -> list[LineFilter]:
        """Return the filters of everything that is painted, the walls against terminal control among them."""
        return [*super().get_line_filters(), *self._filters_of_ours]

    # --- going places

    def go(self, view: str, subject: str = "") -> None:
        """Show a view, at a subject of it: a function, a run's id, a URI."""
        self.call_later(self._go, view, subject)

    async def _go(self, view: str, subject: str) -> None:
        name = f"view-{view}"
        if not self.is_screen_installed(name):
            self.install_screen(_made(view), name)
        while self.screen.is_modal:
            self.pop_screen()
        screen = cast("View", self.get_screen(name))
        if len(self.screen_stack) == 1:  # Textual's own blank screen stays below all
            await self.push_screen(name)
        elif self.screen is not screen:
            await self.switch_screen(name)
        if subject:
            screen.call_after_refresh(screen.show, subject)

    def _view(self, number: int) -> None:
        self.go(list(actions.VIEWS)[number - 1])

    def action_view_1(self) -> None:
        self._view(1)

    def action_view_2(self) -> None:
        self._view(2)

    def action_view_3(self) -> None:
        self._view(3)

    def action_view_4(self) -> None:
        self._view(4)

    def action_view_5(self) -> None:
        self._view(5)

    def action_view_6(self) -> None:
        self._view(6)

    def action_view_7(self) -> None:
        self._view(7)

    def action_view_8(self) -> None:
        self._view(8)

    async def action_back(self) -> None:
        """Close what is open, or go to the functions when nothing is."""
        if isinstance(self.screen, View) and not self.screen.go_back():
            self.go("functions")

    def action_help(self) -> None:
        from hfaas_tui.ui.screens.help import Help

        if isinstance(self.screen, View):
            self.push_screen(Help(self.screen.NAME))

    def action_go_to(self) -> None:
        from hfaas_tui.ui.screens.goto import GoTo

        self.push_screen(GoTo())

    def action_messages(self) -> None:
        from hfaas_tui.ui.screens.messages import Messages

        self.push_screen(Messages())

    def action_refresh_view(self) -> None:
        if isinstance(self.screen, View):
            self.screen.update()

    def action_leave(self) -> None:
        self.exit(0)

    # --- telling

    def say(self, text: str, state: Condition = Condition.OK) -> None:
        """Show a toast, and keep it for `:messages`."""
        tone = glyphs.LOOKS[state].tone
        severity: Severity = "error" if tone == "err" else "warning" if tone == "warn" else "information"
        self.store.say(Message(self.clock(), clean(text), state))
        self.notify(text, severity=severity, timeout=ERRORS_S if severity == "error" else TOASTS_S)

    def report(self, problem: Problem) -> None:
        """Show what failed and what to do."""
        self.say(problem.message + (f": {problem.hint}" if problem.hint else ""), Condition.FAILED)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - never: a path in brackets would end the app
    ) -> None:
        """Show a toast of harmless text."""
        super().notify(clean(message, 500), title=clean(title), severity=severity, timeout=timeout, markup=False)

    # --- the frame

    def header_left(self) -> Iterator[Part]:
        """Say where we are: on the emulator, or on something that costs money."""
        return frame.where(self.store.target, is_read_only=self.is_read_only)

    def header_right(self) -> Iterator[Part]:
        """Say how the target is."""
        return frame.how(self.store, self.clock(), self.size.width)

    def label(self, action: Action) -> str:
        """Return the key of an action as the user has bound it."""
        return self._keys.get(action.id, action.label)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Return what the palette offers besides its own."""
        yield from ()


def _made(view: str) -> View:
    """Make a view; its module is imported now."""
    module = importlib.import_module(f"hfaas_tui.ui.screens.{view}")
    return cast("View", getattr(module, view.capitalize())())
