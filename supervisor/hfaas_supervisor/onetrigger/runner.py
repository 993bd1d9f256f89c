"""Subscribes, hands changes on, works when something is due, subscribes again: for ever, or until one stream ended.

Nothing is polled: the inbox is waited on until the next change comes or the next file is due.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import NamedTuple

from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ConfigError, ProviderAuth
from hfaas_supervisor.onetrigger.engine import Engine
from hfaas_supervisor.onetrigger.errors import Refused, Unreachable
from hfaas_supervisor.onetrigger.provider import Provider, Space
from hfaas_supervisor.onetrigger.stream import Change, End, Inbox, Reader

IDLE_S = 30.0
ONCE_IDLE_S = 2.0
"""Silent seconds after which a stream is renewed, or, once, everything is known."""

REST_S = 60.0
SHORT_S = 0.5
"""A stream that ends sooner did not end because nothing changed."""

BATCH = 500
LONG_S = 3600.0
ONCE_TRIES = 3


class Pace(NamedTuple):
    """How long a stream may be silent, whether one stream is enough, and when to stop in any case (monotonic)."""

    idle: float = IDLE_S
    once: bool = False
    end: float | None = None


class Runner:
    """Keeps an engine running."""

    def __init__(self, engine: Engine, provider: Provider, console: Console, pace: Pace) -> None:
        self._engine = engine
        self._provider = provider
        self._console = console
        self._pace = pace
        self._stopped = False
        self._inbox: Inbox = SimpleQueue()

    def stop(self) -> None:
        """End soon; may be called by a signal handler or another thread."""
        self._stopped = True
        self._inbox.put(End("stopped"))

    def run(self) -> None:
        """Run until stopped, or once; what makes a first start impossible is raised, later it is waited out."""
        space: Space | None = None
        tries, started = 0, False
        while not self._over():
            began = time.monotonic()
            try:
                space = space or self._engine.open()
                started = True
                self._session(space)
                if self._pace.once:
                    return
            except (Unreachable, Refused, ProviderAuth, ConfigError) as error:
                tries, space = tries + 1, None
                self._give_up(error, tries, started=started)
                self._rest(tries, str(error))
                continue
            tries = 0 if time.monotonic() - began >= SHORT_S else tries + 1
            if tries > 1:
                self._rest(tries, "the provider ends the stream of changes at once")

    def _give_up(self, error: Exception, tries: int, *, started: bool) -> None:
        if self._pace.once and tries >= ONCE_TRIES:
            raise error
        if not started and not isinstance(error, Unreachable):
            raise error

    def _over(self) -> bool:
        return self._stopped or (self._pace.end is not None and time.monotonic() >= self._pace.end)

    def _session(self, space: Space) -> None:
        with self._subscribed(space) as reader:
            end = None
            while end is None and not self._over():
                self._engine.work(self._over)
                end = self._receive(reader)
        if end is not None and end.reason and not self._stopped:
            raise Unreachable(end.reason)
        while self._pace.once and self._engine.seconds() == 0 and not self._over():
            self._engine.work(self._over)

    @contextmanager
    def _subscribed(self, space: Space) -> Iterator[Reader]:
        stream, _ = self._provider.subscribe(space, self._engine.cursor, self._pace.idle)
        self._inbox = SimpleQueue()
        reader = Reader(stream, self._inbox)
        try:
            yield reader
        finally:
            reader.close()

    def _receive(self, reader: Reader) -> End | None:
        """Wait for changes, no longer than until something is due, and hand them on."""
        changes: list[Change] = []
        end = None
        try:
            message = self._inbox.get(timeout=self._patience())
            while isinstance(message, Change):
                changes.append(message)
                if len(changes) == BATCH:
                    break
                message = self._inbox.get_nowait()
            else:
                end = message
        except queue.Empty:
            pass
        if changes:
            self._engine.take(changes)
            reader.done(len(changes))
        return end

    def _patience(self) -> float:
        due, end = self._engine.seconds(), self._pace.end
        return min(
            LONG_S if due is None else due, LONG_S if end is None else max(0.0, end - time.monotonic()), LONG_S
        )

    def _rest(self, tries: int, reason: str) -> None:
        seconds = min(REST_S, 2.0 ** (tries - 2)) * (0.5 + os.urandom(1)[0] / 512)
        self._console.warning(f"{reason}; trying again in {seconds:.1f} s")
        self._inbox = SimpleQueue()
        if not self._stopped:
            with suppress(queue.Empty):
                self._inbox.get(timeout=seconds)
