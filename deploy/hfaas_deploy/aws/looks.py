"""When to look again at something that somebody else works at."""

from __future__ import annotations

import time

STILL = 120.0
"""Seconds without any news after which, and after which again, it is worth a word."""

FIRST_LOOK, LAST_LOOK, PATIENT_LOOK = 0.05, 0.5, 4.0
"""Pauses in seconds: after news, at most, and when nobody answers."""


class Looks:
    """Waits a little longer before each look, as long as there is time."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._first = True
        self._pause = FIRST_LOOK
        self.start_over()

    def back_off(self) -> None:
        """Nothing was heard: leave time before the next look."""
        self._pause = PATIENT_LOOK

    def start_over(self) -> None:
        """There was news: the next may come soon."""
        self._pause = FIRST_LOOK
        self._since = time.monotonic()
        self._told_at = 0.0
        self._deadline = self._since + self._within

    def long_silence(self) -> float:
        """How many seconds there was no news, when that is worth a word again; 0 when it is not."""
        seconds = time.monotonic() - self._since
        if seconds < self._told_at + STILL:
            return 0.0
        self._told_at = seconds
        return seconds

    def again(self) -> bool:
        """Say whether to look once more, after waiting for the right moment."""
        if self._first:
            self._first = False
            return True
        if time.monotonic() > self._deadline:
            return False
        time.sleep(self._pause)
        self._pause = min(self._pause * 1.6, LAST_LOOK)
        return True
