"""How long one invocation may take, and whether somebody asked it to end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hfaas_supervisor.errors import ScriptTimeout, Stopped

GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL, and those kept back for the answer, when the threshold has room for both."""

SUBMIT_S = 1.2
"""Seconds kept for SubmitJob and the answer where work is handed over, as far as the threshold has room."""

STOP_GRACE_S = 25.0
"""Seconds a script has after SIGTERM from outside; 30 s after it Batch and Docker kill us, too."""


class Limits:
    """The deadline of one invocation (None: no limit), cut into the script's time, its grace and the answer's.

    Where work may be handed over (`hands_over`), SubmitJob needs time, too: it has two thirds of a short threshold. Of
    a longer one `submit_at` is the end: what is kept back before it is for transfers that clean up.
    """

    def __init__(self, seconds: float | None, threshold: float = 10, *, hands_over: bool = False) -> None:
        self.stopped = False
        self._group = 0
        self.began = time.monotonic()
        self.bound(seconds, threshold, hands_over=hands_over)

    def bound(self, seconds: float | None, threshold: float, *, hands_over: bool = False) -> None:
        """Set the deadline, from now on."""
        self.hands_over = hands_over
        self.end = None if seconds is None else time.monotonic() + seconds
        total = seconds if seconds is not None else 0
        self.threshold = min(max(1.0, min(threshold, total / 5)), total / 2)
        share = self.threshold / 3 if hands_over else self.threshold * 2 / 3
        self.grace = GRACE if seconds is None else min(GRACE, share)
        reserve = min(GRACE, self.threshold * 2 / 3 if hands_over else self.threshold / 2)
        self.script_end = None if self.end is None else self.end - self.threshold
        self.upload_end = None if self.end is None else self.end - reserve
        self.submit_at = None if self.end is None else self.end - min(reserve, SUBMIT_S)

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self.began

    def remaining(self) -> float | None:
        """Return the seconds until the deadline."""
        return None if self.end is None else max(0.0, self.end - time.monotonic())

    def within(self, work: Callable[[], None], doing: str) -> None:
        """Do work that may block; where it can be handed over, raise when it outlasts its time and leave it to itself."""
        if not self.hands_over or self.submit_at is None:
            work()
            return
        import threading  # late: only where there are results to upload

        failed: list[BaseException] = []
        thread = threading.Thread(target=_noting, args=(work, failed), daemon=True)
        thread.start()
        thread.join(max(0.0, self.submit_at - time.monotonic()))
        if failed:
            raise failed[0]
        if thread.is_alive():
            raise ScriptTimeout(f"time ran out while {doing}; give the Function a longer timeout")

    def check(self, doing: str) -> None:
        """Raise when nothing more may be transferred; `doing` completes the sentence "time ran out while ..."."""
        if self.stopped:
            raise Stopped(f"stopped by SIGTERM while {doing}; nothing more is uploaded")
        if self.upload_end is not None and time.monotonic() >= self.upload_end:
            raise ScriptTimeout(f"time ran out while {doing}; give the Function a longer timeout")

    def patience(self, at_most: float) -> float:
        """Return the seconds that one step of a transfer may take."""
        left = at_most if self.upload_end is None else self.upload_end - time.monotonic()
        return max(0.05, min(at_most, left))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT: note them and hand them to the running script, which is killed if it stays."""
        handlers = ((signal.SIGTERM, self._stop), (signal.SIGINT, self._stop), (signal.SIGALRM, self._kill))
        old = [(number, signal.signal(number, handler)) for number, handler in handlers]
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in old:
                signal.signal(number, handler)

    @contextmanager
    def guarding(self, group: int) -> Iterator[None]:
        """Forward what asks us to end to this process group."""
        self._group = group
        if self.stopped:
            self._forward()
        try:
            yield
        finally:
            self._group = 0

    def _stop(self, _number: int, _frame: object) -> None:
        if not self.stopped:
            signal.setitimer(signal.ITIMER_REAL, STOP_GRACE_S)
        self.stopped = True
        self._forward()

    def _kill(self, _number: int, _frame: object) -> None:
        self._forward(signal.SIGKILL)

    def _forward(self, number: int = signal.SIGTERM) -> None:
        if self._group:
            with suppress(ProcessLookupError):
                os.killpg(self._group, number)


def _noting(work: Callable[[], None], failed: list[BaseException]) -> None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - whoever waits raises it again
        failed.append(error)
