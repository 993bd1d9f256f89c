"""Makes the folders that results need, where a storage has real ones: the deepest first, parents only if they miss."""

from __future__ import annotations

from collections.abc import Callable

from hfaas_supervisor.limits import Limits

Create = Callable[[str, Limits], bool]
"""Makes one folder, or raises; False says that its parent is missing. One that is there already is no failure."""


class Folders:
    """The folders of one Space or server that are known to exist."""

    def __init__(self, create: Create) -> None:
        self._create = create
        self._known: set[str] = {""}

    def ensure(self, folder: str, limits: Limits) -> bool:
        """Have a folder; False when that fails because the root itself is missing."""
        if folder in self._known:
            return True
        if not self._create(folder, limits):
            parent = folder.rpartition("/")[0]
            if not parent or not self.ensure(parent, limits) or not self._create(folder, limits):
                return False
        self._known.add(folder)
        return True

    def forget(self, folder: str) -> None:
        """Take nothing on the way to a folder for granted any more: somebody removed it."""
        self._known = {known for known in self._known if not f"{folder}/".startswith(f"{known}/")} | {""}
