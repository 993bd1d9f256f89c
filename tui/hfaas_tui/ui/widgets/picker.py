"""The dialog that picks files and folders of this machine: a path typed with completion, above a list of what is there."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import unquote

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from hfaas_tui.ui.errands import send
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.vtable import Column, VTable
from hfaas_tui.units import size

if TYPE_CHECKING:
    from hfaas_tui.ui.app import HfaasApp

MOST = 5000
"""Files of one folder in the list; typing finds those that are not."""

COLUMNS = (
    Column("name", "NAME", 20, grow=1),
    Column("size", "SIZE", 7, align="right"),
    Column("changed", "CHANGED", 12, prio=1),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file or a folder of this machine."""

    path: Path
    name: str
    is_folder: bool
    size: int = 0
    changed: float = 0


class Picker(ModalScreen[list[Path]]):
    """Answers the files and folders that were chosen; none when the user cancelled."""

    DEFAULT_CSS = """
    Picker { align: center middle; }
    Picker > Vertical { width: 90; max-width: 95%; height: 26; max-height: 92%; padding: 0 1;
                        border: round $primary; background: $surface; border-title-style: bold; }
    Picker Input { border: none; height: 1; padding: 0; margin: 1 0; background: $panel; }
    Picker VTable { height: 1fr; }
    Picker Static { height: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("tab", "complete", "Complete", priority=True),
        Binding("space", "mark", "Mark"),
        Binding("backspace", "up", "Up"),
        Binding("down", "list", "List", show=False),
        Binding("ctrl+s", "take", "Take what is marked", priority=True),
    ]

    def __init__(self, title: str, start: Path | None = None) -> None:
        super().__init__()
        self._title, self._start = clean(title), start or Path.cwd()
        self._folder: Path | None = None
        self._files: list[File] = []

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = "tab complete  space mark  ⏎ choose  ^s take marked  esc cancel"
            yield Input(str(self._start).rstrip("/") + "/", select_on_focus=False, compact=True)
            yield VTable[File](COLUMNS, _cells, lambda file: str(file.path), empty=["Nothing here."])
            yield Static("", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    # --- the path

    @property
    def typed(self) -> tuple[Path, str]:
        """Return the folder and the beginning of a name that stand in the line."""
        text = _path_of(self.query_one(Input).value)
        folder, _, stem = text.rpartition("/")
        return Path(folder + "/" if folder or text.startswith("/") else "."), stem

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        folder, stem = self.typed
        if folder != self._folder:
            self._folder = folder
            self._scan(folder)
        else:
            self._show(stem)

    def _scan(self, folder: Path) -> None:
        app = cast("HfaasApp", self.app)
        send(self, app, "scan", lambda: scan(folder), lambda found: self._scanned(folder, *found))

    def _scanned(self, folder: Path, files: list[File], note: str) -> None:
        if folder == self._folder and self.is_mounted:
            self._files = files
            self.query_one(Static).update(clean(note))
            self._show(self.typed[1])

    def _show(self, stem: str) -> None:
        table, low = self.query_one(VTable), stem.lower()
        table.set_filter((lambda file: file.name.lower().startswith(low)) if low else None)
        table.set_rows(self._files)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open a folder, or take a file."""
        event.stop()
        folder, stem = self.typed
        if not stem:
            self.query_one(VTable).focus()
            return
        path = folder / stem
        if path.is_dir():
            self._open(path)
        elif path.exists():
            self.dismiss([path])
        else:
            self.query_one(Static).update(clean(f"There is no {path}"))

    def action_complete(self) -> None:
        """Complete the name as far as it is the same for all that begin so; then go on to the list."""
        line, table = self.query_one(Input), self.query_one(VTable)
        if not line.has_focus:
            line.focus()
            return
        stem = self.typed[1]
        names = [file.name + ("/" if file.is_folder else "") for file in table.shown]
        common = os.path.commonprefix(names) if stem else ""  # noqa: RUF071 - of the names' characters
        if len(common) > len(stem):
            line.value = line.value[: len(line.value) - len(stem)] + common
            line.cursor_position = len(line.value)
        else:
            table.focus()

    # --- the list

    def on_vtable_opened(self, event: VTable.Opened) -> None:
        event.stop()
        if event.table.marks:
            self.action_take()
        elif event.row.is_folder:
            self._open(event.row.path)
        else:
            self.dismiss([event.row.path])

    def action_mark(self) -> None:
        self.query_one(VTable).action_mark()

    def action_list(self) -> None:
        self.query_one(VTable).focus()

    def action_up(self) -> None:
        """Go to the folder that this one is in."""
        self._open(self.typed[0].expanduser().absolute().parent)

    def action_take(self) -> None:
        """Answer what is marked, or what the cursor is on."""
        chosen: Sequence[File] = self.query_one(VTable).marked
        if chosen:
            self.dismiss([file.path for file in chosen])

    def action_cancel(self) -> None:
        self.dismiss([])

    def _open(self, folder: Path) -> None:
        line = self.query_one(Input)
        line.value = str(folder).rstrip("/") + "/"
        line.cursor_position = len(line.value)


def _path_of(text: str) -> str:
    """Return a typed or pasted path: terminals paste dropped files in quotes or as addresses."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
    return os.path.expanduser(text)


def scan(folder: Path) -> tuple[list[File], str]:
    """Return what is in a folder, folders first, and what there is to say about it."""
    files: list[File] = []
    note = ""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(files) >= MOST:
                    note = f"the first {MOST:,}: type the beginning of a name for others"
                    break
                files.append(_file(folder, entry))
    except OSError as error:
        return [], f"{folder}: {error.strerror}"
    except ValueError:  # a zero byte, or what no file system can hold
        return [], "no folder has a name like that"
    return sorted(files, key=lambda file: (not file.is_folder, file.name.startswith("."), file.name.lower())), note


def _file(folder: Path, entry: os.DirEntry[str]) -> File:
    try:
        about = entry.stat()
        return File(folder / entry.name, entry.name, entry.is_dir(), about.st_size, about.st_mtime)
    except OSError:
        return File(folder / entry.name, entry.name, is_folder=False)


def _cells(file: File, column: str) -> tuple[str, str]:
    match column:
        case "name":
            return file.name + ("/" if file.is_folder else ""), "run" if file.is_folder else ""
        case "size":
            return ("", "") if file.is_folder else (size(file.size), "")
        case _:
            return time.strftime("%d %b %H:%M", time.localtime(file.changed)) if file.changed else "", "dim"
