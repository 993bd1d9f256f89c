"""Cuts what a container prints into lines, as long as a log event may be."""

from __future__ import annotations

from collections.abc import Callable

LINE_LIMIT = 262_144
"""Bytes of one log event; longer lines are cut into several."""


class Lines:
    """Takes output in pieces as they come and gives whole lines on, each with its newline."""

    def __init__(self, take: Callable[[list[str]], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Take output; what comes after its last newline waits."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > LINE_LIMIT:
            whole.append(self._rest[:LINE_LIMIT])
            self._rest = self._rest[LINE_LIMIT:]
        self._give(whole)

    def finish(self) -> None:
        """Give what was left without a newline: it is a line too."""
        rest, self._rest = self._rest, b""
        if rest:
            self._give([rest])

    def _give(self, raw: list[bytes]) -> None:
        lines = [part.decode(errors="replace") + "\n" for line in raw for part in _cut(line)]
        if lines:
            self._take(lines)


def _cut(line: bytes) -> list[bytes]:
    if len(line) <= LINE_LIMIT:
        return [line]
    return [line[at : at + LINE_LIMIT] for at in range(0, len(line), LINE_LIMIT)]
