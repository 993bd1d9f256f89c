"""The frame around every view: where we are, the views, the keys. Lines that paint themselves, clickable by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.widgets.vtable import fit


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line; `action` is run when it is clicked, `tone` is a component class without its prefix."""

    text: str
    tone: str = ""
    action: str = ""


class ChromeLine(Widget, can_focus=False):
    """One line of parts; what does not fit on the right is dropped whole."""

    DEFAULT_CSS = """
    ChromeLine { height: 1; background: $panel; color: $foreground; }
    ChromeLine.-rule { background: $surface; color: $text-muted; }
    ChromeLine > .chrome--head { color: $foreground; text-style: bold; }
    ChromeLine > .chrome--live { background: $error; color: $foreground; text-style: reverse bold; }
    ChromeLine > .chrome--here { color: $text-accent; text-style: bold; }
    ChromeLine > .chrome--key { color: $text-accent; text-style: bold; }
    ChromeLine > .chrome--active { background: $primary; color: $text; text-style: bold; }
    ChromeLine:nocolor > .chrome--active { text-style: reverse bold; }
    ChromeLine:nocolor > .chrome--here { text-style: reverse; }
    ChromeLine > .chrome--dim { color: $text-muted; }
    ChromeLine > .chrome--ok { color: $text-success; }
    ChromeLine > .chrome--warn { color: $text-warning; }
    ChromeLine > .chrome--err { color: $text-error; text-style: bold; }
    ChromeLine > .chrome--run { color: $text-accent; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"chrome--{tone}" for tone in ("live", "here", "key", "active", "head", "dim", "ok", "warn", "err", "run")
    }

    @dataclass
    class Clicked(Message):
        """A part with an action was clicked."""

        action: str

    def __init__(self, *, id: str | None = None, classes: str | None = None, fill: str = " ") -> None:
        super().__init__(id=id, classes="-rule" if fill != " " else classes)
        self._fill = fill
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()
        self._ranges: list[tuple[int, int, str]] = []

    def show(self, left: Iterable[Part], right: Iterable[Part] = ()) -> None:
        """Paint other parts; nothing happens when they are the same."""
        new = tuple(left), tuple(right)
        if new != (self._left, self._right):
            self._left, self._right = new
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is only one
        width, base = self.size.width, self.rich_style
        right = _as_fits(self._right, width - _width(self._left[:1]) - 2)
        left = _as_fits(self._left, width - _width(right) - bool(right))
        gap = Part(self._fill * (width - _width(left) - _width(right)))
        segments: list[Segment] = []
        self._ranges, x = [], 0
        for part in (*left, gap, *right):
            segments.append(Segment(part.text, self._look(part.tone, base)))
            end = x + cell_len(part.text)
            if part.action:
                self._ranges.append((x, end, part.action))
            x = end
        return Strip(segments).crop_extend(0, width, base)

    def _look(self, tone: str, base: Style) -> Style:
        return base + self.get_component_rich_style(f"chrome--{tone}", partial=True) if tone else base

    def on_click(self, event: events.Click) -> None:
        for start, end, action in self._ranges:
            if start <= event.x < end:
                self.post_message(self.Clicked(action))


def _width(parts: Iterable[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)


def _as_fits(parts: Sequence[Part], width: int) -> list[Part]:
    """Keep the first parts that fit; the very first one is cut rather than dropped."""
    kept: list[Part] = []
    for part in parts:
        room = width - _width(kept)
        text = clean(part.text)
        if cell_len(text) > room:
            if not kept and room > 1:
                kept.append(Part(fit(text, room), part.tone, part.action))
            break
        kept.append(Part(text, part.tone, part.action))
    return kept
