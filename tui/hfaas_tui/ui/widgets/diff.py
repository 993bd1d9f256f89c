"""Lines that are painted as they are and scroll when there are too many: what a deploy will do, its log, help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hfaas_tui.ui.project.checking import Help
from hfaas_tui.ui.project.deploying import Line, Plan
from hfaas_tui.ui.safe import clean

TONES = ("ok", "err", "warn", "run", "dim", "head", "cursor")
SYMBOLS = {"+": "ok", "~": "warn", "-": "err", "=": "dim"}
Piece = tuple[str, str]
"""A text and its tone."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line; what does not fit goes on below, behind as much room as `lead` takes, or is cut where it `is_brief`."""

    lead: tuple[Piece, ...]
    pieces: tuple[Piece, ...]
    tone: str = ""
    owner: int = -1
    is_brief: bool = False


def row(text: str, tone: str = "", lead: str = " ") -> Row:
    """Return a line of one piece."""
    return Row(((lead, ""),), ((text, tone),))


class Pane(ScrollView, can_focus=True):
    """Shows rows, wrapped to its width."""

    DEFAULT_CSS = """
    Pane { background: $surface; color: $foreground; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    Pane > .pane--ok { color: $text-success; }
    Pane > .pane--err { color: $text-error; text-style: bold; }
    Pane > .pane--warn { color: $text-warning; }
    Pane > .pane--run { color: $text-accent; }
    Pane > .pane--dim { color: $text-muted; }
    Pane > .pane--head { text-style: bold; }
    Pane > .pane--cursor { background: $block-cursor-blurred-background; }
    Pane:focus > .pane--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    Pane:nocolor > .pane--cursor { text-style: reverse bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"pane--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._painted: list[tuple[Row, Strip]] = []
        self._follows = False
        self._known: dict[Row, list[Strip]] = {}
        self._known_width = 0

    def show(self, rows: Iterable[Row], *, follow: bool = False) -> None:
        """Show other rows, with `follow` the last of them; nothing happens when they are the same."""
        new = tuple(rows)
        if new != self._rows or follow != self._follows:
            self._rows, self._follows = new, follow
            self._lay()
            if not follow:
                self.scroll_home(animate=False)

    def on_resize(self) -> None:
        self._lay()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._known = {}
        if self.is_mounted:
            self._lay()

    def row_at(self, y: int) -> Row | None:
        """Return the row that is painted on a line of the screen."""
        at = y + self.scroll_offset.y
        return self._painted[at][0] if 0 <= at < len(self._painted) else None

    def lines_of(self, owner: int) -> range:
        """Return the painted lines that belong to an owner."""
        found = [at for at, (each, _) in enumerate(self._painted) if each.owner == owner]
        return range(found[0], found[-1] + 1) if found else range(0)

    def _lay(self) -> None:
        width = self.size.width
        if width <= 0:
            return
        known = self._known if self._known_width == width else {}
        self._known = {each: known.get(each) or list(self._strips(each, width)) for each in self._rows}
        self._known_width = width
        self._painted = [(each, strip) for each in self._rows for strip in self._known[each]]
        self.virtual_size = Size(width, len(self._painted))
        if self._follows:
            self.scroll_end(animate=False)
        self.refresh()

    def _strips(self, of: Row, width: int) -> Iterator[Strip]:
        lead, base = self._text(of.lead), self._style(of.tone)
        room = max(4, width - lead.cell_len)
        text = self._text(of.pieces)
        if of.is_brief:
            text.truncate(room, overflow="ellipsis")
        blank = Text(" " * lead.cell_len)
        for number, line in enumerate(text.wrap(self.app.console, room) or [text]):
            whole = Text.assemble(blank if number else lead, line, end="")
            segments = [
                Segment(each.text, (each.style or Style()) + base) for each in whole.render(self.app.console)
            ]
            yield Strip(segments).adjust_cell_length(width, base).apply_style(self.rich_style)

    def _text(self, pieces: Iterable[Piece]) -> Text:
        return Text.assemble(*((clean(each), self._style(tone)) for each, tone in pieces if each), end="")

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"pane--{tone}", partial=True) if tone else Style()

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        if at < len(self._painted):
            return self._painted[at][1]
        return Strip.blank(self.size.width, self.rich_style)


def plan_rows(plan: Plan, *, is_old: bool = False) -> list[Row]:
    """Return what a deploy will do; dimmed when it is from before."""
    rows = [row("nothing is deployed yet: all of it is new", "dim")] if plan.is_new else []
    for line in plan.lines:
        rows += [_step(line, is_old=is_old), *_values(line, is_old=is_old)]
    if plan.lines and not plan.changes:
        rows.append(row("nothing would change", "dim"))
    return rows


def _step(line: Line, *, is_old: bool) -> Row:
    tone = "dim" if is_old or line.symbol == "=" else ""
    symbol = (f" {line.symbol}", "dim" if is_old else SYMBOLS[line.symbol])
    note = f"  {line.note}" if line.note else ""
    return Row((symbol, (f" {line.kind:<10}", tone)), ((line.name, tone), (note, "warn")))


def _values(line: Line, *, is_old: bool) -> Iterator[Row]:
    tone = "dim" if is_old else ""
    width = max((len(name) for name, _, _ in line.values), default=0)
    for name, old, new in line.values:
        change = f"{old} → {new or '(none)'}" if old else new
        yield Row(((f"     {name:<{width}}  ", "dim"),), ((change, tone),))


def help_rows(help: Help | None) -> list[Row]:
    """Return the help for a key."""
    if help is None:
        return [row("put the cursor on a key to read about it", "dim")]
    width = max((len(name) for name, _ in help.facts), default=0) + 2
    facts = [Row(((f" {name:<{width}}", ""),), ((text, ""),)) for name, text in help.facts]
    return [*([row(help.text), row("")] if help.text else []), *facts]
