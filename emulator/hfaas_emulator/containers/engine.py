"""What runs containers: Docker, plain processes, or a fake in tests, all behind one Protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Network(StrEnum):
    """How a container sees the network."""

    SHARED = "shared"  # joins the stack's sandbox: fast, one address for all, told apart by a secret
    OWN = "own"  # has an address of its own, needed by images that are not ours


@dataclass(frozen=True, slots=True)
class Image:
    """An image on this machine: reference asked for, content id, architecture, whether our supervisor is inside."""

    ref: str
    id: str
    architecture: str
    supervised: bool
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


class Restrictions(StrEnum):
    """How closed a container is."""

    LAMBDA = "lambda"  # no capabilities, no new privileges, only /tmp writable, bounded files and processes
    BATCH = "batch"  # what ECS gives a task: the image's own user, a writable root, Docker's usual capabilities


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of this machine; memory in MB."""

    uuid: str
    name: str
    memory_mb: int


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What only a Batch job may ask for; sizes in MB (2**20 bytes), `ulimits` by name as (soft, hard)."""

    shared_memory_mb: int | None = None
    init: bool = False
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()  # paths in the container that get an empty volume of their own


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of this machine that a container shares with others."""

    folder: Path
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container to run; sizes in MB (2**20 bytes), `user` as uid:gid or empty for the image's own.

    `storage_mb` bounds /tmp (a function's) and single files; 0 bounds nothing. `gpus` names the GPUs it sees by uuid,
    `files` are files of this machine it may read, `mounts` folders it may use, by their paths inside.
    """

    name: str
    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""
    memory_mb: int = 128
    storage_mb: int = 512
    cpus: float | None = None
    gpus: tuple[str, ...] = ()
    read_only: bool = True
    user: str = "993:990"
    network: Network = Network.SHARED
    restrictions: Restrictions = Restrictions.LAMBDA
    task: TaskLimits = field(default_factory=TaskLimits)
    files: Mapping[str, Path] = field(default_factory=dict)
    mounts: Mapping[str, Mount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended: exit code (128+n for signal n) and whether the kernel took memory back."""

    code: int
    oom_killed: bool = False


Output = Callable[[bytes], None]
"""Gets what one stream of a container says, or both, as it comes, in order, on the event loop."""


class Container(Protocol):
    """A started container; every method may be called again after it ended."""

    @property
    def id(self) -> str:
        """Return the engine's id."""

    @property
    def address(self) -> str:
        """Return the source address of its connections."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels that it was started with."""

    async def wait(self) -> Exit:
        """Wait until it ends and its output has come, also the output that `follow` asked for."""

    async def follow(self, output: Output, since: float = 0, errors: Output | None = None) -> None:
        """Have the output of a container out of `leftovers` passed on again, from this Unix time on (0: all there is).

        Returns when that has begun. The process engine has nothing left to pass on. `errors` as for `run`.
        """

    async def stop(self, grace_s: float = 0) -> None:
        """End it (SIGTERM, then SIGKILL after `grace_s`; at once when 0) and remove it with all its storage."""

    async def peak_memory_mb(self) -> int:
        """Return the largest memory use so far, 0 when the machine does not tell."""

    def oom_kills(self) -> int:
        """Return how many processes in it the kernel killed for memory so far."""


class Engine(Protocol):
    """Runs containers and knows the images of this machine."""

    @property
    def name(self) -> str:
        """Return `docker`, `process` or `fake`."""

    @property
    def runs_images(self) -> bool:
        """Tell whether the user's images are used (not so under `process`)."""

    @property
    def detail(self) -> str:
        """Say in a few words which engine this is, for people."""

    async def open(self) -> None:
        """Connect, make the network; EngineError when there is no engine."""

    async def close(self) -> None:
        """End and remove everything this emulator started."""

    @property
    def machine(self) -> tuple[float, int]:
        """Return the vCPUs and the memory in MB of where containers run; known once it is open."""

    @property
    def gpus(self) -> Sequence[Gpu]:
        """Return the GPUs that containers can be given; known once it is open."""

    @property
    def gpu_detail(self) -> str:
        """Say in a few words which GPUs there are, or why there are none."""

    @property
    def host(self) -> str:
        """Return the IP address under which containers reach this machine; listeners bind to it."""

    async def image(self, ref: str) -> Image | None:
        """Look an image up; None when it is not on this machine."""

    async def run(self, spec: ContainerSpec, output: Output, errors: Output | None = None) -> Container:
        """Create and start a container; ImageNotFound or EngineError when that fails.

        `errors` gets its stderr; without it, or where both are one stream, `output` gets it too.
        """

    async def leftovers(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """Return containers with these labels that an earlier emulator left behind, running or ended.

        They are as good as one's own from then on. One of which nobody can tell how it goes on, or went, is removed and
        not told of.
        """

    def events(self) -> AsyncIterator[tuple[str, str]]:
        """Yield (container id, `oom` | `die`) as the engine reports them."""
