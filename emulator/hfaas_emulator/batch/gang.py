"""The nodes of a multi-node job as one running thing: the main node starts first, and its end is the end of all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from hfaas_emulator.batch.runner import NotStarted, Result, Runner, Running, Work
from hfaas_emulator.clock import Clock
from hfaas_emulator.errors import EngineError

AGAIN_S = 1.0
MAIN_ADDRESS = "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"


class Gang:
    """Started nodes, by their index (after a restart perhaps not all); it is a Running itself, with the face of the main node."""

    def __init__(self, nodes: Mapping[int, Running], main: int) -> None:
        self.nodes = nodes
        self.results: dict[int, Result] = {}
        self._main = main

    @property
    def log_stream(self) -> str:
        return self.nodes[self._main].log_stream

    @property
    def task_arn(self) -> str:
        return self.nodes[self._main].task_arn

    @property
    def address(self) -> str:
        return self.nodes[self._main].address

    @property
    def started(self) -> int:
        return self.nodes[self._main].started

    async def result(self) -> Result:
        """Wait for the main node, then stop the others and wait for them."""
        result = await self.nodes[self._main].result()
        others = {index: node for index, node in self.nodes.items() if index != self._main}
        ends = await asyncio.gather(*(_stopped(node) for node in others.values()))
        self.results = {self._main: result, **dict(zip(others, ends, strict=True))}
        return result

    async def stop(self, grace_s: float = 30) -> None:
        """Stop all nodes."""
        await asyncio.gather(*(node.stop(grace_s) for node in self.nodes.values()))

    def forget(self) -> None:
        """Forget all nodes."""
        for node in self.nodes.values():
            node.forget()


async def _stopped(node: Running) -> Result:
    try:
        await node.stop()
        return await node.result()
    except EngineError as error:  # the main node's end counts, whatever became of the others
        return Result(None, error.message, "Essential container in task exited")


async def start(runner: Runner, works: Sequence[Work], main: int, clock: Clock) -> Running:
    """Start one attempt; of several nodes all run when this returns, or none when it raises."""
    if len(works) == 1 and not works[0].own_network:
        return await runner.start(works[0])
    nodes = {main: await runner.start(works[main])}
    address = {MAIN_ADDRESS: nodes[main].address}
    others = [index for index in range(len(works)) if index != main]
    begun = await asyncio.gather(
        *(runner.start(replace(works[each], variables={**works[each].variables, **address})) for each in others),
        return_exceptions=True,
    )
    failures = [each for each in begun if isinstance(each, BaseException)]
    nodes.update(
        (index, each) for index, each in zip(others, begun, strict=True) if not isinstance(each, BaseException)
    )
    if failures:
        await asyncio.gather(*(finish(node, clock) for node in nodes.values()))
        raise next((each for each in failures if isinstance(each, NotStarted)), failures[0])
    return Gang(dict(sorted(nodes.items())), main)


async def discard(running: Running) -> None:
    """Kill what nobody wants, and wait until it is gone."""
    with suppress(EngineError):
        await running.stop(0)
        running.forget()


async def finish(running: Running, clock: Clock) -> None:
    """Kill what must not run beside its successor, and do not give up while the engine does not do it."""
    while True:
        try:
            await running.stop(0)
            break
        except EngineError:
            await clock.sleep(AGAIN_S)
    running.forget()
