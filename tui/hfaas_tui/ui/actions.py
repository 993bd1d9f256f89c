"""Every key of every view: the one source of bindings, hints, help, the palette and the user's own key map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """Something a key does; `id` is what `keys.toml` calls it, `hint` stands in the last row, most important first."""

    id: str
    key: str
    help: str
    hint: str = ""
    shown: str = ""
    danger: bool = False
    """Changes something: hidden while read-only."""

    @property
    def method(self) -> str:
        """Return the Textual action: `functions.run-again` calls `action_run_again`."""
        return self.id.partition(".")[2].replace("-", "_")

    def binding(self) -> Binding:
        """Return it as Textual wants it."""
        return Binding(
            self.key, self.method, self.hint or self.help, show=bool(self.hint), key_display=self.label, id=self.id
        )

    @property
    def label(self) -> str:
        """Return the key as people write it."""
        return self.shown or "/".join(_label(key) for key in self.key.split(","))


_NAMES = {
    "enter": "⏎",
    "escape": "esc",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "backspace": "⌫",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "plus": "+",
    "minus": "-",
}


def _label(key: str) -> str:
    if key.startswith("ctrl+"):
        return "^" + key[5:]
    return _NAMES.get(key, key.upper() if key[:1] == "f" and key[1:].isdigit() else key)


EVERYWHERE = (
    *(Action(f"app.view-{n}", str(n), f"view {n}") for n in range(1, 9)),
    Action("app.go-to", "colon", "go to… (:logs NAME, :s3 BUCKET/PREFIX, :run ID)"),
    Action("app.command-palette", "ctrl+p", "command palette"),
    Action("app.help", "question_mark,f1", "this help", shown="?"),
    Action("app.refresh-view", "ctrl+r", "refresh"),
    Action("app.back", "escape", "back, clear", shown="esc"),
    Action("app.start-emulator", "S", "start the emulator"),
    Action("app.messages", "ctrl+g", "past messages"),
    Action("app.open-toast", "ctrl+l", "open the message"),
    Action("app.leave", "q", "quit"),
)

MOVES = (
    ("j k ↑ ↓", "row"),
    ("g G", "first, last"),
    ("^d ^u", "half page"),
    ("^f ^b", "page"),
    ("tab ⇧tab", "next panel"),
)

_OPEN = ("enter", "open details", "open")
_FILTER = ("slash", "filter… (text, column:value, !not, a regex)", "filter")


def _list(view: str) -> tuple[Action, ...]:
    return (
        Action(f"{view}.filter", *_FILTER),
        Action(f"{view}.sort", "o", "sort by next"),
        Action(f"{view}.reverse", "O", "reverse order"),
        Action(f"{view}.mark", "space", "mark", shown="space"),
    )


FUNCTIONS = (
    Action("functions.open", *_OPEN),
    Action("functions.invoke", "i", "invoke…", "invoke", danger=True),
    Action("functions.logs", "l", "logs", "logs"),
    Action("functions.edit", "e", "edit the FDL", "edit"),
    Action("functions.promote", "p", "promote", "promote"),
    Action("functions.filter", *_FILTER),
    Action("functions.fdl", "y", "show as YAML", "yaml"),
    Action("functions.shell", "s", "shell in image", "shell", danger=True),
    Action("functions.delete", "D", "delete…", "delete", danger=True),
    Action("functions.zoom", "z", "all columns", "zoom"),
    Action("functions.copy", "c", "copy the name"),
    Action("functions.detail", "d", "detail pane"),
    *_list("functions")[1:],
)

LOGS = (
    Action("logs.follow", "s", "follow the end, or stay (G follows too)", "follow"),
    Action("logs.filter", *_FILTER),
    Action("logs.next-match", "n", "next match", "match", shown="n/N"),
    Action("logs.previous-match", "N", "previous match"),
    Action("logs.ignore-case", "ctrl+t", "ignore case in the filter, or not"),
    Action("logs.highlight", "F", "highlight only, or filter"),
    Action("logs.wrap", "w", "wrap", "wrap"),
    Action("logs.time", "t", "time column", "time"),
    Action("logs.level", "v", "level", "level"),
    Action("logs.range", "r", "range of time", "range"),
    Action("logs.function", "f", "function", "function"),
    Action("logs.request", "R", "request of the line"),
    Action("logs.mark", "m", "mark the line", "mark"),
    Action("logs.pause", "p", "pause reading"),
    Action("logs.copy", "c", "copy line, marked or selected", "copy"),
    Action("logs.export", "ctrl+s", "export: text or JSONL", "save"),
    Action("logs.open", "enter", "whole line, JSON pretty", "detail"),
    Action("logs.invoke", "i", "invoke the function", danger=True),
    Action("logs.zoom", "z", "full screen"),
    Action("logs.clear", "C", "clear the view (not the data)"),
    Action("logs.pager", "E", "open in $PAGER"),
)

RUNS = (
    Action("runs.open", "enter", "everything about the run", "detail"),
    Action("runs.logs", "l", "its log lines", "logs"),
    Action("runs.again", "a", "run again with the same event", "again", danger=True),
    Action("runs.stop", "x", "stop: cancel or terminate the job", "stop", danger=True),
    Action("runs.filter", *_FILTER),
    Action("runs.previous-tab", "left_square_bracket", "tab before"),
    Action("runs.next-tab", "right_square_bracket", "next tab", "tab", shown="[ ]"),
    Action("runs.range", "r", "range of time", "range"),
    Action("runs.output", "o", "open the output object", "output"),
    Action("runs.copy", "c", "copy the id", "copy id"),
    Action("runs.export", "ctrl+s", "export as JSON: what is shown, or marked", "export"),
    Action("runs.input", "O", "open the input object"),
    Action("runs.edit", "e", "edit the function"),
    Action("runs.other-leg", "b", "the other leg of a delegated run"),
    Action("runs.mark", "space", "mark", shown="space"),
    Action("runs.zoom", "z", "list only"),
)

STORAGE = (
    Action("storage.open", "enter", "open", "open"),
    Action("storage.upload", "u", "upload files here…", "upload", danger=True),
    Action("storage.download", "ctrl+s", "download", "save"),
    Action("storage.copy", "c", "copy the URI", "copy uri"),
    Action("storage.new", "n", "new bucket, space or folder", "new", danger=True),
    Action("storage.delete", "D", "delete…", "delete", danger=True),
    Action("storage.filter", *_FILTER),
    Action("storage.up", "backspace", "up", "up"),
    Action("storage.mark", "space", "mark", "mark", shown="space"),
    Action("storage.event", "e", "what became of this object", "event"),
    Action("storage.cancel", "x", "cancel the transfer", "cancel"),
    Action("storage.previous-frame", "left", "previous frame of a video"),
    Action("storage.next-frame", "right", "next frame of a video"),
    Action("storage.zoom", "z", "zoom the preview"),
)

PIPELINE = (
    Action("pipeline.open", "enter", "open the node", "open"),
    Action("pipeline.inject", "i", "put a file in…", "inject file", danger=True),
    Action("pipeline.logs", "l", "logs of the function", "logs"),
    Action("pipeline.trace", "t", "trace the last object", "trace"),
    Action("pipeline.zoom-in", "plus", "larger", "zoom"),
    Action("pipeline.zoom-out", "minus", "smaller"),
    Action("pipeline.filter", "slash", "find", "find"),
    Action("pipeline.move-down", "j,down", "down"),
    Action("pipeline.move-up", "k,up", "up"),
    Action("pipeline.move-left", "h,left", "left"),
    Action("pipeline.move-right", "right", "right"),
    Action("pipeline.export", "E", "export as text", "export"),
    Action("pipeline.promote", "p", "promote", "promote"),
)

DEPLOY = (
    Action("deploy.save", "ctrl+s", "save and check", "save+check", danger=True),
    Action("deploy.deploy", "f2", "deploy", "deploy", danger=True),
    Action("deploy.next-problem", "f3", "next problem", "next problem"),
    Action("deploy.fix", "f8", "apply the fix of the problem", "fix", danger=True),
    Action("deploy.editor", "f4", "open in $EDITOR", "$EDITOR"),
    Action("deploy.next-file", "f9", "next file", "next file"),
    Action("deploy.hot", "f10", "redeploy whenever a file is saved", "hot", danger=True),
    Action("deploy.open", "ctrl+t", "open another pipeline…"),
    Action("deploy.new", "n", "write a new pipeline", "new", danger=True),
    Action("deploy.leave", "escape", "back", "back"),
)

PROMOTE = (
    Action("promote.open", "enter", "all of it, the log of a promotion too", "details"),
    Action("promote.plan", "r", "look again; in the plan, ask AWS again", "look again"),
    Action("promote.promote", "P", "promote… (plan, then confirm)", "promote…", danger=True),
    Action("promote.stop", "x", "stop after this step", "stop", danger=True),
    Action("promote.account", "w", "with which profile, to which region…", "account"),
    Action("promote.template", "y", "template and command line", "template"),
    Action("promote.export", "ctrl+s", "save the template; once deployed, a report", "save"),
    Action("promote.filter", *_FILTER),
    Action("promote.copy", "c", "copy the SHA-256 of the template, or the output", "copy"),
    Action("promote.previous-step", "left_square_bracket", "step before"),
    Action("promote.next-step", "right_square_bracket", "next step", "step", shown="[ ]"),
    Action("promote.choose", "o", "another pipeline of the folder"),
)

SYSTEM = (
    Action("system.open", "enter", "details", "details"),
    Action("system.refresh", "r", "refresh", "refresh"),
    Action("system.start-stop", "S", "start or stop the emulator", "start/stop", danger=True),
    Action("system.logs", "l", "the emulator's own log", "logs"),
    Action("system.gpu", "g", "GPU detail", "gpu detail"),
    Action("system.prune", "P", "remove images no function uses…", "prune", danger=True),
    Action("system.copy", "c", "copy a report", "copy report"),
    Action("system.export", "ctrl+s", "save the report", "save report"),
)

WELCOME = (
    Action("welcome.open", "enter", "choose", "choose"),
    Action("welcome.move-down", "down,j", "next choice", "move", shown="↑↓"),
    Action("welcome.move-up", "up,k", "choice before"),
    *(Action(f"welcome.choose-{n}", str(n), f"choice {n}") for n in range(1, 6)),
    Action("welcome.doctor", "d", "look at this machine again", "doctor"),
)

VIEWS: dict[str, tuple[Action, ...]] = {
    "functions": FUNCTIONS,
    "logs": LOGS,
    "runs": RUNS,
    "storage": STORAGE,
    "pipeline": PIPELINE,
    "deploy": DEPLOY,
    "promote": PROMOTE,
    "system": SYSTEM,
}
"""The views in the order of their keys."""

OTHERS = {"welcome": WELCOME}


def of(view: str) -> tuple[Action, ...]:
    """Return the actions of a view; none when it has no keys of its own."""
    return VIEWS[view] if view in VIEWS else OTHERS.get(view, ())


def bindings(view: str) -> list[BindingType]:
    """Return the bindings of a view's screen."""
    return [each.binding() for each in of(view)]


def everything() -> Iterator[Action]:
    """Yield all actions: what the user may bind anew."""
    yield from EVERYWHERE
    for actions in (*VIEWS.values(), *OTHERS.values()):
        yield from actions
