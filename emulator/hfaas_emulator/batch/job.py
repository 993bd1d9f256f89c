"""One job: what was asked for, which never changes, and the states it goes through.

    SUBMITTED -> PENDING -> RUNNABLE -> STARTING -> RUNNING -> SUCCEEDED | FAILED
                 (waits for    ^                       |
                  others)      +-------- retry --------+

Array and multi-node jobs are parents: their children go through the states, the parent sums them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """AWS's states of a job."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        return self in (Status.SUCCEEDED, Status.FAILED)

    @property
    def holds_room(self) -> bool:
        """Tell whether a job in this state takes vCPUs, memory and GPUs away from others."""
        return self in (Status.STARTING, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job takes of its environment; memory in MB (2**20 bytes)."""

    vcpus: float
    memory_mb: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One container as definition, parameters and overrides together want it; `secrets` maps names to `valueFrom`.

    `document` is its `container` as DescribeJobs shows it, without what only an attempt knows.
    """

    image: str
    resources: Resources
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    job_role: str = ""
    user: str = ""
    read_only: bool = False
    fargate: bool = False
    log_group: str = "/aws/batch/job"
    log_prefix: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)


class Kind(StrEnum):
    """How a job waits for another."""

    PLAIN = ""
    N_TO_N = "N_TO_N"
    SEQUENTIAL = "SEQUENTIAL"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job to wait for; SEQUENTIAL names none, it is the array's own child before."""

    job: str
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `evaluateOnExit`: patterns that must all match (empty matches), and RETRY or EXIT."""

    action: str
    exit_code: str = ""
    reason: str = ""
    status_reason: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job may run in all, and which ends are worth another attempt."""

    attempts: int = 1
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything that SubmitJob settled; times in Unix ms, `timeout_s` None for no limit.

    `tasks` holds one task, or one for each node of a multi-node job (`main_node` tells the main one); `array` is
    the number of children, 0 for none. `invocation` is the request that delegated to this job, `run` the run it
    belongs to. `document` holds what DescribeJobs repeats and nothing else needs. `fault` is the statusReason of a
    job that AWS accepts and then fails without running it; empty for all others.
    """

    id: str
    name: str
    account: str
    region: str
    queue: str
    definition: str
    definition_name: str
    created: int
    tasks: tuple[Task, ...]
    retry: Retry = field(default_factory=Retry)
    timeout_s: int | None = None
    dependencies: tuple[Dependency, ...] = ()
    array: int = 0
    is_multinode: bool = False
    main_node: int = 0
    run: str = ""
    invocation: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:batch:{self.region}:{self.account}:job/{self.id}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that ended (or never began: `started` None); times in Unix ms, `exit` None without an exit code."""

    started: int | None
    stopped: int
    exit: int | None
    reason: str
    status_reason: str
    log_stream: str
    task_arn: str
