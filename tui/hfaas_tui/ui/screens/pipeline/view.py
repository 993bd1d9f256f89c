"""Pipelines as they hang together: functions and places with what goes through them, and one object's way.

functions (store) -> graph -> picture
runs (store) -> flow: what went along each edge, what runs now
places -> counted in a worker, again after something changed there
"""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult

from hfaas_tui.ui import actions, frame
from hfaas_tui.ui.graph import flow, graph
from hfaas_tui.ui.graph.flow import Amount, Flow
from hfaas_tui.ui.graph.graph_paint import Face
from hfaas_tui.ui.graph.tracks import Mark
from hfaas_tui.ui.model import Condition, Function, Stats
from hfaas_tui.ui.safe import duration
from hfaas_tui.ui.screens.pipeline.amounts import Amounts
from hfaas_tui.ui.screens.pipeline.moves import Moves
from hfaas_tui.ui.screens.pipeline.trace import Tracing
from hfaas_tui.ui.screens.view import View
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.stats import stats
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.filterbar import FilterBar
from hfaas_tui.ui.widgets.graph import Direction, GraphView
from hfaas_tui.ui.widgets.vtable import Column, VTable

TREE, COMPACT, FULL = 0, 1, 2
TRACE = (
    Column("time", "TIME", 8),
    Column("what", "WHAT", 7),
    Column("text", "", 20, grow=1),
    Column("right", "", 26, prio=1),
)
EMPTY = (
    "No functions here yet, so no pipeline.",
    "6  write one, or open a pipeline file, and deploy it",
    "   what a function writes and another one reads connects them",
)
LOOKING = ("Looking for functions…",)


class Pipeline(View):
    """The fifth view."""

    NAME = "pipeline"
    NOUN = "nodes"
    BINDINGS = actions.bindings("pipeline")
    AUTO_FOCUS = "#graph"
    KINDS: ClassVar[tuple[Kind, ...]] = (Kind.FUNCTIONS, Kind.RUNS, Kind.PLACES, Kind.HEALTH, Kind.TASKS)
    DEFAULT_CSS = """
    Pipeline #summary { background: $surface; }
    Pipeline #graph { height: 1fr; }
    Pipeline #tracetitle, Pipeline #trace { display: none; }
    Pipeline.-tracing #tracetitle, Pipeline.-tracing #trace { display: block; }
    Pipeline #trace { height: 11; }
    Pipeline.-short #trace { height: 7; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.pipelines: tuple[graph.Pipeline, ...] = ()
        self.amounts = Amounts(self)
        self.tracing = Tracing(self)
        self.moves = Moves(self)
        self._functions: list[Function] = []
        self._flow = Flow()
        self._level: int | None = None
        self._painted = 0
        self._wanted = ""

    def on_unmount(self) -> None:
        self.moves.close()

    def body(self) -> ComposeResult:
        yield ChromeLine(id="summary")
        yield GraphView(id="graph")
        yield ChromeLine(id="tracetitle", fill="─")
        yield VTable[tuple[int, Mark]](TRACE, self.tracing.cells, lambda row: str(row[0]), id="trace")

    @property
    def chart(self) -> GraphView:
        return self.query_one(GraphView)

    @property
    def here(self) -> graph.Pipeline | None:
        """Return the pipeline that the cursor is in."""
        return next((each for each in self.pipelines if self.chart.cursor in each.nodes), None)

    # --- showing

    def update(self) -> None:
        functions = self.store.functions()
        if functions != self._functions:
            self._functions = functions
            self.pipelines = graph.pipelines(functions)
        health = self.store.health
        self.chart.empty = EMPTY if health.is_up else self.gone if health.problem else LOOKING
        self._paint()
        if self._wanted and self.chart.select(self._wanted):
            self._wanted = ""

    def tick(self) -> None:
        self.amounts.look()
        self.tracing.look()
        if int(self.now()) != self._painted:  # times of what runs go on
            self._paint()

    def _paint(self) -> None:
        self._painted = int(self.now())
        self._flow.ask(self.store, self.pipelines)
        found = stats(self.store, self.now())
        faces = {key: self._face(each, node, found) for each in self.pipelines for key, node in each.nodes.items()}
        labels = {way: text for each in self.pipelines for way, text in self._flow.labels(each)}
        heads = [flow.title(each, found) for each in self.pipelines] if len(self.pipelines) > 1 else []
        self.chart.show(self.pipelines, faces, labels, heads, as_tree=self.level == TREE)
        self.summarise()

    def _face(self, pipeline: graph.Pipeline, node: graph.Node, found: dict[str, Stats]) -> Face:
        if node.function is None:
            face = flow.place_face(node.key, self._amount(node.key), is_gone=self.amounts.is_missing(node.key))
        else:
            began = min(self._flow.running[node.key].values(), default=None)
            figures = found.get(node.key, Stats())
            face = flow.function_face(pipeline, node.function, figures, began, self.now())
        return face if self.level == FULL else flow.shorter(face)

    def _amount(self, key: str) -> Amount | None:
        return self.amounts.of(key, self.moves.uploading(key))

    @property
    def level(self) -> int:
        """Return how much each node says."""
        return (TREE if self.size.width < frame.WIDE else FULL) if self._level is None else self._level

    def summarise(self) -> None:
        """Say which pipeline the cursor is in, and how far what is traced has come."""
        here, track = self.here, self.tracing.track
        parts = [Part(" pipeline  ", "dim"), Part(here.name if here else "none", "head")]
        if track is not None:
            end = track.ended or self.now()
            parts += [Part("    trace  ", "dim"), Part(f"{track.name}   ", "head")]
            if track.began:
                parts.append(Part(f"{_at(track.began)} → {_at(end) if track.ended else 'now'}   "))
                parts.append(Part(f"{duration(end - track.began)}   "))
            parts += [
                Part(f"✓ {track.good}  ", "ok"),
                Part(f"✗ {track.failed}  ", "err" if track.failed else "dim"),
            ]
            parts.append(Part(f"▶ {track.running}", "run" if track.running else "dim"))
        elif here is not None:
            words, tone = flow.title(here, stats(self.store, self.now()))
            parts.append(Part("  " + words.partition(" · ")[2], tone))
        self.query_one("#summary", ChromeLine).show(parts)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._paint)

    def show(self, subject: str) -> None:
        key = subject.rstrip("/")
        if not self.chart.select(key):
            self._wanted = key

    def on_graph_view_moved(self, event: GraphView.Moved) -> None:
        event.stop()
        self.summarise()
        self.refresh_bindings()

    def on_graph_view_opened(self, event: GraphView.Opened) -> None:
        event.stop()
        self.action_open()

    # --- finding

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    def filter_changed(self, text: str) -> None:
        wanted = text.lower()
        found = [key for key in self.chart.keys if wanted and wanted in key.lower()]
        if found:
            self.chart.select(found[0])
        self.query_one(FilterBar).note(f"{len(found)} of {len(self.chart.keys)} nodes" if wanted else "")

    def focus_main(self) -> None:
        self.chart.focus()

    def step_back(self) -> bool:
        return self.tracing.close()

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        is_ours = any(each.method == action for each in actions.PIPELINE)
        return False if is_ours and not self.pipelines else super().check_action(action, parameters)

    def action_open(self) -> None:
        key = self.chart.cursor
        if "://" in key:
            self.hfaas.go("storage", key + "/")
        elif key:
            self.hfaas.go("functions", key)

    def action_logs(self) -> None:
        if "://" in self.chart.cursor:
            self.say("logs are of functions: move to one of them", Condition.WARNING)
        else:
            self.hfaas.go("logs", self.chart.cursor)

    def action_promote(self) -> None:
        self.hfaas.go("promote", "" if "://" in self.chart.cursor else self.chart.cursor)

    def action_inject(self) -> None:
        self.moves.inject()

    def action_export(self) -> None:
        self.moves.export()

    def action_trace(self) -> None:
        self.tracing.step()

    def on_vtable_opened(self, event: VTable.Opened) -> None:
        event.stop()
        self.tracing.open(event.row[1])

    def on_vtable_highlighted(self, event: VTable.Highlighted) -> None:
        event.stop()
        if event.row is not None:
            self.chart.select(event.row[1].node)

    def action_zoom_in(self) -> None:
        self._zoom(1)

    def action_zoom_out(self) -> None:
        self._zoom(-1)

    def _zoom(self, by: int) -> None:
        self._level = max(TREE, min(FULL, self.level + by))
        self._paint()
        self.chart.select(self.chart.cursor)

    def _move(self, direction: Direction) -> None:
        self.chart.move(direction)

    def action_move_left(self) -> None:
        self._move("left")

    def action_move_right(self) -> None:
        self._move("right")

    def action_move_up(self) -> None:
        self._move("up")

    def action_move_down(self) -> None:
        self._move("down")


def _at(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))
