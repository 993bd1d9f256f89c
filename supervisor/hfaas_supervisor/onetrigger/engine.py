"""From changes to events: what a change means, when a file is looked at, and whether it is sent.

    take    changes -> files that wait, in one transaction with the cursor
    work    what is due -> one look at the file -> an event, or longer waiting, or nothing

A file is due at once when its CDMI upload says Complete, much later while it says Processing, and else when nothing has
changed for a while. A look compares it with how it was last seen, so an event that comes again changes nothing. Files
that came with a folder have no changes of their own: the folder waits like a file, and its look is a listing.

What was sent within 2 s of a file's time may have changed in the same second without a trace; a later change of its
content is then an event of its own (git's rule for racy files).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence

from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ProviderAuth
from hfaas_supervisor.onetrigger.errors import Refused, Unreachable
from hfaas_supervisor.onetrigger.provider import File, Provider, Space
from hfaas_supervisor.onetrigger.state import Dead, Identity, Pending, Seen, State
from hfaas_supervisor.onetrigger.stream import (
    COMPLETE,
    FOLDER,
    PROCESSING,
    REGULAR,
    Change,
    below_space,
)
from hfaas_supervisor.onetrigger.targets import Outcome, Target, event
from hfaas_supervisor.onetrigger.watch import Watch

LISTED = "Listed"
"""The status of a file that a listing found: whether it is still being uploaded must be asked."""

EMPTY_WAITS = 5
"""An empty file, often the beginning of an upload, waits so many times longer."""

RACY_S = 2
BACK_OFF_S = (0.5, 1, 2, 4, 8, 16, 32, 60)
ROUND = 100
BATCH = 1000


class Engine:
    """One watched folder, its state and its target."""

    def __init__(
        self,
        provider: Provider,
        state: State,
        target: Target,
        watch: Watch,
        console: Console,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._state = state
        self._target = target
        self._watch = watch
        self._console = console
        self._now = now
        self.fired = 0
        self._hold, self._held = 0.0, 0

    @property
    def cursor(self) -> int:
        """Return where the stream goes on."""
        return self._state.cursor or 0

    def open(self) -> Space:
        """Find the space. At the first start its files are remembered; state of another space is void."""
        space = self._provider.space(self._watch.space)
        known, found = self._state.identity, self._identity(space)
        if known is not None and known != found:
            self._console.warning(
                f"space {space.name} is not the one of this state (space, provider or folder changed): starting anew"
            )
        if known != found:
            self._baseline(space)
        return space

    def take(self, changes: Sequence[Change]) -> None:
        """Note what changes lead to."""
        now = self._now()
        with self._state.transaction():
            cursor = self.cursor
            for change in changes:
                if change.seq > cursor:  # the stream repeats the last one
                    self._note(change, now)
                    cursor = change.seq
            self._state.move(cursor)

    def work(self, over: Callable[[], bool] = lambda: False) -> None:
        """Deal with a round of what is due, until it is over or somebody cannot be reached."""
        for row in self._state.due(self._now(), ROUND):
            if over() or self._now() < self._hold:
                return
            self._deal(row)

    def seconds(self) -> float | None:
        """Return in how many seconds there is work."""
        due = self._state.next_due()
        return None if due is None else max(0.0, max(due, self._hold) - self._now())

    def retry_dead(self) -> None:
        """Try once more what was refused."""
        with self._state.transaction():
            for dead in self._state.dead():
                self._state.put(Pending(dead.id, self._now(), REGULAR, dead.path, LISTED, self._now()))
                self._state.exhume(dead.id)

    def _identity(self, space: Space) -> Identity:
        return Identity(space.provider, space.id, self._watch.folder)

    # --- changes

    def _note(self, change: Change, now: float) -> None:
        if change.deleted:
            self._state.drop(change.id)
            self._state.forget(change.id)
        elif change.kind == FOLDER and self._watch.concerns(change.path):
            self._state.put(Pending(change.id, now, FOLDER, change.path))
        elif change.kind == REGULAR and self._watch.wants(change.path):
            self._state.put(self._waiting(change, now))
        elif change.kind == REGULAR:
            self._state.drop(change.id)
            if not self._watch.inside(change.path):
                self._state.forget(change.id)

    def _waiting(self, change: Change, now: float) -> Pending:
        old = self._state.waiting(change.id) or Pending(change.id, now + self._watch.settle, REGULAR)
        status = change.status or (old.status if old.status != LISTED else "")
        return old._replace(
            due=self._due(change, status, old, now),
            path=change.path,
            status=status,
            changed=now,
            written=change.seq if change.written else old.written,
            size=old.size if change.size is None else change.size,
        )

    def _due(self, change: Change, status: str, old: Pending, now: float) -> float:
        if status == PROCESSING:
            return now + self._watch.max_wait
        if status == COMPLETE:
            return now if change.status else old.due
        return now + self._watch.settle

    # --- listings

    def _baseline(self, space: Space) -> None:
        """Remember the last change and all files that are there, silently; who dies before the end begins again."""
        with self._state.transaction():
            self._state.void()
        cursor, asked = self._provider.latest(space)
        since, known = self._now() if asked is None else asked, 0
        for files in _batches(self._files(space)):
            with self._state.transaction():
                self._state.see(Seen(file.id, file.mtime, file.size, since, 0) for file in files)
            known += len(files)
        with self._state.transaction():
            self._state.belong(self._identity(space))
            self._state.move(cursor)
        self._console.info(f"watching {self._place(space)}: {known} files are there already")

    def _files(self, space: Space) -> Iterable[File]:
        """List the watched folder, which need not exist yet."""
        root = self._provider.lookup(space, self._watch.folder) if self._watch.folder else space.id
        return self._below(root, self._place(space)) if root else ()

    def _below(self, id: str, path: str) -> Iterable[File]:
        try:
            found = self._provider.files(id, path)
            yield from (file for file in found if self._watch.wants(below_space(file.path)))
        except Refused as error:
            if error.reason not in ("enoent", "enotdir", "notFound"):
                raise

    def _await(self, files: Sequence[File]) -> None:
        """Let listed files wait that are not as they were; those that nobody has touched for a while are due."""
        now = self._now()
        with self._state.transaction():
            for file in files:
                if not _is_same(self._state.seen(file.id), file) and self._state.waiting(file.id) is None:
                    quiet = (file.asked or now) - file.mtime
                    due = now + min(self._watch.settle, max(0.0, self._watch.settle - quiet))
                    path = below_space(file.path)
                    self._state.put(Pending(file.id, due, REGULAR, path, LISTED, now, size=file.size))

    def _place(self, space: Space) -> str:
        return f"/{space.name}/{self._watch.folder}".rstrip("/")

    # --- what is due

    def _deal(self, row: Pending) -> None:
        try:
            if row.kind == FOLDER:
                self._list(row)
            else:
                self._look(row)
        except (Unreachable, ProviderAuth) as error:
            self._rest(row, str(error))
        except Refused as error:
            self._bury(row, str(error))

    def _list(self, row: Pending) -> None:
        folder = self._provider.file(row.id)
        path = below_space(folder.path) if folder else ""
        if folder and self._watch.concerns(path):
            for files in _batches(self._listed(row.id, folder.path, path)):
                self._await(files)
        self._drop(row)

    def _listed(self, id: str, full: str, path: str) -> Iterable[File]:
        if self._watch.inside(path) or path == self._watch.folder:
            return self._below(id, full)
        return self._files(self._provider.space(self._watch.space))  # a folder above the watched one

    def _look(self, row: Pending) -> None:
        file = self._provider.file(row.id)
        if file is None or file.kind != REGULAR or not self._watch.wants(below_space(file.path)):
            self._drop(row)
        elif later := self._unsettled(row, file):
            self._put(later)
        else:
            self._compare_with_seen(row, file, self._state.seen(row.id))

    def _compare_with_seen(self, row: Pending, file: File, seen: Seen | None) -> None:
        same = _is_same(seen, file)
        racy = seen is not None and seen.at - seen.mtime < RACY_S and row.written > seen.written
        if same and not racy:
            self._drop(row)
        elif seen is not None and self._watch.created_only:
            self._saw(row, file)
        elif self._is_stale(row, seen) and self._provider.uploading(row.id):
            self._uploading(row, file)
        else:
            self._fire(row, file, again=row.written if same else None)

    def _unsettled(self, row: Pending, file: File) -> Pending | None:
        """Return how a file without an exact signal has to wait on, if it grew or is empty."""
        if row.status in (COMPLETE, PROCESSING):
            return None
        now = self._now()
        if row.size is not None and row.size != file.size:
            return row._replace(due=now + self._watch.settle, changed=now, size=file.size)
        empty = row.changed + EMPTY_WAITS * self._watch.settle
        return row._replace(due=empty) if file.size == 0 and now < empty else None

    def _is_stale(self, row: Pending, seen: Seen | None) -> bool:
        """Tell whether the status may be that of an upload before, or was never told."""
        return row.status in (LISTED, PROCESSING) or (row.status == COMPLETE and seen is not None)

    def _uploading(self, row: Pending, file: File) -> None:
        if row.status == PROCESSING:
            self._console.warning(
                f"{_shown(file.path)}: its upload has not moved for {self._watch.max_wait:g} s and is given up; no event is sent"
            )
            self._drop(row)
            return
        self._put(row._replace(status=PROCESSING, due=self._now() + self._watch.max_wait))

    # --- events

    def _fire(self, row: Pending, file: File, again: int | None) -> None:
        self._state.claim()
        outcome, reason = self._target.send(event(file, self._now(), again))
        if outcome is Outcome.TAKEN:
            self.fired += 1
            self._held = 0
            self._console.info(f"sent {_shown(file.path)} ({file.size} bytes) to {self._target.name}")
            self._saw(row, file)
        elif outcome is Outcome.REFUSED:
            self._bury(row, f"{self._target.name} refused it: {reason}")
        elif outcome is Outcome.LATER:
            self._postpone(row, f"{self._target.name} did not take it: {reason}")
        else:
            self._rest(row, f"{self._target.name} cannot be reached: {reason}")

    def _saw(self, row: Pending, file: File) -> None:
        at = self._now() if file.asked is None else file.asked
        with self._state.transaction():
            self._state.see([Seen(file.id, file.mtime, file.size, at, row.written)])
            self._state.drop(row.id)

    def _postpone(self, row: Pending, reason: str) -> None:
        wait = _back_off(row.tries)
        self._console.warning(f"{_shown(row.path)}: {reason}; trying again in {wait:g} s")
        self._put(row._replace(due=self._now() + wait, tries=row.tries + 1))

    def _rest(self, row: Pending, reason: str) -> None:
        """Put a file off, and all work: whoever cannot be reached is not asked again for each file."""
        self._postpone(row, reason)
        self._hold = self._now() + _back_off(self._held)
        self._held += 1

    def _bury(self, row: Pending, reason: str) -> None:
        self._console.error(f"{_shown(row.path)}: {reason}; it is kept and not tried again (--retry-dead does)")
        with self._state.transaction():
            self._state.bury(Dead(row.id, row.path, reason, self._now()))
            self._state.drop(row.id)

    def _put(self, row: Pending) -> None:
        with self._state.transaction():
            self._state.put(row)

    def _drop(self, row: Pending) -> None:
        with self._state.transaction():
            self._state.drop(row.id)


def _batches(files: Iterable[File]) -> Iterable[list[File]]:
    rest = iter(files)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch


def _is_same(seen: Seen | None, file: File) -> bool:
    return seen is not None and (seen.mtime, seen.size) == (file.mtime, file.size)


def _back_off(tries: int) -> float:
    return BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)]


def _shown(path: str) -> str:
    """Return a path for the log: a name must not begin a line of its own there."""
    return path.replace("\n", "%0A").replace("\r", "%0D")
