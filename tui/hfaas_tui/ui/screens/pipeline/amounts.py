"""How much is in the places of the pipelines: counted in a worker, again when something changed there."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from hfaas_tui.errors import CliError
from hfaas_tui.ui.graph.flow import Amount
from hfaas_tui.ui.model import Entry, Problem
from hfaas_tui.ui.screens.storage import listing
from hfaas_tui.ui.state import Kind

if TYPE_CHECKING:
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.screens.pipeline.view import Pipeline

PAUSE_S = 2.0
"""Between two counts; a large place is counted rarer: PAUSES times what that took."""

PAUSES = 10


class Amounts:
    """The figures of the last count."""

    def __init__(self, view: Pipeline) -> None:
        self._view = view
        self._found: dict[str, Amount | None] = {}
        self._seen: object = None
        self._is_counting = False
        self._next = 0.0

    def of(self, key: str, uploading: float | None) -> Amount | None:
        """Return what is in a place; None when that is not known."""
        found = self._found.get(key)
        if uploading is None:
            return found
        return replace(found or Amount(), uploading=uploading)

    def is_missing(self, key: str) -> bool:
        """Tell whether a place was looked for and was not there."""
        return key in self._found and self._found[key] is None

    def look(self) -> None:
        """Count if something changed; called at each poll."""
        view = self._view
        keys = [key for each in view.pipelines for key, node in each.nodes.items() if not node.function]
        state = view.store.version(Kind.OBJECTS, Kind.PLACES), tuple(keys)
        if not keys or state == self._seen or self._is_counting or time.monotonic() < self._next:
            return
        if not view.store.health.is_up:
            return
        self._seen, self._is_counting = state, True
        began, backend = time.monotonic(), view.backend

        def done(found: dict[str, Amount | None]) -> None:
            self._is_counting = False
            took = time.monotonic() - began
            self._next = time.monotonic() + max(PAUSE_S, PAUSES * took)
            if found != self._found:
                self._found = found
                view.update()

        def failed(_: Problem) -> None:  # the frame says that nothing answers
            self._is_counting = False

        view.work("count", lambda: {key: _count(backend, key) for key in keys}, done, failed)


def _count(backend: Backend, key: str) -> Amount | None:
    """Count what is below a place; None when it is not there."""
    try:
        if backend.target.is_live:
            return _first_page(backend, key)
        below = listing.below(backend, [Entry(key + "/", key)])
    except CliError:
        if not backend.health().is_up:
            raise
        return None
    return Amount(len(below.entries), below.size, below.is_all)


def _first_page(backend: Backend, key: str) -> Amount:
    """Count what one request tells: each one costs money."""
    page = backend.listing(listing.asked(key + "/"))
    objects = [each for each in page.entries if not each.is_folder]
    is_all = not page.next and len(objects) == len(page.entries)
    return Amount(len(objects), sum(each.size or 0 for each in objects), is_all)
