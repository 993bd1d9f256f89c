"""The picture of the pipelines with a cursor on one node; it scrolls, keys and the mouse move the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hfaas_tui.ui.graph.canvas import Piece, Spot
from hfaas_tui.ui.graph.graph import Pipeline
from hfaas_tui.ui.graph.graph_paint import Faces, Labels, Picture, boxes
from hfaas_tui.ui.graph.graph_tree import tree

Direction = Literal["left", "right", "up", "down"]
TONES = ("ok", "err", "warn", "run", "dim", "cursor")
_ASIDE = 4
"""How much farther something seems that is not straight ahead."""


class GraphView(ScrollView, can_focus=True):
    """Shows pipelines; `cursor` is the key of the node under the cursor."""

    DEFAULT_CSS = """
    GraphView { overflow-x: hidden; overflow-y: auto; background: $surface; color: $foreground;
                scrollbar-size-vertical: 1; }
    GraphView > .graph--ok { color: $text-success; }
    GraphView > .graph--err { color: $text-error; text-style: bold; }
    GraphView > .graph--warn { color: $text-warning; }
    GraphView > .graph--run { color: $text-accent; }
    GraphView > .graph--dim { color: $text-muted; }
    GraphView > .graph--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    GraphView:nocolor > .graph--cursor { text-style: reverse bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"graph--{tone}" for tone in TONES}

    @dataclass
    class Moved(Message):
        """The cursor is on another node."""

        key: str

    @dataclass
    class Opened(Message):
        """The user opened a node."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = ""
        self.empty: Sequence[str] = ()
        self._pipelines: Sequence[Pipeline] = ()
        self._faces: Faces = {}
        self._labels: Labels = {}
        self._heads: Sequence[Piece] = ()
        self._as_tree = False
        self._picture = Picture()
        self._styles: dict[str, Style] = {}

    @property
    def keys(self) -> list[str]:
        """Return the nodes in the order in which they are read."""
        spots = self._picture.spots
        return sorted(spots, key=lambda key: (spots[key].y, spots[key].x))

    @property
    def picture(self) -> Picture:
        return self._picture

    def show(
        self, pipelines: Sequence[Pipeline], faces: Faces, labels: Labels, heads: Sequence[Piece], *, as_tree: bool
    ) -> None:
        """Show other pipelines, or the same with other figures."""
        self._pipelines, self._faces, self._labels, self._heads = pipelines, faces, labels, heads
        self._as_tree = as_tree
        if self.cursor not in faces:
            self.cursor = next((key for each in pipelines for key in each.nodes), "")
        self._paint()

    def select(self, key: str) -> bool:
        """Put the cursor on a node; False when there is none of this key."""
        if key not in self._faces:
            return False
        if key != self.cursor:
            self.cursor = key
            self._paint()
            self.post_message(self.Moved(key))
        self._reveal()
        return True

    def move(self, direction: Direction) -> None:
        """Go to the nearest node in a direction."""
        here = self._picture.spots.get(self.cursor)
        ahead = {
            key: far
            for key, spot in self._picture.spots.items()
            if here and key != self.cursor and (far := _distance(here, spot, direction)) is not None
        }
        if ahead:
            self.select(min(ahead, key=lambda key: ahead[key]))
        elif direction in ("left", "right") and self.cursor in (keys := self.keys):
            at = keys.index(self.cursor) + (1 if direction == "right" else -1)
            self.select(keys[max(0, min(len(keys) - 1, at))])

    def _paint(self) -> None:
        width = self.size.width - 1  # the scroll bar's
        if width < 1:
            return
        draw = tree if self._as_tree else boxes
        self._picture = draw(self._pipelines, self._faces, self._labels, width, self.cursor, self._heads)
        self.virtual_size = Size(self.size.width, len(self._picture.rows))
        self.refresh()

    def _reveal(self) -> None:
        if (spot := self._picture.spots.get(self.cursor)) is not None:
            self.scroll_to_region(Region(0, max(0, spot.y - 1), 1, spot.height + 2), animate=False)

    def on_resize(self, _: events.Resize) -> None:
        self._paint()
        self._reveal()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = {}

    def _style(self, tone: str) -> Style:
        if not tone:
            return self.rich_style
        if tone not in self._styles:
            self._styles[tone] = self.get_component_rich_style(f"graph--{tone}", partial=tone != "cursor")
        return self.rich_style + self._styles[tone]

    def render_line(self, y: int) -> Strip:
        width, at = self.size.width, int(self.scroll_offset.y) + y
        if not self._pipelines and 2 <= y < len(self.empty) + 2:
            words = Segment("  " + self.empty[y - 2], self._style("dim" if y > 2 else ""))
            return Strip([words]).crop_extend(0, width, self.rich_style)
        if at >= len(self._picture.rows):
            return Strip.blank(width, self.rich_style)
        row = self._picture.rows[at]
        return Strip([Segment(text, self._style(tone)) for text, tone in row]).crop_extend(
            0, width, self.rich_style
        )

    def on_click(self, event: events.Click) -> None:
        at = int(self.scroll_offset.y) + event.y
        for key, spot in self._picture.spots.items():
            if spot.holds(event.x, at):
                is_second = event.chain >= 2 and key == self.cursor
                self.select(key)
                if is_second:
                    self.post_message(self.Opened(key))
                return


def _distance(here: Spot, there: Spot, direction: Direction) -> int | None:
    """Return how far a node is in a direction; None when it is not there."""
    x = there.x + there.width // 2 - here.x - here.width // 2
    y = there.middle - here.middle
    ahead, aside = {"left": (-x, y), "right": (x, y), "up": (-y, x), "down": (y, x)}[direction]
    if ahead <= 0:
        return None
    if direction in ("left", "right"):
        return None if abs(aside) > max(here.height, there.height) + 6 else ahead + _ASIDE * abs(aside)
    return ahead * _ASIDE + abs(aside)
