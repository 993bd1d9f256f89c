"""The line that `:` opens: a view, and what to look at there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from hfaas_tui.ui import actions
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.state import Store

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp

MOST = 8
"""Suggestions shown, and of each kind looked for."""

PLACES = {
    "fn": "functions",
    "function": "functions",
    "log": "logs",
    "run": "runs",
    "job": "runs",
    "s3": "storage",
    "onedata": "storage",
    "edit": "deploy",
}
OTHERS = {"messages": "app.messages", "help": "app.help", "quit": "app.leave", "q": "app.leave"}
EXAMPLES = "logs NAME, s3 BUCKET/PREFIX, onedata SPACE/FOLDER, run ID, messages, or a view"


def suggestions(store: Store, typed: str) -> list[str]:
    """Return what the line could become."""
    word, space, rest = typed.lstrip(": ").partition(" ")
    if not space:
        return [each for each in (*actions.VIEWS, "s3", "onedata", "run", *OTHERS) if each.startswith(word)][:MOST]
    found = (f"{word} {subject}" for subject in _subjects(store, word, rest.strip()))
    return [each for each, _ in zip(found, range(MOST), strict=False)]


def _subjects(store: Store, word: str, rest: str) -> Iterator[str]:
    view = PLACES.get(word, word)
    if view in {"functions", "logs", "deploy", "promote"}:
        yield from (each.name for each in store.functions() if rest.lower() in each.name.lower())
    elif view == "storage":
        uris = (place.uri for place in store.places())
        wanted = uris if word == "storage" else (uri for uri in uris if uri.startswith(f"{word}://"))
        names = (uri if word == "storage" else uri.partition("://")[2] for uri in wanted)
        yield from (name for name in names if name.startswith(rest))
    elif view == "runs":
        yield from (run.id for run in reversed(store.runs()) if run.id.startswith(rest))


def meant(store: Store, typed: str) -> tuple[str, str] | str:
    """Return view and subject of what was typed, or in words what is wrong with it."""
    word, _, rest = typed.strip(": ").partition(" ")
    word, rest = word.lower(), rest.strip()
    if word.isdigit() and 1 <= int(word) <= len(actions.VIEWS):
        return list(actions.VIEWS)[int(word) - 1], rest
    views = [each for each in actions.VIEWS if word and each.startswith(word)]
    view = PLACES.get(word) or (views[0] if len(views) == 1 or word in views else "")
    if not view:
        return f"no place is called “{clean(word, 40)}”: try {EXAMPLES}"
    if word in {"s3", "onedata"}:
        return view, f"{word}://{rest.removeprefix(word + '://')}" if rest else ""
    if view in {"functions", "logs"} and rest:
        names = [each.name for each in store.functions()]
        near = [name for name in names if rest.lower() in name.lower()]
        if rest not in names and len(near) != 1:
            known = f"{len(near)} have it: {', '.join(near[:3])}…" if near else f"there are {', '.join(names[:3])}…"
            return f"no function is called “{clean(rest, 40)}”; {known}"
        rest = rest if rest in names else near[0]
    if view == "runs" and rest:
        ids = [run.id for run in store.runs() if run.id.startswith(rest)]
        if not ids:
            return f"no run's id begins with “{clean(rest, 40)}”"
        rest = ids[-1]
    return view, rest


class GoTo(ModalScreen[None]):
    """One line at the bottom, suggestions above it; `tab` completes."""

    DEFAULT_CSS = """
    GoTo { align: left bottom; background: transparent; }
    GoTo > Vertical { height: auto; background: $panel; }
    GoTo #line { height: 1; }
    GoTo #colon { width: 3; color: $text-accent; text-style: bold; }
    GoTo Input { width: 1fr; border: none; padding: 0; height: 1; background: $panel; }
    GoTo #suggestions { height: auto; padding: 0 2; color: $text-muted; }
    GoTo #wrong { height: auto; padding: 0 1; color: $text-error; display: none; }
    GoTo.-wrong #wrong { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("tab", "complete", "Complete", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: list[str] = []

    @property
    def hfaas(self) -> HfaasApp:
        return cast("HfaasApp", self.app)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="suggestions", markup=False)
            yield Static(id="wrong", markup=False)
            with Horizontal(id="line"):
                yield Static(" :", id="colon", markup=False)
                yield Input(placeholder=EXAMPLES, compact=True)

    def on_mount(self) -> None:
        self._suggest("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.remove_class("-wrong")
        self._suggest(event.value)

    def _suggest(self, typed: str) -> None:
        self._found = suggestions(self.hfaas.store, typed)
        self.query_one("#suggestions", Static).update("\n".join(clean(each, 100) for each in self._found))

    def action_complete(self) -> None:
        """Take the first suggestion; another tab after a space lists what is there."""
        if self._found:
            field = self.query_one(Input)
            field.value = self._found[0] + ("" if " " in self._found[0] else " ")
            field.action_end()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        word = event.value.strip(": ").lower()
        if not word or word in OTHERS:
            self.dismiss()
            if word:
                self.app.call_later(self.app.run_action, OTHERS[word])
            return
        found = meant(self.hfaas.store, event.value)
        if isinstance(found, str):
            self.query_one("#wrong", Static).update(f"✗ {found}")
            self.add_class("-wrong")
        else:
            self.dismiss()
            self.hfaas.go(*found)
