"""Which files are watched, and how patiently."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

SETTLE_S = 7.0
MAX_WAIT_S = 3600.0
IGNORED = ("*.part", "*.tmp", ".*")


class Watch(NamedTuple):
    """A folder of a space (empty: all of it), and when an upload counts as finished.

    A file without a better signal is finished when nothing changes for `settle` seconds. An upload that never ends is
    given up after `max_wait` seconds without a change. `ignore` are globs for the names of files and folders; where
    there are suffixes, a file's name must end in one of them.
    """

    space: str
    folder: str = ""
    settle: float = SETTLE_S
    max_wait: float = MAX_WAIT_S
    ignore: tuple[str, ...] = IGNORED
    created_only: bool = False
    suffix: tuple[str, ...] = ()

    def inside(self, path: str) -> bool:
        """Tell whether a path of the space is below the folder."""
        return bool(path) and (not self.folder or path.startswith(f"{self.folder}/"))

    def wants(self, path: str) -> bool:
        """Tell whether a file's path is inside, not ignored, and ends as it should."""
        return self._sees(path) and (not self.suffix or path.endswith(self.suffix))

    def concerns(self, path: str) -> bool:
        """Tell whether files may come with a folder: it is inside, is the watched one, or holds that."""
        holds = bool(path) and f"{self.folder}/".startswith(f"{path}/")
        return holds or self._sees(path)

    def _sees(self, path: str) -> bool:
        return self.inside(path) and not self._ignored(path)

    def _ignored(self, path: str) -> bool:
        return any(fnmatchcase(name, glob) for name in self._names(path) for glob in self.ignore)

    def _names(self, path: str) -> Iterator[str]:
        yield from path[len(self.folder) :].strip("/").split("/")
