"""The functions of the emulator as Lambda tells them, and in what they differ from the pipeline's file."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.job import Job
from hfaas_tui.ui.emulator.link import Link, told
from hfaas_tui.ui.model import Condition, Function, Mode

if TYPE_CHECKING:
    from hfaas_deploy.pipeline import Function as Wanted

CONFIG = "FUNCTION_CONFIG"
AROUND_S = 60
"""Addresses and stacks are asked for anew after this time even when no function changed."""

SECRET = re.compile(r"token|secret|password|passwd|credential|access_?key|api_?key|private", re.IGNORECASE)
HIDDEN = "•••"


class Deployed:
    """Asks Lambda; what cannot have changed since the last look is not asked again."""

    def __init__(self, link: Link, pipeline: Path | None = None) -> None:
        self._link = link
        self._pipeline = pipeline
        self._known: dict[str, tuple[tuple[str, ...], Function]] = {}
        self._urls: dict[str, tuple[str, ...]] = {}
        self._stacks: dict[str, str] = {}
        self._around: tuple[Any, ...] = ()
        self._around_at = 0.0
        self._wanted: dict[str, Wanted] = {}
        self._wanted_at = 0
        self._lock = threading.Lock()

    def all(self) -> list[Function]:
        """Return every function; CliError."""
        with self._lock, told("the functions cannot be listed"):
            lambda_ = self._link.client("lambda")
            pages = lambda_.get_paginator("list_functions").paginate()
            listed = [each for page in pages for each in page["Functions"]]
            found = [self._read(lambda_, each) for each in listed]
            self._look_around(tuple((each["FunctionName"], each.get("RevisionId")) for each in listed))
            wanted = self._planned()
        return [_compared(self._placed(each), wanted.get(each.name)) for each in found]

    def _placed(self, function: Function) -> Function:
        name = function.name
        return replace(function, urls=self._urls.get(name, ()), stack=self._stacks.get(name, ""))

    def _read(self, lambda_: Any, configuration: Mapping[str, Any]) -> Function:
        name = str(configuration["FunctionName"])
        mark = tuple(str(configuration.get(key)) for key in ("RevisionId", "LastModified", "State", "CodeSha256"))
        known = self._known.get(name)
        if known is None or known[0] != mark:
            try:
                about = lambda_.get_function(FunctionName=name)
            except lambda_.exceptions.ResourceNotFoundException:  # deleted since it was listed
                about = {}
            known = self._known[name] = mark, _function(configuration, about)
        return known[1]

    def _look_around(self, state: tuple[Any, ...]) -> None:
        """Ask for what Lambda does not tell of its functions: their addresses, and their stacks."""
        if state == self._around and time.monotonic() < self._around_at + AROUND_S:
            return
        from hfaas_tui.endpoints import Endpoints

        found: dict[str, list[str]] = defaultdict(list)
        for each in Endpoints(self._link.emulator().endpoint).all() if state else ():
            if each.url not in found[each.function]:
                found[each.function].append(each.url)
        self._urls = {name: tuple(urls) for name, urls in found.items()}
        self._stacks = dict(self._members()) if state else {}
        self._around, self._around_at = state, time.monotonic()

    def _members(self) -> Iterator[tuple[str, str]]:
        """Yield functions with the stacks they belong to."""
        api = self._link.client("cloudformation")
        for page in api.get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                resources = api.get_paginator("list_stack_resources").paginate(StackName=stack["StackName"])
                for resource in (each for page in resources for each in page["StackResourceSummaries"]):
                    if resource["ResourceType"] == "AWS::Lambda::Function":
                        yield str(resource.get("PhysicalResourceId", "")), str(stack["StackName"])

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


def _function(configuration: Mapping[str, Any], about: Mapping[str, Any]) -> Function:
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
