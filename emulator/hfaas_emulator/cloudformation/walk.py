"""Works off a graph of things that wait for one another, independent ones side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from graphlib import TopologicalSorter


async def walk(
    graph: Mapping[str, set[str]],
    work: Callable[[str], Awaitable[bool]],
    *,
    stop: bool,
    halted: Callable[[], bool],
) -> None:
    """Do every node after those it waits for; what waits for a failed one is left out.

    After a failure `stop` begins nothing new at all; `halted` is asked before each beginning.
    """
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    running: dict[asyncio.Future[bool], str] = {}
    failed = False
    try:
        while sorter.is_active():
            if not (failed and stop) and not halted():
                running.update({asyncio.ensure_future(work(name)): name for name in sorter.get_ready()})
            if not running:
                break
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                name = running.pop(one)
                if one.result():
                    sorter.done(name)
                else:
                    failed = True
    finally:
        for one in running:
            one.cancel()
