"""Calls the OneTrigger functions of a space when it changes, so that nobody waits for their schedule.

Such a function carries the tag `hfaas:onedata-space`. It answers how much it waits for, and after how many seconds it
wants to look again: `{"pending": 2, "next": 7.5}`. One call of a space runs at a time; what changes in the meantime
makes one more. Nobody is idle from the change until the call that saw it says that nothing is pending, or only what
is far off: an upload that was broken off is given up after an hour, one that goes on is a change.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from hfaas_emulator.clock import Clock
from hfaas_emulator.idle import Idle
from hfaas_emulator.lambda_.background import Background
from hfaas_emulator.lambda_.destinations import Condition, Verdict
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.trace import Trace, What

TAG = "hfaas:onedata-space"
KIND = "space"
LEAST_S, MOST_S = 0.05, 60.0
"""How soon, and how late, a function is called again; what it waits for longer is left to changes and its schedule."""


class Functions(Protocol):
    """What it needs of Lambda."""

    async def submit(self, function_arn: str, payload: bytes, origin: str, run: str = "") -> Invocation: ...

    async def verdict(self, invocation: Invocation) -> Verdict | None: ...


Tagged = Callable[[str, str], Awaitable[Sequence[str]]]
"""Finds functions by a tag."""


class Wakening:
    """Hears of changes and calls who is to look at them."""

    def __init__(self, functions: Functions, tagged: Tagged, idle: Idle, trace: Trace, clock: Clock) -> None:
        self._functions = functions
        self._tagged = tagged
        self._idle = idle
        self._trace = trace
        self._clock = clock
        self._background = Background(trace, "onedata")
        self._bells: dict[str, asyncio.Event] = {}

    async def close(self) -> None:
        """Call nobody any more."""
        await self._background.close()

    def changed(self, space: str, path: str) -> None:
        """Have the functions of a space look at it."""
        self._idle.begin(KIND, space, f"{space}: OneTrigger has not seen {path or 'what changed'} yet")
        if bell := self._bells.get(space):
            bell.set()
            return
        self._bells[space] = asyncio.Event()
        self._background.start(self._watch(space, self._bells[space]))

    async def _watch(self, space: str, bell: asyncio.Event) -> None:
        try:
            bell.set()
            while bell.is_set():
                bell.clear()
                again_s = await self._look(space)
                if again_s is not None and not bell.is_set():
                    self._idle.begin(KIND, space, f"{space}: OneTrigger looks again in {again_s:g} s")
                    await self._rung(bell, again_s)
        finally:
            del self._bells[space]
            self._idle.end(KIND, space)

    async def _rung(self, bell: asyncio.Event, seconds: float) -> None:
        """Wait until something changes or the time is over; ring then, too."""
        waiting = [asyncio.ensure_future(bell.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        bell.set()

    async def _look(self, space: str) -> float | None:
        """Call all functions of a space; return after how many seconds the first wants to be called again."""
        arns = await self._tagged(TAG, space)
        wishes = await asyncio.gather(*(self._call(arn, space) for arn in arns))
        return min((each for each in wishes if each is not None), default=None)

    async def _call(self, arn: str, space: str) -> float | None:
        payload = json.dumps({"space": space}).encode()
        invocation = await self._functions.submit(arn, payload, f"onedata:{space}")
        verdict = await self._functions.verdict(invocation)
        if verdict is None or verdict.condition is not Condition.SUCCESS or verdict.outcome is None:
            said = f"{arn.rpartition(':')[2]} could not look at the space {space}; its schedule calls it again"
            self._trace.hop("onedata", What.PROBLEM, invocation=invocation.id, message=said)
            return None
        return again(verdict.outcome.payload)


def again(payload: bytes) -> float | None:
    """Return after how many seconds a function wants to be called again; None when it waits for nothing, or long."""
    try:
        said: Any = json.loads(payload)
        if not int(said["pending"]):
            return None
        seconds = float(said.get("next", LEAST_S))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if math.isnan(seconds):
        return LEAST_S
    return None if seconds > MOST_S else max(seconds, LEAST_S)
