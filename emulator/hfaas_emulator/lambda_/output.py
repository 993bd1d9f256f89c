"""What a container prints, line by line into its log stream, and the supervisor's milestones onto the trace."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.lambda_.function import Function
from hfaas_emulator.lambda_.platform import Platform
from hfaas_emulator.lambda_.variables import log_group
from hfaas_emulator.trace import What

LINE_LIMIT = 262_144
"""Bytes of one log event; longer lines are cut into several."""

TAIL_LIMIT = 4_096

MILESTONE = re.compile(
    r"(?:SCRIPT RequestId: (?P<script>\S+) Item: (?P<item>\d+) "
    r"(?:Start|Exit: (?P<exit>-?\d+) Duration: (?P<ms>[\d.]+) ms)"
    r"|UPLOAD RequestId: (?P<upload>\S+) Url: (?P<url>.+) Bytes: (?P<bytes>\d+))\s*$"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one invocation, as an environment sees it."""

    id: str
    payload: bytes
    run: str = ""
    attempt: int = 1
    client_context: str = ""

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
        self._rest = b""
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
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > LINE_LIMIT:
            whole.append(self._rest[:LINE_LIMIT])
            self._rest = self._rest[LINE_LIMIT:]
        self._take(whole)

    def finish(self) -> None:
        """The container ended: what it left without a newline is a line too."""
        if self._rest:
            self._take([self._rest])
            self._rest = b""

    def _take(self, raw: list[bytes]) -> None:
        lines = [part.decode(errors="replace") + "\n" for line in raw for part in _cut(line)]
        if lines:
            self.write(lines)
        for line in lines:
            if line.startswith(("SCRIPT ", "UPLOAD ")) and (found := MILESTONE.match(line)):
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

    def _hop(self, found: re.Match[str]) -> None:
        request = found["script"] or found["upload"]
        attempt = self._attempts.get(request, 0)
        what, detail = _milestone(found)
        self._platform.trace.hop(
            "supervisor", what, invocation=request, attempt=attempt, function=self._function.name, **detail
        )


def _milestone(found: re.Match[str]) -> tuple[What, dict[str, Any]]:
    if found["upload"]:
        return What.OUTPUT_UPLOADED, {"url": found["url"], "bytes": int(found["bytes"])}
    item = int(found["item"])
    if found["exit"] is None:
        return What.SCRIPT_STARTED, {"item": item}
    return What.SCRIPT_ENDED, {"item": item, "exit": int(found["exit"]), "duration_ms": float(found["ms"])}


def _cut(line: bytes) -> list[bytes]:
    if len(line) <= LINE_LIMIT:
        return [line]
    return [line[at : at + LINE_LIMIT] for at in range(0, len(line), LINE_LIMIT)]
