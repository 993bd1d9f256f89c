"""What was acknowledged, on disk before the answer leaves: a few tables of key and value in SQLite.

Writers hand over all changes of one request at once, so an object and the events it caused are both there or
neither. WAL with `synchronous=NORMAL` survives `kill -9`; `durable=True` pays a disk flush to survive a power cut.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hfaas_emulator.errors import StateError


class Table(StrEnum):
    """The kinds of things that are kept."""

    REQUEST = "request"  # mutating control-plane requests since the last snapshot
    OBJECT = "object"
    UPLOAD = "upload"
    PART = "part"
    MESSAGE = "message"
    INVOCATION = "invocation"  # accepted asynchronous invocations that are not done
    FAILED = "failed"  # what invocations that failed were asked with; the newest of them
    STACK = "stack"
    JOB = "job"  # Batch jobs, also the finished ones for as long as AWS remembers them


@dataclass(frozen=True, slots=True)
class Put:
    """Set a row."""

    table: Table
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a row; a missing one is no error."""

    table: Table
    key: str


@dataclass(frozen=True, slots=True)
class DeleteThrough:
    """Remove a table's first rows, up to a key and with it."""

    table: Table
    key: str


Change = Put | Delete | DeleteThrough


class Journal:
    """The tables, usable from every thread; `path` None keeps them in memory."""

    def __init__(self, path: Path | None, *, durable: bool = False) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            for table in Table:
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
                )
        except sqlite3.Error as error:
            raise StateError(f"the journal {path} cannot be opened: {error}", "choose another --state") from error

    def write(self, changes: Iterable[Change]) -> None:
        """Apply all changes or none; StateError when the disk is full or gone."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for change in changes:
                    self._apply(change)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise StateError(f"the journal cannot be written: {error}", "free some disk space") from error

    def _apply(self, change: Change) -> None:
        match change:
            case Put(table, key, value):
                self._db.execute(
                    f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (key, value),
                )
            case Delete(table, key):
                self._db.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
            case DeleteThrough(table, key):
                self._db.execute(f"DELETE FROM {table} WHERE key <= ?", (key,))

    def rows(self, table: Table) -> Iterator[tuple[str, bytes]]:
        """Yield a table's rows in the order of their keys."""
        with self._lock:
            rows = self._db.execute(f"SELECT key, value FROM {table} ORDER BY key").fetchall()
        yield from rows

    def last(self, table: Table) -> str:
        """Return a table's highest key, or an empty string."""
        with self._lock:
            (key,) = self._db.execute(f"SELECT max(key) FROM {table}").fetchone()
        return key or ""

    def get(self, table: Table, key: str) -> bytes | None:
        """Return one value, or None."""
        with self._lock:
            row = self._db.execute(f"SELECT value FROM {table} WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        """Fold the write-ahead log back and close."""
        with self._lock:
            self._db.close()
