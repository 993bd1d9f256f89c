"""The emulator's own HTTP interface, for the command line, the terminal UI and LocalStack's tools.

Only connections to the loopback address are served: the other address is where functions call from.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from hfaas_emulator.account import ACCOUNT, REGION
from hfaas_emulator.containers.layers import LayerStore
from hfaas_emulator.errors import EmulatorError, EngineError
from hfaas_emulator.file_systems import nowhere
from hfaas_emulator.idle import Idle
from hfaas_emulator.trace import Hop, Trace

SERVICES = (
    "s3",
    "lambda",
    "sqs",
    "sns",
    "iam",
    "sts",
    "logs",
    "events",
    "cloudformation",
    "ssm",
    "secretsmanager",
    "batch",
)
LAYER = re.compile(r"/_hfaas/layers/([0-9a-f]{64})")
FILE_SYSTEMS = "/_hfaas/file-systems/"
LONGEST_WAIT = 60.0
WATCHED = ("/_hfaas/logs", "/_hfaas/machine", "/_hfaas/invocations/")


@dataclass(slots=True)
class EngineReport:
    """What the status says of the engine; `detail` says in words what it cannot do."""

    name: str = "starting"
    runs_images: bool = False
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "runs_images": self.runs_images, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class JobsReport:
    """What jobs can get: of this machine, and of its GPUs, which `gpu_mode` says how they are handed out."""

    vcpus: float = 0
    memory_mb: int = 0
    scale_down: bool = False
    gpu_mode: str = "exclusive"
    gpu_names: tuple[str, ...] = ()
    gpu_detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "machine": {"vcpus": self.vcpus, "memory_mb": self.memory_mb},
            "scale_down": self.scale_down,
            "gpus": {"mode": self.gpu_mode, "names": list(self.gpu_names), "detail": self.gpu_detail},
        }


@dataclass(slots=True)
class Status:
    """What the emulator says of itself."""

    endpoint: str
    state: str
    concurrency: int
    engine: EngineReport = field(default_factory=EngineReport)
    jobs: JobsReport = field(default_factory=JobsReport)
    started: float = field(default_factory=time.time)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": hfaas_version(),
            "pid": os.getpid(),
            "endpoint": self.endpoint,
            "state": self.state,
            "engine": self.engine.to_json(),
            "account": ACCOUNT,
            "region": REGION,
            "started": self.started,
            "concurrency": self.concurrency,
            **self.jobs.to_json(),
        }


@cache
def hfaas_version() -> str:
    """Return the installed version of hfaas."""
    try:
        return version("hfaas")
    except PackageNotFoundError:
        return "unknown"


class Refusal(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Admin:
    """Answers `/_hfaas/*` and `/_localstack/*`."""

    def __init__(
        self,
        status: Status,
        idle: Idle,
        trace: Trace,
        stop: Callable[[], None],
        layers: LayerStore,
        spaces: Callable[[Request], Awaitable[Response]] | None = None,
        watched: Callable[[Request], Awaitable[Response]] | None = None,
        folder: Callable[[str], Path] = nowhere,
    ) -> None:
        self._status = status
        self._idle = idle
        self._trace = trace
        self._stop = stop
        self._layers = layers
        self._spaces = spaces
        self._watched = watched
        self._folder = folder

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        try:
            self._admit(request)
            return await self._route(request)
        except Refusal as refusal:
            return JSONResponse({"message": refusal.message}, refusal.status)

    def _admit(self, request: Request) -> None:
        server = request.scope.get("server") or ("", 0)
        if not str(server[0]).startswith("127."):
            raise Refusal(403, "this path is served on the loopback address only")
        if "origin" in request.headers:
            raise Refusal(403, "this path is not for web pages")

    async def _route(self, request: Request) -> Response:
        match request.method, request.url.path:
            case "GET" | "HEAD", "/_localstack/health":
                return JSONResponse({"services": dict.fromkeys(SERVICES, "available"), "version": hfaas_version()})
            case "GET", "/_localstack/info":
                return JSONResponse({"version": hfaas_version(), "edition": "hfaas", "is_license_activated": False})
            case "GET", "/_hfaas/status":
                jobs = sum(pending.kind == "job" for pending in self._idle.pending())
                return JSONResponse({**self._status.to_json(), "jobs": jobs})
            case "GET", "/_hfaas/idle":
                return await self._idleness(request)
            case "GET", "/_hfaas/trace":
                return self._hops(request)
            case "POST", "/_hfaas/stop":
                self._stop()
                return JSONResponse({"stopping": True}, 202)
            case "PUT", path if found := LAYER.fullmatch(path):
                return await self._layer(request, found.group(1))
            case "PUT", path if path.startswith(FILE_SYSTEMS):
                return self._file_system(path.removeprefix(FILE_SYSTEMS))
            case _, path if self._spaces and f"{path}/".startswith("/_hfaas/spaces/"):
                return await self._spaces(request)
            case _, path if self._watched and path.startswith(WATCHED):
                return await self._watched(request)
        raise Refusal(404, f"there is no {request.method} {request.url.path}")

    async def _idleness(self, request: Request) -> Response:
        wait = number(request, "wait", 0.0)
        idle = await self._idle.wait(min(wait, LONGEST_WAIT)) if wait > 0 else not self._idle.pending()
        return JSONResponse({"idle": idle, "pending": [pending.to_json() for pending in self._idle.pending()]})

    def _hops(self, request: Request) -> Response:
        since = int(number(request, "since", 0))
        if request.query_params.get("follow") == "1":
            return StreamingResponse(self._following(since), media_type="application/x-ndjson")
        lines = b"".join(_line(hop) for hop in self._trace.since(since))
        return Response(lines, media_type="application/x-ndjson")

    async def _following(self, since: int) -> AsyncIterator[bytes]:
        with contextlib.suppress(asyncio.CancelledError):
            async for hops in self._trace.batches(since):
                yield b"".join(map(_line, hops))

    def _file_system(self, access_point: str) -> Response:
        """Tell which folder stands in for an access point of EFS, made when it is missing."""
        try:
            return JSONResponse({"access_point": access_point, "folder": str(self._folder(access_point))})
        except EngineError as error:
            raise Refusal(400, f"{error.message}; {error.hint}" if error.hint else error.message) from error

    async def _layer(self, request: Request, sha256: str) -> Response:
        try:
            await self._layers.receive(sha256, request.stream())
        except EmulatorError as error:
            raise Refusal(400, f"{error.message}; {error.hint}") from error
        return Response(status_code=204)


def _line(hop: Hop) -> bytes:
    return json.dumps(hop.to_json(), separators=(",", ":")).encode() + b"\n"


def number(request: Request, name: str, default: float) -> float:
    """Return a number of the query; Refusal."""
    try:
        return float(request.query_params.get(name, default))
    except ValueError as error:
        raise Refusal(400, f"`{name}` must be a number") from error
