"""The dialog that invokes functions: with an event, checked while it is typed, or with a file put where they look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static, TextArea

from hfaas_tui.ui import events
from hfaas_tui.ui.backend import Invoked
from hfaas_tui.ui.errands import send
from hfaas_tui.ui.model import Condition, Function
from hfaas_tui.ui.safe import clean, clip
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp

ANSWER = 200
"""Characters of an answer that a toast shows."""


class Invoke(ModalScreen[None]):
    """Asks for the event and invokes; what became of it comes as a toast that leads to the run."""

    DEFAULT_CSS = """
    Invoke { align: center middle; }
    Invoke > Vertical { width: 84; max-width: 96%; height: auto; max-height: 96%; padding: 0 1; border: round $primary;
                        background: $surface; border-title-style: bold; border-title-color: $foreground;
                        border-subtitle-color: $text-muted; }
    Invoke:nocolor > Vertical { border: round $foreground; }
    Invoke #kinds { background: $surface; margin-bottom: 1; }
    Invoke TextArea, Invoke TextArea:focus { height: 14; border: none; padding: 0; background: $panel; }
    Invoke Input { border: none; height: 1; padding: 0 1; background: $panel; display: none; }
    Invoke.-file Input { display: block; }
    Invoke.-file TextArea, Invoke.-file TextArea:focus { display: none; }
    Invoke #check { height: auto; margin-top: 1; }
    Invoke.-wrong #check { color: $text-error; }
    Invoke Horizontal { height: auto; align: center middle; margin-top: 1; }
    Invoke Button { margin: 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel", priority=True),
        Binding("f2,ctrl+s", "invoke", "Invoke", priority=True),
        Binding("ctrl+t", "next_kind", "Next kind of event", priority=True),
    ]

    def __init__(self, functions: Sequence[Function]) -> None:
        super().__init__()
        self._functions = functions
        self._function = functions[0]
        self._kinds = events.kinds(self._function)
        self._kind = self._kinds[0]
        self._typed: dict[str, str] = {}

    @property
    def hfaas(self) -> HfaasApp:
        return cast("HfaasApp", self.app)

    def compose(self) -> ComposeResult:
        count = len(self._functions)
        with Vertical() as box:
            name = clean(self._function.name, 50) if count == 1 else f"{count} functions"
            box.border_title = Text(f"Invoke {name}")
            box.border_subtitle = "F2 invoke  ^t other event  esc cancel"
            yield ChromeLine(id="kinds")
            yield TextArea("", soft_wrap=False, show_line_numbers=True, tab_behavior="focus", compact=True)
            yield Input(placeholder="path of a file on this machine", compact=True)
            yield Static(id="check", markup=False)
            with Horizontal():
                yield Button("Cancel", id="no", compact=True)
                yield Button("Invoke", id="yes", variant="primary", compact=True)

    def on_mount(self) -> None:
        self._show(self._kind)

    def _show(self, kind: str) -> None:
        """Show the event of a kind, as it was typed or as a template."""
        area = self.query_one(TextArea)
        if self._kind != "file":
            self._typed[self._kind] = area.text
        self._kind = kind
        self.set_class(kind == "file", "-file")
        if kind == "file":
            self.query_one(Input).focus()
        else:
            area.text = self._typed.get(kind) or events.template(kind, self._function)
            area.focus()
        parts = [
            Part(f"[{events.TITLES[each]}]" if each == kind else f" {events.TITLES[each]} ", *_look(each, kind))
            for each in self._kinds
        ]
        self.query_one("#kinds", ChromeLine).show(parts)
        self._check()

    def on_chrome_line_clicked(self, event: ChromeLine.Clicked) -> None:
        event.stop()
        self._show(event.action)

    def action_next_kind(self) -> None:
        self._show(self._kinds[(self._kinds.index(self._kind) + 1) % len(self._kinds)])

    # --- checking

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._check()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._check()

    def _check(self) -> bool:
        """Say whether it can be sent."""
        good, words = self._checked_file() if self._kind == "file" else self._checked_json()
        self.query_one("#check", Static).update(words)
        self.query_one("#yes", Button).disabled = not good
        self.set_class(not good, "-wrong")
        return good

    def _checked_json(self) -> tuple[bool, str]:
        wrong = events.mistake(self.query_one(TextArea).text)
        if wrong is None:
            return True, "✓ valid JSON"
        return False, f"✗ line {wrong.line}, column {wrong.column}: {clean(wrong.message, 60)}"

    def _checked_file(self) -> tuple[bool, str]:
        path = Path(self.query_one(Input).value).expanduser()
        if not self.query_one(Input).value:
            return False, "the file is uploaded to where the function looks for its input"
        if not path.is_file():
            return False, f"✗ no file {clean(path, 60)}"
        return True, f"✓ goes to {clean(events.target_of(path, self._function), 70)}"

    # --- invoking

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_invoke()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_invoke()
        else:
            self.dismiss()

    def action_close(self) -> None:
        self.dismiss()

    def action_invoke(self) -> None:
        if not self._check():
            return
        for function in self._functions:
            if self._kind == "file":
                _upload(self.hfaas, function, Path(self.query_one(Input).value).expanduser())
            else:
                # who sends a request waits for the answer; an event of S3 is nobody's question
                _invoke(self.hfaas, function, self.query_one(TextArea).text, wait=self._kind != "s3")
        self.dismiss()


def _look(kind: str, shown: str) -> tuple[str, str]:
    return ("active" if kind == shown else "", kind)


def _invoke(app: HfaasApp, function: Function, event: str, *, wait: bool) -> None:
    """Invoke in the background, and tell what came of it."""

    def call() -> Invoked:
        return app.backend.invoke(function.name, event.encode("utf-8", "replace"), wait=wait)

    send(app, app, "invoke", call, lambda answer: _tell(app, function, answer), exclusive=False)
    if wait:
        app.say(f"{function.name} was called; its answer comes here")


def _tell(app: HfaasApp, function: Function, answer: Invoked) -> None:
    link = ("runs", answer.id)
    if answer.error:
        app.say(f"{function.name} failed: {clip(answer.error, ANSWER)}", Condition.FAILED, link)
    elif answer.payload:
        said = answer.payload[: 4 * ANSWER].decode("utf-8", "replace")
        app.say(f"{function.name} answered {clip(said, ANSWER)}", Condition.OK, link)
    else:
        app.say(f"{function.name} got the event", Condition.OK, link)


def _upload(app: HfaasApp, function: Function, file: Path) -> None:
    """Put the file where the function looks, and tell when it is there."""
    uri = events.target_of(file, function)

    def told(_: None) -> None:
        app.say(f"{file.name} is at {uri}", Condition.OK, ("storage", uri))

    send(app, app, "invoke", lambda: app.backend.upload(file, uri, lambda _: None), told, exclusive=False)
