"""Functions as endpoints call them: with somebody waiting, who loses patience before the function does."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from hfaas_emulator.endpoints.call import Call
from hfaas_emulator.errors import AwsError, StateError
from hfaas_emulator.lambda_.api import ASYNC_LIMIT, PARSE_ON_LOOP, SYNC_LIMIT
from hfaas_emulator.lambda_.function import ControlPlane, Function, parse_arn
from hfaas_emulator.lambda_.lineage import Lineage
from hfaas_emulator.lambda_.service import Lambda, Result

T = TypeVar("T")

URI = re.compile(
    r"(?:arn:[^:]+:apigateway:[^:]+:lambda:path/+2015-03-31/functions/)?(arn:[^:]+:lambda:[^/]+)(?:/.*)?"
)


class NotInvoked(Exception):
    """Lambda did not take the request; `status` is what it would answer itself."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class Impatient(Exception):
    """The time that the endpoint waits is over; the function runs on, as on AWS."""


def function_of(uri: str) -> str:
    """Return the ARN of the function in an integration's URI, or nothing."""
    found = URI.fullmatch(uri)
    try:
        parse_arn(found[1] if found else "")
    except ValueError:
        return ""
    return found[1] if found else ""


class Invoker:
    """Invokes functions for endpoints; the run of what follows is the id of the HTTP request."""

    def __init__(self, functions: Lambda, control: ControlPlane) -> None:
        self._functions = functions
        self._control = control
        self._running: set[asyncio.Task[Result]] = set()

    async def close(self) -> None:
        """Give up what nobody waits for any more."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def invoke(self, arn: str, event: bytes, call: Call, origin: str, patience: float) -> Result:
        """Wait for a function's answer, at most `patience` seconds; NotInvoked, Impatient."""
        function = await self._function(arn, event, SYNC_LIMIT)
        lineage = Lineage.of(dict(call.headers))
        running = asyncio.create_task(
            self._functions.invoke(function, event, origin=origin, run=call.id, lineage=lineage)
        )
        self._running.add(running)
        running.add_done_callback(self._ended)
        await asyncio.wait({running}, timeout=patience)
        if not running.done():
            raise Impatient(f"{function.name} did not answer within {patience:g} s; it runs on")
        try:
            return running.result()
        except AwsError as error:
            raise NotInvoked(f"{error.code}: {error.message}", error.status) from error
        except StateError as error:
            raise NotInvoked(error.message, 500) from error

    async def submit(self, arn: str, event: bytes, call: Call, origin: str) -> str:
        """Queue an event for a function and return the invocation's id; NotInvoked."""
        await self._function(arn, event, ASYNC_LIMIT)  # on AWS, too, a missing function is noticed at once
        accepted = await self._functions.submit(arn, event, origin, call.id, Lineage.of(dict(call.headers)))
        return accepted.id

    async def _function(self, arn: str, event: bytes, limit: int) -> Function:
        if len(event) > limit:
            raise NotInvoked(f"the event has {len(event)} bytes, Lambda takes {limit}", 413)
        account, region, _, _ = parse_arn(arn)
        try:
            return await self._control.function(account, region, arn)
        except AwsError as error:
            raise NotInvoked(f"{error.code}: {error.message}", error.status) from error

    def _ended(self, running: asyncio.Task[Result]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # looked at, whether anybody still waits or not


async def dumped(event: Any, size: int) -> bytes:
    """Return an event as bytes; one with a large body is written by a thread, so that it holds nobody else up."""
    return await beside(size, _dump, event)


def _dump(event: Any) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


async def beside(size: int, f: Callable[..., T], *about: Any, **more: Any) -> T:
    """Do what takes long for many bytes on a thread, and at once for few."""
    if size > PARSE_ON_LOOP:
        return await asyncio.to_thread(f, *about, **more)
    return f(*about, **more)
