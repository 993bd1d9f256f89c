"""Looks at logs and jobs again and again: AWS tells nobody what happens without being asked.

One thread looks, for whoever reads news and for whoever reads lines. It looks often while something runs, seldom when
nothing does, and more seldom still when AWS wants fewer requests.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from hfaas_tui import aws
from hfaas_tui.errors import CliError
from hfaas_tui.jobs import Jobs
from hfaas_tui.ui.aws.batch import WAITING
from hfaas_tui.ui.aws.functions import Source
from hfaas_tui.ui.aws.link import AwsLink
from hfaas_tui.ui.aws.reading import Reading
from hfaas_tui.ui.aws.tails import Tail
from hfaas_tui.ui.backend import News
from hfaas_tui.ui.model import LogLine

BUSY_S, QUIET_S, THROTTLED_S = 2.0, 10.0, 60.0
"""Pauses between two looks: while something runs, at most when nothing does, at most when AWS wants fewer requests."""

SLOWER = 1.5
LOGS_OF_S, JOBS_OF_S = 3600.0, 24 * 3600.0
"""How much of what was before is shown."""

FAR = 15
"""Each so many looks, events that came very late are looked for, too."""

LATE_MS = 60_000
NOTED_LOOKS = 100
"""Looks after which nobody waits any longer for the log of a run that this window began."""

NO_QUEUE = {"ClientException", "ResourceNotFoundException"}

Piece = TypeVar("Piece")


class Pacing:
    """How long to wait until the next look."""

    def __init__(self) -> None:
        self.pause = BUSY_S

    def looked(self, *, is_busy: bool) -> None:
        """Note what a look has found."""
        self.pause = BUSY_S if is_busy else min(max(self.pause, BUSY_S) * SLOWER, QUIET_S)

    def throttled(self) -> None:
        """Note that AWS wants fewer requests."""
        self.pause = min(self.pause * 2, THROTTLED_S)

    def failed(self) -> None:
        """Note that a look came to nothing."""
        self.pause = min(self.pause * 2, QUIET_S)


class Polling:
    """Asks CloudWatch Logs and Batch about functions; `sources` tells where theirs are."""

    def __init__(
        self, link: AwsLink, sources: Callable[[], Mapping[str, Source]], clock: Callable[[], float] = time.time
    ) -> None:
        self.reading = Reading()
        self.pacing = Pacing()
        self._link = link
        self._sources = sources
        self._clock = clock
        self._tails: dict[str, Tail] = {}
        self._listed: dict[str, int] = {}
        self._looks = 0
        self._news: _Mail[News] = _Mail()
        self._lines: _Mail[list[LogLine]] = _Mail()
        self._notes: queue.SimpleQueue[tuple[str, Mapping[str, str], int]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def news(self) -> Iterator[News]:
        """Yield what happens; blocks; CliError when a look fails, and may be called again then."""
        self._start()
        return self._news.pieces()

    def lines(self) -> Iterator[list[LogLine]]:
        """Yield log lines as `news` yields what happens."""
        self._start()
        return self._lines.pieces()

    def hurry(self, name: str = "", **changes: str) -> None:
        """Look at once: something was asked for; `changes` are what is known of the run with this name."""
        if name:
            self._notes.put((name, changes, NOTED_LOOKS))
        self.pacing.pause = BUSY_S
        self._wake.set()

    def close(self) -> None:
        """End the thread, and whoever reads."""
        self._closing.set()
        self._wake.set()
        self._news.close()
        self._lines.close()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_for_ever, daemon=True, name="hfaas-aws-poll")
                self._thread.start()

    # --- looking

    def _look_for_ever(self) -> None:
        while not self._closing.is_set():
            try:
                with self._link.told():
                    self.look()
            except CliError as error:
                self.pacing.failed()
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - readers tell of it; a thread that died would show old things
                self.pacing.failed()
                self._fail(error)
            self._wake.wait(self.pacing.pause)
            self._wake.clear()

    def _fail(self, error: Exception) -> None:
        self._news.fail(error)
        self._lines.fail(error)

    def look(self) -> None:
        """Look once; what a look has learnt before AWS stopped it is told nevertheless."""
        self._looks += 1
        before = self.reading.is_busy
        try:
            self._ask()
        except Exception as error:
            if aws.code(error) not in aws.THROTTLED:
                raise
            self._tell()
            self.pacing.throttled()
            return
        has_news = self._tell()
        self.pacing.looked(is_busy=has_news or before or self.reading.is_busy)

    def _ask(self) -> None:
        sources = self._sources()
        self._ask_batch(sorted({each.queue for each in sources.values() if each.queue}))
        self._ask_logs(sources)
        self.reading.overdue(self._clock())
        self._note()

    def _note(self) -> None:
        """Add what this window knows of runs; one whose log has not come yet is kept in mind for a while."""
        waiting = []
        while not self._notes.empty():
            name, changes, looks = self._notes.get()
            if self.reading.run(name) is not None:
                self.reading.note(name, changes)
            elif looks:
                waiting.append((name, changes, looks - 1))
        for each in waiting:
            self._notes.put(each)

    def _tell(self) -> bool:
        news, lines = self.reading.told()
        if news is not None:
            self._news.put(news)
        if lines:
            self._lines.put(lines)
        return news is not None

    def _ask_logs(self, sources: Mapping[str, Source]) -> None:
        logs = self._link.client("logs")
        since = int((self._clock() - LOGS_OF_S) * 1000)
        for function, source in sources.items():
            if self._closing.is_set():
                return
            tail = self._tails.setdefault(source.log_group, Tail(source.log_group, since))
            events = tail.read(logs, far=self._looks % FAR == 0)
            self.reading.take(function, source.log_group, events)

    def _ask_batch(self, queues: Iterable[str]) -> None:
        client = self._link.client("batch")
        ids = self.reading.unfinished()
        for each in queues:
            ids += self._new_jobs(client, each)
        self.reading.jobs(Jobs(client).describe(ids))

    def _new_jobs(self, client: Any, name: str) -> Iterator[str]:
        """Yield the jobs of a queue that may not be known; at the first look, all that are under way."""
        begin = self._listed.get(name)
        if begin is None:
            begin = int((self._clock() - JOBS_OF_S) * 1000)
            for status in WAITING:
                yield from (each["jobId"] for each in _listed(client, name, jobStatus=status))
        self._listed[name] = max(begin, self._listed.get(name, 0))
        recent = [{"name": "AFTER_CREATED_AT", "values": [str(begin)]}]
        for each in _listed(client, name, filters=recent):
            self._listed[name] = max(self._listed[name], int(each["createdAt"]) - LATE_MS)
            known = self.reading.run(each["jobId"])
            if known is None or not known.is_over:
                yield each["jobId"]


def _listed(client: Any, name: str, **asked: Any) -> Iterator[Any]:
    """Yield the jobs that a queue lists; none of one that is gone."""
    try:
        for page in client.get_paginator("list_jobs").paginate(jobQueue=name, **asked):
            yield from page["jobSummaryList"]
    except client.exceptions.ClientError as error:
        if aws.code(error) not in NO_QUEUE:
            raise


class _Mail(Generic[Piece]):
    """What one thread hands to another, failures too."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Piece | Exception | None] = queue.SimpleQueue()
        self._is_failing = False

    def put(self, piece: Piece) -> None:
        self._is_failing = False
        self._queue.put(piece)

    def fail(self, error: Exception) -> None:
        """Hand a failure over, the first of several in a row only."""
        if not self._is_failing:
            self._is_failing = True
            self._queue.put(error)

    def close(self) -> None:
        self._queue.put(None)

    def pieces(self) -> Iterator[Piece]:
        while (piece := self._queue.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
        self._queue.put(None)  # whoever asks once more gets out, too
