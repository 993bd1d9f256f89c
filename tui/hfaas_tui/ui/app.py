"""The terminal UI itself: one store, one backend, eight views that are made when they are first shown."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.notifications import Notify
from textual.screen import Screen

from hfaas_tui.ui import actions, clipboard, frame, glyphs, themes, toasts
from hfaas_tui.ui.actions import Action
from hfaas_tui.ui.errands import Defects, is_there, send
from hfaas_tui.ui.feed import Feeds
from hfaas_tui.ui.filters import Ascii, Harmless
from hfaas_tui.ui.keyboard import Keyboard, Passed
from hfaas_tui.ui.lasting import Lasting
from hfaas_tui.ui.logs.store import LogStore
from hfaas_tui.ui.model import Condition, Problem, Target
from hfaas_tui.ui.pulse import Pulse
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.screens.sizes import TooSmall, is_too_small
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.settings import Settings
from hfaas_tui.ui.state import Kind, Message, Store
from hfaas_tui.ui.stats import stats
from hfaas_tui.ui.switching import Switching
from hfaas_tui.ui.toasts import Link, Severity
from hfaas_tui.ui.widgets.chrome import Part

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.emulator.emulation import Emulation
    from hfaas_tui.ui.targets import Kind as TargetKind
    from hfaas_tui.ui.targets import Targets

PREFETCH_S = 0.5
QUIET_S, RESTING_S = 5.0, 0.25
"""After so long without news, the pause between two looks at the store."""

NEWS = tuple(set(Kind) - {Kind.MACHINE, Kind.HEALTH})
"""What happens, other than figures that each look at the target brings."""

LONGEST_TRAIL = 20


class HfaasApp(Lasting):
    """Manages functions and shows what they do."""

    TITLE = "hfaas"
    CSS = """
    Screen { layers: base; }
    Toast { width: auto; max-width: 60; padding: 0 1; }
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
        targets: Targets | None = None,
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
        self.logs = LogStore() if logs is None else logs  # an empty one is false
        self.emulation = emulation
        self.switching = Switching(self, targets)
        self.clock = clock
        self.is_read_only = self.settings.read_only or backend.target.is_live
        self.feeds = Feeds(backend, self.store, self.logs, self._feed_failed)
        self.pulse = Pulse()
        self.keyboard = Keyboard(self)
        self.defects = Defects()
        self._first = first
        self._filters_of_ours: list[LineFilter] = [Harmless(), *([Ascii()] if self.settings.ascii else [])]
        self._keys = dict(self.settings.keys)
        self._views: dict[str, View] = {}
        self._trail: list[str] = []
        self._version, self._changed = -1, time.monotonic()

    # --- life

    def on_mount(self) -> None:
        for theme in themes.OURS:
            self.register_theme(theme)
        if self.settings.theme in self.available_themes:
            self.theme = self.settings.theme
        else:
            self.say(f"no theme {self.settings.theme}: there are {', '.join(themes.NAMES)}", Condition.WARNING)
        self.set_keymap(self._keys)
        self.feeds.start()
        self.go(self._first)
        self.set_timer(PREFETCH_S, self._prefetch)
        self._look()

    def _prefetch(self) -> None:
        """Import what comes next while nobody waits for it."""
        ours = (f"hfaas_tui.ui.screens.{each}" for each in ("palette", "functions.invoke"))
        names = ("textual.widgets.text_area", *ours)
        send(self, self, "prefetch", lambda: [importlib.import_module(each) for each in names], lambda _: None)

    def _look(self) -> None:
        """Look, and look again soon; less often where nothing has happened for a while."""
        self.poll()
        now, version = time.monotonic(), self.store.version(*NEWS)
        if version != self._version:
            self._version, self._changed = version, now
        is_quiet = now - self._changed > QUIET_S
        self.set_timer(max(RESTING_S, self.settings.poll_s) if is_quiet else self.settings.poll_s, self._look)

    def poll(self) -> None:
        """Let the view that is seen look at the store; those that are not cost nothing."""
        stack = self.screen_stack if self.is_running else []
        view = next((each for each in reversed(stack) if isinstance(each, View)), None)
        if view is None or not view.is_mounted or isinstance(stack[-1], TooSmall):
            return
        try:
            view.poll()
        except Exception as error:  # noqa: BLE001 - what is on screen stays; the work of the user too
            if not is_there(view):  # it was taken away while it looked
                return
            is_told = self.defects.is_known(error)
            problem = self.defects.note(error)
            if not is_told:
                self.report(problem)

    def survives(self, error: Exception) -> bool:
        """Tell of a defect in a toast and a file; before the first view there is nothing that could go on."""
        if not self.is_running or len(self.screen_stack) < 2:
            return False
        self.report(self.defects.note(error))
        return True

    async def on_event(self, event: events.Event) -> None:
        """Take one key after the other."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self.pulse.pressed()
            await self.keyboard.typed(partial(super().on_event, event))
        else:
            await super().on_event(event)

    async def on_passed(self, marker: Passed) -> None:
        """Let the next key go."""
        await self.keyboard.passed(marker)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        self.pulse.painted()

    def on_unmount(self) -> None:
        self.feeds.close()

    def get_line_filters(self) -> list[LineFilter]:
        """Return the filters of everything that is painted, the walls against terminal control among them."""
        return [*super().get_line_filters(), *self._filters_of_ours]

    def _feed_failed(self, error: Exception) -> None:
        """Tell once of an answer that could not be understood; called in a thread."""
        is_told = self.defects.is_known(error)
        problem = self.defects.note(error)
        if not is_told and not self.feeds.is_closing:
            self.call_later(self.report, problem)

    # --- going places

    def go(self, view: str, subject: str = "") -> None:
        """Show a view, at a subject of it: a function, a run's id, a URI."""
        self.call_later(self._go, view, subject)

    async def _go(self, view: str, subject: str, *, is_back: bool = False) -> None:
        name = f"view-{view}"
        if not self.is_screen_installed(name):
            self._views[view] = _made(view)
            self.install_screen(self._views[view], name)
        while self.screen.is_modal:
            self.pop_screen()
        screen = cast("View", self.get_screen(name))
        if not is_back:
            self._remember(view if subject else "")
        if len(self.screen_stack) == 1:  # Textual's own blank screen stays below all
            await self.push_screen(name)
        elif self.screen is not screen:
            await self.switch_screen(name)
        if subject:
            screen.call_after_refresh(screen.show, subject)
        if is_too_small(self.size):
            self.push_screen(TooSmall())

    def action_go_to_target(self, kind: TargetKind) -> None:
        """Look at another target."""
        self.switching.ask(kind)

    def action_allow(self) -> None:
        """Let a live target be changed, or look only again."""
        self.switching.allow()

    def set_read_only(self, is_it: bool) -> None:
        """Hide the keys that change things, or show them."""
        self.is_read_only = is_it
        self.refresh_bindings()
        self.poll()

    async def look_at(self, backend: Backend, emulation: Emulation | None) -> None:
        """Look at another target; nothing of this one stays."""
        here = next((each.NAME for each in reversed(self.screen_stack) if isinstance(each, View)), self._first)
        self.feeds.close()
        self.backend, self.emulation = backend, emulation
        self.store, self.logs = Store(backend.target), LogStore(self.logs.folder)
        self.is_read_only = self.settings.read_only or backend.target.is_live
        self.feeds = Feeds(backend, self.store, self.logs, self._feed_failed)
        self._trail.clear()
        old, self._views = [*self._views.values()], {}
        while self.screen.is_modal:
            self.pop_screen()
        await self.switch_screen(Screen())
        for view in old:
            self.uninstall_screen(view)
            await view.remove()
        self.feeds.start()
        await self._go(here, "")
        self.say(f"this is {backend.target.kind.upper() if backend.target.is_live else 'the local emulator'} now")

    def _remember(self, view: str) -> None:
        """Note where somebody comes from who follows something to a view; who just goes to one begins anew."""
        here = self.screen.NAME if isinstance(self.screen, View) else ""
        if not view:
            self._trail.clear()
        elif here not in {"", view}:
            self._trail = [*self._trail, here][-LONGEST_TRAIL:]

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
        """Close what is open, else go back to where one came from, else to the functions."""
        if isinstance(self.screen, View) and not self.dismiss_errors() and not self.screen.go_back():
            before = self._trail.pop() if self._trail else "functions"
            self.call_later(self._go, before, "", is_back=True)

    def action_help(self) -> None:
        from hfaas_tui.ui.screens.help import Help

        screen = self.screen
        if isinstance(screen, View):
            self.push_screen(Help(screen.NAME, [each for each in actions.of(screen.NAME) if screen.allows(each)]))

    def action_command_palette(self) -> None:
        """Find a command by its name."""
        from hfaas_tui.ui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(placeholder="What would you like to do?"))

    def action_go_to(self) -> None:
        from hfaas_tui.ui.screens.goto import GoTo

        self.push_screen(GoTo())

    def action_start_emulator(self) -> None:
        """Start the emulator from whatever view says that none answers."""
        from hfaas_tui.ui.screens.system.emulator import Switch

        if isinstance(self.screen, View) and not self.is_read_only and not self.store.health.is_up:
            Switch(self.screen).turn()

    def action_messages(self) -> None:
        from hfaas_tui.ui.screens.messages import Messages

        self.push_screen(Messages(self.store.messages()))

    def action_refresh_view(self) -> None:
        if isinstance(self.screen, View):
            self.screen.update()

    def action_leave(self) -> None:
        """Leave; ask first when something would be lost."""
        from hfaas_tui.ui.widgets.confirm import Confirm

        if isinstance(self.screen, Confirm):
            return
        if losses := list(self.losses()):
            asked = Confirm("Leave now?", losses, yes="Leave")
            self.push_screen(asked, lambda answer: self.exit(0) if answer else None)
        else:
            self.exit(0)

    async def action_quit(self) -> None:
        """Leave as `q` does."""
        self.action_leave()

    def unsaved(self) -> Iterator[str]:
        """Yield what would be lost with the views."""
        for view in self._views.values():
            if lost := view.unsaved():
                yield lost

    def losses(self) -> Iterator[str]:
        """Yield what would be lost if the user left now."""
        yield from self.unsaved()
        yield from self.switching.losses()
        running = sum(each.running for each in stats(self.store, self.clock()).values())
        if running and self.emulation is not None and self.emulation.is_ours:
            runs = "1 run is" if running == 1 else f"{running} runs are"
            yield f"{runs} under way in the emulator of this window, which ends with it."

    # --- telling

    def say(self, text: str, state: Condition = Condition.OK, link: Link | None = None) -> None:
        """Show a toast, and keep it for `:messages`; `link` is the view and subject that it is about."""
        tone = glyphs.LOOKS[state].tone
        severity: Severity = "error" if tone == "err" else "warning" if tone == "warn" else "information"
        self.store.say(Message(self.clock(), clean(text), state))
        toast = toasts.made(clean(text, 500), "", severity, None, link)
        toast.is_passing = state is Condition.QUEUED
        self._toast(toast)

    def report(self, problem: Problem) -> None:
        """Show what failed and what to do; that the target is gone the frame says, for as long as it is."""
        is_gone = not self.store.health.is_up and self.store.health.problem is not None
        state = Condition.WARNING if is_gone else Condition.FAILED
        self.say(problem.message + (f": {problem.hint}" if problem.hint else ""), state)

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
        self._toast(toasts.made(clean(message, 500), clean(title), severity, timeout))

    def _toast(self, toast: toasts.Toast) -> None:
        self.post_message(Notify(toast))

    def _on_notify(self, event: Notify) -> None:
        event.prevent_default()  # Textual would show as many as there are
        toast, gone = toasts.merged(event.notification, self._notifications)
        for each in gone:
            self._unnotify(each, refresh=False)
        self._notifications.add(toast)
        self._refresh_notifications()

    def on_click(self, event: events.Click) -> None:
        """Open what the toast is about that was clicked."""
        said = getattr(event.widget, "_notification", None)
        if isinstance(said, toasts.Toast) and said.link:
            self.go(*said.link)

    def action_open_toast(self) -> None:
        """Open what the newest toast is about."""
        links = [each.link for each in self._notifications if isinstance(each, toasts.Toast) and each.link]
        if links:
            self.clear_notifications()
            self.go(*links[-1])

    def dismiss_errors(self) -> bool:
        """Take the errors off the screen; False when there are none."""
        errors = [each for each in self._notifications if each.severity == "error"]
        for each in errors:
            self._unnotify(each)
        return bool(errors)

    # --- the terminal around us

    def copy(self, text: str, what: str = "it") -> None:
        """Put a text on the clipboard and say by which ways."""
        text = clipboard.harmless(text[: clipboard.LONGEST])
        self.copy_to_clipboard(text)

        def told(ways: list[str]) -> None:
            self.say(f"copied {what} by {', '.join(['the terminal (OSC 52)', *ways])}")

        send(self, self, "copy", lambda: clipboard.copy(text), told)

    def copy_to_clipboard(self, text: str) -> None:
        """Hand a text to the terminal without what a terminal obeys where it is pasted."""
        super().copy_to_clipboard(clipboard.harmless(text[: clipboard.LONGEST]))

    def action_copy_or_hint(self) -> None:
        """Copy the selected text; without one say how to leave, since ^c does so elsewhere."""
        if selected := self.screen.get_selected_text():
            self.copy(selected, "the selection")
        else:
            self.say("nothing is selected to copy; q quits")

    def outside(self, run: Callable[[], None]) -> None:
        """Hand the terminal to another program until it ends."""
        try:
            with self.suspend():
                run()
        except SuspendNotSupported:
            self.say("this terminal cannot be handed to another program", Condition.WARNING)

    def on_resize(self, event: events.Resize) -> None:
        """Show nothing but a plea in a window in which nothing fits."""
        shown = self.screen if isinstance(self.screen, TooSmall) else None
        if not is_too_small(event.size):
            if shown is not None:
                self.pop_screen()
        elif shown is None:
            self.push_screen(TooSmall())
        else:
            shown.tell(event.size)

    # --- the frame

    def header_left(self, place: Target) -> Iterator[Part]:
        """Say where we are: on the emulator, or on something that costs money."""
        return frame.where(place, is_read_only=self.is_read_only)

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
    module = importlib.import_module(f"hfaas_tui.ui.screens.{view}.view")
    return cast("View", getattr(module, view.capitalize())())
