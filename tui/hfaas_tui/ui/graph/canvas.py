"""A grid of characters to draw boxes and lines on; lines that meet join by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len, set_cell_size

Piece = tuple[str, str]
"""Text and tone."""

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
_JOINTS = "·│─└││┌├─┘─┴┐┤┬┼"
"""What a cell shows that lines leave in these directions, as a sum of them."""

LIGHT, HEAVY = "╭─╮│╰╯", "┏━┓┃┗┛"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """Return the row in its middle."""
        return self.y + self.height // 2

    def holds(self, x: int, y: int) -> bool:
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


class Canvas:
    """As wide as it is told, as high as what is drawn."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._rows: list[list[Piece]] = []
        self._lines: dict[tuple[int, int], int] = {}

    @property
    def height(self) -> int:
        return len(self._rows)

    def text(self, x: int, y: int, text: str, tone: str = "") -> None:
        """Write a text of harmless characters; what is beyond the edge is cut."""
        self._reach(y)
        row = self._rows[y]
        for char in text:
            wide = cell_len(char)
            if wide and 0 <= x <= self.width - wide:
                row[x] = (char, tone)
                if wide == 2:
                    row[x + 1] = ("", tone)
            x += wide

    def box(self, spot: Spot, title: Sequence[Piece], lines: Sequence[Piece], style: str, tone: str) -> None:
        """Draw a frame with a title in its upper edge and lines in it."""
        corner, flat, end, side, low, low_end = tuple(style)
        inner = spot.width - 2
        self.text(spot.x, spot.y, corner + flat * inner + end, tone)
        self.text(spot.x, spot.y + spot.height - 1, low + flat * inner + low_end, tone)
        x = spot.x + 2
        for text, its in title:
            room = spot.x + spot.width - 2 - x
            self.text(x, spot.y, fitted(text, room).rstrip() if cell_len(text) > room else text, its)
            x += cell_len(text)
        for number in range(spot.height - 2):
            text, its = lines[number] if number < len(lines) else ("", "")
            y = spot.y + 1 + number
            self.text(spot.x, y, side, tone)
            self.text(spot.x + 1, y, fitted(" " + text, inner - 1) + " ", its)
            self.text(spot.x + spot.width - 1, y, side, tone)

    def across(self, start: int, end: int, y: int) -> None:
        """Draw a line from one column to another."""
        low, high = sorted((start, end))
        for x in range(low, high + 1):
            self._join(x, y, (WEST if x > low else 0) | (EAST if x < high else 0))

    def down(self, x: int, start: int, end: int) -> None:
        """Draw a line from one row to another."""
        low, high = sorted((start, end))
        for y in range(low, high + 1):
            self._join(x, y, (NORTH if y > low else 0) | (SOUTH if y < high else 0))

    def join(self, x: int, y: int, direction: int) -> None:
        """Have a line end in a neighbour that is no line."""
        self._join(x, y, direction)

    def rows(self) -> Iterator[tuple[Piece, ...]]:
        """Return what was drawn, row by row, neighbours of one tone together."""
        for (x, y), directions in self._lines.items():
            self._reach(y)
            if 0 <= x < self.width and self._rows[y][x][0] == " ":
                self._rows[y][x] = (_JOINTS[directions], "dim")
        for row in self._rows:
            yield tuple(
                ("".join(char for char, _ in cells), tone) for tone, cells in groupby(row, key=lambda cell: cell[1])
            )

    def _join(self, x: int, y: int, directions: int) -> None:
        self._lines[x, y] = self._lines.get((x, y), 0) | directions

    def _reach(self, y: int) -> None:
        while len(self._rows) <= y:
            self._rows.append([(" ", "")] * self.width)


def fitted(text: str, width: int) -> str:
    """Make a text exactly so wide; what is cut off shows as `…`."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""
