"""One call at a later moment of the emulator's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hfaas_emulator.clock import Clock


class Timer:
    """Calls `act` once after `seconds`, unless cancelled before."""

    def __init__(self, clock: Clock, seconds: float, act: Callable[[], None]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._act = act
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self._clock.sleep(self._seconds)
        self._act()

    def cancel(self) -> None:
        """Forget it; calling this after it fired, or from within, is no error."""
        if self._task is not asyncio.current_task():
            self._task.cancel()
