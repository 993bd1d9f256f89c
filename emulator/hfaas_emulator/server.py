"""Starts and stops the emulator.

    lock the state directory        state.py      a second emulator on it is told who the first is
    open the journal                journal.py    everything acknowledged
    bind and serve the port         edge.py       /_localstack/health answers from here on
    start moto on its thread        moto_services imports, patches, replays; a second, in the background
    open the engine                 containers/   orphans of a dead emulator are removed
    listen where containers call    the same port on the engine's address
    open Lambda                     lambda_/      accepted invocations that are not done run again
    open Batch                      batch/        jobs that still run are taken over, the others wait again
    announce                        emulator.json, one line on stdout

Requests that come before all is open wait for it. Stopping walks the same way back: containers first, because
their open connections would hold the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from hfaas_emulator import memory, state
from hfaas_emulator.admin import Admin, EngineReport, JobsReport, Status
from hfaas_emulator.clock import SystemClock
from hfaas_emulator.containers.engine import Engine
from hfaas_emulator.containers.gpus import GpuMode
from hfaas_emulator.containers.layers import LayerStore
from hfaas_emulator.edge import Edge, Services
from hfaas_emulator.file_systems import FOLDER, FileSystems
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.listening import LOOPBACK, bind, serving
from hfaas_emulator.trace import Trace

if TYPE_CHECKING:
    from hfaas_emulator.batch.capacity import Machine

DEFAULT_CONCURRENCY = max(8, 2 * (os.cpu_count() or 1))
"""Functions that run at once; AWS's default of 1,000 would only make one machine thrash."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line chose; port 0 takes a free one."""

    port: int
    state: Path
    engine: str = "auto"
    concurrency: int = DEFAULT_CONCURRENCY
    retry_s: float = 60
    tether: bool = False
    discard: bool = False
    gpus: GpuMode = GpuMode.EXCLUSIVE
    scale_down: bool = False
    onedata_port: int = 0
    flush_s: tuple[float, float] = (0.0, 0.0)
    registry: str = ""
    file_systems: Path | None = None


def run(options: Options) -> None:
    """Run the emulator until a signal or `POST /_hfaas/stop`; EmulatorError when it cannot start."""
    memory.limit_heaps()
    gc.disable()  # `serve` turns it on when everything is imported
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(options))


def _loop_factory() -> Any:
    try:
        import uvloop  # has no wheel for Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


async def serve(options: Options) -> None:
    """Run the emulator on this loop until it is told to stop."""
    stop = asyncio.Event()
    with _signals(stop), _tether(stop) if options.tether else contextlib.nullcontext():
        async with opened(options, stop) as announced:
            print(f"hfaas emulator: {announced.endpoint} (engine: {announced.engine})", flush=True)  # noqa: T201
            gc.freeze()  # what is imported stays: no collection need look at it again
            gc.enable()
            await stop.wait()


@asynccontextmanager
async def opened(
    options: Options, stop: asyncio.Event, given: Engine | None = None
) -> AsyncIterator[state.Running]:
    """Open everything in order, and close it in reverse; `given` stands in for the engine that was chosen."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(state.opened(options.state))
        listener = stack.enter_context(contextlib.closing(bind(LOOPBACK, options.port)))
        port: int = listener.getsockname()[1]
        endpoint = f"http://{LOOPBACK}:{port}"
        journal = stack.enter_context(contextlib.closing(Journal(state.private_file(directory / "journal.sqlite"))))
        idle, trace = Idle(), Trace(SystemClock())
        status = Status(endpoint, str(directory), options.concurrency)
        ready: asyncio.Future[Services] = asyncio.get_running_loop().create_future()

        async def spaces(request: Request) -> Response:
            return await (await asyncio.shield(ready)).spaces(request)

        async def watched(request: Request) -> Response:
            return await (await asyncio.shield(ready)).watched(request)

        folders = FileSystems(options.file_systems or directory / FOLDER)
        admin = Admin(status, idle, trace, stop.set, LayerStore(directory), spaces, watched, folders.folder)
        edge = Edge(admin, ready)
        await stack.enter_async_context(serving(edge, listener))
        stack.callback(ready.cancel)  # who still waits when opening fails must not wait for ever
        assembly = await asyncio.to_thread(importlib.import_module, "hfaas_emulator.assembly")
        plant = assembly.Plant(
            directory,
            port,
            assembly.Limits(options.concurrency, options.retry_s, options.gpus, options.scale_down),
            assembly.Ledgers(journal, idle, trace, edge.requests),
            assembly.OnedataOptions(options.onedata_port, options.flush_s),
            options.registry,
            folders,
        )
        await stack.enter_async_context(plant.control_planes())
        engine: Engine = await stack.enter_async_context(plant.engine(options.engine, given))
        if engine.host != LOOPBACK:
            outer = stack.enter_context(contextlib.closing(bind(engine.host, port)))
            await stack.enter_async_context(serving(edge, outer))
        ready.set_result(await stack.enter_async_context(plant.services(engine)))
        status.engine = EngineReport(engine.name, engine.runs_images, getattr(engine, "detail", ""))
        status.jobs = _jobs_report(engine, assembly.machine(engine), options)
        announced = state.Running(os.getpid(), endpoint, engine.name)
        state.announce(directory, announced)
        stack.callback(state.withdraw, directory)
        yield announced


def _jobs_report(engine: Engine, machine: Machine, options: Options) -> JobsReport:
    names = tuple(gpu.name for gpu in engine.gpus)
    return JobsReport(
        machine.vcpus, machine.memory_mb, options.scale_down, str(options.gpus), names, engine.gpu_detail
    )


@contextmanager
def _tether(stop: asyncio.Event) -> Iterator[None]:
    """Stop when standard input ends: whoever started us holds its other end, however they die."""
    loop = asyncio.get_running_loop()
    number = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(number, 4096):
            loop.remove_reader(number)
            stop.set()

    loop.add_reader(number, readable)
    try:
        yield
    finally:
        loop.remove_reader(number)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)
    for number in caught:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
