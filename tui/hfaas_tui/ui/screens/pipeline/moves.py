"""What the Pipeline view does: it puts files in, and writes the picture to a file."""

from __future__ import annotations

import contextlib
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError
from hfaas_tui.ui.errands import is_there
from hfaas_tui.ui.filenames import free
from hfaas_tui.ui.graph import graph
from hfaas_tui.ui.graph.graph import place_of
from hfaas_tui.ui.model import Condition
from hfaas_tui.ui.screens.storage import listing
from hfaas_tui.ui.screens.storage.listing import Plan, guarded
from hfaas_tui.ui.transfers import Order, Transfers
from hfaas_tui.ui.widgets.confirm import Ask, Confirm
from hfaas_tui.ui.widgets.picker import Picker

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.pipeline.view import Pipeline


class Moves:
    """Belongs to the view."""

    def __init__(self, view: Pipeline) -> None:
        self._view = view
        self._transfers: Transfers | None = None
        self._from: Path | None = None

    def close(self) -> None:
        """End what is under way."""
        if self._transfers is not None:
            self._transfers.close(patience=0)

    # --- files in

    def inject(self) -> None:
        """Pick a file for the place under the cursor, else for where files come into its pipeline."""
        view, here = self._view, self._view.here
        if here is None:
            return
        key = view.chart.cursor
        place = key if not here.nodes[key].function else next(iter(here.sources), "")
        if here.nodes[key].function and (own := here.nodes[key].function) is not None and here.name == graph.ALONE:
            view.say(f"{own.name} takes no files: i in Functions invokes it with an event", Condition.WARNING)
            return
        if place:
            start = self._from or view.hfaas.settings.folder.absolute()
            view.app.push_screen(
                Picker("Put a file into " + place.replace("[", "("), start), partial(self._plan, place)
            )

    def _plan(self, place: str, paths: list[Path] | None) -> None:
        if not paths:
            return
        self._from = paths[0].parent
        backend = self._view.backend
        self._view.work("plan", guarded(lambda: listing.plan_upload(backend, paths, place + "/")), self._ask)

    def _ask(self, plan: Plan) -> None:
        if not plan.clashes:
            self._start(plan)
            return
        names = [plan.orders[n].name for n in plan.clashes]
        lines = [", ".join(names[:5]), "", "It is there already. Putting it again starts the pipeline again."]
        asked = Confirm("Put it in again?", lines, yes="Replace")
        self._view.app.push_screen(asked, lambda answer: self._start(plan) if answer else None)

    def _start(self, plan: Plan) -> None:
        if self._transfers is None:
            self._transfers = Transfers(self._view.store, self._over)
        self._transfers.add(self._view.backend, plan.orders)

    def _over(self, order: Order) -> None:
        with contextlib.suppress(RuntimeError, CancelledError):  # the app ended meanwhile
            self._view.app.call_from_thread(self._arrived, order)

    def _arrived(self, order: Order) -> None:
        if not is_there(self._view):
            return
        self._view.store.note_objects()
        self._view.hfaas.feeds.hurry()
        self._view.say(f"put {order.name} in: t traces it")

    def uploading(self, key: str) -> float | None:
        """Return how much of what goes into a place is there; None when nothing is under way."""
        if self._transfers is None or not self._transfers.pending:
            return None
        waits = (Condition.QUEUED, Condition.RUNNING)
        tasks = [
            task
            for task in self._transfers.tasks()
            if task.state in waits and (order := self._transfers.order(task.id)) and place_of(order.uri, [key])
        ]
        total = sum(task.total for task in tasks)
        return sum(task.done for task in tasks) / max(1, total) if tasks else None

    # --- the picture in a file

    def export(self) -> None:
        """Ask for a name and write what is on screen, and what is below and above it, as text."""
        view = self._view
        folder = view.hfaas.settings.folder
        name = view.here.name if view.here else "pipeline"
        name = "".join(char if char.isalnum() or char in "-_" else "-" for char in name)
        usual = free(folder / f"pipeline-{name}.txt", lambda path: Path(path).exists())
        lines = ["The graph as text, with the trace when one is shown."]
        view.app.push_screen(Ask("Export to", lines, value=str(usual)), self._export)

    def _export(self, name: str | None) -> None:
        if not name:
            return
        file, text = Path(name).expanduser(), "\n".join(self._lines()) + "\n"

        def write() -> Path:
            try:
                with file.open("x", encoding="utf-8") as out:
                    out.write(text)
            except FileExistsError:
                raise CliError(f"{file} exists", "choose another name") from None
            except OSError as error:
                raise CliError(f"{file} cannot be written: {error.strerror}") from None
            return file

        self._view.work("export", write, lambda written: self._view.say(f"saved {written}"))

    def _lines(self) -> list[str]:
        view = self._view
        lines = ["".join(text for text, _ in row).rstrip() for row in view.chart.picture.rows]
        if (track := view.tracing.track) is not None:
            lines += ["", f"Trace of {track.uri}"]
            rows = list(enumerate(track.marks))
            columns = ("time", "what", "text", "right")
            lines += ["  ".join(view.tracing.cells(row, column)[0] for column in columns).rstrip() for row in rows]
        return lines
