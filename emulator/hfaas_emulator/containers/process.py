"""The process engine: for machines without Docker, the same supervisor and script as plain children.

Images are not used; a function is its layer (script and files). Each child has a folder of its own below
`<state>/run`, a session, a clean environment and the limits a process can have. Memory is watched from outside.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import platform
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from hfaas_emulator.containers import gpu_probe, owner, process_child
from hfaas_emulator.containers.engine import Container, ContainerSpec, Gpu, Image, Output, Restrictions
from hfaas_emulator.containers.feed import Feed
from hfaas_emulator.containers.layers import LayerStore
from hfaas_emulator.containers.machine import here
from hfaas_emulator.containers.process_container import ProcessContainer, remove_left
from hfaas_emulator.containers.storage import StorageWatch, Watched, full
from hfaas_emulator.containers.threads import Threads
from hfaas_emulator.errors import EngineError, ImageNotFound

LABELS = "labels.json"
FUNCTION_FILES = 1024
"""Lambda's limit of open files; a job has this machine's."""

PERIOD_S = 0.1
"""How often memory is looked at."""

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {"aarch64": "arm64", "AMD64": "x86_64"}


class ProcessEngine:
    """Children of this process instead of containers."""

    name = "process"
    runs_images = False
    host = "127.0.0.1"

    def __init__(self, state_dir: Path, why: str = "", program: Path | None = None) -> None:
        self.layers = LayerStore(state_dir)
        self._why = why
        self._program = str(program or _supervisor())
        self._run_dir = state_dir.resolve() / "run"
        self._owner = owner.me()
        self._threads = Threads(4)
        self._feed = Feed()
        self._storage = StorageWatch(self._threads)
        self._containers: dict[str, ProcessContainer] = {}
        self._memory: asyncio.Task[None] | None = None
        self._seen = gpu_probe.Found((), "nobody has looked for GPUs yet")

    @property
    def detail(self) -> str:
        why = f" ({self._why})" if self._why else ""
        return f"images are not used{why}: scripts run as plain processes with this machine's programs"

    @property
    def machine(self) -> tuple[float, int]:
        return here()

    @property
    def gpus(self) -> Sequence[Gpu]:
        return self._seen.gpus

    @property
    def gpu_detail(self) -> str:
        return self._seen.detail

    async def open(self) -> None:
        try:
            self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(
                f"{self._run_dir} cannot be made: {error.strerror}", "choose another --state"
            ) from error
        self._memory = asyncio.create_task(self._watch_memory())
        found = await self._threads.call(gpu_probe.look)
        self._seen = gpu_probe.visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))

    async def close(self) -> None:
        await asyncio.gather(*(each.stop() for each in list(self._containers.values())))
        await self._storage.close()
        if self._memory:
            self._memory.cancel()
            await asyncio.gather(self._memory, return_exceptions=True)
        self._feed.end()
        self._threads.close()

    async def image(self, ref: str) -> Image | None:
        folder = self.layers.find(ref)
        if folder is None:
            return None
        machine = platform.machine()
        return Image(ref, f"sha256:{folder.name}", _ARCHITECTURES.get(machine, machine), supervised=True)

    async def run(
        self,
        spec: ContainerSpec,
        output: Output,
        errors: Output | None = None,  # noqa: ARG002 - one pipe for both
    ) -> ProcessContainer:
        layer = self.layers.find(spec.image)
        if layer is None:
            raise ImageNotFound(
                f"the process engine does not run the image {spec.image}",
                "deploy with `hfaas deploy`, which stores the function's files, or use --engine docker",
            )
        if spec.mounts:
            raise EngineError(
                f"the process engine cannot mount {', '.join(spec.mounts)}: a process sees this machine's own folders",
                "start the emulator with `--engine docker`",
            )
        folder = self._folder(spec)
        container = ProcessContainer(
            folder, spec.memory_mb, spec.labels, self._threads, self._feed.publish, self._forget
        )
        try:
            await container.start(self._argv(spec), _environment(spec, layer, folder), output)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise EngineError(f"cannot start the supervisor: {error.strerror}") from error
            raise
        self._containers[container.id] = container
        self._watch_storage(container, spec, folder, output)
        return container

    async def leftovers(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """End what is left and answer nothing: the supervisors died with their emulator, and nobody saw how."""
        for folder, had in await self._threads.call(self._left):
            if labels.items() <= had.items():
                await self._threads.call(remove_left, folder)
        return []

    def events(self) -> AsyncIterator[tuple[str, str]]:
        return self._feed.listen()

    def _folder(self, spec: ContainerSpec) -> Path:
        folder = self._run_dir / f"{spec.name}-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        (folder / "tmp").mkdir(mode=0o700)
        (folder / LABELS).write_text(json.dumps({**spec.labels, owner.LABEL: self._owner}))
        return folder

    def _argv(self, spec: ContainerSpec) -> list[str]:
        storage = spec.storage_mb * 2**20
        files = FUNCTION_FILES if spec.restrictions is Restrictions.LAMBDA else 0
        child = [sys.executable, "-IB", process_child.__file__, str(os.getpid()), str(storage), str(files)]
        return [*child, self._program, *spec.command]

    def _watch_storage(
        self, container: ProcessContainer, spec: ContainerSpec, folder: Path, output: Output
    ) -> None:
        limit = spec.storage_mb * 2**20
        if not limit:
            return

        def exceeded(size: int) -> None:
            output(full(size, limit))
            container.kill()

        self._storage.add(container.id, Watched(folder / "tmp", limit, exceeded))

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            for container in list(self._containers.values()):
                if victim := await self._threads.call(container.measure):
                    container.kill_for_memory(victim)

    def _forget(self, container: str) -> None:
        self._containers.pop(container, None)
        self._storage.drop(container)

    def _left(self) -> list[tuple[Path, dict[str, str]]]:
        found = []
        for folder in self._run_dir.iterdir() if self._run_dir.is_dir() else ():
            try:
                had = json.loads((folder / LABELS).read_text())
            except (OSError, ValueError):
                had = {}  # killed while it was being made
            if had.get(owner.LABEL) != self._owner:
                found.append((folder, had))
        return found


def _supervisor() -> str:
    """Return the file that runs the supervisor of this installation."""
    found = importlib.util.find_spec("hfaas_supervisor")
    places = found.submodule_search_locations if found else None
    if not places:
        raise EngineError("hfaas_supervisor is not installed", "install hfaas again")
    return str(Path(places[0]) / "__main__.py")


def _environment(spec: ContainerSpec, layer: Path, folder: Path) -> dict[str, str]:
    """Return all the child sees: nothing of the emulator's own environment but the way to this interpreter.

    Nothing can be mounted: variables that name a mounted file name it where it is.
    """
    here = str(Path(sys.executable).parent)
    visible = ",".join(spec.gpus)
    return {
        "LANG": "C.UTF-8",
        **{key: str(spec.files.get(value, value)) for key, value in spec.environment.items()},
        "CUDA_VISIBLE_DEVICES": visible,
        "NVIDIA_VISIBLE_DEVICES": visible or "void",
        "PATH": f"{here}:{spec.environment.get('PATH', _SYSTEM_PATH)}",
        "HFAAS_FUNCTION_DIR": str(layer),
        "HFAAS_TMP": str(folder / "tmp"),
        "TMPDIR": str(folder / "tmp"),
    }
