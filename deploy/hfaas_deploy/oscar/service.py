"""A service as a cluster gets it: the JSON that it is told of, made from the pipeline file.

Services of `functions.oscar` go as they are written. Where a file has none, the Functions of `functions.aws` are
translated, and what has no meaning on a cluster is said. Values of `${NAME}` are filled in here,
at the last moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_deploy import providers, references, secret_variables
from hfaas_deploy.checks import services
from hfaas_deploy.errors import FdlError, MissingVariable
from hfaas_deploy.findings import Finding, error, in_order, warning
from hfaas_deploy.oscar import translation
from hfaas_deploy.pipeline import Function, InputPath, Mode, OutputPath, Pipeline, Service, StorePath

MARK = "hfaas/stack"
"""The annotation that says to which pipeline a service belongs."""

NUMBERS = frozenset({"api_port", "nodePort"})
CREDENTIALS: Mapping[str, tuple[str, ...]] = {**providers.CREDENTIALS, "rucio": ("refresh_token",)}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "minio": {"endpoint": "http://minio-service.minio:9000", "region": "us-east-1", "verify": True},
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One service, ready to be sent; its JSON holds secrets."""

    name: str
    place: str
    wire: Mapping[str, Any] = field(repr=False)

    @property
    def buckets(self) -> tuple[str, ...]:
        """The buckets of the cluster's own storage that come and go with it."""
        return own_buckets(self.wire)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All services of a pipeline for one cluster, and what is to be said about them."""

    services: tuple[Definition, ...]
    warnings: tuple[Finding, ...] = ()


def define(pipeline: Pipeline, cluster: str, environ: Mapping[str, str]) -> Definitions:
    """The services for a cluster; FdlError where one cannot be, MissingVariable where a `${NAME}` is not set."""
    written = [service for service in pipeline.services if not cluster or service.cluster.id == cluster]
    if pipeline.services:
        findings = list(_left_to_aws(pipeline))
        drafts = [_Draft.written(service) for service in written]
    else:
        findings = [finding for function in pipeline.functions for finding in translation.judge(pipeline, function)]
        findings += translation.shared_buckets(pipeline)
        drafts = [_Draft.translated(function) for function in pipeline.functions]
    findings += [finding for draft in drafts for finding in _keys(pipeline, draft)]
    if not drafts:
        message = (
            f"nothing in this file is for the cluster {cluster}"
            if cluster
            else "nothing in this file is for a cluster"
        )
        findings.append(error(pipeline.spot("functions"), "empty", message))
    if any(finding.is_error for finding in findings):
        raise FdlError(in_order(findings))
    _all_set(pipeline, drafts, environ)
    made = tuple(_definition(pipeline, draft, cluster, environ) for draft in drafts)
    return Definitions(made, tuple(in_order(findings)))


def own_buckets(wire: Mapping[str, Any]) -> tuple[str, ...]:
    """The buckets of the cluster's own storage that a service names, as far as its JSON can be believed."""
    name = str(wire.get("name") or "")
    entries = [entry for way in ("input", "output") for entry in wire.get(way) or () if isinstance(entry, dict)]
    paths = [
        str(entry.get("path") or "").strip(" /")
        for entry in entries
        if str(entry.get("storage_provider") or "").lower() in ("minio", "minio.default")
    ]
    return tuple(sorted({path.partition("/")[0] if "/" in path else name for path in paths if path}))


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a service is to be, before secrets are filled in."""

    name: str
    place: str
    script: str
    image: str
    told: Mapping[str, Any]
    variables: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    inputs: tuple[InputPath, ...] = ()
    outputs: tuple[OutputPath, ...] = ()
    mounts: tuple[StorePath, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def written(cls, service: Service) -> _Draft:
        return cls(
            name=service.name,
            place=service.place,
            script=str(service.script or ""),
            image=service.image,
            told=_told(service),
            variables=service.variables,
            secrets=service.secrets,
            inputs=service.inputs,
            outputs=service.outputs,
            mounts=tuple(path for _, path in services.mounted(service)),
            more=service.more,
        )

    @classmethod
    def translated(cls, function: Function) -> _Draft:
        variables, secrets = _variables(function)
        return cls(
            name=function.name,
            place=f"{function.place}.lambda",
            script=str(function.init_script or ""),
            image=function.image,
            told=_translated(function),
            variables=variables,
            secrets=secrets,
            inputs=tuple(path for path in function.inputs if translation.is_taken(path)),
            outputs=function.outputs,
        )

    @property
    def paths(self) -> tuple[StorePath, ...]:
        """Every storage that it needs keys for."""
        return tuple(path for path in (*self.inputs, *self.outputs, *self.mounts) if not _is_own(path))


def _told(service: Service) -> dict[str, Any]:
    return {
        "memory": service.memory,
        "cpu": service.cpu,
        "log_level": service.log_level,
        "alpine": service.alpine,
        "file_stage_in": service.file_stage_in,
        "enable_gpu": service.gpu,
    }


def _translated(function: Function) -> dict[str, Any]:
    batch = function.batch
    memory = {Mode.LAMBDA: function.memory, Mode.BATCH: batch.memory}.get(
        function.mode, max(function.memory, batch.memory)
    )
    return {
        "memory": f"{memory}Mi",
        "cpu": f"{batch.vcpus:g}" if function.has_jobs else "1",
        "log_level": function.log_level,
        "alpine": function.alpine,
        "file_stage_in": function.file_stage_in,
        "enable_gpu": function.has_jobs and batch.gpu,
    }


def _variables(function: Function) -> tuple[dict[str, str], dict[str, str]]:
    """The variables of all legs, of which a cluster has one: plain ones, and those that are secrets."""
    jobs = function.batch.variables if function.has_jobs else {}
    everything = {**function.environment, **jobs, **function.variables}
    hidden = {name for name in everything if secret_variables.NAME.fullmatch(name) and name not in function.plain}
    plain = {name: text for name, text in everything.items() if name not in hidden}
    return plain, {name: text for name, text in everything.items() if name in hidden}


def _left_to_aws(pipeline: Pipeline) -> Iterator[Finding]:
    if pipeline.functions:
        names = ", ".join(function.name for function in pipeline.functions)
        message = f"{names} stay with AWS: functions.oscar says what goes to a cluster"
        yield warning(pipeline.spot("functions.aws"), "left", message)


def _keys(pipeline: Pipeline, draft: _Draft) -> Iterator[Finding]:
    """Keys of storages that are missing in the file."""
    for path in draft.paths:
        known = pipeline.providers.get(path.kind, {}).get(path.id)
        if known is None:
            continue  # said by the checks
        for key in CREDENTIALS.get(path.kind, ()):
            if not known.get(key) and not (key == "refresh_token" and known.get("access_token")):
                spot = pipeline.spot(f"storage_providers.{path.kind}.{path.id}.{key}")
                yield error(
                    spot, "no-key", f"{path.kind}.{path.id} has no {key}, which {draft.name} needs on a cluster"
                )


def _all_set(pipeline: Pipeline, drafts: Iterable[_Draft], environ: Mapping[str, str]) -> None:
    texts = [text for draft in drafts for text in (draft.image, *draft.variables.values(), *draft.secrets.values())]
    for draft in drafts:
        for path in draft.paths:
            settings = pipeline.providers.get(path.kind, {}).get(path.id, {})
            texts += [value for value in settings.values() if isinstance(value, str)]
    if absent := sorted({name for text in texts for name in references.missing(text, environ)}):
        raise MissingVariable(f"not set in the environment: {', '.join(absent)}", f"export {absent[0]}=...")


def _definition(pipeline: Pipeline, draft: _Draft, cluster: str, environ: Mapping[str, str]) -> Definition:
    more = {name: _plain(name, value) for name, value in draft.more.items()}
    wire = {
        "name": draft.name,
        "cluster_id": cluster,
        "image": references.fill(draft.image, environ),
        "script": _script(pipeline, draft),
        **draft.told,
        "environment": {
            "variables": {name: references.fill(text, environ) for name, text in draft.variables.items()},
            "secrets": {name: references.fill(text, environ) for name, text in draft.secrets.items()},
        },
        "input": [_entry(path, path.prefixes, path.suffix) for path in draft.inputs],
        "output": [_entry(path, path.prefix, path.suffix) for path in draft.outputs],
        "storage_providers": _providers(pipeline, draft, environ),
        **more,
        "annotations": {**more.get("annotations", {}), MARK: pipeline.stack},
    }
    return Definition(draft.name, draft.place, wire)


def _script(pipeline: Pipeline, draft: _Draft) -> str:
    """The content of the script; the checks have seen that it is text."""
    if fault := services.script_fault(draft.script):
        raise FdlError([error(pipeline.spot(draft.place), "file", f"script {fault}")])
    with open(draft.script, encoding="utf-8", newline="") as file:
        return file.read().replace("\r\n", "\n")


def _entry(path: StorePath, prefix: Iterable[str], suffix: Iterable[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"storage_provider": _provider_name(path), "path": path.path.strip("/")}
    lists = {"prefix": list(prefix), "suffix": list(suffix)}
    return {**entry, **{name: texts for name, texts in lists.items() if texts}}


def _provider_name(path: StorePath) -> str:
    if _is_own(path):
        return "minio.default"
    return f"{path.kind}.{path.id}"


def _is_own(path: StorePath) -> bool:
    """Say whether a path is in the cluster's own storage; a Function's role of AWS has its buckets there."""
    return services.is_own(path) or path.provider == "s3"


def _providers(
    pipeline: Pipeline, draft: _Draft, environ: Mapping[str, str]
) -> dict[str, dict[str, dict[str, Any]]]:
    used: dict[str, dict[str, dict[str, Any]]] = {}
    for path in draft.paths:
        known = pipeline.providers.get(path.kind, {}).get(path.id, {})
        filled = {key: references.fill(v, environ) if isinstance(v, str) else v for key, v in known.items()}
        used.setdefault(path.kind, {})[path.id] = {**_defaults(pipeline, path.kind), **filled}
    return used


def _defaults(pipeline: Pipeline, kind: str) -> Mapping[str, Any]:
    return {"region": pipeline.region} if kind == "s3" else DEFAULTS.get(kind, {})


def _plain(name: str, value: Any) -> Any:
    """A value as the cluster's JSON wants it: numbers of ports are numbers."""
    if isinstance(value, dict):
        return {key: _plain(key, one) for key, one in value.items()}
    if isinstance(value, list) and name in NUMBERS:
        return [int(one) for one in value if re.fullmatch(r"[0-9]+", one)]
    return [_plain("", one) for one in value] if isinstance(value, list) else value
