"""Pipelines as a picture: boxes in layers, left to right, then back in the row below, like a snake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from hfaas_tui.ui.graph.canvas import EAST, HEAVY, LIGHT, NORTH, WEST, Canvas, Piece, Spot
from hfaas_tui.ui.graph.graph import Edge, Pipeline

GAP = 10
"""Columns between boxes: a line, what it counts, an arrow."""

LEAST, MOST = 28, 34
"""Columns of a box."""

MARGIN = 3
"""Columns left and right, where lines turn into the row below."""

TURN = 3
"""Rows between two rows of boxes."""


@dataclass(frozen=True, slots=True)
class Face:
    """What a node says: in the edge of its box, in the box, and in one line."""

    title: Sequence[Piece] = ()
    lines: Sequence[Piece] = ()
    brief: Sequence[Piece] = ()
    kind: str = ""
    glyph: Piece = ("", "")


Faces = Mapping[str, Face]
Labels = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Picture:
    """Painted rows, and where each node is in them."""

    rows: tuple[tuple[Piece, ...], ...] = ()
    spots: Mapping[str, Spot] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joint:
    """Where a long edge goes through a layer that it has no node in."""

    edge: Edge
    layer: int


Item = str | Joint


def boxes(
    pipelines: Sequence[Pipeline],
    faces: Faces,
    labels: Labels,
    width: int,
    cursor: str,
    heads: Sequence[Piece] = (),
) -> Picture:
    """Paint pipelines one below the other; `heads` stand above them."""
    canvas, top = Canvas(width), 0
    spots: dict[str, Spot] = {}
    for number, pipeline in enumerate(pipelines):
        if number < len(heads):
            text, tone = heads[number]
            rule = f"─ {text} "
            canvas.text(0, top, rule + "─" * max(0, width - cell_len(rule)), tone)
            top += 2
        drawing = _Drawing(canvas, pipeline, faces, labels, cursor, top)
        drawing.draw()
        spots |= {key: spot for key, spot in drawing.spots.items() if isinstance(key, str)}
        top = canvas.height + 1
    return Picture(tuple(canvas.rows()), spots)


class _Drawing:
    """One pipeline on the canvas."""

    def __init__(
        self, canvas: Canvas, pipeline: Pipeline, faces: Faces, labels: Labels, cursor: str, top: int
    ) -> None:
        self._canvas = canvas
        self._pipeline = pipeline
        self._faces = faces
        self._labels = labels
        self._cursor = cursor
        self._top = top
        room = canvas.width - 2 * MARGIN
        self._columns = max(1, (room + GAP) // (LEAST + GAP))
        self._box = max(8, min(MOST, (room - (self._columns - 1) * GAP) // self._columns))
        self.spots: dict[Item, Spot] = {}
        self._layers: list[list[Item]] = [list(layer) for layer in pipeline.layers]
        self._hops: list[tuple[Item, Item, Edge]] = []
        self._lanes: Counter[tuple[int, bool]] = Counter()
        self._lane_of: dict[tuple[int, Item], int] = {}

    def draw(self) -> None:
        self._thread()
        self._place()
        for key, node in self._pipeline.nodes.items():
            self._draw_box(key, is_function=node.function is not None)
        leaves = Counter(source for source, _, _ in self._hops)
        enters = Counter(target for _, target, _ in self._hops)
        for source, target, edge in self._hops:
            self._draw_hop(source, target, edge, forks=leaves[source] > 1, joins=enters[target] > 1)
        for item, spot in self.spots.items():
            if isinstance(item, Joint):
                self._canvas.across(spot.x - 1, spot.x + spot.width, spot.y)

    # --- where things stand

    def _thread(self) -> None:
        """Break edges over several layers into hops from layer to layer."""
        layer_of = {key: n for n, layer in enumerate(self._pipeline.layers) for key in layer}
        for edge in self._pipeline.edges:
            if edge.is_loop:
                continue
            last: Item = edge.source
            for layer in range(layer_of[edge.source] + 1, layer_of[edge.target]):
                joint = Joint(edge, layer)
                self._layers[layer].append(joint)
                self._hops.append((last, joint, edge))
                last = joint
            self._hops.append((last, edge.target, edge))

    def _place(self) -> None:
        y = self._top
        for start in range(0, len(self._layers), self._columns):
            band = self._layers[start : start + self._columns]
            height = max(sum(self._height(item) + 1 for item in layer) - 1 for layer in band)
            for number, layer in enumerate(band):
                x = self._x(start + number)
                at = y + (height - (sum(self._height(item) + 1 for item in layer) - 1)) // 2
                for item in layer:
                    self.spots[item] = Spot(x, at, self._box, self._height(item))
                    at += self._height(item) + 1
            y += height + TURN

    def _height(self, item: Item) -> int:
        return 1 if isinstance(item, Joint) else len(self._faces[item].lines) + 2

    def _x(self, layer: int) -> int:
        band, slot = divmod(layer, self._columns)
        return MARGIN + (self._columns - 1 - slot if band % 2 else slot) * (self._box + GAP)

    # --- drawing

    def _draw_box(self, key: str, *, is_function: bool) -> None:
        face, is_here = self._faces[key], key == self._cursor
        tone = "cursor" if is_here else face.glyph[1] if is_function else "dim"
        title = [("▸" if is_here else " ", tone), *face.title, (" ", tone)]
        lines = [(text, "cursor" if is_here else its) for text, its in face.lines]
        title = [(text, "cursor" if is_here else its) for text, its in title]
        self._canvas.box(self.spots[key], title, lines, HEAVY if is_function else LIGHT, tone)

    def _draw_hop(self, source: Item, target: Item, edge: Edge, *, forks: bool, joins: bool) -> None:
        layer = next(n for n, items in enumerate(self._layers) if source in items)
        label = self._labels.get((edge.source, edge.target), "") if not isinstance(source, Joint) else ""
        if (layer + 1) % self._columns:
            self._draw_across(layer, source, target, label, late=joins and not forks)
        elif self._columns > 1 and self._are_alone(layer) and not isinstance(source, Joint):
            self._draw_down(source, target, label)
        else:
            self._draw_turn(layer, source, target, label)

    def _are_alone(self, layer: int) -> bool:
        here, below = self._layers[layer], self._layers[layer + 1]
        return len(here) == len(below) == 1 and isinstance(below[0], str)

    def _lane(self, layer: int, item: Item, *, late: bool, most: int) -> int:
        """Return the number of the lane in which the edges of a node go up and down."""
        if (layer, item) not in self._lane_of:
            self._lane_of[layer, item] = self._lanes[layer, late] % most
            self._lanes[layer, late] += 1
        return self._lane_of[layer, item]

    def _draw_across(self, layer: int, source: Item, target: Item, label: str, *, late: bool) -> None:
        a, b = self.spots[source], self.spots[target]
        is_right = b.x > a.x
        step = 1 if is_right else -1
        start = a.x + a.width if is_right else a.x - 1
        end = b.x - 1 if is_right else b.x + b.width
        canvas = self._canvas
        y = b.middle
        if a.middle == b.middle:
            canvas.across(start, end, y)
        else:
            offset = self._lane(layer, source, late=late, most=3)
            lane = end - step * (2 + offset) if late else start + step * (1 + offset)
            canvas.across(start, lane, a.middle)
            canvas.down(lane, a.middle, b.middle)
            canvas.across(lane, end, b.middle)
            start, end, y = (start, lane, a.middle) if late else (lane, end, b.middle)
        canvas.join(a.x + a.width if is_right else a.x - 1, a.middle, WEST if is_right else EAST)
        if isinstance(target, str):
            canvas.text(b.x - 1 if is_right else b.x + b.width, b.middle, "▶" if is_right else "◀", "dim")
        self._write(label, min(start, end) + 1, max(start, end) - 1, y)

    def _write(self, label: str, start: int, end: int, y: int) -> None:
        """Write what goes along a line in its middle, if there is room."""
        room = end - start + 1
        if label and cell_len(label) <= room:
            self._canvas.text(start + (room - cell_len(label)) // 2, y, label)

    def _draw_down(self, source: Item, target: Item, label: str) -> None:
        a, b = self.spots[source], self.spots[target]
        x, start, end = a.x + a.width // 2, a.y + a.height, b.y - 1
        self._canvas.down(x, start, end)
        self._canvas.join(x, start, NORTH)
        self._canvas.text(x, end, "▼", "dim")
        self._canvas.text(x + 2, start + (end - start) // 2, label)

    def _draw_turn(self, layer: int, source: Item, target: Item, label: str) -> None:
        """Go around the outside into the row below."""
        a, b = self.spots[source], self.spots[target]
        is_right = not layer // self._columns % 2
        edge = a.x + a.width if is_right else a.x - 1
        lane = edge + (1 if is_right else -1) * (1 + self._lane(layer, source, late=False, most=2))
        self._canvas.across(edge, lane, a.middle)
        self._canvas.down(lane, a.middle, b.middle)
        self._canvas.across(lane, edge, b.middle)
        self._canvas.join(edge, a.middle, WEST if is_right else EAST)
        if isinstance(target, str):
            self._canvas.text(edge, b.middle, "◀" if is_right else "▶", "dim")
        below = a.y + a.height
        if label and not self._canvas_is_taken(below):
            x = edge - cell_len(label) if is_right else edge + 1
            self._canvas.text(x, below, label)

    def _canvas_is_taken(self, y: int) -> bool:
        return any(spot.y <= y < spot.y + spot.height for spot in self.spots.values())
