"""What the views show, as frozen values: times in Unix seconds, sizes in bytes, memory in MB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Mode = Literal["lambda", "lambda-batch", "batch"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where functions live: the local emulator, AWS or an OSCAR cluster."""

    kind: Literal["local", "aws", "oscar"] = "local"
    place: str = ""  # 127.0.0.1:4566, an account id, a cluster
    region: str = ""
    profile: str = ""
    stand_in: str = ""  # the address of what plays AWS on this machine; empty for AWS itself

    @property
    def shown(self) -> str:
        """Return the place as people read it: an account in groups of four digits."""
        if self.kind == "aws" and len(self.place) == 12 and self.place.isdecimal():
            return "-".join(self.place[at : at + 4] for at in (0, 4, 8))
        return self.place

    @property
    def is_live(self) -> bool:
        """Tell whether changes there cost money or reach other people."""
        return self.kind != "local"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong and what to do about it; with `is_of_credentials`, who was asked did answer, and refused us."""

    message: str
    hint: str = ""
    is_of_credentials: bool = False


class Condition(StrEnum):
    """How something is; `glyphs.py` says how each one looks."""

    OK = "ok"
    READY = "ready"
    RUNNING = "run"
    QUEUED = "queue"
    RETRYING = "retry"  # failed, and waits until it is tried again
    BUILDING = "build"
    FAILED = "fail"
    TIMED_OUT = "tmo"
    WARNING = "warn"
    DRIFT = "drift"
    STOPPED = "stop"
    PENDING = "pending"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function, as the Lambda API tells it; inputs and outputs are URIs (`s3://b/prefix`, `onedata://s/p`)."""

    name: str
    mode: Mode = "lambda"
    memory_mb: int = 0
    timeout_s: int = 0
    gpus: int = 0
    image: str = ""
    digest: str = ""
    stack: str = ""
    script: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    state: Condition = Condition.READY
    reason: str = ""
    modified: float = 0
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_onetrigger(self) -> bool:
        """Tell whether it was deployed to look into a space for another function."""
        return "onetrigger" in self.name.rsplit("-", 2)[1:]


@dataclass(frozen=True, slots=True)
class Run:
    """An invocation or a job: one row of the Runs view. Both legs of a delegated event are rows of their own."""

    id: str
    function: str
    kind: Literal["invocation", "job"] = "invocation"
    state: Condition = Condition.QUEUED
    origin: str = ""  # what asked for it: an object's URI, `api`, `schedule`, `invoke`
    queued: float = 0
    started: float | None = None
    ended: float | None = None
    attempt: int = 0
    is_cold: bool = False
    init_ms: float = 0
    billed_ms: float = 0
    memory_mb: int = 0
    peak_mb: int = 0
    exit: int | None = None
    error_type: str = ""
    message: str = ""  # why it failed, or what it waits for
    cause: str = ""  # why it was delegated: time, memory, gpu, mode, ...
    job: str = ""  # the job it was delegated to
    invocation: str = ""  # the invocation that a job carries on
    queue: str = ""
    vcpus: float = 0
    gpus: int = 0
    outputs: tuple[str, ...] = ()
    sent: int = 0  # bytes uploaded to spaces: on AWS they leave it
    log_group: str = ""
    log_stream: str = ""
    is_stuck: bool = False  # a job waiting for what no other job's end can bring

    @property
    def is_over(self) -> bool:
        return self.ended is not None

    @property
    def where(self) -> str:
        """Return where it runs: `lambda`, `batch`, or `λ→batch` for an invocation that was delegated."""
        if self.kind == "job":
            return "batch"
        return "λ→batch" if self.job else "lambda"

    def seconds(self, now: float) -> float | None:
        """Return how long it ran, or runs; None before it began."""
        return None if self.started is None else max(0.0, (self.ended or now) - self.started)


@dataclass(frozen=True, slots=True)
class Step:
    """One hop of a run or of a file's story, in words; `seq` is the trace's."""

    time: float
    what: str
    text: str
    state: Condition = Condition.NONE
    run: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class RunDetail:
    """What is known of one run beyond its row: its event, its environment (secrets hidden), its hops, its last lines."""

    run: Run
    event: str = ""  # JSON text; empty when the target does not keep it
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    steps: tuple[Step, ...] = ()
    lines: tuple[str, ...] = ()
    story: tuple[tuple[str, str], ...] = ()  # labels and values: attempts, resources, dependencies of a job


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket or a space."""

    uri: str  # s3://bucket, onedata://space
    objects: int | None = None
    size: int | None = None
    note: str = ""

    @property
    def name(self) -> str:
        return self.uri.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or a folder (its URI ends in `/`), of a listing."""

    uri: str
    name: str
    size: int | None = None
    changed: float = 0
    by: str = ""  # the function that wrote it, `you` otherwise

    @property
    def is_folder(self) -> bool:
        return self.uri.endswith("/")


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of what is right below a URI; `next` asks for the following page and is empty on the last."""

    uri: str
    entries: tuple[Entry, ...] = ()
    next: str = ""


class LogLine(NamedTuple):
    """One line of a log: `raw` is what the function wrote, without the line feed. A tuple, since there are so many."""

    time: float
    function: str
    request: str  # request id, or `job:` and the job's id
    level: str  # DEBUG INFO WARN ERROR, empty when unknown
    raw: bytes


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, as nvidia-smi tells it."""

    index: int
    name: str
    utilisation: float = 0
    memory_used: int = 0
    memory_total: int = 0
    temperature: int = 0
    power_w: float = 0
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """How busy the machine and its GPUs are: shares 0..1."""

    cpu: float = 0
    memory: float = 0
    memory_total: int = 0
    disk_free: int = 0
    disk_total: int = 0
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the target answers, and what it says of itself; `status` is the emulator's own document."""

    is_up: bool = False
    problem: Problem | None = None
    since: float = 0
    next_try: float = 0
    status: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Task:
    """Something long that the user asked for (upload, download, deploy): one line of a transfer list."""

    id: int
    kind: Literal["upload", "download", "deploy", "delete"]
    name: str
    done: int = 0
    total: int = 0
    state: Condition = Condition.RUNNING
    message: str = ""


@dataclass(frozen=True, slots=True)
class Stats:
    """What the runs of one function came to; the series have one value for each 5 minutes, oldest first."""

    runs: int = 0
    failed: int = 0
    running: int = 0
    queued: int = 0
    cold: int = 0
    p50: float | None = None
    p95: float | None = None
    last: Run | None = None
    last_error: Run | None = None
    runs_series: tuple[float, ...] = ()
    failed_series: tuple[float, ...] = ()
    p95_series: tuple[float, ...] = ()
