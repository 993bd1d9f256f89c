"""The seam between who decides (scheduler) and who runs (containers)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hfaas_emulator.batch.job import Task


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt of one job, child or node, to be run now.

    `job` is the id with `:index` or `#node`. `queue` and `environment` are names. `variables` are the AWS_BATCH_*
    that only its place in an array or a group of nodes decides. `vcpus` and `memory_mb` are what it is given, which
    is less than the task wants where the machine was scaled down to; `gpus` are uuids. `own_network` gives it an
    address of its own.
    """

    job: str
    attempt: int
    account: str
    region: str
    definition: str
    queue: str
    environment: str
    task: Task
    vcpus: float
    memory_mb: int
    gpus: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    own_network: bool = False
    invocation: str = ""

    @property
    def key(self) -> str:
        """Return what tells this attempt from all others, also on the container's label."""
        return f"{self.job}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class Result:
    """How a container ended, in ECS's words: `reason` is the container's, `status_reason` the task's."""

    exit: int | None
    reason: str
    status_reason: str
    peak_mb: int = 0


class NotStarted(Exception):
    """The container could not be started; `reason` begins with ECS's error, such as CannotPullContainerError."""

    def __init__(self, reason: str, status_reason: str = "Task failed to start") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status_reason = status_reason


class Running(Protocol):
    """A started attempt; every method may be called again after it ended."""

    @property
    def log_stream(self) -> str:
        """Return the name of its log stream."""

    @property
    def task_arn(self) -> str:
        """Return the ARN of the ECS task that it plays."""

    @property
    def address(self) -> str:
        """Return its IP address."""

    @property
    def started(self) -> int:
        """Return when it started, in Unix ms."""

    async def result(self) -> Result:
        """Wait until it ended and its output is in the log; the container stays, so that a restart finds it again."""

    async def stop(self, grace_s: float = 30) -> None:
        """Have it end and wait for that: SIGTERM, then SIGKILL after `grace_s`; `result` tells how it went."""

    def forget(self) -> None:
        """Its end is written down: have the container removed, without anybody waiting for that."""


class Runner(Protocol):
    """Runs attempts."""

    async def start(self, work: Work) -> Running:
        """Start a container; NotStarted when that is impossible, EngineError when there is no engine to ask."""

    async def adopt(self) -> Mapping[str, Running]:
        """Take over what an emulator that died left running or ended, by `Work.key`; once, before any start."""
