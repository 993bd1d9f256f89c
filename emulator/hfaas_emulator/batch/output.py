"""What a job prints, line by line into its log stream, and the supervisor's milestones onto the trace.

As the log driver of AWS does: the stream is there before the container starts, and stays empty when that prints
nothing; a message has no newline at its end, and an empty line makes none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from hfaas_emulator.batch.identity import Identity
from hfaas_emulator.clock import Clock
from hfaas_emulator.logs.lines import Lines
from hfaas_emulator.logs.store import Group
from hfaas_emulator.milestones import Milestone, milestone
from hfaas_emulator.trace import Trace


class Logs(Protocol):
    """Takes log lines, each with its Unix time in milliseconds, and knows the last ones it took."""

    def begin(self, account: str, region: str, group: str, stream: str) -> None:
        """Have a stream, without lines at first."""

    def append(
        self, account: str, region: str, group: str, stream: str, lines: Sequence[tuple[int, str]]
    ) -> None: ...

    async def tail(
        self, account: str, region: str, group: str, stream: str, limit: int
    ) -> Sequence[tuple[int, str]]:
        """Return a stream's last lines, oldest first; none when there is no such stream."""

    def has(self, group: Group, name: str) -> bool:
        """Tell whether there is such a stream."""


class JobOutput:
    """The log stream of one attempt; `known` lines, which an earlier emulator wrote, are not written again."""

    def __init__(
        self, identity: Identity, logs: Logs, trace: Trace, clock: Clock, known: Iterable[str] = ()
    ) -> None:
        self._identity = identity
        self._logs = logs
        self._trace = trace
        self._clock = clock
        self._known = Counter(known)
        self._has_begun = bool(self._known)
        self._streams = Lines(self._take), Lines(self._take)
        self.feed, self.feed_errors = (each.feed for each in self._streams)

    def begin(self) -> None:
        """Have the stream before its container, so that whoever learns its name finds it."""
        who = self._identity
        self._logs.begin(who.account, who.region, who.group, who.stream)
        self._has_begun = True

    def finish(self) -> None:
        """What was left without a newline is a line too, of each stream."""
        for each in self._streams:
            each.finish()

    def _take(self, lines: list[str]) -> None:
        told = [line for line in (each.removesuffix("\n") for each in lines) if line]
        fresh = [line for line in told if self._is_new(line)] if self._known else told
        if fresh:
            self._write(fresh)
        for line in fresh:
            if found := milestone(line):
                self._hop(found)

    def _write(self, lines: list[str]) -> None:
        """Log lines, unless the group was deleted meanwhile: then they are lost, and no new group comes of them."""
        who = self._identity
        if self._has_begun and not self._logs.has(Group(who.account, who.region, who.group), who.stream):
            return
        self._has_begun = True
        now = int(self._clock.now() * 1000)
        self._logs.append(who.account, who.region, who.group, who.stream, [(now, line) for line in lines])

    def _is_new(self, line: str) -> bool:
        """Tell whether a line came after the ones that are known: from the first such one on, all are."""
        if not self._known[line]:
            self._known.clear()
            return True
        self._known[line] -= 1
        return False

    def _hop(self, found: Milestone) -> None:
        if found.what is None:
            return
        who = self._identity
        request = who.request or found.request
        self._trace.hop(
            "supervisor",
            found.what,
            run=self._run(found.request),
            invocation=request,
            attempt=who.attempt,
            **{"function": who.function, **found.detail},
        )

    def _run(self, request: str) -> str:
        """Return the run of whoever set the job in motion: an invocation, the job itself, the array it is part of."""
        who = self._identity
        known = map(self._trace.run_of, (who.request, who.job, re.split("[:#]", who.job)[0], request))
        return next(filter(None, known), "")
