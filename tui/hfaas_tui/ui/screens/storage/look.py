"""Makes the preview of the entry under the cursor: when it has rested there, and one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Entry, Problem
from hfaas_tui.ui.preview.preview import Previewer, Shown
from hfaas_tui.ui.screens.storage.facts import facts, headline
from hfaas_tui.ui.widgets.preview import PreviewPane

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.storage.moves import Moves

Found = TypeVar("Found")

QUIET_S = 0.08
"""Seconds the cursor rests before a preview is made."""

STEP = 0.05
"""Part of a video that one key goes on."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the preview should be of."""

    entry: Entry
    room: tuple[int, int]
    at: float = 0


class Looker:
    """Keeps the pane up with the cursor; what was shown stays until what follows is there."""

    def __init__(self, view: Moves) -> None:
        self.previewer = Previewer()
        self._view = view
        self._wish: Wish | None = None
        self._since = 0.0
        self._made: Wish | None = None
        self._is_busy = False
        self._at = 0.0
        self._shown = Shown()
        self._about: Mapping[str, str] = {}
        self._painted: object = None

    def seek(self, by: float) -> None:
        """Go on or back in a video."""
        if self._shown.is_video:
            self._at = min(1.0, max(0.0, self._at + by))

    def tick(self, entry: Entry | None) -> None:
        """Look whether the cursor rests on something else."""
        pane = self._view.query_one(PreviewPane)
        if self._wish is None or entry is None or self._wish.entry.uri != entry.uri:
            self._at = 0.0
        wish = Wish(entry, pane.room, self._at) if entry else None
        if wish != self._wish:
            self._wish, self._since = wish, time.monotonic()
        is_calm = time.monotonic() - self._since >= QUIET_S
        if wish is None or wish.entry.is_folder:
            self._made, self._shown, self._about = wish, Shown(), {}
        elif self._shown.picture is None and self._is_of(wish.entry):
            self._made = wish  # only pictures depend on the size of the pane
        elif wish != self._made and is_calm and not self._is_busy:
            self._begin(wish)
        self._paint(pane)

    def _begin(self, wish: Wish) -> None:
        self._is_busy = True
        backend, entry = self._view.backend, wish.entry

        def call() -> tuple[Shown, Mapping[str, str]]:
            about = backend.head(entry.uri)
            version = f"{about.get('etag')} {entry.size} {entry.changed}"
            return self.previewer.look(backend.read, entry.uri, version, entry.size, wish.room, wish.at), about

        def then(found: tuple[Shown, Mapping[str, str]]) -> None:
            self._is_busy, self._made = False, wish
            self._shown, self._about = found

        def failed(problem: Problem) -> None:
            if (
                self._is_of(wish.entry) and self._shown != Shown()
            ):  # another size, or it changed: what was there stays
                then((self._shown, self._about))
                return
            then((Shown(note=f"No preview: {problem.message}. {problem.hint}"), {}))

        self._view.work("preview", _told(call), then, failed, exclusive=False)

    def _is_of(self, entry: Entry) -> bool:
        return self._made is not None and self._made.entry == entry

    def _paint(self, pane: PreviewPane) -> None:
        made = self._made
        store = self._view.store
        writer = store.writer(made.entry.uri) if made else None
        state = (made, self._shown, writer, pane.size.width)
        if state != self._painted:
            self._painted = state
            entry = made.entry if made else None
            pane.show(
                headline(entry, self._shown),
                self._shown,
                facts(entry, self._shown, self._about, store, self._view.now(), pane.size.width),
            )


def _told(call: Callable[[], Found]) -> Callable[[], Found]:
    """Return a call that fails in words whatever happens: a preview is never worth the session."""

    def run() -> Found:
        try:
            return call()
        except CliError:
            raise
        except Exception as error:
            raise CliError(f"{type(error).__name__}: {error}") from error

    return run
