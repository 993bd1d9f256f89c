"""Puts the parts together; the only module that knows all of them.

    moto  <- s3 (patches, bytes)           lambda_, batch <- engine, GPUs, control (moto), logs
    edge  -> lambda_, batch, logs, cloudformation, s3, moto

S3 and moto's own senders accept invocations before Lambda is open: `accept` goes through the plant.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfaas_emulator.batch import api as batch_api
from hfaas_emulator.batch.announce import Announcer
from hfaas_emulator.batch.capacity import Machine
from hfaas_emulator.batch.identity import Identity
from hfaas_emulator.batch.intake import Asked, Intake
from hfaas_emulator.batch.service import Batch
from hfaas_emulator.batch.started import Started
from hfaas_emulator.batch.tasks import TaskRunner
from hfaas_emulator.clock import SystemClock
from hfaas_emulator.cloudformation import api as cloudformation_api
from hfaas_emulator.cloudformation.engine import StackEngine
from hfaas_emulator.containers.engine import Engine
from hfaas_emulator.containers.gpus import GpuMode, GpuPool
from hfaas_emulator.containers.select import choose
from hfaas_emulator.edge import Receive, Scope, Send, Services
from hfaas_emulator.endpoints.address import Address
from hfaas_emulator.endpoints.service import Endpoints
from hfaas_emulator.file_systems import FOLDER, FileSystems
from hfaas_emulator.idle import Idle
from hfaas_emulator.journal import Journal
from hfaas_emulator.lambda_ import api as lambda_api
from hfaas_emulator.lambda_.invocation import Invocation
from hfaas_emulator.lambda_.lineage import Lineages
from hfaas_emulator.lambda_.service import Lambda
from hfaas_emulator.load import Load
from hfaas_emulator.logs import api as logs_api
from hfaas_emulator.logs.store import LogStore
from hfaas_emulator.moto_services import addresses, admission, outward
from hfaas_emulator.moto_services.bridge import Application
from hfaas_emulator.moto_services.control import MotoControl
from hfaas_emulator.moto_services.log_groups import LogGroups
from hfaas_emulator.moto_services.permission_control import MotoPermissions
from hfaas_emulator.moto_services.schedule_control import MotoSchedules
from hfaas_emulator.moto_services.snapshots import Snapshots
from hfaas_emulator.moto_services.thread import Moto
from hfaas_emulator.onedata import admin as onedata_admin
from hfaas_emulator.onedata.service import Onedata, Place
from hfaas_emulator.onedata.wakening import Wakening
from hfaas_emulator.permissions import guard
from hfaas_emulator.permissions.session import Session
from hfaas_emulator.registry.address import parse
from hfaas_emulator.registry.client import Registry
from hfaas_emulator.registry.images import Images
from hfaas_emulator.registry.source import Source
from hfaas_emulator.s3.api import S3, SERVICES
from hfaas_emulator.s3.store import Store
from hfaas_emulator.scheduler.service import Scheduler
from hfaas_emulator.trace import Trace, What
from hfaas_emulator.watching import Watching, boxes, note_job
from hfaas_emulator.wire.caller import Caller, caller
from hfaas_emulator.wire.errors import Protocol

RESERVED_MB = 512
"""Memory that is never given to jobs."""


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Where everything writes down what it does; `requests` counts those to each service."""

    journal: Journal
    idle: Idle
    trace: Trace
    requests: Counter[str]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many functions run at once, the seconds before a failed event's first retry, and what jobs get here.

    `gpus` says how they are handed out, `scale_down` runs jobs that are larger than this machine with less.
    """

    concurrency: int
    retry_s: float
    gpus: GpuMode = GpuMode.EXCLUSIVE
    scale_down: bool = False


@dataclass(frozen=True, slots=True)
class OnedataOptions:
    """The Oneprovider's port (0: a free one, then always that), and how many seconds changes in it take."""

    port: int = 0
    flush_s: tuple[float, float] = (0.0, 0.0)


class Plant:
    """The emulator's parts; each method opens some of them."""

    def __init__(
        self,
        directory: Path,
        port: int,
        limits: Limits,
        ledgers: Ledgers,
        onedata: OnedataOptions | None = None,
        registry: str = "",
        file_systems: FileSystems | None = None,
    ) -> None:
        self._directory = directory
        self._file_systems = file_systems or FileSystems(directory / FOLDER)
        self._port = port
        self._limits = limits
        self._ledgers = ledgers
        self._onedata_options = onedata or OnedataOptions()
        self._registry = Registry(parse(registry)) if registry else None
        self._lineages = Lineages()
        self._started = Started()
        self._lambda: Lambda | None = None
        self._batch: Batch | None = None
        self._intake: Intake | None = None
        self._scheduler: Scheduler | None = None
        self._moto: Moto
        self._objects: S3
        self._guard: guard.Guard
        self._booted: asyncio.Future[None]

    @asynccontextmanager
    async def control_planes(self) -> AsyncIterator[None]:
        """Start moto on its thread, which takes a second; commands queue behind it."""
        ledgers = self._ledgers
        with contextlib.closing(Store(self._directory / "objects")) as store:
            self._moto = Moto(ledgers.journal)
            self._guard = guard.Guard(MotoPermissions(self._moto), ledgers.trace, self._holder)
            self._objects = S3(self._moto, store, ledgers.trace, self._accept, self._lineages, self._guard)
            jobs = outward.Jobs(self._batch_changed, self._submit)
            outward.connect(self._accept, self._problem, self._forget, jobs, self._schedules_changed)
            addresses.connect(self._endpoint(), self._registry_address)
            snapshots = Snapshots(self._directory, self._moto, ledgers.journal, self._problem)
            self._booted = self._moto.open(lambda: _boot(self._objects, ledgers.journal, snapshots))
            try:
                async with snapshots.kept():
                    yield
            finally:
                await self._moto.close()

    @asynccontextmanager
    async def engine(self, kind: str, given: Engine | None) -> AsyncIterator[Engine]:
        """Open the given engine, or one of that kind; EngineError when there is none."""
        engine = given or await choose(kind, self._directory, self._registry_address)
        try:
            await engine.open()
            yield engine
        finally:
            await engine.close()

    @asynccontextmanager
    async def services(self, engine: Engine) -> AsyncIterator[Services]:
        """Open everything that stands behind the edge."""
        ledgers = self._ledgers
        control, groups = MotoControl(self._moto), LogGroups(self._moto)
        async with AsyncExitStack() as stack:
            logs = LogStore(self._directory / "logs", on_group=groups.make, problem=self._problem)
            stack.callback(logs.close)
            onedata = await stack.enter_async_context(self._spaces(engine))
            gpus = GpuPool(engine.gpus, self._limits.gpus, engine.gpu_detail)
            functions = self._lambda = self._make_lambda(engine, control, logs, gpus, onedata)
            await self._lambda.open()
            stack.push_async_callback(self._lambda.close)
            batch = await stack.enter_async_context(self._jobs(engine, control, logs, gpus, onedata))
            stacks = StackEngine(self._endpoint, ledgers.journal, ledgers.idle, ledgers.trace)
            await self._booted
            await self._lambda.recover()
            await stacks.open()
            stack.push_async_callback(stacks.close)
            await stack.enter_async_context(self._schedules())
            await stack.enter_async_context(self._woken(onedata, self._lambda, control))
            endpoints = Endpoints(self._lambda, control, control, ledgers.trace)
            stack.push_async_callback(endpoints.close)
            load = Load(self._directory, lambda: engine.gpus, lambda: boxes(functions, batch))
            watching = Watching(logs, functions, batch, self._started, load, ledgers.requests)
            yield _Services(
                self._moto, engine, control, self._lambda, batch, logs, groups, stacks, self._objects, ledgers.trace,
                endpoints, onedata, watching, self._registry, self._guard,
            )  # fmt: skip

    @asynccontextmanager
    async def _woken(self, onedata: Onedata, functions: Lambda, control: MotoControl) -> AsyncIterator[None]:
        """Have changes in a space call its OneTrigger functions; once now, for what changed unseen."""
        ledgers = self._ledgers
        wakening = Wakening(functions, control.tagged, ledgers.idle, ledgers.trace, SystemClock())
        onedata.listeners.append(wakening.changed)
        for space in await onedata.spaces():
            wakening.changed(space["name"], "")
        try:
            yield
        finally:
            onedata.listeners.remove(wakening.changed)
            await wakening.close()

    @asynccontextmanager
    async def _spaces(self, engine: Engine) -> AsyncIterator[Onedata]:
        """Open Onedata, which stays asleep while there is no space."""
        asked = self._onedata_options
        place = Place(self._directory / "onedata", asked.port, engine.host, engine.runs_images, asked.flush_s)
        onedata = Onedata(place, self._ledgers.trace)
        if onedata.was_used:
            await self._booted  # its certificates need modules for which others stand in while moto is imported
        try:
            await onedata.open()
            yield onedata
        finally:
            await onedata.close()

    @asynccontextmanager
    async def _jobs(
        self, engine: Engine, control: MotoControl, logs: LogStore, gpus: GpuPool, onedata: Onedata
    ) -> AsyncIterator[Batch]:
        """Open Batch; its last news are published after it is closed."""
        ledgers, clock = self._ledgers, SystemClock()
        announcer = Announcer(control, ledgers.trace, clock)

        def begun(who: Identity, given: Mapping[str, str]) -> None:
            note_job(logs, self._started, batch.job(who.job), who, given)

        runner = TaskRunner(
            engine,
            control,
            logs,
            ledgers.trace,
            clock,
            self._url(engine),
            self._emulator,
            onedata.trust,
            begun,
            self._file_systems.folder,
        )
        batch = Batch(
            runner,
            control,
            gpus,
            ledgers.trace,
            ledgers.idle,
            ledgers.journal,
            clock,
            machine(engine),
            scale_down=self._limits.scale_down,
            announce=announcer.announce,
        )
        await self._booted
        try:
            await batch.open()
            intake = Intake(batch, control, ledgers.journal, ledgers.trace)
            self._batch, self._intake = batch, intake
            intake.recover()
            yield batch
        finally:
            if self._intake is not None:
                await self._intake.close()
            self._batch = self._intake = None
            await batch.close()
            await runner.close()
            await announcer.close()

    @asynccontextmanager
    async def _schedules(self) -> AsyncIterator[None]:
        """Have schedules fire."""
        ledgers = self._ledgers
        scheduler = Scheduler(MotoSchedules(self._moto), ledgers.trace, ledgers.idle, SystemClock())
        scheduler.open()
        self._scheduler = scheduler
        try:
            yield
        finally:
            self._scheduler = None
            await scheduler.close()

    def _make_lambda(
        self, engine: Engine, control: MotoControl, logs: LogStore, gpus: GpuPool, onedata: Onedata
    ) -> Lambda:
        ledgers = self._ledgers
        return Lambda(
            engine,
            control,
            logs,
            ledgers.trace,
            ledgers.idle,
            ledgers.journal,
            SystemClock(),
            self._url(engine),
            self._limits.concurrency,
            emulator=self._emulator,
            retry_s=self._limits.retry_s,
            lineages=self._lineages,
            gpus=gpus,
            trust=onedata.trust,
            folder=self._file_systems.folder,
        )

    @property
    def _emulator(self) -> str:
        """Return what tells this emulator's containers from others'."""
        return hashlib.sha256(str(self._directory).encode()).hexdigest()[:12]

    def _url(self, engine: Engine) -> str:
        return f"http://{engine.host}:{self._port}"

    def _endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def _registry_address(self) -> str:
        return self._registry.address.text if self._registry else ""

    def _accept(self, invocation: Invocation) -> None:
        if self._lambda is not None:  # else its row is there, and `recover` finds it
            self._lambda.accept(invocation)

    def _holder(self, access_key: str, session: Session) -> str:
        """Return the invocation that holds a role's credentials, nothing when none does."""
        if self._lambda is not None and (request := self._lambda.holder(access_key)):
            return request
        return self._batch.holder(session.name) if self._batch is not None else ""

    def _forget(self, account: str, region: str, name: str) -> None:
        if self._lambda is not None:
            self._lambda.forget(account, region, name)

    def _batch_changed(self) -> None:
        if self._batch is not None:
            self._batch.wake()

    def _schedules_changed(self) -> None:
        if self._scheduler is not None:
            self._scheduler.wake()

    def _submit(self, asked: Asked) -> None:
        if self._intake is not None:  # else its row is there, and `recover` finds it
            self._intake.accept(asked)

    def _problem(self, message: str) -> None:
        self._ledgers.trace.hop("moto", What.PROBLEM, message=message)


def machine(engine: Engine) -> Machine:
    """Return what jobs may take of where the engine runs; the rest is for the emulator and the system."""
    vcpus, memory_mb = engine.machine
    return Machine(vcpus, max(memory_mb - RESERVED_MB, RESERVED_MB))


def _boot(objects: S3, journal: Journal, snapshots: Snapshots) -> Application:
    from hfaas_emulator.moto_services.boot import boot  # imports moto: on its thread

    return boot(SERVICES, objects.wire, objects.restore, journal, snapshots)


@dataclass(frozen=True, slots=True)
class _Services:
    """What the edge routes to."""

    moto: Moto
    engine: Engine
    control: MotoControl
    functions: Lambda
    batch: Batch
    lines: LogStore
    groups: LogGroups
    engine_of_stacks: StackEngine
    s3: S3
    trace: Trace
    endpoints: Endpoints
    onedata: Onedata
    watching: Watching
    registry: Registry | None
    gate: guard.Guard

    async def admit(self, who: Caller, wire: Protocol, call: guard.Call, body: bytes, *, invokes: bool) -> None:
        await self.gate.admit_call(who, wire, call, body, invokes=invokes)

    async def invoke(self, request: Request) -> Response:
        return await lambda_api.invoke(request, self.functions, self.control)

    async def function_change(self, request: Request) -> None:
        source = Source(self.engine, self.registry, self.control, caller(request.headers))
        await admission.check(request.method, request.url.path, await request.body(), source)

    async def images(self, request: Request, action: str) -> Response | None:
        if self.registry is None:
            return None
        images = Images(self.registry, self.control)
        answer = await images.answer(action, caller(request.headers), await request.body())
        return None if answer is None else JSONResponse(answer, media_type="application/x-amz-json-1.1")

    async def logs(self, request: Request, action: str) -> Response | None:
        return await logs_api.handle(request, action, self.lines, self.groups)

    async def stacks(self, request: Request) -> Response:
        return await cloudformation_api.handle(request, self.engine_of_stacks)

    async def jobs(self, request: Request) -> Response:
        return await batch_api.handle(request, self.batch, self.control, self.trace.run_of)

    async def endpoint(self, to: Address, request: Request) -> Response:
        return await self.endpoints.handle(to, request)

    async def spaces(self, request: Request) -> Response:
        return await onedata_admin.handle(request, self.onedata)

    async def watched(self, request: Request) -> Response:
        return await self.watching.handle(request)

    async def objects(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.s3.handle(scope, receive, send)

    async def runtime(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.functions.runtime(scope, receive, send)
