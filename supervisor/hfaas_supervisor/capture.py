"""Keeps what a script printed, for the answer: whole up to a limit, else the end of it, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from typing import IO

TAIL = 256 * 1024
ANSWER = 4_600_000
"""More than this, in base64, would not fit into Lambda's answer of 6,291,556 bytes."""


class Capture:
    """Bytes in order; above 256 KiB they are spooled to a file, above the answer's limit only the tail is kept."""

    def __init__(self, spool: str) -> None:
        self.total = 0
        self._path = spool
        self._spool: IO[bytes] | None = None
        self._spooling = True
        self._tail: deque[bytes] = deque()
        self._kept = 0

    def add(self, chunk: bytes) -> None:
        """Append some output."""
        if self._spooling and self.total + len(chunk) > TAIL:
            self._write(chunk)
        self.total += len(chunk)
        self._tail.append(chunk)
        self._kept += len(chunk)
        while self._kept - len(self._tail[0]) >= TAIL:
            self._kept -= len(self._tail.popleft())

    @property
    def ends_line(self) -> bool:
        """Tell whether the next text would begin a line."""
        return not self._tail or self._tail[-1].endswith(b"\n")

    @property
    def truncated(self) -> bool:
        """Tell whether only the tail is left."""
        return self.total > TAIL and self._spool is None

    def body(self) -> bytes:
        """Return all output, or a line that says how much is missing and the tail."""
        if self._spool is not None:
            self._spool.flush()
            with open(self._path, "rb") as spool:
                return spool.read()
        tail = b"".join(self._tail)
        if not self.truncated:
            return tail
        note = f"[hfaas: the last {TAIL} of {self.total} bytes; all of them are in the log]\n"
        return note.encode() + tail[-TAIL:]

    def last_lines(self, count: int = 20, since: int = 0) -> str:
        """Return the last lines of what came after the first `since` bytes."""
        tail = b"".join(self._tail)
        tail = tail[max(0, len(tail) - (self.total - since)) :][-4096:]
        return "\n".join(tail.decode(errors="replace").splitlines()[-count:])

    def close(self) -> None:
        """Give the spool file back."""
        self._spooling = False
        if self._spool is not None:
            with suppress(OSError):
                self._spool.close()
                os.unlink(self._path)
            self._spool = None

    def _write(self, chunk: bytes) -> None:
        if self.total + len(chunk) > ANSWER:
            self.close()
            return
        try:
            if self._spool is None:
                self._spool = open(self._path, "wb")  # noqa: SIM115 - closed by close()
                self._spool.writelines(self._tail)
            self._spool.write(chunk)
        except OSError:
            self.close()
