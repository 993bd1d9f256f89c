"""A program on a terminal of its own: what it shows is read as it comes, what is typed reaches it."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROGRAM = Path(sys.executable).parent / "hfaas"
WAIT_S = 120
PRESSES = 6


class Terminal:
    """Runs `hfaas` with arguments; `shown` is everything that came so far, without what only a terminal obeys."""

    def __init__(self, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        self.shown = ""
        self._news = threading.Condition()
        self._is_over = False
        self._pid, self._there = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execve(PROGRAM, [str(PROGRAM), *arguments], dict(environ))
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def until(self, words: str) -> None:
        """Wait until these words have come."""
        with self._news:
            self._news.wait_for(lambda: words in self.shown or self._is_over, WAIT_S)
            assert words in self.shown, f"{words!r} did not come:\n{self.shown}"

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._there, f"{text}\r".encode())

    def interrupt(self) -> int:
        """Type Ctrl-C until it is heard, and return the exit code: CPython misses one just as it begins to wait."""
        for _ in range(PRESSES):
            os.write(self._there, b"\x03")
            self._reading.join(WAIT_S / PRESSES)
            if not self._reading.is_alive():
                break
        return self.end()

    def end(self) -> int:
        """Wait until it has ended, and return its exit code; what does not end by itself is killed."""
        self._reading.join(WAIT_S)
        if self._reading.is_alive():
            os.kill(self._pid, signal.SIGKILL)
            self._reading.join()
        os.close(self._there)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> None:
        while text := self._piece():
            with self._news:
                self.shown += ESCAPES.sub("", text).replace("\r\n", "\n")
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def _piece(self) -> str:
        try:
            return os.read(self._there, 65536).decode(errors="replace")
        except OSError:  # a terminal whose program has ended
            return ""
