"""What a container prints, line by line into its log stream, and the supervisor's milestones onto the trace."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hfaas_emulator.lambda_.function import Function
from hfaas_emulator.lambda_.lineage import FRESH, Lineage
from hfaas_emulator.lambda_.platform import Platform
from hfaas_emulator.lambda_.variables import log_group
from hfaas_emulator.logs.lines import Lines
from hfaas_emulator.milestones import Milestone, milestone

TAIL_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one invocation, as an environment sees it; its lineage counts this very invocation."""

    id: str
    payload: bytes
    run: str = ""
    attempt: int = 1
    client_context: str = ""
    lineage: Lineage = FRESH

    @property
    def key(self) -> str:
        """Return what tells this attempt from the others."""
        return f"{self.id}/{self.attempt}"


class Output:
    """The log stream of one environment."""

    def __init__(self, platform: Platform, function: Function, stream: str) -> None:
        self.group = log_group(function)
        self.stream = stream
        self._platform = platform
        self._function = function
        self._lines, self._errors = Lines(self._take), Lines(self._take)
        self._call: Call | None = None
        self._attempts: dict[str, int] = {}
        self._tail: deque[str] = deque()
        self._tail_size = 0

    def begin(self, call: Call) -> None:
        """Lines from here on belong to this call; so do, for the first one, those of the initialization."""
        if self._call:
            self._tail.clear()
            self._tail_size = 0
        # Lines may arrive after the next call began, so the call before this one is remembered too.
        self._attempts = {each.id: each.attempt for each in (self._call, call) if each}
        self._call = call

    def feed(self, chunk: bytes) -> None:
        """Take output as it comes; lines may arrive in pieces."""
        self._lines.feed(chunk)

    def feed_errors(self, chunk: bytes) -> None:
        """Take what came on stderr: its lines go between those of stdout, and never into one of them."""
        self._errors.feed(chunk)

    def finish(self) -> None:
        """The container ended: what it left without a newline is a line too, of each stream."""
        self._lines.finish()
        self._errors.finish()

    def _take(self, lines: list[str]) -> None:
        self.write(lines)
        for line in lines:
            if found := milestone(line):
                self._hop(found)

    def write(self, lines: list[str]) -> None:
        """Append lines to the stream and to the tail of the current call."""
        now = int(self._platform.clock.now() * 1000)
        function = self._function
        stamped = [(now, line) for line in lines]
        self._platform.logs.append(function.account, function.region, self.group, self.stream, stamped)
        for line in lines:
            self._tail.append(line)
            self._tail_size += len(line)
        while self._tail and self._tail_size - len(self._tail[0]) > TAIL_LIMIT:
            self._tail_size -= len(self._tail.popleft())

    def tail(self) -> bytes:
        """Return the last 4 KB of the current call's lines."""
        return "".join(self._tail).encode()[-TAIL_LIMIT:]

    def _hop(self, found: Milestone) -> None:
        if found.what is None:
            return
        attempt = self._attempts.get(found.request, 0)
        detail = {"function": self._function.name, **found.detail}
        self._platform.trace.hop("supervisor", found.what, invocation=found.request, attempt=attempt, **detail)
