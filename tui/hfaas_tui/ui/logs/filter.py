"""Which lines are shown: a thread looks for them, newest first, and goes on as new ones come.

Whether a line matches a pattern of the user's is found out in a child (`grep_worker.py`): a pattern can take for ever,
and while `re` is at it nothing else runs in its process.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hfaas_tui.ui.logs.store import LEVELS, LogStore

BLOCK = 8192
"""Lines that are searched at once."""
DEADLINE_S = 5.0
"""How long all lines there are may be computed at."""
DEADLINE_NEW_S = 2.0
"""How long a block of new lines may be computed at."""
WALL_S = 30.0
"""How long the child may take to begin, and for what it was asked, however little of the machine it gets."""
REST_S = 0.04
"""How long nothing must have been typed before a child is started."""
FEW = 64
"""Lines after which a search has something to show."""
_WORKER = Path(__file__).with_name("grep_worker.py")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of a function, a request (an id, or how it begins), of a level or above, since a time, matching."""

    function: str = ""
    request: str = ""
    level: str = ""
    since: float = 0
    pattern: str = ""
    is_inverted: bool = False
    ignores_case: bool = False

    @property
    def is_all(self) -> bool:
        """Tell whether every line is wanted."""
        return not (self.function or self.request or self.level or self.since or self.pattern)


class Scan:
    """The numbers of the wanted lines: `poll` brings `hits` up to date, `close` ends it."""

    def __init__(self, store: LogStore, wanted: Wanted) -> None:
        self.wanted = wanted
        self.hits = array("I")
        self.error = ""
        """Why the pattern is no pattern."""
        self.note = ""
        """Why it stopped before it was through."""
        self.took = 0.0
        self.is_through = False
        """Whether all lines that were there at the beginning were looked at."""
        self._store = store
        self._known = len(store)
        self._requests: set[int] = set()
        self._requests_seen = 0
        self._found: deque[tuple[bool, array[int]]] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._began = time.monotonic()
        self._child: _Child | None = None
        self._allowed = DEADLINE_S
        threading.Thread(target=self._run, daemon=True, name="hfaas-scan").start()

    @property
    def has_something(self) -> bool:
        """Tell whether it is worth to be shown instead of what was shown before."""
        return self.is_through or len(self.hits) >= FEW or bool(self.note)

    def poll(self) -> bool:
        """Take over what was found; tells whether there was anything."""
        if len(self._store) > self._known:
            self._wake.set()
        if not self._found:
            return False
        older: list[array[int]] = []
        while self._found:
            is_newer, numbers = self._found.popleft()
            if is_newer:
                self.hits.extend(numbers)
            else:
                older.append(numbers)
        if older:
            before = array("I")
            for numbers in reversed(older):
                before.extend(numbers)
            self.hits = before + self.hits
        return True

    def close(self) -> None:
        """End the thread and its child, wherever they are."""
        self._closing.set()
        self._wake.set()
        if self._child:
            self._child.kill()

    # --- in the thread

    def _run(self) -> None:
        try:
            if self.wanted.pattern:
                self._closing.wait(REST_S)
                if self._closing.is_set():
                    return
                self._began = time.monotonic()
                self._child = _Child(self._store.fd, self.wanted)
                self.error = self._child.greeting(WALL_S)
            if not self.error:
                self._look_back()
                self._look_on()
        except TimeoutError as error:
            self.note = str(error)
        except (OSError, EOFError) as error:
            if not self._closing.is_set():
                self.note = self._why_ended(error)
        finally:
            self.took = self.took or time.monotonic() - self._began
            if self._child:
                self._child.clear_away()
            self.is_through = True

    def _why_ended(self, error: Exception) -> str:
        is_exhausted = self._child is not None and self._child.is_exhausted()
        return f"stopped after {self._allowed:.0f} s" if is_exhausted else f"the search ended: {error}"

    def _look_back(self) -> None:
        deadline = time.monotonic() + WALL_S
        blocks = [(first, min(first + BLOCK, self._known)) for first in range(0, self._known, BLOCK)]
        blocks.reverse()
        if self._child:
            for block in blocks[:1]:
                self._ask(block, self._allowed)
        for at, block in enumerate(blocks):
            if self._closing.is_set():
                return
            if self._child and at + 1 < len(blocks):  # one block ahead, so that neither waits for the other
                self._ask(blocks[at + 1])
            self._found.append((False, self._keep(self._candidates(block, deadline))))
        self.took = time.monotonic() - self._began
        self.is_through = True

    def _look_on(self) -> None:
        self._allowed = DEADLINE_NEW_S
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            while self._known < len(self._store) and not self._closing.is_set():
                block = self._known, min(self._known + BLOCK, len(self._store))
                if self._child:
                    self._ask(block, self._allowed)
                numbers = self._keep(self._candidates(block, time.monotonic() + WALL_S))
                self._known = block[1]
                if numbers:
                    self._found.append((True, numbers))

    def _ask(self, block: tuple[int, int], allowed: float = 0) -> None:
        """Have a block looked at; a new time `allowed` begins with it, else it counts for the one before."""
        assert self._child
        self._child.ask(*self._store.span(*block), block[0], int(1e6 * allowed))

    def _candidates(self, block: tuple[int, int], deadline: float) -> Sequence[int]:
        return self._child.answer(deadline) if self._child else range(*block)

    def _keep(self, numbers: Sequence[int]) -> array[int]:
        """Leave only lines that are wanted for what is known besides their text."""
        wanted, store = self.wanted, self._store
        if wanted.since:
            times, since = store.times, wanted.since
            numbers = [n for n in numbers if times[n] >= since]
        if wanted.function:
            functions, function = store.function_numbers, store.number_of(wanted.function)
            numbers = [n for n in numbers if functions[n] == function]
        if wanted.level:
            levels, level = store.levels, LEVELS.index(wanted.level)
            numbers = [n for n in numbers if levels[n] >= level]
        if wanted.request:
            requests, them = store.request_numbers, self._matching_requests()
            numbers = [n for n in numbers if requests[n] in them]
        return array("I", numbers)

    def _matching_requests(self) -> set[int]:
        new = self._store.requests(self._requests_seen)
        begin = (self.wanted.request, f"job:{self.wanted.request}")
        self._requests |= {self._requests_seen + n for n, name in enumerate(new) if name.startswith(begin)}
        self._requests_seen += len(new)
        return self._requests


class _Child:
    """A process that matches blocks of lines against one pattern."""

    def __init__(self, fd: int, wanted: Wanted) -> None:
        flags = "-" + "i" * wanted.ignores_case + "v" * wanted.is_inverted
        pattern = wanted.pattern.encode("utf-8", "replace").hex()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WORKER), str(fd), flags, pattern],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(fd,),
            bufsize=0,
        )

    def greeting(self, seconds: float) -> str:
        """Return what is wrong with the pattern; nothing when it is right."""
        deadline = time.monotonic() + seconds
        try:
            return self._read(self._number(deadline), deadline).decode("utf-8", "replace")
        except TimeoutError:
            raise TimeoutError(f"the search did not begin within {seconds:.0f} s") from None

    def ask(self, start: int, end: int, first: int, microseconds: int) -> None:
        assert self._process.stdin
        self._process.stdin.write(struct.pack("=QQQQ", start, end, first, microseconds))

    def answer(self, deadline: float) -> array[int]:
        """Return the lines of the oldest block that was asked for and not answered yet."""
        numbers = array("I")
        try:
            numbers.frombytes(self._read(4 * self._number(deadline), deadline))
        except TimeoutError:
            raise TimeoutError(f"stopped after {WALL_S:.0f} s") from None
        return numbers

    def is_exhausted(self) -> bool:
        """Tell why it is gone: whether it computed for as long as it may."""
        self.clear_away()
        return self._process.returncode == -signal.SIGPROF

    def kill(self) -> None:
        """End it; whoever reads from it finds that it is gone."""
        self._process.kill()

    def clear_away(self) -> None:
        """End it, and leave nothing of it."""
        with self._process:
            self._process.kill()

    def _number(self, deadline: float) -> int:
        return int(struct.unpack("=I", self._read(4, deadline))[0])

    def _read(self, count: int, deadline: float) -> bytes:
        assert self._process.stdout
        fd, parts = self._process.stdout.fileno(), []
        while count:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(fd, count)
            if not part:
                raise EOFError("its process is gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
