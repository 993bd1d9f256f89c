"""What leaves for a real terminal, byte by byte, while every view shows hostile texts."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.tui.ui.test_hostile_views import project

pytestmark = pytest.mark.screens

OURS = re.compile(
    rb"\x1b\[[0-9;]*m"  # colours
    rb"|\x1b\[[0-9;]*H|\x1b\[[0-9]*[ABCDGK]"  # the cursor
    rb"|\x1b\[\?(?:25|7|1000|1002|1003|1004|1006|1015|1016|1047|1048|1049|2004|2026|2048)[hl]"  # modes
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>1u|\x1b\[<u|\x1b\[\?u|\x1b\[>4;[0-9]m|\x1b\[>[0-9;]*[qu]"  # questions
    rb"|\x1b\]22;[a-z]+\x07"  # the shape of the mouse
    rb"|\x1b\[c|\x1b\[2J|\x1bP\+q[0-9A-F;]*\x1b\\"
)
"""The sequences that Textual's driver writes, and no others."""

UNFINISHED = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*|P[^\x1b]*\x1b?)?"
    rb"|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)
"""What ends within a sequence or a character."""

CLIPBOARD = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
"""What the app writes when something is copied."""


class Terminal:
    """The UI in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self.written = b""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
            environ |= {"TEXTUAL_ANIMATIONS": "none", "XDG_STATE_HOME": str(folder / "state"), "PATH": ""}
            call = [sys.executable, "-m", "tests.tui.ui.hostile_runner", str(folder)]
            os.execve(sys.executable, call, environ)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, quiet: float = 0.25, longest: float = 4) -> bytes:
        """Return what is written until it is quiet for a while."""
        begun, read = time.monotonic(), b""
        while time.monotonic() - begun < longest and select.select([self.fd], [], [], quiet)[0]:
            try:
                piece = os.read(self.fd, 1 << 16)
            except OSError:  # it ended
                break
            if not piece:
                break
            read += piece
        self.written += read
        return read

    def wait(self, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in self.written:
            assert time.monotonic() < deadline, self.written[-2000:]
            self.read()

    def whole(self) -> bytes:
        """Return all that was written, as soon as the rest of what is being written is there."""
        deadline = time.monotonic() + 60
        while UNFINISHED.search(self.written):
            assert time.monotonic() < deadline, self.written[-2000:]
            self.read()
        return self.written

    def press(self, *keys: bytes) -> None:
        for key in keys:
            os.write(self.fd, key)
            self.read()


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    there = Terminal(folder)
    try:
        there.resize(120, 36)
        yield there
    finally:
        os.kill(there.pid, signal.SIGKILL)
        os.waitpid(there.pid, 0)
        os.close(there.fd)


def judge(written: bytes) -> None:
    """Assert that nothing but Textual's own sequences and characters were written."""
    for copied in CLIPBOARD.findall(written):
        text = base64.b64decode(copied).decode()
        assert all(each.isprintable() for line in text.split("\n") for each in line.split("\t")), ascii(text)
    left = OURS.sub(b"", CLIPBOARD.sub(b"", written))
    text = left.decode("utf-8")
    found = [at for at, char in enumerate(text) if not char.isprintable() and char not in "\r\n"]
    assert not found, [text[max(0, at - 30) : at + 30] for at in found[:5]]


DOWN, UP, PAGE, ESC, F6, F7, F8 = b"j", b"k", b"\x1b[6~", b"\x1b", b"\x1b[17~", b"\x1b[18~", b"\x1b[19~"
VIEWS = {
    "functions": [b"1", PAGE, DOWN, b"c", b"y", PAGE, ESC, F8, F6, ESC, F7, PAGE, ESC],
    "logs": [b"2", PAGE, b"\x1b[H", b"w", b"c", b"\r"],
    "runs": [b"3", PAGE, DOWN, b"\r", b"]", b"]", b"]", b"]", b"c", ESC],
    "storage": [b"4", PAGE, PAGE, b"\r", DOWN, DOWN, b"c", b"e", ESC],
    "pipeline": [b"5", DOWN, b"+", b"-", b"t"],
    "deploy": [b"6", PAGE, b"\x1bOR"],
    "system": [b"8", F8, PAGE, b"g", ESC, b"c"],
}


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=str)
def test_nothing_but_the_sequences_of_the_ui_itself_reaches_a_terminal(
    size: tuple[int, int], tmp_path: Path
) -> None:
    project(tmp_path)
    with terminal(tmp_path) as it:
        it.resize(*size)
        it.wait(b"LOCAL")
        it.wait(b"drift")
        for keys in VIEWS.values():
            before = len(it.whole())
            it.press(*keys)
            judge(it.whole()[before:])
        it.press(ESC, ESC, b":", b"run \x1b", b"\x10", b"PWNED")
        it.wait(b"PWNED")
        judge(it.whole())
        assert CLIPBOARD.search(it.written)
        assert os.waitpid(it.pid, os.WNOHANG) == (0, 0), it.written[-2000:]
