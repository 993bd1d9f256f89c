"""The command palette: what can be done now, the views, functions, buckets, runs, themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual.app import App
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from hfaas_tui.ui import actions, themes
from hfaas_tui.ui.safe import clean, clip
from hfaas_tui.ui.screens.view import TABS, View

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp

WIDTH = 52
"""Cells of a command's words; its key stands behind them."""

RUNS_SEARCHED = 5_000


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the palette."""

    words: str
    key: str
    run: Callable[[], Any]

    @property
    def prompt(self) -> Text:
        """Return what the palette shows."""
        return Text(f"{clip(self.words, WIDTH):<{WIDTH}}  {self.key}")


class Commands(Provider):
    """Finds them all; those of the view come first, the many only when something was typed."""

    @property
    def hfaas(self) -> HfaasApp:
        return cast("HfaasApp", self.app)

    async def discover(self) -> Hits:
        for command in (*self._of_view(is_all=False), *self._everywhere()):
            yield DiscoveryHit(command.prompt, command.run, text=command.words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in (*self._of_view(is_all=True), *self._everywhere(), *self._things(), *self._themes()):
            if (score := max(map(matcher.match, _typed(command.words)))) > 0:
                yield Hit(score, command.prompt, command.run, text=command.words)

    def _of_view(self, *, is_all: bool) -> Iterator[Command]:
        screen = self.screen
        if isinstance(screen, View):
            for action in actions.of(screen.NAME):
                if screen.allows(action) and (is_all or action.hint):
                    words = f"{screen.NAME.capitalize()}: {action.help.partition(' (')[0]}"
                    yield Command(words, self.hfaas.label(action), partial(screen.run_action, action.method))

    def _everywhere(self) -> Iterator[Command]:
        for number, (name, title, _) in enumerate(TABS, 1):
            yield Command(f"Go to view: {title}", str(number), partial(self.hfaas.go, name))
        for action in actions.EVERYWHERE:
            if not action.id.startswith(("app.view-", "app.command-palette", "app.back")):
                words = action.help[:1].upper() + action.help[1:].partition(" (")[0]
                yield Command(words, self.hfaas.label(action), partial(self.app.run_action, action.method))

        for what, does in self.hfaas.switching.commands():
            yield Command(what, "", partial(self.app.run_action, does))

    def _things(self) -> Iterator[Command]:
        store, go = self.hfaas.store, self.hfaas.go
        for function in store.functions():
            name = clean(function.name, 80)
            yield Command(f"fn {name}", "1", partial(go, "functions", function.name))
            yield Command(f"logs of {name}", "2", partial(go, "logs", function.name))
        for place in store.places():
            yield Command(clean(place.uri, 80), "4", partial(go, "storage", place.uri))
        for run in store.runs()[-RUNS_SEARCHED:]:
            yield Command(clean(f"run {run.id[:8]} {run.function}", 80), "3", partial(go, "runs", run.id))

    def _themes(self) -> Iterator[Command]:
        known = self.app.available_themes
        for name in (*themes.NAMES, *sorted(set(known) - set(themes.NAMES))):
            if name in known:
                yield Command(f"Theme: {name}", "", partial(_use, self.app, name))


def _typed(words: str) -> set[str]:
    """Return how people may type it: `s3://films` and `s3 films`."""
    return {words, words.replace("://", " ")}


def _use(app: App[Any], theme: str) -> None:
    app.theme = theme


class Palette(CommandPalette):
    """Textual's palette in our frame."""

    DEFAULT_CSS = """
    Palette { align: center top; background: transparent; }
    Palette > Vertical { width: 86; max-width: 92%; height: auto; max-height: 80%; margin-top: 3;
                         border: round $primary; background: $surface; visibility: visible; padding: 0 1;
                         border-subtitle-color: $text-muted; }
    Palette:nocolor > Vertical { border: round $foreground; }
    Palette SearchIcon { display: none; }
    Palette #--input { border: none; height: 1; }
    Palette #--input.--list-visible { border: none; }
    Palette CommandInput, Palette CommandInput:focus { height: 1; border: none; padding: 0; }
    Palette #--results { overlay: none; height: auto; border-top: solid $secondary; }
    Palette CommandList { max-height: 12; border: none; background: $surface; visibility: visible; }
    Palette CommandList:focus { border: none; }
    Palette LoadingIndicator { display: none; }
    """

    def __init__(self, placeholder: str = "") -> None:
        super().__init__(providers={Commands}, placeholder=placeholder)

    def on_mount(self) -> None:
        box = cast("Any", self.query_one("#--container"))
        box.border_subtitle = "type fn, s3, run or theme to find those · ↑↓ choose  ⏎ run  esc close"
