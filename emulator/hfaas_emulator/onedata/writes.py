"""What writing does to the records: opened, growing, finished. Used by the store's thread.

A write from the start gets new bytes on disk, so that whoever still reads the old ones reads them to their end. CDMI
says in the metadata when a write is under way and when it is complete; a write that breaks off stays `Processing`.
"""

from __future__ import annotations

import secrets

from hfaas_emulator.onedata.errors import posix
from hfaas_emulator.onedata.node import Doc, Node
from hfaas_emulator.onedata.store import Store
from hfaas_emulator.onedata.tree import Tree

STATUS = "cdmi_completion_status"
MIME = "cdmi_mimetype"
ENCODING = "cdmi_valuetransferencoding"
PROCESSING = "Processing"
COMPLETE = "Complete"


class Writes:
    """Operations on the bytes that a file names."""

    def __init__(self, store: Store, tree: Tree) -> None:
        self._store = store
        self._tree = tree

    def describe(self, node: Node, mime: str, encoding: str) -> None:
        """Set what CDMI says of a file, when it is news; before the write, as Oneprovider does."""
        fields = self._store.custom(node.uuid)
        news = {**fields, MIME: mime, ENCODING: encoding}
        if news != fields:
            with self._store.change():
                self._store.set_custom(node, news)

    def open(self, node: Node, *, fresh: bool, announced: bool) -> Node:
        """Begin a write and return the file as it is now; `announced` says so in CDMI's status."""
        if not node.is_file:
            raise posix("eisdir" if node.is_directory else "einval")
        now = int(self._store.now())
        with self._store.change():
            node = self._tree.get(node.uuid)
            blob = secrets.token_hex(16) if fresh or not node.blob else node.blob
            if blob != node.blob:
                self._store.drop_blob(node.blob)
            size = 0 if fresh else node.size
            self._store.update(node.uuid, blob=blob, size=size, mtime=now, ctime=now)
            if announced:
                self._set_status(node, PROCESSING)
            if size != node.size:
                self._store.touch(node, Doc.LOCATION, Doc.TIMES)
        return self._tree.get(node.uuid)

    def room(self, node: Node, size: int) -> None:
        """Refuse a size that the space's quota does not allow; posix/enospc."""
        space = self._store.space(node.space)
        now = self._store.node(node.uuid)
        held = now.size if now else 0
        if space and space.quota and self._store.used(node.space) - held + max(size, held) > space.quota:
            raise posix("enospc")

    def grow(self, node: Node, size: int) -> None:
        """Note how many bytes there are by now."""
        with self._store.change():
            self._set_size(node, size)

    def finish(self, node: Node, size: int, *, status: str = "", change: str = "written") -> None:
        """End a write; posix/enoent when the file was removed, or written anew, in the meantime."""
        with self._store.change():
            if known := self._set_size(node, size):
                if status:
                    self._set_status(node, status)
                if change:
                    self._store.note(node.space, self._tree.path(node), change)
        if not known:
            self._store.drop_blob(node.blob)  # its first piece may have made the bytes after they were dropped
            raise posix("enoent")

    def _set_size(self, node: Node, size: int) -> bool:
        now = self._store.node(node.uuid)
        if now is None or now.blob != node.blob:
            return False
        at = int(self._store.now())
        self._store.update(node.uuid, size=max(size, now.size), mtime=at, ctime=at)
        self._store.touch(node, Doc.LOCATION, Doc.TIMES)
        return True

    def _set_status(self, node: Node, status: str) -> None:
        self._store.set_custom(node, {**self._store.custom(node.uuid), STATUS: status})
