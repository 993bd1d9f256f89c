"""Spaces, nodes and their documents in one SQLite file, used by one thread.

Every change of a document takes the next number of its space in the transaction of the change itself. There is one
row for a node's document of a kind, at its newest number: replaying the changes costs what there is, not what was.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfaas_emulator.errors import StateError
from hfaas_emulator.onedata import ids
from hfaas_emulator.onedata.errors import posix
from hfaas_emulator.onedata.node import Doc, Kind, Node, Note, Space

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS space (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, quota INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS node (
    uuid TEXT PRIMARY KEY, space TEXT NOT NULL, parent TEXT, name TEXT NOT NULL, kind TEXT NOT NULL,
    mode INTEGER NOT NULL, size INTEGER NOT NULL, blob TEXT NOT NULL, target TEXT NOT NULL,
    atime INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, birth INTEGER NOT NULL,
    UNIQUE (parent, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS node_space ON node (space, size);
CREATE TABLE IF NOT EXISTS custom (uuid TEXT PRIMARY KEY, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS doc (
    uuid TEXT NOT NULL, kind TEXT NOT NULL, space TEXT NOT NULL, seq INTEGER NOT NULL, rev INTEGER NOT NULL,
    deleted INTEGER NOT NULL, body TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (uuid, kind)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS doc_seq ON doc (space, seq);
CREATE TABLE IF NOT EXISTS token (
    hash TEXT PRIMARY KEY, readonly INTEGER NOT NULL, spaces TEXT, secret TEXT NOT NULL
) WITHOUT ROWID;
"""

_NODE = "uuid, space, parent, name, kind, mode, size, blob, target, atime, mtime, ctime, birth"


class Store:
    """The records; `told` gets what each commit changed, on the thread that made it."""

    def __init__(
        self, path: Path, told: Callable[[Sequence[Note]], None], now: Callable[[], float] = time.time
    ) -> None:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"the records of Onedata in {path} cannot be opened: {error}") from error
        self._told = told
        self._notes: list[Note] = []
        self._stale: list[str] = []
        self.now = now

    def close(self) -> None:
        """Fold the write-ahead log back and close."""
        self._db.close()

    def kept(self, key: str, make: Callable[[], str] = ids.new_id) -> str:
        """Return what is kept under a key, made when it is asked for first."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row:
            return str(row[0])
        value = make()
        self.keep(key, value)
        return value

    def keep(self, key: str, value: str) -> None:
        """Keep a value under a key."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @contextmanager
    def change(self) -> Iterator[None]:
        """Commit what the block does, all or nothing, and tell of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._notes.clear()
            self._stale.clear()
            raise
        if self._notes:
            self._told(tuple(self._notes))
            self._notes.clear()

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Return the rows of a statement."""
        return self._db.execute(sql, values).fetchall()

    # Bytes that no node names any more

    def drop_blob(self, blob: str) -> None:
        """Note that the bytes of a node are no longer its own once this transaction is committed."""
        if blob:
            self._stale.append(blob)

    def take_stale(self) -> list[str]:
        """Return the names of bytes that may go."""
        stale, self._stale = self._stale, []
        return stale

    def blobs(self) -> set[str]:
        """Return the names of all bytes that some node has."""
        return {row[0] for row in self.query("SELECT blob FROM node WHERE blob != ''")}

    # Spaces

    def spaces(self) -> list[Space]:
        """Return all spaces, by name."""
        return [Space(*row) for row in self.query("SELECT id, name, seq, quota FROM space ORDER BY name")]

    def space(self, id: str) -> Space | None:
        """Return a space by its id."""
        rows = self.query("SELECT id, name, seq, quota FROM space WHERE id = ?", id)
        return Space(*rows[0]) if rows else None

    def space_named(self, name: str) -> Space | None:
        """Return a space by its name."""
        rows = self.query("SELECT id, name, seq, quota FROM space WHERE name = ?", name)
        return Space(*rows[0]) if rows else None

    def create_space(self, name: str, quota: int = 0) -> Space:
        """Make an empty space, or return the one of this name with this quota."""
        with self.change():
            if found := self.space_named(name):
                self.query("UPDATE space SET quota = ? WHERE id = ?", quota or found.quota, found.id)
                return Space(found.id, found.name, found.seq, quota or found.quota)
            space, now = Space(ids.new_id(), name, 0, quota), int(self.now())
            self.query("INSERT INTO space VALUES (?, ?, 0, ?)", space.id, name, quota)
            root = ids.root_of(space.id)
            self.insert(Node(root, space.id, None, name, Kind.DIRECTORY, 0o775, 0, "", "", now, now, now, now))
        return space

    def delete_space(self, space: Space) -> None:
        """Remove a space with all that is in it."""
        with self.change():
            for (blob,) in self.query("SELECT blob FROM node WHERE space = ? AND blob != ''", space.id):
                self.drop_blob(blob)
            self.query("DELETE FROM custom WHERE uuid IN (SELECT uuid FROM node WHERE space = ?)", space.id)
            for table in ("node", "doc"):
                self.query(f"DELETE FROM {table} WHERE space = ?", space.id)
            self.query("DELETE FROM space WHERE id = ?", space.id)

    def used(self, space: str) -> int:
        """Return how many bytes the files of a space hold."""
        return int(self.query("SELECT coalesce(sum(size), 0) FROM node WHERE space = ?", space)[0][0])

    # Nodes

    def node(self, uuid: str) -> Node | None:
        """Return a node."""
        return self._first("uuid = ?", uuid)

    def child(self, parent: str, name: str) -> Node | None:
        """Return a directory's child."""
        return self._first("parent = ? AND name = ?", parent, name)

    def _first(self, where: str, *values: str) -> Node | None:
        found = self.nodes(where, *values, limit=1)
        return found[0] if found else None

    def nodes(self, where: str, *values: Any, order: str = "name", limit: int = -1, offset: int = 0) -> list[Node]:
        """Return the nodes of which `where` holds."""
        sql = f"SELECT {_NODE} FROM node WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        return [_node(row) for row in self._db.execute(sql, (*values, limit, offset))]

    def insert(self, node: Node) -> None:
        """Write a new node; posix/eexist when the name is taken."""
        values = [getattr(node, column) for column in _NODE.split(", ")]
        try:
            self._db.execute(f"INSERT INTO node ({_NODE}) VALUES ({', '.join('?' * len(values))})", values)
        except sqlite3.IntegrityError as error:
            raise posix("eexist") from error

    def update(self, uuid: str, **columns: Any) -> None:
        """Set columns of a node."""
        assignments = ", ".join(f"{column} = ?" for column in columns)
        self._db.execute(f"UPDATE node SET {assignments} WHERE uuid = ?", (*columns.values(), uuid))

    def delete(self, node: Node) -> None:
        """Remove a node; what tells of its deletion stays."""
        self.query("DELETE FROM node WHERE uuid = ?", node.uuid)
        self.query("DELETE FROM custom WHERE uuid = ?", node.uuid)
        gone = (Doc.TIMES, Doc.CUSTOM)
        self.query("DELETE FROM doc WHERE uuid = ? AND kind IN (?, ?)", node.uuid, *gone)
        self.drop_blob(node.blob)

    # Custom metadata: extended attributes, and JSON, RDF and CDMI's under names of their own

    def custom(self, uuid: str) -> dict[str, Any]:
        """Return a node's custom metadata."""
        rows = self.query("SELECT fields FROM custom WHERE uuid = ?", uuid)
        return dict(json.loads(rows[0][0])) if rows else {}

    def set_custom(self, node: Node, fields: dict[str, Any]) -> None:
        """Replace a node's custom metadata."""
        self.query("INSERT OR REPLACE INTO custom VALUES (?, ?)", node.uuid, json.dumps(fields))
        self.touch(node, Doc.CUSTOM, Doc.TIMES)

    # Documents

    def touch(self, node: Node, *kinds: Doc, body: str = "") -> None:
        """Give documents of a node the next numbers; a `body` holds the last values of a deleted one."""
        deleted = bool(body)
        for kind in kinds:
            ((seq,),) = self.query("UPDATE space SET seq = seq + 1 WHERE id = ? RETURNING seq", node.space)
            self.query(
                "INSERT INTO doc (uuid, kind, space, seq, rev, deleted, body, at) VALUES (?, ?, ?, ?, 1, ?, ?, ?) "
                "ON CONFLICT (uuid, kind) DO UPDATE SET seq = excluded.seq, rev = rev + 1, "
                "deleted = excluded.deleted, body = excluded.body, at = excluded.at",
                *(node.uuid, kind, node.space, seq, deleted, body, self.now()),
            )
        if kinds:
            self.note(node.space)

    def note(self, space: str, path: str = "", change: str = "") -> None:
        """Have something told once this transaction is committed."""
        found = self.space(space)
        if found:
            self._notes.append(Note(found, path, change))

    def rev(self, uuid: str, kind: Doc) -> int | None:
        """Return how often a document changed; None when there is none, or it is deleted."""
        rows = self.query("SELECT rev FROM doc WHERE uuid = ? AND kind = ? AND NOT deleted", uuid, kind)
        return int(rows[0][0]) if rows else None


def _node(row: Sequence[Any]) -> Node:
    uuid, space, parent, name, kind, *rest = row
    return Node(uuid, space, parent, name, Kind(kind), *rest)
