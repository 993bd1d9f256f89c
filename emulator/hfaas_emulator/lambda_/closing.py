"""The end of one request: its last lines, its memory figure, END and REPORT, its hop.

A container's output and its answer come by different ways, so lines printed before the answer may arrive after
it. A request is therefore closed a moment later, or at once when the environment gets its next event.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from hfaas_emulator.lambda_.function import Function
from hfaas_emulator.lambda_.outcome import Outcome
from hfaas_emulator.lambda_.output import Call, Output
from hfaas_emulator.lambda_.platform import Platform
from hfaas_emulator.lambda_.report import Measured, end_lines
from hfaas_emulator.trace import What

SETTLE_S = 0.02
"""How long lines that were printed before the answer may take to arrive."""


class Answered(Protocol):
    """What a closing asks of its environment."""

    function: Function
    output: Output
    peak_mb: int
    id: str

    async def measure(self) -> int: ...


class Closing:
    """Runs beside the next request; `done` holds the log's tail."""

    def __init__(
        self,
        environment: Answered,
        platform: Platform,
        call: Call,
        outcome: Outcome,
        *,
        duration_ms: float,
        init_ms: float | None,
    ) -> None:
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._environment = environment
        self._platform = platform
        self._call = call
        self.outcome = outcome
        self._duration_ms = duration_ms
        self._init_ms = init_ms
        self._told = False
        self._key = call.key
        platform.idle.begin("attempt", self._key, f"{environment.function.name}: closing the log")
        platform.background.start(self._run())

    async def _run(self) -> None:
        try:
            await self._environment.measure()
            self._tell()
            await asyncio.sleep(SETTLE_S)
        finally:
            self.finish()

    def finish(self) -> None:
        """Close now; later calls do nothing."""
        if self.done.done():
            return
        self._tell()
        now = self._platform.clock.now()
        self._environment.output.write(end_lines(self._call.id, self.outcome, self._measured(), now))
        self.done.set_result(self._environment.output.tail())
        self._platform.idle.end("attempt", self._key)

    def _measured(self) -> Measured:
        function = self._environment.function
        return Measured(self._duration_ms, function.memory_mb, self._environment.peak_mb, self._init_ms)

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        measured = self._measured()
        failure = (
            {"error_type": self.outcome.error_type, "message": self.outcome.message} if self.outcome.failed else {}
        )
        self._platform.trace.hop(
            "lambda.environment",
            What.INVOCATION_FAILED if self.outcome.failed else What.INVOCATION_SUCCEEDED,
            run=self._call.run,
            invocation=self._call.id,
            attempt=self._call.attempt,
            function=self._environment.function.name,
            environment=self._environment.id,
            duration_ms=round(self._duration_ms, 2),
            billed_ms=measured.billed_ms,
            memory_mb=measured.memory_mb,
            peak_mb=measured.peak_mb,
            log_group=self._environment.output.group,
            log_stream=self._environment.output.stream,
            **failure,
        )
