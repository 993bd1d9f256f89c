"""The editor of one file: colours by Pygments, marks beside the lines with problems, hints at their ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.strip import Strip
from textual.widgets import TextArea

from hfaas_tui.ui.project.checking import Edit, indentation
from hfaas_tui.ui.project.project import Source, Stamp

MARKS = 2
"""Columns left of the line numbers."""

LONGEST = 500
"""Characters of a line that gets colours."""

LANGUAGES = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".sh": "bash",
    ".bash": "bash",
    ".py": "python",
    "Dockerfile": "docker",
}
TONES: tuple[tuple[str, str], ...] = (
    ("Token.Comment", "comment"),
    ("Token.Name.Tag", "name"),
    ("Token.Name.Builtin", "word"),
    ("Token.Name.Variable", "word"),
    ("Token.Keyword", "word"),
    ("Token.Literal.Number", "value"),
    ("Token.Literal.String", "value"),
    ("Token.Literal.Scalar", "text"),
)
"""What the kinds of tokens look like; the first one that fits."""


OF_APP = frozenset({*"12345678", "q", "question_mark", "colon"})
"""Keys that go on working in an editor that nobody has begun to work in: who looks through the views writes nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands beside a line with a problem: tone `err` or `warn`, and what would be right."""

    tone: str
    hint: str = ""


class Editor(TextArea):
    """A file that is being edited; what it is on disk is known by its stamp."""

    DEFAULT_CSS = """
    Editor { border: none; padding: 0; background: $surface; color: $foreground;
             scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    Editor:focus { border: none; }
    Editor > .editor--comment { color: $text-muted; text-style: italic; }
    Editor > .editor--name { color: $text-accent; }
    Editor > .editor--word { color: $text-warning; }
    Editor > .editor--value { color: $text-success; }
    Editor > .editor--text { color: $foreground; }
    Editor > .editor--err { color: $text-error; text-style: bold; }
    Editor > .editor--warn { color: $text-warning; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"editor--{tone}" for tone in ("comment", "name", "word", "value", "text", "err", "warn")
    }

    def __init__(self, source: Source, *, read_only: bool = False) -> None:
        super().__init__(
            source.text, show_line_numbers=True, soft_wrap=False, read_only=read_only, max_checkpoints=200
        )
        self.indent_width = 2
        self.cursor_blink = False
        self.path: Path = source.path
        self.stamp: Stamp | None = source.stamp
        self.is_modified = False
        self.is_untouched = True
        self._saved = self.text
        self._tones: dict[str, Style] = {}
        self._marks: Mapping[int, Mark] = {}
        self._language = (
            LANGUAGES.get(source.path.suffix) or LANGUAGES.get(source.path.name, "") or _by_first(source)
        )

    # --- the file

    def look(self) -> None:
        """Find out whether the text is other than the file's."""
        self.is_modified = self.text != self._saved

    def saved(self, source: Source) -> None:
        """Note what is in the file now."""
        self._saved, self.stamp = source.text, source.stamp
        self.look()

    def take(self, source: Source) -> None:
        """Show what is in the file now; the cursor stays where it was."""
        at = self.cursor_location
        if source.text != self.text:
            self.load_text(source.text)
            self.move_cursor(at)
        self._saved, self.stamp = self.text, source.stamp
        self.look()

    def repair(self, edit: Edit) -> None:
        """Make an edit that can be undone, and go there."""
        self.replace(edit.text, edit.start, edit.end)
        self.go_to(*edit.start)

    def go_to(self, line: int, column: int = 0) -> None:
        """Put the cursor somewhere, with some lines around it on screen."""
        line = min(line, self.document.line_count - 1)
        self.move_cursor((line, min(column, len(self.document.get_line(line)))), center=True)

    def mark(self, marks: Mapping[int, Mark]) -> None:
        """Set the marks, by line counted from 0."""
        if marks != self._marks:
            self._marks = marks
            self.refresh()

    # --- typing

    async def _on_key(self, event: events.Key) -> None:
        if self.is_untouched and event.key in OF_APP:
            event.prevent_default()
            return
        self.is_untouched = False
        if event.key == "enter" and self._language == "yaml" and not self.read_only:
            event.stop()
            event.prevent_default()
            start, end = sorted(self.selection)
            lead = indentation(self.document.get_line(start[0])[: start[1]])
            self.replace("\n" + lead, start, end, maintain_selection_offset=False)
            self.scroll_cursor_visible()
            return
        await super()._on_key(event)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return not (self.is_untouched and key in OF_APP) and super().check_consume_key(key, character)

    def on_mouse_down(self) -> None:
        self.is_untouched = False

    # --- painting

    @property
    def gutter_width(self) -> int:
        return super().gutter_width + MARKS

    def notify_style_update(self) -> None:
        self._tones = {}
        super().notify_style_update()

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        shown = (
            line
            if line.isprintable()
            else "".join(each if each.isprintable() or each == "\t" else "·" for each in line)
        )
        text = Text(shown, end="", no_wrap=True)
        for start, end, tone in _colours(self._language, line):
            text.stylize(self._tone(tone), start, end)
        return text

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        mark = self._marks.get(row)
        if mark is None or row >= self.document.line_count:
            return strip
        style = (next(iter(strip)).style or Style()) + self._tone(mark.tone)
        glyph = Strip([Segment("✗" if mark.tone == "err" else "!", style)])
        strip = Strip.join([glyph, strip.crop(1, None)])
        return self._with_hint(strip, row, mark)

    def _with_hint(self, strip: Strip, row: int, mark: Mark) -> Strip:
        line = self.document.get_line(row).expandtabs(self.indent_width)
        start = self.gutter_width + cell_len(line) - self.scroll_offset.x + 2
        room = self.size.width - start
        if not mark.hint or room < 12 or start < self.gutter_width:
            return strip
        hint = f"◀ {mark.hint}"
        if cell_len(hint) > room:
            hint = hint[: room - 1] + "…"
        rest = self.rich_style + self._tone(mark.tone)
        return Strip.join([strip.crop(0, start), Strip([Segment(hint, rest)])]).extend_cell_length(
            self.size.width, rest
        )

    def _tone(self, tone: str) -> Style:
        if tone not in self._tones:
            self._tones[tone] = self.get_component_rich_style(f"editor--{tone}", partial=True)
        return self._tones[tone]


def _by_first(source: Source) -> str:
    """Return the language that the first line of a script names."""
    first = source.text[:100].partition("\n")[0]
    return "" if not first.startswith("#!") else "python" if "python" in first else "bash"


@lru_cache(maxsize=8192)
def _colours(language: str, line: str) -> tuple[tuple[int, int, str], ...]:
    """Return the coloured pieces of one line; each line is looked at on its own, so that typing costs one line."""
    if not language or not line.strip() or len(line) > LONGEST:
        return ()
    at, found = 0, []
    for kind, text in _lexer(language).get_tokens(line):
        name = str(kind)
        tone = next((tone for token, tone in TONES if name.startswith(token)), "")
        if tone and text.strip():
            found.append((at, at + len(text), tone))
        at += len(text)
    return tuple(found)


@lru_cache(maxsize=8)
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
