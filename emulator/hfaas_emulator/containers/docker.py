"""The Docker engine: a function runs in a container that is as closed as Lambda's, a job in one as open as ECS's.

A start is three calls (create, attach, start), because each costs, and everything else is ready before: the network
namespace belongs to a sandbox that already runs, `/tmp` is a volume that already exists. One stream of events tells
what ended, so no thread waits for a container. Labels name the emulator's process: what the dead left is removed, but
for jobs, which go on and are taken over (`docker_leftovers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from docker.errors import APIError, DockerException, NotFound

from hfaas_emulator.containers import docker_gpus, gpu_probe, network, owner, sandbox, scratch
from hfaas_emulator.containers.attach import Attached
from hfaas_emulator.containers.connection import PATIENCE_S, Client, connect, engine_errors
from hfaas_emulator.containers.docker_config import (
    FUNCTION_USER,
    Place,
    container_config,
    needs_scratch,
    sandbox_config,
)
from hfaas_emulator.containers.docker_container import DockerContainer
from hfaas_emulator.containers.docker_events import EventStream
from hfaas_emulator.containers.docker_leftovers import Leftovers
from hfaas_emulator.containers.engine import Container, ContainerSpec, Gpu, Image, Network, Output
from hfaas_emulator.containers.feed import Feed
from hfaas_emulator.containers.spares import Spares
from hfaas_emulator.containers.storage import StorageWatch, Watched, full
from hfaas_emulator.containers.threads import Threads
from hfaas_emulator.errors import EngineError

SUPERVISOR_LABEL = "hfaas.supervisor"
_MB = 2**20
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}

log = logging.getLogger("hfaas.docker")


class DockerEngine:
    """Containers of the Docker engine that DOCKER_HOST, the current context or the default socket leads to."""

    name = "docker"
    runs_images = True

    def __init__(self, state_dir: Path, registry: str = "") -> None:
        self._registry = registry
        self._labels = {owner.LABEL: owner.me(), owner.STATE: owner.state(state_dir)}
        self.threads = Threads()
        self._feed = Feed()
        self._storage = StorageWatch(self.threads)
        self._containers: dict[str, DockerContainer] = {}
        self._scratch: dict[str, scratch.Scratch] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._events: EventStream | None = None
        self._sandbox: asyncio.Task[DockerContainer] | None = None
        self._left = Leftovers(self, self._labels)
        self._spares = Spares(self._start_sandbox, self._spawn)
        self._client: Client | None = None
        self._info: dict[str, Any] = {}
        self._network = ""
        self._host = ""
        self._seen = gpu_probe.Found((), "nobody has looked for GPUs yet")

    @property
    def client(self) -> Client:
        if self._client is None:
            raise EngineError("the Docker engine is not connected")
        return self._client

    @property
    def host(self) -> str:
        return self._host

    @property
    def detail(self) -> str:
        return f"Docker {self._info.get('ServerVersion', '')} on {self._info.get('OperatingSystem', '')}"

    @property
    def machine(self) -> tuple[float, int]:
        return float(self._info["NCPU"]), int(self._info["MemTotal"]) // 2**20

    @property
    def gpus(self) -> Sequence[Gpu]:
        return self._seen.gpus

    @property
    def gpu_detail(self) -> str:
        return self._seen.detail

    async def connect(self, deadline_s: float = PATIENCE_S) -> None:
        """Find the engine and its network, start nothing; EngineError when it cannot be used."""
        if self._client is None:
            self._client = await self.threads.call(connect, deadline_s)
            with engine_errors("look at the engine"):
                self._info = await self.threads.call(self.client.info)
                self._network, self._host = await self.threads.call(network.gateway, self.client)

    async def open(self) -> None:
        await self.connect()
        label = f"{owner.STATE}={self._labels[owner.STATE]}"  # also of containers that are taken over
        self._events = EventStream(self.client, label, self._reconcile, self._happened)
        self._sandbox = self._spawn(self._start_sandbox())
        self._spawn(self._left.sweep())
        await self.find_gpus()

    async def find_gpus(self) -> None:
        """Look which GPUs the engine, once connected, can give to containers."""
        self._seen = await self.threads.call(docker_gpus.look, self._info)

    async def close(self) -> None:
        while self._tasks:  # some start others
            await asyncio.gather(*self._tasks, return_exceptions=True)
        stops = (each.stop() for each in list(self._containers.values()))
        await asyncio.gather(*stops, return_exceptions=True)  # what cannot be removed now, the next start removes
        await self._storage.close()
        await asyncio.gather(*(each.close() for each in self._scratch.values()))
        if self._events:
            await self._events.close()
        self._feed.end()
        self.threads.close()
        if self._client:
            self._client.close()

    async def image(self, ref: str) -> Image | None:
        with engine_errors(f"look at image {ref}"):
            found = await self.threads.call(self._found, ref)
            if found is None and self._registry and ref.startswith(f"{self._registry}/"):
                found = await self.threads.call(self._pulled, ref)
        if found is None:
            return None
        config = found.get("Config") or {}
        return Image(
            ref=ref,
            id=found["Id"],
            architecture=_ARCHITECTURES.get(found["Architecture"], found["Architecture"]),
            supervised=SUPERVISOR_LABEL in (config.get("Labels") or {}),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            working_directory=config.get("WorkingDir") or "",
        )

    def _found(self, ref: str) -> dict[str, Any] | None:
        try:
            return dict(self.client.inspect_image(ref))
        except NotFound:
            return None

    def _pulled(self, ref: str) -> dict[str, Any] | None:
        """Fetch an image; None when the registry does not have it, or does not answer the engine."""
        try:
            self.client.pull(ref)
        except APIError as error:
            log.warning("%s cannot be pulled: %s", ref, error.explanation or error)
        return self._found(ref)

    async def run(self, spec: ContainerSpec, output: Output, errors: Output | None = None) -> DockerContainer:
        starting = self._spawn(self._run(spec, output, errors))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._spawn(_discard(starting))
            raise

    async def leftovers(self, labels: Mapping[str, str]) -> Sequence[Container]:
        return await self._left.adopt(labels)

    def events(self) -> AsyncIterator[tuple[str, str]]:
        return self._feed.listen()

    def remember(self, container: DockerContainer) -> None:
        """Have events of a container reach it."""
        self._containers[container.id] = container

    def known(self, id: str) -> DockerContainer | None:
        """Return a container that has not been removed."""
        return self._containers.get(id)

    def forget(self, id: str) -> None:
        """Drop a container that has been removed."""
        self._containers.pop(id, None)
        self._storage.drop(id)

    async def _run(self, spec: ContainerSpec, output: Output, errors: Output | None) -> DockerContainer:
        with engine_errors(f"start a container of {spec.image}"):
            joined = await self._joined(spec)
            try:
                container = await self._started(spec, Attached(output, errors), joined)
            except APIError:
                if spec.network is Network.OWN or not await self._is_lost(joined):
                    raise
                container = await self._started(spec, Attached(output, errors), await self._joined(spec))
        self._watch(container, spec, output)
        return container

    async def _started(self, spec: ContainerSpec, attached: Attached, joined: DockerContainer) -> DockerContainer:
        try:
            container = await self._created(spec, attached, joined)
        except BaseException:
            await self._returned(joined, spec)
            raise
        try:
            await self.threads.call(container.begin)
        except BaseException:
            await container.stop()
            raise
        return container

    async def _created(self, spec: ContainerSpec, attached: Attached, joined: DockerContainer) -> DockerContainer:
        """Create a container and listen to it, so that not a byte of its output is missed."""
        volume = await self._scratch_of(spec.user).take() if needs_scratch(spec) else ""
        try:
            config = container_config(spec, self._place(joined, volume))
            created, stream = await self.threads.call(self._create, config, spec.name)
        except BaseException:
            if volume:
                self._spawn(self.threads.call(scratch.remove, self.client, volume))
            raise
        await attached.read(stream)
        container = DockerContainer(
            self,
            created,
            address=joined.address,
            volume=volume,
            memory_mb=spec.memory_mb,
            attached=attached,
            sandbox=joined if spec.network is Network.OWN else None,
            labels=config["Labels"],
        )
        self.remember(container)
        return container

    def _place(self, joined: DockerContainer, volume: str) -> Place:
        return Place(
            joined.id,
            volume,
            self._labels,
            cpus=self._info["NCPU"],
            nvidia_runtime=docker_gpus.has_runtime(self._info),
            cdi=docker_gpus.has_devices(self._info, self._seen.gpus),
        )

    async def _returned(self, joined: DockerContainer, spec: ContainerSpec) -> None:
        if spec.network is Network.OWN:
            await joined.stop()

    async def _joined(self, spec: ContainerSpec) -> DockerContainer:
        """Return the sandbox whose network the container joins: its own, or the one of all."""
        if spec.network is Network.OWN:
            return await self._spares.take()
        if self._sandbox is None or (self._sandbox.done() and self._sandbox.exception()):
            self._sandbox = self._spawn(self._start_sandbox())
        return await asyncio.shield(self._sandbox)

    async def _is_lost(self, joined: DockerContainer) -> bool:
        """Tell whether the sandbox of all has ended, which its `die` event may not have told yet, and drop it then."""
        if await joined.exit_code() is None:
            return False
        self._drop(joined)
        return True

    def _drop(self, lost: DockerContainer) -> None:
        """Have the next start make another sandbox when this is the one of all."""
        sandbox = self._sandbox
        if sandbox and sandbox.done() and not sandbox.exception() and sandbox.result() is lost:
            self._sandbox = None

    def _scratch_of(self, user: str) -> scratch.Scratch:
        if user not in self._scratch:
            self._scratch[user] = scratch.Scratch(self.client, self.threads, self._tool_image, user, self._labels)
        return self._scratch[user]

    def _create(self, config: dict[str, Any], name: str) -> tuple[str, Any]:
        created = self.client.create_container_from_config(config, name)["Id"]
        try:
            return created, self.client.attach_socket(created, {"stdout": 1, "stderr": 1, "stream": 1})
        except BaseException:
            self.client.remove_container(created, force=True)
            raise

    def _watch(self, container: DockerContainer, spec: ContainerSpec, output: Output) -> None:
        """Watch the size of /tmp where this process may look into the engine's volumes."""
        limit = spec.storage_mb * _MB
        if not limit or not container.volume:
            return

        def exceeded(size: int) -> None:
            output(full(size, limit))
            self._spawn(container.kill())

        folder = Path(self._info["DockerRootDir"]) / "volumes" / container.volume / "_data"
        if _readable(folder):
            self._storage.add(container.id, Watched(folder, limit, exceeded))

    def _tool_image(self, user: str) -> str:
        return sandbox.ensure(self.client, self._info["Architecture"], user)

    async def _start_sandbox(self) -> DockerContainer:
        with engine_errors("start the network sandbox"):
            started = await self.threads.call(self._sandbox_started)
            address = await self.threads.call(network.address_of, self.client, started)
        container = DockerContainer(self, started, address=address)
        self.remember(container)
        return container

    def _sandbox_started(self) -> str:
        config = sandbox_config(self._tool_image(FUNCTION_USER), self._network, self._labels, self._host)
        created = str(self.client.create_container_from_config(config)["Id"])
        self.client.start(created)
        return created

    def _happened(self, event: dict[str, Any]) -> None:
        what = event["Action"]
        container = self._containers.get(event["Actor"]["ID"])
        if container is None:
            return
        if what == "oom":
            if container.report_kill():
                self._feed.publish(container.id, what)
        else:
            self._died(container, int(event["Actor"]["Attributes"].get("exitCode", 137)))

    def _died(self, container: DockerContainer, code: int) -> None:
        self._drop(container)
        self._spawn(self._end(container, code))

    async def _end(self, container: DockerContainer, code: int) -> None:
        if await container.end(code):
            self._feed.publish(container.id, "oom")
        self._feed.publish(container.id, "die")

    def _reconcile(self) -> None:
        """Look after containers whose end may have been missed while the stream was broken."""
        for container in self._containers.values():
            self._spawn(self._ended_unseen(container))

    async def _ended_unseen(self, container: DockerContainer) -> None:
        with contextlib.suppress(DockerException, requests.RequestException):
            if (code := await container.exit_code()) is not None:
                self._died(container, code)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _readable(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False


async def _discard(starting: asyncio.Task[DockerContainer]) -> None:
    """Remove a container whose start nobody waits for any more."""
    with contextlib.suppress(EngineError):
        await (await starting).stop()
