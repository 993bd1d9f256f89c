"""Pipelines as a tree, one node a line: for windows in which boxes have no room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from hfaas_tui.ui.graph.canvas import Canvas, Piece, Spot, fitted
from hfaas_tui.ui.graph.graph import Edge, Pipeline
from hfaas_tui.ui.graph.graph_paint import Faces, Labels, Picture

DEEPEST = 24
"""Columns that branches are indented at most."""

LEAST = 12
"""Columns that a name keeps."""


def tree(
    pipelines: Sequence[Pipeline],
    faces: Faces,
    labels: Labels,
    width: int,
    cursor: str,
    heads: Sequence[Piece] = (),
) -> Picture:
    """Paint pipelines one below the other; `heads` stand above them."""
    writing = _Writing(Canvas(width), faces, labels, cursor)
    for number, pipeline in enumerate(pipelines):
        if number < len(heads):
            rule = f"─ {heads[number][0]} "
            writing.line([(rule + "─" * max(0, width - cell_len(rule)), heads[number][1])])
        writing.write(pipeline)
        writing.line([])
    return Picture(tuple(writing.canvas.rows())[:-1], writing.spots)


class _Writing:
    """The lines so far."""

    def __init__(self, canvas: Canvas, faces: Faces, labels: Labels, cursor: str) -> None:
        self.canvas = canvas
        self.spots: dict[str, Spot] = {}
        self._faces = faces
        self._labels = labels
        self._cursor = cursor
        self._y = 0

    def line(self, pieces: Sequence[Piece], x: int = 0) -> None:
        """Write one line."""
        self.canvas.text(0, self._y, " ")
        for text, tone in pieces:
            self.canvas.text(x, self._y, text, tone)
            x += cell_len(text)
        self._y += 1

    def write(self, pipeline: Pipeline) -> None:
        """Write a pipeline from each node that nothing leads to."""
        fed = {edge.target for edge in pipeline.edges if not edge.is_loop}
        for layer in pipeline.layers:
            for key in layer:
                if key not in fed:
                    self._chain(pipeline, key, "   ", first="")

    def _chain(self, pipeline: Pipeline, key: str, indent: str, first: str) -> None:
        """Write a node and what follows it; as long as there is one way on, straight down."""
        while True:
            is_known = key in self.spots
            self._node(pipeline, key, first or indent)
            ahead = [] if is_known else pipeline.after(key)
            if len(ahead) != 1:
                break
            label = self._label(ahead[0])
            self.line([(f"{indent} │ ", "dim"), (label, "")])
            self.line([(f"{indent} ▼", "dim")])
            key, first = ahead[0].target, ""
        for number, edge in enumerate(ahead):
            is_last = number == len(ahead) - 1
            label = self._label(edge)
            lead = f"{indent} {'└' if is_last else '├'}─{label}{'─' if label else ''}▶ "
            below = indent + ("   " if is_last or len(indent) > DEEPEST else " │ ") + "  "
            self._chain(pipeline, edge.target, below, lead)

    def _label(self, edge: Edge) -> str:
        return self._labels.get((edge.source, edge.target), "")

    def _node(self, pipeline: Pipeline, key: str, lead: str) -> None:
        face, is_here = self._faces[key], key == self._cursor
        is_known = key in self.spots
        width = self.canvas.width
        facts: list[Piece] = [("see above", "dim")] if is_known else list(face.brief)
        if pipeline.loops(key) and not is_known:
            facts.append(("  ! loop", "warn"))
        begin = max(0, len(lead) - 2)
        glyph = face.glyph[0] + " " if face.glyph[0] else ""
        room = width - begin - 2 - len(glyph) - 8 - 1 - sum(cell_len(text) for text, _ in facts)
        while facts and room < LEAST:
            room += cell_len(facts.pop(0)[0])
        name = fitted(pipeline.nodes[key].name, max(LEAST, room))
        if not is_known:
            self.spots[key] = Spot(0, self._y, width, 1)
        pieces = [
            (glyph, face.glyph[1]),
            (f"{face.kind:<8}"[:8], "dim"),
            (name + " ", ""),
            *facts,
        ]
        if is_here and not is_known:
            pieces = [(text, "cursor") for text, _ in pieces]
        mark = "▸ " if is_here and not is_known and not lead.strip() else lead[begin:] or "  "
        self.line([(lead[:begin], "dim"), (mark, "cursor" if is_here else "dim"), *pieces])
