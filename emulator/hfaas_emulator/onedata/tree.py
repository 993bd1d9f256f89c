"""The trees of the spaces: names to nodes, and what may be done to them. Used by the store's thread.

A path is looked up name by name from the root of its space. Symbolic links are followed inside the space only: `..`
stops at its root, and an absolute target leads nowhere unless it names the space by its id.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from hfaas_emulator.onedata import ids
from hfaas_emulator.onedata.errors import OnedataError, posix
from hfaas_emulator.onedata.node import Doc, Kind, Node
from hfaas_emulator.onedata.store import Store

LINKS = 40
"""Symbolic links that one look-up follows."""

_INSIDE = re.compile(r"<__onedata_space_id:([^>/]*)>(/.*|)", re.DOTALL)

_MODES = {Kind.FILE: 0o664, Kind.DIRECTORY: 0o775, Kind.LINK: 0o777}


class Tree:
    """Operations on the nodes of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, uuid: str) -> Node:
        """Return a node; posix/enoent."""
        found = self._store.node(uuid)
        if found is None:
            raise posix("enoent")
        return found

    def root(self, space: str) -> Node:
        """Return the root directory of a space."""
        return self.get(ids.root_of(space))

    def path(self, node: Node) -> str:
        """Return a node's path, from the name of its space on."""
        names = [node.name]
        while node.parent:
            node = self.get(node.parent)
            names.append(node.name)
        return "/" + "/".join(reversed(names))

    def resolve(self, start: Node, segments: Sequence[str], *, follow: bool = False) -> Node:
        """Walk from a directory; `follow` also follows a link at the end; posix/enoent, enotdir or eloop."""
        node, left, links = start, deque(segments), 0
        while left or (follow and node.kind is Kind.LINK):
            if node.kind is Kind.LINK:
                links += 1
                if links > LINKS:
                    raise posix("eloop")
                node, names = self._aim(node)
                left.extendleft(reversed(names))
                continue
            node = self._step(node, left.popleft())
        return node

    def _step(self, node: Node, name: str) -> Node:
        if not node.is_directory:
            raise posix("enotdir")
        if name == "..":
            return self.get(node.parent) if node.parent else node
        found = self._store.child(node.uuid, name)
        if found is None:
            raise posix("enoent")
        return found

    def _aim(self, link: Node) -> tuple[Node, list[str]]:
        """Return where to go on from a link, and over which names."""
        target = link.target
        start = self.get(link.parent or "")
        if inside := _INSIDE.fullmatch(target):
            if inside.group(1) != link.space:
                raise posix("enoent")
            start, target = self.root(link.space), inside.group(2)
        elif target.startswith("/"):
            raise posix("enoent")
        return start, [name for name in target.split("/") if name not in ("", ".")]

    def children(
        self, node: Node, *, after: str = "", since: str = "", offset: int = 0, limit: int = -1
    ) -> list[Node]:
        """Return a directory's children behind a name, or from a name on, by name; posix/enotdir."""
        if not node.is_directory:
            raise posix("enotdir")
        where = "parent = ? AND name > ? AND name >= ?"
        return self._store.nodes(where, node.uuid, after, since, limit=limit, offset=offset)

    def walk(
        self, top: Node, *, prefix: str = "", after: str = "", limit: int, directories: bool = False
    ) -> list[tuple[str, Node]]:
        """Return what lies below a directory with paths relative to it, by `order`, behind `after`."""
        found: list[tuple[str, Node]] = []
        waiting = [("", top)]
        while waiting and len(found) < limit:
            path, node = waiting.pop()
            behind = path and order((path, node)) > after
            if behind and path.startswith(prefix) and (directories or not node.is_directory):
                found.append((path, node))
            if node.is_directory and (not path or _may_hold(path, prefix, after)):
                below = [(f"{path}/{each.name}".lstrip("/"), each) for each in self.children(node)]
                waiting.extend(sorted(below, key=order, reverse=True))
        return found

    def create(
        self,
        parent: Node,
        name: str,
        kind: Kind = Kind.FILE,
        *,
        mode: int | None = None,
        target: str = "",
    ) -> Node:
        """Make a node; posix/eexist or enotdir."""
        if not parent.is_directory:
            raise posix("enotdir")
        now = int(self._store.now())
        mode = _MODES[kind] if mode is None else mode
        size = len(target.encode())
        node = Node(ids.new_id(), parent.space, parent.uuid, name, kind, mode, size, "", target, now, now, now, now)
        with self._store.change():
            self._store.insert(node)
            self._store.touch(node, Doc.META, Doc.TIMES, *([Doc.LOCATION] if kind is Kind.FILE else []))
            self._store.note(node.space, self.path(node), "created")
            self._bump(parent, now)
        return node

    def make_parents(self, start: Node, names: Sequence[str]) -> Node:
        """Return the directory at a path, made where it is missing."""
        node = start
        for name in names:
            try:
                node = self.resolve(node, [name], follow=True)
            except OnedataError as error:
                if error.errno != "enoent":
                    raise
                node = self.create(node, name, Kind.DIRECTORY)
        return node

    def chmod(self, node: Node, mode: int) -> None:
        """Set the permission bits."""
        with self._store.change():
            self._store.update(node.uuid, mode=mode, ctime=int(self._store.now()))
            self._store.touch(node, Doc.META, Doc.TIMES)

    def read(self, node: Node) -> None:
        """Note that somebody read a file."""
        now = int(self._store.now())
        if node.atime != now:
            with self._store.change():
                self._store.update(node.uuid, atime=now)
                self._store.touch(node, Doc.TIMES)

    def move(self, node: Node, parent: Node, name: str) -> bool:
        """Rename a node, over an existing one if need be, and tell whether there was one."""
        if not node.parent:
            raise posix("eperm")
        if not parent.is_directory:
            raise posix("enotdir")
        if parent.space != node.space or self._is_below(parent, node):
            raise posix("einval")
        found = self._store.child(parent.uuid, name)
        if found and found.uuid == node.uuid:
            return True
        with self._store.change():
            if found:
                self._give_way(found, node)
            now = int(self._store.now())
            old = self.get(node.parent)
            self._store.update(node.uuid, parent=parent.uuid, name=name, ctime=now)
            moved = replace(node, parent=parent.uuid, name=name)
            self._store.touch(moved, Doc.META, Doc.TIMES)
            self._bump(old, now)
            if parent.uuid != old.uuid:
                self._bump(parent, now)
            self._store.note(node.space, self.path(moved), "created")
        return found is not None

    def _give_way(self, found: Node, node: Node) -> None:
        if found.is_directory and not node.is_directory:
            raise posix("eisdir")
        if node.is_directory and not found.is_directory:
            raise posix("enotdir")
        if found.is_directory and self.children(found, limit=1):
            raise posix("enotempty")
        self._forget(found)

    def _is_below(self, node: Node, top: Node) -> bool:
        while True:
            if node.uuid == top.uuid:
                return True
            if not node.parent:
                return False
            node = self.get(node.parent)

    def remove(self, node: Node) -> None:
        """Remove a node with all below it, as it is by now; a space's root stays. posix/enoent when it is gone."""
        with self._store.change():
            node = self.get(node.uuid)
            if not node.parent:
                raise posix("eperm")
            self._store.note(node.space, self.path(node), "removed")
            order = [node]
            for each in order:  # grows while it is walked
                order += self._store.nodes("parent = ?", each.uuid)
            for each in reversed(order):
                self._forget(each)
            self._bump(self.get(node.parent), int(self._store.now()))

    def _forget(self, node: Node) -> None:
        self._store.delete(node)
        kinds = (Doc.META, Doc.LOCATION) if node.is_file else (Doc.META,)
        self._store.touch(node, *kinds, body=node.name)

    def _bump(self, directory: Node, now: int) -> None:
        """Note that the names in a directory changed; a space's root has no documents."""
        self._store.update(directory.uuid, mtime=now, ctime=now)
        if directory.parent:
            self._store.touch(directory, Doc.TIMES)


def order(entry: tuple[str, Node]) -> str:
    """Return where an entry of a walk belongs: a directory where the paths below it do."""
    path, node = entry
    return f"{path}/" if node.is_directory else path


def _may_hold(path: str, prefix: str, after: str) -> bool:
    """Tell whether anything below a directory can start with `prefix` and come behind `after`."""
    below = f"{path}/"
    fits = below.startswith(prefix) or prefix.startswith(below)
    return fits and (below > after or after.startswith(below))
