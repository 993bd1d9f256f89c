"""The one bridge from the event loop to threads that talk to the container engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LIMIT = 16
"""Calls to the engine at once; more only queue up inside it."""


class Threads:
    """A bounded pool for blocking calls."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._pool = ThreadPoolExecutor(limit, thread_name_prefix="hfaas-engine")

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in the pool; it goes on to its end even when the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Let calls that have begun finish, take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
