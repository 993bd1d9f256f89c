"""A program on a terminal of its own: keys go in, what it paints comes out with the time it came at."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROWS, COLUMNS = 36, 120
NICE = -10
"""For the program and for whoever reads what it paints: the machine may be busy with other things."""

TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none", "LANG": "C.UTF-8"}
NOT_OURS = {
    *("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX", "NO_COLOR", "TEXTUAL_DRIVER", "AWS_ENDPOINT_URL"),
    *("PYTHONDONTWRITEBYTECODE", "HFAAS_THEME", "HFAAS_FPS", "HFAAS_ASCII"),
}
CONTROL = re.compile(r"\x1b\[[0-9;?<>=]*\$?[a-zA-Z]|\x1b\][^\x07]*\x07")
LONGEST_MATCH = 4096
PIECE = 1 << 16
TICKS = os.sysconf("SC_CLK_TCK")


class Terminal:
    """One program on a pty; everything it painted is kept."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become(command, environment)
        self.bytes = 0
        self._pieces: list[tuple[float, bytes]] = []
        self._is_over = False
        self._more = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while True:
            try:
                select.select([self._fd], [], [])
                piece = os.read(self._fd, PIECE)
            except (OSError, ValueError):
                piece = b""
            with self._more:
                self._is_over = not piece
                self._pieces.append((time.perf_counter(), piece))
                self.bytes += len(piece)
                self._more.notify_all()
            if not piece:
                return

    # --- keys and paint

    def mark(self) -> int:
        """Return where what is painted from now on begins."""
        with self._more:
            return len(self._pieces)

    def press(self, keys: str) -> tuple[int, float]:
        """Press keys; returns the mark and the moment before."""
        mark, now = self.mark(), time.perf_counter()
        os.write(self._fd, keys.encode())
        return mark, now

    def wait(self, pattern: str, mark: int = 0, limit_s: float = 20) -> float:
        """Return when a pattern was painted; TimeoutError."""
        return self.find(pattern, mark, limit_s)[0]

    def find(self, pattern: str, mark: int = 0, limit_s: float = 20) -> tuple[float, re.Match[str]]:
        """Return when a pattern was painted, and the match."""
        wanted, tail, deadline = re.compile(pattern, re.DOTALL), b"", time.monotonic() + limit_s
        while True:
            with self._more:
                while len(self._pieces) <= mark:
                    left = deadline - time.monotonic()
                    if left <= 0 or self._is_over:
                        raise TimeoutError(f"{pattern!r} was not painted within {limit_s} s:\n{self.words()}")
                    self._more.wait(left)
                at, piece = self._pieces[mark]
            mark += 1
            tail += piece
            if found := wanted.search(CONTROL.sub("", tail.decode(errors="replace"))):
                return at, found
            tail = tail[-LONGEST_MATCH:]

    def count(self, pattern: str, count: int, mark: int, limit_s: float = 10) -> float:
        """Return when a pattern had been painted so often since a mark; TimeoutError."""
        wanted, text, deadline = re.compile(pattern), "", time.monotonic() + limit_s
        while time.monotonic() < deadline:
            with self._more:
                pieces = self._pieces[mark:]
            for at, piece in pieces:
                text += CONTROL.sub("", piece.decode(errors="replace"))
                if len(wanted.findall(text)) >= count:
                    return at
            mark += len(pieces)
            time.sleep(0.01)
        raise TimeoutError(f"{pattern!r} was not painted {count} times within {limit_s} s:\n{self.words()}")

    def words(self) -> str:
        """Return what was painted last, without its control."""
        with self._more:
            last = b"".join(piece for _, piece in self._pieces[-20:])
        return CONTROL.sub(" ", last.decode(errors="replace"))[-3000:]

    def painted(self, mark: int) -> str:
        """Return what was painted since a mark, without its control."""
        with self._more:
            pieces = b"".join(piece for _, piece in self._pieces[mark:])
        return CONTROL.sub("", pieces.decode(errors="replace"))

    # --- what it costs

    def cpu(self) -> float:
        """Return the seconds of processor time it has used, those of children that ended included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS

    def resident(self) -> float:
        """Return its resident memory in MB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


def _become(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Be the program; never returns."""
    try:
        with contextlib.suppress(OSError):
            os.nice(NICE)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        usual = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        os.execvpe(command[0], list(command), {**usual, **TERMINAL, **environment})
    finally:
        os._exit(127)


@contextmanager
def terminal(command: Sequence[str], **environment: str) -> Iterator[Terminal]:
    """Run a program on a terminal while the block lasts."""
    made = Terminal(command, environment)
    try:
        yield made
    finally:
        made.close()
