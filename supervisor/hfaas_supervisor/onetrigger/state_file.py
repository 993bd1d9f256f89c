"""State in one SQLite file, for a OneTrigger that runs all the time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.onetrigger.errors import StateTaken
from hfaas_supervisor.onetrigger.state import Dead, Identity, Pending, Seen

try:
    import sqlite3
except ImportError:  # the interpreter in function images comes without it
    raise ConfigError("this Python has no SQLite: keep the state in S3 (--state s3://BUCKET/KEY)") from None

TABLES = """
CREATE TABLE IF NOT EXISTS identity (provider TEXT, space TEXT, folder TEXT);
CREATE TABLE IF NOT EXISTS cursor (seq INTEGER);
CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY, due REAL, kind TEXT, path TEXT, status TEXT, changed REAL,
    written INTEGER, size INTEGER, tries INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pending_due ON pending (due);
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, mtime INTEGER, size INTEGER, at REAL, written INTEGER)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead (id TEXT PRIMARY KEY, path TEXT, reason TEXT, at REAL) WITHOUT ROWID;
"""


class StateFile:
    """The file, locked for as long as it is open."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._sql = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"the state {path} cannot be opened: {error}") from None
        try:
            self._prepare()
        except BaseException:
            self._sql.close()
            raise

    def _prepare(self) -> None:
        try:
            self._sql.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._sql.execute("PRAGMA journal_mode=WAL")
            self._sql.execute("PRAGMA synchronous=FULL")
            self._sql.execute("BEGIN IMMEDIATE")
            for statement in TABLES.split(";"):
                self._sql.execute(statement)
            self._sql.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StateTaken(f"another OneTrigger works with the state {self.path}") from None
            raise ConfigError(f"the state {self.path} cannot be used: {error}") from None
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"the state {self.path} cannot be used: {error}") from None

    @property
    def identity(self) -> Identity | None:
        row = self._sql.execute("SELECT * FROM identity").fetchone()
        return Identity(*row) if row else None

    @property
    def cursor(self) -> int | None:
        row = self._sql.execute("SELECT seq FROM cursor").fetchone()
        return int(row[0]) if row else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._sql.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def void(self) -> None:
        for table in ("identity", "cursor", "pending", "seen", "dead"):
            self._sql.execute(f"DELETE FROM {table}")

    def belong(self, identity: Identity) -> None:
        self._sql.execute("DELETE FROM identity")
        self._sql.execute("INSERT INTO identity VALUES (?, ?, ?)", identity)

    def move(self, cursor: int) -> None:
        self._sql.execute("DELETE FROM cursor")
        self._sql.execute("INSERT INTO cursor VALUES (?)", (cursor,))

    def put(self, row: Pending) -> None:
        self._sql.execute("INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def waiting(self, id: str) -> Pending | None:
        row = self._sql.execute("SELECT * FROM pending WHERE id = ?", (id,)).fetchone()
        return Pending(*row) if row else None

    def drop(self, id: str) -> None:
        self._sql.execute("DELETE FROM pending WHERE id = ?", (id,))

    def due(self, now: float, limit: int) -> list[Pending]:
        found = self._sql.execute("SELECT * FROM pending WHERE due <= ? ORDER BY due LIMIT ?", (now, limit))
        return [Pending(*row) for row in found]

    def next_due(self) -> float | None:
        found: float | None = self._sql.execute("SELECT min(due) FROM pending").fetchone()[0]
        return found

    def pending(self) -> int:
        return int(self._sql.execute("SELECT count(*) FROM pending").fetchone()[0])

    def see(self, files: Iterable[Seen]) -> None:
        self._sql.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", files)

    def seen(self, id: str) -> Seen | None:
        row = self._sql.execute("SELECT * FROM seen WHERE id = ?", (id,)).fetchone()
        return Seen(*row) if row else None

    def forget(self, id: str) -> None:
        self._sql.execute("DELETE FROM seen WHERE id = ?", (id,))

    def bury(self, dead: Dead) -> None:
        self._sql.execute("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?)", dead)

    def dead(self) -> list[Dead]:
        return [Dead(*row) for row in self._sql.execute("SELECT * FROM dead ORDER BY at")]

    def exhume(self, id: str) -> None:
        self._sql.execute("DELETE FROM dead WHERE id = ?", (id,))

    def claim(self) -> None:
        """The file has been locked since it was opened."""

    def save(self) -> None:
        """Every transaction is on the disk when it ends."""

    def close(self) -> None:
        self._sql.close()
