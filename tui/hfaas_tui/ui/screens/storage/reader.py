"""Reads the folder on screen: its first page, further ones as they are needed, all of them again when they are old."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hfaas_tui.ui.model import Problem
from hfaas_tui.ui.screens.storage import listing
from hfaas_tui.ui.screens.storage.listing import Folder

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.storage.moves import Moves

AGAIN_S = 0.5
"""Pause between two looks at a page that changes all the time; more pages take longer."""

RETRY_S = 2.0


class Reader:
    """What was read, and at most one worker that reads on; `folder` stays when a later look at it fails."""

    def __init__(self, view: Moves) -> None:
        self.folder = Folder()
        self.problem: Problem | None = None
        self.read_at = 0.0
        """The view's time of the last look that went well."""
        self.is_busy = False
        self._view = view
        self._wanted = ("", "")
        self._is_old = False
        self._asked_at = 0.0

    @property
    def uri(self) -> str:
        """Return what is or will be on screen."""
        return self._wanted[0]

    def want(self, uri: str, prefix: str = "") -> None:
        """Read another folder, or names of it that begin in another way."""
        if uri != self.folder.uri:
            self.folder = Folder(uri)
        self._wanted, self._is_old, self.problem, self._asked_at = (uri, prefix), True, None, 0.0

    def note(self) -> None:
        """Note that something changed: what was read is old."""
        self._is_old = True

    def tick(self, *, is_near: bool) -> None:
        """Read what is missing; `is_near` tells that the cursor comes to the end of what was read."""
        folder, (uri, prefix) = self.folder, self._wanted
        if self.is_busy or not uri:
            return
        is_other = folder.prefix != prefix or not folder.pages
        pause = RETRY_S if self.problem else 0 if is_other else AGAIN_S * max(1, folder.pages)
        waited = time.monotonic() - self._asked_at
        backend = self._view.backend
        if self._is_old and waited >= pause:
            pages = 1 if is_other else folder.pages
            self._is_old = False
            self._begin(lambda: listing.read(backend, uri, prefix, pages))
        elif is_near and folder.next and not is_other and (not self.problem or waited >= RETRY_S):
            self._begin(lambda: listing.read(backend, uri, prefix, start=folder))

    def _begin(self, call: listing.Reading) -> None:
        wanted, self._asked_at, self.is_busy = self._wanted, time.monotonic(), True

        def read(found: Folder) -> None:
            self.is_busy = False
            if wanted == self._wanted:
                self.folder, self.problem, self.read_at = found, None, self._view.now()
                self._view.fill()

        def failed(problem: Problem) -> None:
            self.is_busy = False
            if wanted == self._wanted:
                self.problem, self._is_old = problem, True
                self._view.fill()

        self._view.work("list", call, read, failed, exclusive=False)
