"""Functions as Lambda tells of them, and in what they differ from the pipeline's file: of AWS and of emulators alike."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.job import Job
from hfaas_tui.ui.model import Condition, Function, Mode

if TYPE_CHECKING:
    from hfaas_deploy.pipeline import Function as Wanted

CONFIG = "FUNCTION_CONFIG"
QUEUE = "HFAAS_JOB_QUEUE"
AROUND_S = 60
"""Addresses and stacks are asked for anew after this time even when no function changed."""

SECRET = re.compile(r"token|secret|password|passwd|credential|access_?key|api_?key|private", re.IGNORECASE)
HIDDEN = "•••"
MAKER = ("createdby", "hfaas")
"""The tag of what `hfaas` deployed."""


class Clients(Protocol):
    """The way to a target's services."""

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service."""

    def told(self, what: str = "") -> AbstractContextManager[None]:
        """Turn what its clients raise into a CliError that begins with `what`."""


@dataclass(frozen=True, slots=True)
class Around:
    """What Lambda does not tell of its functions, by their names: where they are called, and to which stack they belong."""

    urls: Mapping[str, tuple[str, ...]]
    stacks: Mapping[str, str]


class Functions:
    """Asks Lambda; what cannot have changed since the last look is not asked again.

    With `only_ours`, functions that nobody deployed with `hfaas` are left out; `around` is asked for the rest.
    """

    def __init__(
        self,
        link: Clients,
        pipeline: Path | None,
        around: Callable[[], Around],
        *,
        only_ours: bool = False,
    ) -> None:
        self._link = link
        self._pipeline = pipeline
        self._ask_around = around
        self._only_ours = only_ours
        self._known: dict[str, tuple[tuple[str, ...], Function | None]] = {}
        self._sources: dict[str, Source] = {}
        self._around = Around({}, {})
        self._state: tuple[Any, ...] = ()
        self._asked_at = 0.0
        self._wanted: dict[str, Wanted] = {}
        self._wanted_at = 0
        self._lock = threading.Lock()

    def all(self) -> list[Function]:
        """Return every function; CliError."""
        with self._lock, self._link.told("the functions cannot be listed"):
            lambda_ = self._link.client("lambda")
            pages = lambda_.get_paginator("list_functions").paginate()
            listed = [each for page in pages for each in page["Functions"]]
            found = [function for each in listed if (function := self._read(lambda_, each))]
            names = {each.name for each in found}
            self._sources = {name: source for name, source in self._sources.items() if name in names}
            self._look_around(tuple((each["FunctionName"], each.get("RevisionId")) for each in listed))
            wanted = self._planned()
        return [_compared(self._placed(each), wanted.get(each.name)) for each in found]

    def sources(self) -> Mapping[str, Source]:
        """Return where the functions of the last look write their logs and submit their jobs, by name."""
        return MappingProxyType(self._sources)

    def _placed(self, function: Function) -> Function:
        name = function.name
        return replace(function, urls=self._around.urls.get(name, ()), stack=self._around.stacks.get(name, ""))

    def _read(self, lambda_: Any, configuration: Mapping[str, Any]) -> Function | None:
        name = str(configuration["FunctionName"])
        mark = tuple(str(configuration.get(key)) for key in ("RevisionId", "LastModified", "State", "CodeSha256"))
        known = self._known.get(name)
        if known is None or known[0] != mark:
            known = self._known[name] = mark, self._looked(lambda_, name, configuration)
        if known[1] is not None:
            self._sources[name] = source(configuration)
        return known[1]

    def _looked(self, lambda_: Any, name: str, configuration: Mapping[str, Any]) -> Function | None:
        if self._only_ours and not _may_be_ours(configuration):
            return None
        try:
            about = lambda_.get_function(FunctionName=name)
        except lambda_.exceptions.ResourceNotFoundException:  # deleted since it was listed
            about = {}
        if self._only_ours and about.get("Tags", {}).get(MAKER[0]) != MAKER[1]:
            return None
        return read(configuration, about)

    def _look_around(self, state: tuple[Any, ...]) -> None:
        """Ask for what Lambda does not tell of its functions, when they changed or some time has passed."""
        if state == self._state and time.monotonic() < self._asked_at + AROUND_S:
            return
        self._around = self._ask_around() if state else Around({}, {})
        self._state, self._asked_at = state, time.monotonic()

    def _planned(self) -> Mapping[str, Wanted]:
        """Return what the pipeline's file says by name; read again only when it was written."""
        if self._pipeline is None:
            return {}
        try:
            changed = self._pipeline.stat().st_mtime_ns
        except OSError:
            return {}
        if changed != self._wanted_at:
            from hfaas_deploy import fdl

            self._wanted_at = changed
            self._wanted = {each.name: each for each in fdl.parse(self._pipeline).functions}
        return self._wanted


@dataclass(frozen=True, slots=True)
class Source:
    """Where a function writes its log, and the queue (ARN or name) of its jobs, empty for none."""

    log_group: str
    queue: str = ""


def source(configuration: Mapping[str, Any]) -> Source:
    """Return where a function's log and jobs are, by its configuration."""
    group = configuration.get("LoggingConfig", {}).get("LogGroup")
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return Source(str(group or f"/aws/lambda/{configuration['FunctionName']}"), variables.get(QUEUE, ""))


def _may_be_ours(configuration: Mapping[str, Any]) -> bool:
    """Tell whether it has the variable that all of ours have; OneTrigger's functions have another image and variable."""
    variables = configuration.get("Environment", {}).get("Variables", {})
    return CONFIG in variables or any(name.startswith("HFAAS_") for name in variables)


def members(api: Any, stacks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield functions with the stacks they belong to; `api` is a client of CloudFormation."""
    for stack in stacks:
        resources = api.get_paginator("list_stack_resources").paginate(StackName=stack["StackName"])
        for resource in (each for page in resources for each in page["StackResourceSummaries"]):
            if resource["ResourceType"] == "AWS::Lambda::Function":
                yield str(resource.get("PhysicalResourceId", "")), str(stack["StackName"])


def stacks(api: Any) -> Iterator[Mapping[str, Any]]:
    """Yield all stacks of an account."""
    for page in api.get_paginator("describe_stacks").paginate():
        yield from page["Stacks"]


def read(configuration: Mapping[str, Any], about: Mapping[str, Any]) -> Function:
    """Make a function of an entry of ListFunctions and the answer of GetFunction."""
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    job = _job(str(configuration["FunctionName"]), variables.get(CONFIG, ""))
    code = about.get("Code", {})
    image = job.image or str(code.get("ImageUri", ""))
    digest = str(code.get("ResolvedImageUri", "")).partition("@")[2] or str(configuration.get("CodeSha256", ""))
    state, reason = _state(configuration)
    return Function(
        job.name,
        cast("Mode", job.execution_mode),
        int(configuration.get("MemorySize", 0)),
        int(configuration.get("Timeout", 0)),
        int(job.wants_gpu),
        image,
        digest,
        inputs=tuple(_uri(each.provider, each.path, job) for each in job.inputs),
        outputs=tuple(_uri(each.provider, each.path, job) for each in job.outputs),
        state=state,
        reason=reason,
        modified=_moment(configuration.get("LastModified", "")),
        environment=hidden({**job.environment, **{k: v for k, v in variables.items() if k != CONFIG}}),
    )


def _job(name: str, config: str) -> Job:
    """Read what the supervisor is told; a function without one reads and writes what only itself knows."""
    try:
        return Job.decode(config)._replace(name=name) if config else Job(name)
    except ConfigError:
        return Job(name)


def _uri(provider: str, path: str, job: Job) -> str:
    """Return an input or output as a URI: of Onedata the space stands in the provider."""
    kind, _, name = provider.partition(".")
    about = job.storage_providers.get(kind, {}).get(name or "default", {})
    space = str(about.get("space", "")) if kind == "onedata" else ""
    return f"{kind}://{space + '/' if space else ''}{path.strip('/')}"


def _state(configuration: Mapping[str, Any]) -> tuple[Condition, str]:
    if configuration.get("State") == "Failed" or configuration.get("LastUpdateStatus") == "Failed":
        keys = ("StateReason", "LastUpdateStatusReason")
        return Condition.FAILED, next((str(configuration[key]) for key in keys if configuration.get(key)), "")
    if configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress":
        return Condition.BUILDING, str(configuration.get("StateReason", ""))
    return Condition.READY, ""


def _compared(deployed: Function, wanted: Wanted | None) -> Function:
    """Add what the pipeline's file tells, and say where it is another."""
    if wanted is None:
        return deployed
    found = replace(deployed, script=wanted.init_script.name if wanted.init_script else "")
    pairs = (
        ("memory", deployed.memory_mb, wanted.memory),
        ("timeout", deployed.timeout_s, wanted.timeout),
        ("execution_mode", deployed.mode, wanted.mode.value),
        ("input", _folders(deployed.inputs), _folders(f"{each.root}/{each.path}" for each in wanted.inputs)),
        ("output", _folders(deployed.outputs), _folders(f"{each.root}/{each.path}" for each in wanted.outputs)),
    )
    differing = [f"{name} is {_text(is_)}, the file says {_text(says)}" for name, is_, says in pairs if is_ != says]
    if not differing or found.state is not Condition.READY:
        return found
    return replace(found, state=Condition.DRIFT, reason="; ".join(differing))


def _folders(paths: Iterable[str]) -> frozenset[str]:
    """Return paths without the storage that stands in front."""
    return frozenset(path.rpartition("://")[2].strip("/") for path in paths)


def _text(value: object) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def hidden(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Return variables with the values of those that look like secrets taken out."""
    return MappingProxyType({name: HIDDEN if SECRET.search(name) else text for name, text in variables.items()})
