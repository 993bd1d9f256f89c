"""What those who watch are told, at `/_hfaas/...` (`admin.py` lets them in).

logs?since=N&follow=1    log lines of all functions and jobs, as they are written     logs/live.py, logs/history.py
invocations/ID           what an invocation or a job was asked with                   lambda_/past.py, batch/started.py
machine                  how busy the machine is, and what runs on it                 load.py
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from hfaas_emulator.admin import Refusal, number
from hfaas_emulator.batch.identity import Identity
from hfaas_emulator.batch.running import RunningTask
from hfaas_emulator.batch.service import Batch
from hfaas_emulator.batch.started import Started
from hfaas_emulator.batch.state import Job
from hfaas_emulator.hidden import without_secrets
from hfaas_emulator.lambda_.function import parse_arn
from hfaas_emulator.lambda_.past import Asked
from hfaas_emulator.lambda_.service import Lambda
from hfaas_emulator.load import Box, Load
from hfaas_emulator.logs.store import LogStore

LOGS = "/_hfaas/logs"
INVOCATIONS = "/_hfaas/invocations/"
MACHINE = "/_hfaas/machine"


class Watching:
    """Answers questions about what goes on; `requests` counts those to each service."""

    def __init__(
        self, logs: LogStore, functions: Lambda, batch: Batch, started: Started, load: Load, requests: Counter[str]
    ) -> None:
        self._logs = logs
        self._functions = functions
        self._batch = batch
        self._started = started
        self._load = load
        self._requests = requests

    async def handle(self, request: Request) -> Response:
        """Answer one; Refusal."""
        path = request.scope["path"]
        if request.method != "GET":
            raise Refusal(405, f"{path} is only read")
        if path == LOGS:
            return self._lines(request)
        if path == MACHINE:
            return JSONResponse({**await self._load.look(), "requests": dict(self._requests)})
        if path.startswith(INVOCATIONS):
            return JSONResponse(self._asked(path.removeprefix(INVOCATIONS)))
        raise Refusal(404, f"there is no {request.method} {path}")

    def _lines(self, request: Request) -> Response:
        since = int(number(request, "since", 0))
        on = request.query_params.get("follow") == "1"
        return StreamingResponse(
            _in_peace(self._logs.follow(since, self._jobs, on=on)), media_type="application/x-ndjson"
        )

    def _jobs(self) -> dict[str, tuple[str, str]]:
        return {stream: (job.id, job.name) for stream, job in self._batch.streams()}

    def _asked(self, id: str) -> Mapping[str, Any]:
        if asked := self._functions.past.find(id):
            return _told(asked)
        if job := self._batch.job(id):
            return self._started.tell(job, self._event)
        raise Refusal(
            404,
            f"nothing is known any more of what {id} was asked with: only the newest events are kept, and over a "
            "restart those that failed or had not ended",
        )

    def _event(self, id: str) -> str:
        asked = self._functions.past.find(id)
        return "" if asked is None or asked.is_cut else _text(asked)


def boxes(functions: Lambda, batch: Batch) -> Iterator[Box]:
    """Yield the containers that run."""
    yield from functions.boxes()
    for job, running in batch.running():
        if isinstance(running, RunningTask):
            yield replace(running.box, gpus=job.lease.gpus if job.lease else ())


def note_job(logs: LogStore, started: Started, job: Job | None, who: Identity, given: Mapping[str, str]) -> None:
    """Note whose a stream is that begins, and what its container is given."""
    logs.name_job(who.stream, who.job, job.name if job else who.function)
    if given:
        started.note(who.job, given)


def _told(asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.id,
        "kind": "invocation",
        "function": parse_arn(asked.function)[2],
        "arn": asked.function,
        "origin": asked.origin,
        "event": _text(asked),
        "truncated": asked.is_cut,
        "environment": without_secrets(asked.environment),
    }


def _text(asked: Asked) -> str:
    return asked.payload.decode(errors="replace")


async def _in_peace(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass on what comes; a stop of the emulator ends it without a word."""
    try:
        async for each in lines:
            yield each
    except asyncio.CancelledError:
        return
