"""Runs one script: own process group, live output, time limit, and nothing of it left alive afterwards.

One pipe carries stdout and stderr. Each round of the loop first looks whether the script has ended and whether its
time is over, and only then moves output, so a slow reader of the log never hides an exit nor stops the clock.
After the end its group is killed before the leader is reaped (its id cannot be reused until then), at most one
pipe's content is still read, and whatever escaped the group is found among our children, since we are a subreaper.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from hfaas_supervisor.capture import Capture
from hfaas_supervisor.errors import BadEvent, ConfigError
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.memory import Memory

LINGER = 0.5  # seconds the last output may wait for a blocked log when the script's time is over
PATIENCE = 10.0  # and while it is not
STRAYS_S = 0.5  # of our own work for what the script left behind
CHUNK = 65536
NAP_MS = 20  # longest sleep between two looks where the kernel has no pidfd
KILLED = 128 + signal.SIGKILL
FILE_TOO_LARGE = 128 + signal.SIGXFSZ  # emulators bound files by the size of /tmp


class Command(NamedTuple):
    """What is executed, where, with which environment."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str


class Outcome(NamedTuple):
    """How a script ended: `code` is 128+n for signal n, `dropped` the bytes a stalled log did not take."""

    code: int
    timed_out: bool
    out_of_memory: bool
    ms: float
    dropped: int


def run(command: Command, limits: Limits, capture: Capture, fd: int) -> Outcome:
    """Run a command to its end, however that comes; output goes to `fd` and `capture`."""
    _become_subreaper()
    memory = Memory()
    started = time.monotonic()
    process, pipe = _start(command)
    watch = _Watch(process, pipe, limits, capture, fd)
    with limits.guarding(process.pid), _collecting(process.pid):
        peak_kb = watch.until_end()
    _end_strays()
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    killed = code == KILLED and not watch.sent_kill
    return Outcome(
        code=code,
        timed_out=watch.timed_out,
        out_of_memory=killed and memory.exhausted(peak_kb),
        ms=(time.monotonic() - started) * 1000,
        dropped=watch.dropped,
    )


def _start(command: Command) -> tuple[subprocess.Popen[bytes], int]:
    ours, theirs = os.pipe()
    try:
        with _expendable():
            process = subprocess.Popen(
                command.argv,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                env=command.environment,
                cwd=command.directory,
                start_new_session=True,
                umask=0o022,
            )
    except OSError as error:
        os.close(ours)
        raise ConfigError(f"cannot start {command.argv[0]}: {error.strerror}") from None
    except ValueError:
        os.close(ours)
        raise BadEvent("the Event holds a text that no variable or argument can carry, such as a NUL") from None
    finally:
        os.close(theirs)
    return process, ours


class _Watch:
    """The loop over one running script."""

    def __init__(
        self, process: subprocess.Popen[bytes], pipe: int, limits: Limits, capture: Capture, fd: int
    ) -> None:
        self.process, self.pipe, self.limits, self.capture, self.fd = process, pipe, limits, capture, fd
        self.timed_out = self.sent_kill = False
        self.dropped = 0
        self._pidfd = _pidfd(process.pid)
        self._pending = memoryview(b"")  # read, but not yet taken by the log: backpressure of one chunk
        self._exited = self._eof = False
        self._left = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
        self._kill_at = self._give_up = self._looked = 0.0
        self._nap = NAP_MS

    def until_end(self) -> int:
        """Return the peak memory in kB."""
        was_blocking = _set_blocking(self.fd, blocking=False)
        try:
            moved = True
            while not self._finished(moved=moved):
                ready = self._wait()
                self._look_at_exit(ready)
                self._look_at_clock()
                moved = self._move(ready)
        finally:
            _set_blocking(self.fd, blocking=was_blocking)
            self.dropped += len(self._pending) + (0 if self._eof else _unread(self.pipe))
            os.close(self.pipe)
            if self._pidfd >= 0:
                os.close(self._pidfd)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss

    def _finished(self, *, moved: bool) -> bool:
        drained = not self._pending and (self._eof or self._left <= 0)
        # who was paused until the patience was over looks once more whether the log takes something
        return self._exited and (drained or (not moved and self._looked >= self._give_up))

    def _wait(self) -> set[int]:
        poll = select.poll()
        if self._pending:
            poll.register(self.fd, select.POLLOUT)
        elif not self._eof:
            poll.register(self.pipe, select.POLLIN)
        if self._pidfd >= 0 and not self._exited:
            poll.register(self._pidfd, select.POLLIN)
        self._looked = time.monotonic()
        return {fd for fd, _ in poll.poll(self._patience())}

    def _patience(self) -> float | None:
        if self._exited and not self._pending:
            return 0  # nothing buffered means the end, even if an escaped process holds the pipe open
        until = self._give_up if self._exited else self._kill_at or self.limits.script_end
        patience = None if until is None else max(0.0, (until - time.monotonic()) * 1000 + 1)
        if self._pidfd >= 0 or self._exited:
            return patience
        nap, self._nap = self._nap, min(self._nap * 2, NAP_MS)
        return nap if patience is None else min(patience, nap)

    def _look_at_exit(self, ready: set[int]) -> None:
        if self._exited:
            if self.pipe not in ready and not self._pending:
                self._eof = True
            return
        if self._pidfd >= 0 and self._pidfd not in ready:
            return
        if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return
        self._exited = True
        self._signal(signal.SIGKILL)
        self._give_up = self._end_of_patience()

    def _end_of_patience(self) -> float:
        now, end = time.monotonic(), self.limits.script_end
        left = 0.0 if self.limits.stopped else PATIENCE if end is None else min(PATIENCE, end - now)
        return now + max(LINGER, left)

    def _look_at_clock(self) -> None:
        end = self.limits.script_end
        if self._exited or end is None:
            return
        now = time.monotonic()
        if not self.timed_out and now >= end:
            self.timed_out = True
            self._kill_at = now + self.limits.grace
            self._signal(signal.SIGTERM)
        elif self.timed_out and now >= self._kill_at and not self.sent_kill:
            self.sent_kill = True
            self._kill_at = now + 3600
            self._signal(signal.SIGKILL)

    def _move(self, ready: set[int]) -> bool:
        """Move output where that is possible, and tell whether it was."""
        if self._pending:
            waiting = len(self._pending)
            if self.fd in ready:
                self._pass_on()
            return len(self._pending) < waiting
        if self.pipe not in ready or self._eof:
            return False
        self._read()
        return True

    def _read(self) -> None:
        chunk = os.read(self.pipe, CHUNK)
        if not chunk:
            self._eof, self._nap = True, 1  # as a rule the exit follows at once
            return
        if self._exited:
            self._left -= len(chunk)
        self.capture.add(chunk)
        self._pending = memoryview(chunk)
        self._pass_on()

    def _pass_on(self) -> None:
        try:
            self._pending = self._pending[os.write(self.fd, self._pending) :]
        except BlockingIOError:
            pass
        except OSError:  # nobody reads the log any more
            self.dropped += len(self._pending)
            self._pending = memoryview(b"")

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # kernel < 5.3, or an old seccomp profile
        return -1


def _unread(pipe: int) -> int:
    fionread = 0x541B  # the `termios` module has it, for 1 ms
    return int.from_bytes(fcntl.ioctl(pipe, fionread, b"\0\0\0\0"), sys.byteorder)


def _set_blocking(fd: int, *, blocking: bool) -> bool:
    try:
        was = os.get_blocking(fd)
        os.set_blocking(fd, blocking)
    except OSError:
        return True
    return was


_score: int | None = None


def open_score() -> int:
    """Return a descriptor of our own oom_score_adj, kept open from then on, or -1 where there is none."""
    global _score  # noqa: PLW0603 - it is about this process
    if _score is None:
        try:
            _score = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            _score = -1
    return _score


@contextmanager
def _expendable() -> Iterator[None]:
    """Have what is started meanwhile killed first when memory runs out, with all its children."""
    fd = open_score()
    if fd < 0:
        yield
        return
    ours = os.pread(fd, 16, 0)
    try:
        _set(fd, b"1000")
        yield
    finally:
        _set(fd, ours)


def _set(fd: int, number: bytes) -> None:
    with suppress(OSError):
        os.pwrite(fd, number, 0)


_subreaper = os.getpid() == 1


def _become_subreaper() -> None:
    """Have orphans of the script handed to us; in a container the launcher or process 1 already does."""
    global _subreaper  # noqa: PLW0603 - once for each process
    if _subreaper:
        return
    _subreaper = True
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # late: only where nobody did it for us

        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


@contextmanager
def _collecting(leader: int) -> Iterator[None]:
    """Collect orphans as they end, all but the script itself: a Job may run for days and may have few process ids."""

    def collect(_number: int, _frame: object) -> None:
        with suppress(ChildProcessError):
            while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if found.si_pid == leader:
                    return
                os.waitpid(found.si_pid, os.WNOHANG)

    old = signal.signal(signal.SIGCHLD, collect)
    try:
        collect(signal.SIGCHLD, None)  # the script runs already: of who ended before, no signal comes any more
        yield
    finally:
        signal.signal(signal.SIGCHLD, old)


def _end_strays() -> None:
    """Kill and collect every descendant that left the script's group.

    Those who multiply faster than they are killed are given up; only time in which we work counts for that.
    """
    give_up = time.thread_time() + STRAYS_S
    while time.thread_time() < give_up:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            _kill_children()


def _kill_children() -> None:
    children = _children()
    for pid in children:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    if children:
        with suppress(ChildProcessError):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _parent(entry) == os.getpid()]


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
