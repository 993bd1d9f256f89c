"""The trace of one object: line by line, `t` steps through it, the cursor in the graph goes along."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError
from hfaas_tui.ui.graph import graph
from hfaas_tui.ui.graph.tracks import Mark, Track, newest, track
from hfaas_tui.ui.model import Problem, Run
from hfaas_tui.ui.state import Kind
from hfaas_tui.ui.widgets.chrome import ChromeLine, Part
from hfaas_tui.ui.widgets.vtable import VTable

if TYPE_CHECKING:
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.screens.pipeline.view import Pipeline

PAUSE_S = 1.0
"""Between two looks at an object that goes on."""


class Tracing:
    """What is traced now, if anything."""

    def __init__(self, view: Pipeline) -> None:
        self._view = view
        self.track: Track | None = None
        self._seen = -1
        self._is_looking = False
        self._closings = 0
        self._next = 0.0

    @property
    def _table(self) -> VTable[tuple[int, Mark]]:
        return self._view.query_one("#trace", VTable)

    def step(self) -> None:
        """Trace the last object, or go on to the next line of its trace; after the last one begin again."""
        table = self._table
        rows = table.shown
        if self.track is None or not rows or table.selected is rows[-1]:
            self._begin()
        else:
            table.action_move(1)

    def close(self) -> bool:
        """Show no trace any more; False when none was shown."""
        if self.track is None:
            return False
        self.track, self._is_looking = None, False
        self._closings += 1
        self._view.remove_class("-tracing")
        self._view.focus_main()
        self._view.summarise()
        return True

    def open(self, mark: Mark) -> None:
        """Open the run of a line, or the place that it is about."""
        view = self._view
        if mark.run:
            view.hfaas.go("runs", mark.run)
        elif "://" in mark.node:
            view.hfaas.go("storage", mark.node + "/")
        elif mark.node:
            view.hfaas.go("functions", mark.node)

    def look(self) -> None:
        """Bring the trace up to date while things happen; called at each poll."""
        version = self._view.store.version(Kind.RUNS)
        if self.track is not None and version != self._seen and time.monotonic() > self._next:
            self._trace(self.track.uri)

    def _begin(self) -> None:
        view, here = self._view, self._view.here
        if here is None:
            return
        key = view.chart.cursor
        node = here.nodes[key]
        function = key if node.function else ""
        places = here.sources if node.function else [key]
        uri = newest(view.store.runs(), places, function) or newest(view.store.runs(), here.sources)
        if uri:
            self._trace(uri)
        else:
            view.say(f"nothing came into {here.name} yet: i puts a file in")

    def _trace(self, uri: str) -> None:
        view, here = self._view, self._view.here
        if here is None or self._is_looking:
            return
        self._is_looking, self._seen = True, view.store.version(Kind.RUNS)
        runs, backend, closings = view.store.runs(), view.backend, self._closings

        def done(found: Track) -> None:
            if closings == self._closings:  # else it was closed meanwhile, and stays so
                self._is_looking, self._next = False, time.monotonic() + PAUSE_S
                self._show(found)

        def failed(_: Problem) -> None:  # by a defect, which was told; that the object is gone is no failure
            if closings == self._closings:
                self._is_looking, self._next = False, time.monotonic() + PAUSE_S

        view.work("trace", lambda: _look(backend, uri, runs, here), done, failed)

    def _show(self, found: Track) -> None:
        is_new = self.track is None or self.track.uri != found.uri
        self.track = found
        view = self._view
        view.add_class("-tracing")
        title = f" Trace of {found.name}  (t steps through it, ⏎ opens) "
        view.query_one("#tracetitle", ChromeLine).show([Part("─"), Part(title, "head")])
        self._table.set_rows(enumerate(found.marks))
        if is_new:
            self._table.select("0")
            view.chart.select(found.marks[0].node if found.marks else "")
        view.summarise()

    @staticmethod
    def cells(row: tuple[int, Mark], column: str) -> tuple[str, str]:
        """Return what the trace says in a column."""
        mark = row[1]
        match column:
            case "time":
                return time.strftime("%H:%M:%S", time.localtime(mark.time)), "dim"
            case "what":
                return mark.what, mark.tone
            case "text":
                return mark.text, "err" if mark.tone == "err" else ""
            case _:
                return mark.right, "dim"


def _look(backend: Backend, uri: str, runs: list[Run], pipeline: graph.Pipeline) -> Track:
    """Follow an object, and ask how large it is."""
    try:
        weight = int(backend.head(uri).get("size") or 0)
    except (CliError, KeyError, ValueError):  # it was removed since
        weight = 0
    return track(uri, runs, pipeline, weight)
