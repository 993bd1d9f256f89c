"""The files of the Deploy view: one tab and one editor for each, saved all together, reloaded when others write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher, TextArea

from hfaas_tui.ui.project.checking import Check
from hfaas_tui.ui.project.project import Source
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.diff import Pane, Row, row
from hfaas_tui.ui.widgets.editor import Editor, Mark

NOTHING: tuple[Row, ...] = (
    row(""),
    row("No pipeline here.", "head"),
    row(""),
    row("n   write a new one: a function that copies its input, to begin with"),
    row("^t  open another pipeline file…"),
    row(""),
    row("A pipeline is a YAML file with `functions:`; above this folder it must be called pipeline.yaml.", "dim"),
)


class Files(Vertical):
    """Tabs and editors; the first file is the pipeline."""

    DEFAULT_CSS = """
    Files { width: 1fr; height: 1fr; }
    Files > ContentSwitcher { height: 1fr; }
    Files > #nothing { height: 1fr; display: none; }
    Files.-empty > #nothing { display: block; }
    Files.-empty > ContentSwitcher { display: none; }
    """

    @dataclass
    class Edited(Message):
        """The text of a file is another one."""

        editor: Editor

    @dataclass
    class Moved(Message):
        """The cursor is elsewhere, or another file is shown."""

        editor: Editor

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="-empty")
        self._summary: tuple[Part, ...] = ()
        self._note: tuple[Part, ...] = ()
        self._count = 0

    def compose(self) -> ComposeResult:
        yield ChromeLine(id="files")
        yield ContentSwitcher(id="editors")
        yield Pane(id="nothing")

    def on_mount(self) -> None:
        self.refresh_tabs()

    # --- what is open

    @property
    def editors(self) -> list[Editor]:
        """Return the editors in the order of their tabs."""
        return list(self.query_one(ContentSwitcher).query(Editor))

    @property
    def current(self) -> Editor | None:
        """Return the editor on screen."""
        shown = self.query_one(ContentSwitcher).visible_content
        return shown if isinstance(shown, Editor) else None

    @property
    def pipeline(self) -> Editor | None:
        """Return the editor of the pipeline file."""
        return next(iter(self.editors), None)

    @property
    def modified(self) -> list[Editor]:
        return [each for each in self.editors if each.is_modified]

    def of(self, path: Path) -> Editor | None:
        """Return the editor of a file."""
        return next((each for each in self.editors if _is_same(each.path, path)), None)

    async def open(self, sources: Iterable[Source], *, read_only: bool) -> None:
        """Show these files and no others but those that were changed; the first is the pipeline."""
        switcher = self.query_one(ContentSwitcher)
        wanted = list(sources)
        for editor in self.editors:
            if not editor.is_modified and not any(_is_same(editor.path, each.path) for each in wanted):
                if switcher.current == editor.id:
                    switcher.current = None
                await editor.remove()
        for source in wanted:
            if self.of(source.path) is None:
                self._count += 1
                editor = Editor(source, read_only=read_only)
                await switcher.add_content(editor, id=f"file-{self._count}")
        if self.current is None and self.editors:
            self.show(self.editors[0])
        self.set_class(not self.editors, "-empty")
        self.refresh_tabs()

    def say_nothing_is_here(self) -> None:
        """Say that there is no pipeline, and what to do."""
        self.query_one("#nothing", Pane).show(NOTHING)
        self.query_one("#nothing", Pane).focus()

    def show(self, editor: Editor, *, focus: bool = True) -> None:
        """Bring a file to the front."""
        self.query_one(ContentSwitcher).current = editor.id
        if focus:
            self.screen.set_focus(editor)  # at once: the next key is meant for this file
        self.refresh_tabs()
        self.post_message(self.Moved(editor))

    def touch(self, *, is_touched: bool = True) -> None:
        """Note that somebody works in the files now, or has only just come to look."""
        for editor in self.editors:
            editor.is_untouched = not is_touched

    def next(self) -> None:
        """Bring the file of the next tab to the front."""
        self.touch()
        self.at((self._position() + 1) % max(1, len(self.editors)))

    def at(self, position: int) -> None:
        """Bring a file to the front by the place of its tab."""
        if 0 <= position < len(self.editors):
            self.show(self.editors[position])

    def _position(self) -> int:
        editors, current = self.editors, self.current
        return editors.index(current) if current in editors else 0

    # --- the line of tabs

    def summarise(self, summary: Iterable[Part], note: Iterable[Part]) -> None:
        """Show at the right how many problems there are, and that files are watched."""
        self._summary, self._note = tuple(summary), tuple(note)
        self.refresh_tabs()

    def refresh_tabs(self) -> None:
        """Show which files are open, in front and not saved."""
        self.query_one("#files", ChromeLine).show(self._tabs(), [*self._note, *self._summary])

    def _tabs(self) -> Iterator[Part]:
        if not self.editors:
            yield Part(" no pipeline", "dim")
            return
        names = list(self._names())
        room = self.size.width - sum(len(part.text) for part in (*self._note, *self._summary)) - 1
        first, current = 0, self._position()
        while first < current and 1 + sum(map(len, names[first : current + 1])) > room:
            first += 1
        yield Part("…" if first else " ", "dim")
        for position, name in enumerate(names[first:], first):
            yield Part(name, "active" if position == current else "", f"file({position})")

    def _names(self) -> Iterator[str]:
        is_narrow = self.screen.has_class("-narrow")
        current = self.current
        for editor in self.editors:
            modified = (" ●" if is_narrow else " ●modified") if editor.is_modified else ""
            name = f"{editor.path.name}{modified}"
            yield f"[{name}]" if editor is current else f" {name} "

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if isinstance(event.text_area, Editor):
            event.text_area.look()
            self.refresh_tabs()
            self.post_message(self.Edited(event.text_area))

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if isinstance(event.text_area, Editor) and event.text_area is self.current:
            self.post_message(self.Moved(event.text_area))


def marks(check: Check) -> dict[int, Mark]:
    """Return what stands beside the lines with problems, the worst of each line."""
    found: dict[int, Mark] = {}
    for remark in check.remarks:
        if remark.line - 1 not in found or (remark.is_error and found[remark.line - 1].tone == "warn"):
            found[remark.line - 1] = Mark("err" if remark.is_error else "warn", remark.hint)
    return found


def _is_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute()
