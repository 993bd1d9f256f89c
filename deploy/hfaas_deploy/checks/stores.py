"""What there is to say about storage: providers, their keys, paths in them, and who tells of new files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import combinations

from hfaas_deploy import names, providers, references
from hfaas_deploy.checks import services
from hfaas_deploy.findings import Finding, error, warning
from hfaas_deploy.language import keys
from hfaas_deploy.pipeline import Function, InputPath, OutputPath, Pipeline, Provider, Service

HOST = re.compile(r"[A-Za-z0-9._-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")
LONGEST_NAME = 255  # bytes of one name in a path
LONGEST_PATH = 1024  # bytes; OneTrigger's settings are part of Lambda's 4 KB
LONGEST_FUNCTION = 64
WITHOUT_KEY = {"onedata": "the emulator issues its own, Onedata itself will want one"}


def judge(pipeline: Pipeline) -> Iterator[Finding]:
    """Everything there is to say about the storage that the pipeline uses."""
    for one in JUDGES:
        yield from one(pipeline)


def _defined(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        for path in function.paths:
            if path.kind:
                yield from _is_defined(pipeline, path)


def _is_defined(pipeline: Pipeline, path: InputPath | OutputPath) -> Iterator[Finding]:
    spot = pipeline.spot(f"{path.place}.storage_provider")
    if path.kind == "rucio":
        yield error(spot, "provider", "rucio works in OSCAR services only, not in Functions of AWS")
    elif path.kind not in providers.CREDENTIALS:
        known = ", ".join(providers.CREDENTIALS)
        yield error(spot, "provider", f"storage_provider {path.provider!r} is none of {known}")
    elif path.provider == "s3.default":
        message = "s3.default means the Function's own role; write s3, or give the other account another id"
        yield error(spot, "provider", message, "s3")
    elif path.id and path.id not in pipeline.providers.get(path.kind, {}):
        wanted = f"storage_providers.{path.kind}.{path.id if '.' in path.provider else '<id>'}"
        yield error(spot, "provider", f"storage_provider {path.provider!r} is not defined; add {wanted}")


def _unused(pipeline: Pipeline) -> Iterator[Finding]:
    users: tuple[Function | Service, ...] = (*pipeline.functions, *pipeline.services)
    named = {(path.kind, path.id) for user in users for path in user.paths}
    named |= {(path.kind, path.id) for service in pipeline.services for _, path in services.mounted(service)}
    for kind, ids in pipeline.providers.items():
        for name in ids:
            if (kind, name) not in named:
                spot = pipeline.spot(f"storage_providers.{kind}.{name}")
                yield warning(
                    spot, "unused", f"storage_providers.{kind}.{name} is not used by any Function or service"
                )
    given = pipeline.spots.get("hfaas.poll")
    if given and not any(function.watched for function in pipeline.functions):
        yield warning(given, "ignored", "poll is ignored because no Function has an input in Onedata")


def _keys(pipeline: Pipeline) -> Iterator[Finding]:
    """Their secrets: missing ones, and those that stand in the file for everybody to read."""
    for provider in pipeline.used_providers:
        values, place = pipeline.providers[provider.kind][provider.id], _place(provider)
        for key in providers.CREDENTIALS[provider.kind]:
            text = str(values.get(key, ""))
            unset = ", ".join(f"${{{name}}}" for name in references.missing(text, os.environ))
            if unset or not text:
                otherwise = WITHOUT_KEY.get(provider.kind, "its Functions will not reach it")
                reason = f"{unset} is not set in the environment" if unset else f"{provider.name} has no {key}"
                spot = pipeline.spot(f"{place}.{key}")
                yield warning(spot, "not-set" if unset else "no-key", f"{reason}: {otherwise}")
    for kind, ids in pipeline.providers.items():
        for name, values in ids.items():
            for key in sorted(keys.SECRETS & set(values)):
                if not references.REFERENCE.fullmatch(str(values[key])):
                    spot = pipeline.spot(f"storage_providers.{kind}.{name}.{key}")
                    yield warning(spot, "secret", f"{key} stands in the file; write ${{NAME}} and set NAME")


def _settings(pipeline: Pipeline) -> Iterator[Finding]:
    """What is told of a provider: hosts, URLs, names of Spaces."""
    for provider in pipeline.used_providers:
        for key, value in provider.settings.items():
            spot = pipeline.spot(f"{_place(provider)}.{key}")
            absent = list(references.missing(str(value), os.environ))
            for name in absent:
                yield warning(spot, "not-set", f"${{{name}}} is not set in the environment; a deploy needs it")
            fault = "" if references.REFERENCE.search(str(value)) else _fault(key, str(value))
            if fault:
                yield error(spot, "provider", f"{key} {value!r} {fault}", _host(value) if "host" in key else "")


def _fault(key: str, value: str) -> str:
    if key == "oneprovider_host" and not HOST.fullmatch(value):
        return "is no host; write it without https:// and without a path"
    if key == "hostname" and not HOST.fullmatch(value.partition("/")[0]):
        return "is no host; write it without https://"
    if key == "endpoint" and not re.fullmatch(r"https?://[^/\s]+/?", value):
        return "is no http or https URL"
    if key == "space" and ("/" in value or value in (".", "..")):
        return "cannot be the name of a Space"
    return ""


def _host(value: str) -> str:
    """The host in what looks like a URL; empty when there is none."""
    host = re.sub(r"^https?://", "", value).partition("/")[0]
    return host if HOST.fullmatch(host) and host != value else ""


def _paths(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        for path in function.paths:
            fault = _path_fault(path) if path.root else ""
            if fault:
                yield error(pipeline.spot(f"{path.place}.path"), "path", f"{path.path!r} {fault}")


def _path_fault(path: InputPath | OutputPath) -> str:
    parts = path.path.split("/") if path.path else []
    if {"", ".", ".."} & set(parts) or "\0" in path.path:
        return "has an empty name, . or .. in it"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f"has a name of more than {LONGEST_NAME} bytes in it"
    if len(path.path.encode()) > LONGEST_PATH:
        return f"has more than {LONGEST_PATH} bytes"
    if path.kind == "onedata" and parts and parts[0] == path.root:
        return f"begins with the Space, which stands in {path.provider} already; leave {path.root}/ out"
    return ""


def _untold(pipeline: Pipeline) -> Iterator[Finding]:
    """Inputs from which no events come by themselves."""
    for function in pipeline.functions:
        for source in function.inputs:
            if source.kind in ("minio", "webdav") or (source.kind == "s3" and source.id):
                spot = pipeline.spot(f"{source.place}.storage_provider")
                message = (
                    f"{source.provider} tells nobody of new files; {function.name} runs when it gets their events "
                    "by an Invoke or over HTTP"
                )
                yield warning(spot, "no-trigger", message)


def _variables(pipeline: Pipeline) -> Iterator[Finding]:
    """Names of variables that are ours, or that two providers would share."""
    taken: dict[str, Provider] = {}
    for provider in pipeline.used_providers:
        other = taken.setdefault(providers.variable(provider), provider)
        if other is not provider:
            message = (
                f"{provider.id!r} and {other.id!r} differ too little: both would be {providers.variable(other)}"
            )
            yield error(pipeline.spot(_place(provider)), "provider", message)
    for function in pipeline.functions:
        own, job = f"{function.place}.lambda.environment", f"{function.place}.batch.environment"
        for place, variables in ((own, function.environment), (job, function.batch.variables)):
            for name in sorted(set(variables) & set(map(providers.variable, function.providers))):
                spot = pipeline.spot(f"{place}.Variables.{name}")
                yield error(spot, "reserved", f"the variable {name} is reserved")


def _watchers(pipeline: Pipeline) -> Iterator[Finding]:
    """OneTrigger: its Functions' names, and files that it would report twice."""
    taken = {function.name.lower() for function in pipeline.functions}
    for function in pipeline.functions:
        for number in range(1, len(function.watched) + 1):
            name, spot = names.onetrigger(function.name, number), pipeline.spot(f"{function.place}.lambda.name")
            if len(name) > LONGEST_FUNCTION:
                longest = LONGEST_FUNCTION - len(name) + len(function.name)
                message = f"{function.name} is too long for an Onedata input: {name} watches for it, so {longest} "
                yield error(spot, "length", f"{message}characters are allowed")
            if name.lower() in taken:
                yield error(spot, "same-name", f"{name} is the name of what watches for {function.name}")
        for one, other in combinations(function.watched, 2):
            if one.meets(other):
                message = f"{other.path!r} meets {one.path!r}: {function.name} would get the same file twice"
                yield error(pipeline.spot(f"{other.place}.path"), "overlap", message)


def _place(provider: Provider) -> str:
    return f"storage_providers.{provider.name}"


JUDGES: tuple[Callable[[Pipeline], Iterator[Finding]], ...] = (
    _defined,
    _unused,
    _keys,
    _settings,
    _paths,
    _untold,
    _variables,
    _watchers,
)
