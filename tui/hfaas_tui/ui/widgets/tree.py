"""The tree of places: buckets and spaces, with the folders that were opened in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType

from hfaas_tui.ui.model import Place
from hfaas_tui.ui.widgets.vtable import Column, VTable

MOST_FOLDERS = 500
"""Folders of one place or folder in the tree; the list beside it has them all."""

COLUMNS = (Column("name", "PLACES", 10, grow=1), Column("count", "OBJECTS", 7, align="right"))
SECTIONS: Mapping[str, str] = {"s3": "S3", "onedata": "Onedata"}


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree; headings have no URI, folders and places one that ends in `/`."""

    key: str
    uri: str
    name: str
    depth: int = 0
    is_open: bool = False
    count: int | None = None


class Branches:
    """What the tree knows: the places, the folders seen in them, and which are open."""

    def __init__(self) -> None:
        self._places: Sequence[Place] = ()
        self._where = ""
        self._folders: dict[str, tuple[str, ...]] = {}
        self._counts: dict[str, int] = {}
        self._open: set[str] = set()

    def set_places(self, places: Sequence[Place], where: str) -> None:
        """Replace the places; `where` says of which target they are."""
        self._places, self._where = places, where

    def set_folders(self, uri: str, folders: Sequence[str], count: int | None) -> None:
        """Note the folders right below a URI, and how many objects there are when that is known."""
        self._folders[uri] = tuple(folders[:MOST_FOLDERS])
        if count is not None:
            self._counts[uri] = count

    def open_to(self, uri: str) -> None:
        """Open a folder and all that it is in; those above are known to hold it."""
        self._open.add(uri)
        while uri.count("/") > 3:
            inner, uri = uri, uri.rstrip("/").rpartition("/")[0] + "/"
            self._open.add(uri)
            if inner not in self._folders.get(uri, ()):
                self._folders[uri] = tuple(sorted((*self._folders.get(uri, ()), inner)))

    def close(self, uri: str) -> bool:
        """Fold a folder; False when it was folded."""
        was = uri in self._open
        self._open.discard(uri)
        return was

    def nodes(self) -> Iterator[Node]:
        """Yield the lines from top to bottom."""
        for scheme, title in SECTIONS.items():
            places = [place for place in self._places if place.uri.startswith(f"{scheme}://")]
            if not places:
                continue
            if scheme != "s3":
                yield Node(f"gap-{scheme}", "", "")
            yield Node(f"head-{scheme}", "", f"{title} ({self._where})")
            for place in places:
                yield from self._below(place.uri + "/", place.name, 1, place.objects)

    def _below(self, uri: str, name: str, depth: int, count: int | None) -> Iterator[Node]:
        is_open = uri in self._open
        yield Node(uri, uri, name, depth, is_open, self._counts.get(uri) if count is None else count)
        if is_open:
            for folder in self._folders.get(uri, ()):
                yield from self._below(folder, folder.rstrip("/").rpartition("/")[2], depth + 1, None)


class PlaceTree(VTable[Node]):
    """The branches as a table: `⏎` or `→` opens, `←` folds or goes to what a folder is in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open", "Open", show=False),
        Binding("left,h", "fold", "Fold", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(COLUMNS, _cells, lambda node: node.key, id=id)
        self.branches = Branches()

    def look(self) -> None:
        """Show what the branches know now."""
        self.set_rows(self.branches.nodes())
        if self.selected is not None and not self.selected.uri and self._at == 0:
            self.action_move(1)

    def action_fold(self) -> None:
        node = self.selected
        if node is None or not node.uri:
            return
        if self.branches.close(node.uri):
            self.look()
        elif node.uri.count("/") > 3:
            self.select(node.uri.rstrip("/").rpartition("/")[0] + "/")


def _cells(node: Node, column: str) -> tuple[str, str]:
    if not node.uri:
        return (node.name if column == "name" else "", "dim")
    if column == "count":
        return ("" if node.count is None else f"{node.count:,}", "dim")
    return f"{'  ' * (node.depth - 1)}{'▾' if node.is_open else '▸'} {node.name}", ""
