"""A pipeline as plain frozen data: what the user asked for, after reading and before any judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from hfaas_deploy.findings import Finding, Spot
from hfaas_deploy.language.keys import CAUSES

GLOB = frozenset("*?[")


class Mode(StrEnum):
    """Where a script runs."""

    LAMBDA = "lambda"
    LAMBDA_BATCH = "lambda-batch"
    BATCH = "batch"


class UrlAccess(StrEnum):
    """Who may call a Function's URL, if it has one."""

    NONE = "none"
    IAM = "iam"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Provider:
    """A storage with keys of its own, and what may be told of it; its keys stay in `Pipeline.providers`."""

    kind: str
    id: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.id}"


@dataclass(frozen=True, slots=True)
class StorePath:
    """A folder of some storage: `provider` is `type` or `type.id`, `path` as it stands in the file.

    `root` is the Space or server in which the path begins; it is empty where the path begins with a bucket.
    """

    provider: str
    path: str
    root: str = field(default="", kw_only=True)

    @property
    def kind(self) -> str:
        """The type of its storage: s3, minio, onedata or webdav."""
        return self.provider.partition(".")[0]

    @property
    def id(self) -> str:
        """The id under which its provider is defined; empty for the S3 of the own account."""
        return self.provider.partition(".")[2] or ("" if self.kind == "s3" else "default")

    @property
    def bucket(self) -> str:
        """The bucket, or the Space or server that stands for one."""
        return self.root or self.path.partition("/")[0]

    @property
    def folder(self) -> str:
        """What the keys of its objects start with: empty, or ending in a slash."""
        folder = (self.path if self.root else self.path.partition("/")[2]).strip("/")
        return f"{folder}/" if folder else ""

    def is_beside(self, other: StorePath) -> bool:
        """Say whether both are in one bucket; a Space is the same one by whichever provider it is reached."""
        if self.kind == other.kind == "onedata":
            return self.root.partition("@")[0] == other.root.partition("@")[0]
        return (self.kind, self.id, self.bucket) == (other.kind, other.id, other.bucket)


@dataclass(frozen=True, slots=True)
class InputPath(StorePath):
    """A folder whose new files are events; `place` is its path in the document, for findings."""

    suffix: tuple[str, ...] = ()
    place: str = ""
    prefixes: tuple[str, ...] = field(default=(), kw_only=True)  # of names; for OSCAR services

    @property
    def prefix(self) -> str:
        """The folder, as S3's filters call it."""
        return self.folder

    def meets(self, other: InputPath) -> bool:
        """Say whether one object could be an event for both."""
        nested = self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        return self.is_beside(other) and nested and _ends_meet(self.suffix, other.suffix)


@dataclass(frozen=True, slots=True)
class OutputPath(StorePath):
    """A folder that results are uploaded to."""

    prefix: tuple[str, ...] = ()
    suffix: tuple[str, ...] = ()
    layout: str = "flat"
    place: str = ""

    def feeds(self, source: InputPath) -> bool:
        """Say whether its results are events of that input."""
        inside = self.is_beside(source) and self.folder.startswith(source.prefix)
        return inside and _ends_meet(self.suffix, source.suffix)


class Machines(StrEnum):
    """What a compute environment is made of."""

    EC2 = "EC2"
    SPOT = "SPOT"
    FARGATE = "FARGATE"
    FARGATE_SPOT = "FARGATE_SPOT"

    @property
    def is_fargate(self) -> bool:
        return self in (Machines.FARGATE, Machines.FARGATE_SPOT)


@dataclass(frozen=True, slots=True)
class ComputeResources:
    """The machines that jobs run on, with what was left open filled in."""

    kind: Machines = Machines.FARGATE
    max_vcpus: int = 2
    min_vcpus: int = 0
    instance_types: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system of EFS: the ARN of its access point, and the path at which scripts find it."""

    arn: str
    mount: str
    place: str = ""

    @property
    def access_point(self) -> str:
        """The id: fsap-..."""
        return self.arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class MultiNode:
    """A job of several containers; `main` is the one whose end is the job's."""

    nodes: int = 10
    main: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What a Function's jobs get; `memory` is as asked for, which Fargate may have to raise."""

    vcpus: float = 1
    memory: int = 1024
    gpu: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    compute: ComputeResources = field(default_factory=ComputeResources)
    multi_node: MultiNode | None = None

    @property
    def all_vcpus(self) -> float:
        """The vCPUs of one job with all its nodes."""
        return self.vcpus * (self.multi_node.nodes if self.multi_node else 1)


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An HTTP API with one route to a Function."""

    name: str
    stage: str = "scar"
    path: str = "{proxy+}"
    method: str = "ANY"
    public: bool = False


@dataclass(frozen=True, slots=True)
class Vpc:
    """Subnets and security groups of an account."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One Function of the pipeline; `place` is its path in the document."""

    place: str
    name: str
    image: str = ""
    image_file: Path | None = None
    build: Path | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    create_image: bool = True
    alpine: bool = False
    init_script: Path | None = None
    extra_payload: Path | None = None
    mode: Mode = Mode.LAMBDA
    memory: int = 512
    timeout: int = 300
    timeout_threshold: int = 10
    inputs: tuple[InputPath, ...] = ()
    outputs: tuple[OutputPath, ...] = ()
    file_stage_in: bool = False
    log_level: str = "INFO"
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    architecture: str = "x86_64"
    region: str = "us-east-1"
    boto_profile: str = "default"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    retention: int = 30
    on_failure: str = "discard"
    invoke_script: bool = False
    tmp: int = 2048
    retries: int = 2
    max_age: int = 3600
    concurrency: int | None = None
    plain: tuple[str, ...] = ()
    batch: Batch = field(default_factory=Batch)
    delegate: tuple[str, ...] = CAUSES
    job_timeout: int = 86_400
    providers: tuple[Provider, ...] = ()
    api: HttpApi | None = None
    url: UrlAccess = UrlAccess.NONE
    vpc: Vpc | None = None
    file_systems: tuple[FileSystem, ...] = ()
    delete_image: bool = True

    @property
    def has_jobs(self) -> bool:
        """Tell whether it may run in Batch."""
        return self.mode is not Mode.LAMBDA

    @property
    def runs_in_lambda(self) -> bool:
        """Tell whether its script may run in Lambda; in mode batch Lambda only submits jobs."""
        return self.mode is not Mode.BATCH

    @property
    def paths(self) -> tuple[InputPath | OutputPath, ...]:
        """All inputs and outputs."""
        return (*self.inputs, *self.outputs)

    @property
    def triggers(self) -> tuple[InputPath, ...]:
        """The inputs that a bucket of the own account notifies about."""
        return tuple(source for source in self.inputs if source.provider == "s3")

    @property
    def watched(self) -> tuple[InputPath, ...]:
        """The inputs that OneTrigger looks at."""
        return tuple(source for source in self.inputs if source.kind == "onedata")


@dataclass(frozen=True, slots=True)
class Cluster:
    """How an OSCAR cluster is reached, as far as the file says; `verify` false takes any certificate."""

    id: str
    place: str
    endpoint: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """One OSCAR service; `more` is what only a cluster understands, by the names it has there."""

    place: str
    cluster: Cluster
    name: str
    image: str = ""
    script: Path | None = None
    memory: str = "256Mi"
    cpu: str = "0.2"
    log_level: str = "INFO"
    file_stage_in: bool = False
    gpu: bool = False
    alpine: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    inputs: tuple[InputPath, ...] = ()
    outputs: tuple[OutputPath, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[InputPath | OutputPath, ...]:
        """All inputs and outputs."""
        return (*self.inputs, *self.outputs)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that the pipeline names; an existing one is neither created nor deleted."""

    name: str
    existing: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a file from outside comes in."""

    function: Function
    input: InputPath


@dataclass(frozen=True, slots=True)
class Result:
    """Where a file leaves the pipeline."""

    function: Function
    output: OutputPath


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything that one pipeline file says; `findings` is what the reader had to remark."""

    file: Path
    stack: str
    functions: tuple[Function, ...] = ()
    services: tuple[Service, ...] = ()
    providers: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    clusters: tuple[Cluster, ...] = ()
    existing: frozenset[str] = frozenset()
    account: str = ""
    poll: int = 1
    reserve: bool = True
    spots: Mapping[str, Spot] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    @property
    def has_jobs(self) -> bool:
        """Tell whether any of its Functions may run in Batch."""
        return any(function.has_jobs for function in self.functions)

    @property
    def has_artifacts(self) -> bool:
        """Tell whether something of it lies in the artifacts bucket: large events, or the state of OneTrigger."""
        return self.has_jobs or any(function.watched for function in self.functions)

    @property
    def used_providers(self) -> tuple[Provider, ...]:
        """The storages with keys of their own that its Functions reach, each once."""
        used = {provider.name: provider for function in self.functions for provider in function.providers}
        return tuple(used[name] for name in sorted(used))

    @property
    def region(self) -> str:
        return next((function.region for function in self.functions), "us-east-1")

    @property
    def written_region(self) -> str:
        """The region that the file names; empty when it leaves that open."""
        written = (f.region for f in self.functions if f"{f.place}.lambda.region" in self.spots)
        return next(written, "")

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """The buckets of the own account, by name."""
        paths = [path for function in self.functions for path in function.paths]
        names = sorted({path.bucket for path in paths if path.provider == "s3"})
        return tuple(Bucket(name, name in self.existing) for name in names)

    def function(self, name: str) -> Function:
        """The Function of that name; KeyError when there is none."""
        for function in self.functions:
            if function.name == name:
                return function
        raise KeyError(name)

    def entry(self) -> tuple[Entry, ...]:
        """The inputs that no Function of the pipeline writes: where files from outside go."""
        outputs = [output for function in self.functions for output in function.outputs]
        return tuple(
            Entry(function, source)
            for function in self.functions
            for source in function.inputs
            if not any(output.feeds(source) for output in outputs)
        )

    def final_outputs(self) -> tuple[Result, ...]:
        """The outputs that no Function of the pipeline reads: what a run is for."""
        inputs = [source for function in self.functions for source in function.inputs]
        return tuple(
            Result(function, output)
            for function in self.functions
            for output in function.outputs
            if not any(output.feeds(source) for source in inputs)
        )

    def spot(self, place: str) -> Spot:
        """Where `place` stands in the file, or what is around it."""
        while place and place not in self.spots:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self.spots.get(place, Spot(str(self.file), 1, 1))


def _ends_meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Can a name end as both demand? No demand, or a pattern, meets everything."""
    if not one or not other:
        return True
    return any(GLOB & set(a + b) or a.endswith(b) or b.endswith(a) for a in one for b in other)
