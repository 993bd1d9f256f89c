"""What there is to say about the services of OSCAR clusters: names, scripts, quantities, storage, clusters."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from hfaas_deploy import quantities, references
from hfaas_deploy.findings import Finding, error, warning
from hfaas_deploy.pipeline import Cluster, Pipeline, Service, StorePath

NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
"""A name as Kubernetes takes it for what serves."""

LONGEST_NAME = 39
LARGEST_SCRIPT = 900_000
"""Bytes; a cluster keeps a service in one ConfigMap, and those end at 1 MiB."""

OUTPUTS = ("minio", "s3", "onedata", "webdav", "rucio")
INPUTS = ("minio", "webdav", "rucio")
"""What a cluster (4.1.2) takes; it refuses a service with any other input."""

LEAST_MEMORY = 4 * 1024 * 1024
ELSEWHERE = "oscar"
"""The code of the finding that services are not for AWS and its emulator."""


def judge(pipeline: Pipeline) -> Iterator[Finding]:
    """Everything there is to say about the pipeline's services and clusters."""
    for one in JUDGES:
        yield from one(pipeline)


def _place(pipeline: Pipeline) -> Iterator[Finding]:
    if pipeline.services:
        message = "functions.oscar is for --target oscar; a deploy and AWS pass over it"
        yield warning(pipeline.spot("functions.oscar"), ELSEWHERE, message)


def _names(pipeline: Pipeline) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for service in pipeline.services:
        spot = pipeline.spot(f"{service.place}.name")
        if service.name and (fault := name_fault(service.name)):
            yield error(spot, "name", f"{service.name!r} {fault}")
        if (service.cluster.id, service.name) in seen:
            yield error(
                spot, "same-name", f"a service {service.name!r} of {service.cluster.id} is already in this file"
            )
        seen.add((service.cluster.id, service.name))


def name_fault(name: str) -> str:
    """Why a cluster would not take the name; empty when it does."""
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters; a service has at most {LONGEST_NAME}"
    return (
        ""
        if NAME.fullmatch(name)
        else "cannot name a service: lower-case letters, digits and hyphens, a letter first"
    )


def _scripts(pipeline: Pipeline) -> Iterator[Finding]:
    for service in pipeline.services:
        if service.script and (fault := script_fault(str(service.script))):
            yield error(pipeline.spot(f"{service.place}.script"), "file", f"script {fault}")


def script_fault(path: str) -> str:
    """Why a cluster cannot have the script; empty when it can."""
    shown = min(os.path.relpath(path), path, key=len)
    if os.path.isdir(path):
        return f"{shown} is a folder, not a file"
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_SCRIPT + 1)
    except FileNotFoundError:
        return f"{shown} does not exist"
    except OSError as fault:
        return f"{shown} cannot be read: {(fault.strerror or str(fault)).lower()}"
    if len(content) > LARGEST_SCRIPT:
        return f"{shown} has more than {LARGEST_SCRIPT} bytes; put it into the image"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"{shown} is no UTF-8 text; put programs into the image"
    return "" if text.strip() else f"{shown} is empty; a cluster refuses that"


def _quantities(pipeline: Pipeline) -> Iterator[Finding]:
    for service in pipeline.services:
        told = {
            name: str(service.more.get(name, ""))
            for name in ("total_memory", "total_cpu", "ephemeral_storage_request")
        }
        for name, text in {"memory": service.memory, "cpu": service.cpu, **told}.items():
            spot = pipeline.spot(f"{service.place}.{name}")
            amount = quantities.amount(text) if text else None
            if text and not amount:
                near = re.sub(r"(?i)([kmgtpe])i?b$", lambda unit: f"{unit[1].upper()}i", text)
                fix = near if near != text and quantities.amount(near) else ""
                hint = f"; did you mean {fix!r}?" if fix else ", such as 512Mi or 0.5"
                yield error(spot, "quantity", f"{name} {text!r} is no quantity of Kubernetes{hint}", fix)
            elif amount and name == "memory" and amount < LEAST_MEMORY:
                fix = f"{text.rstrip('m')}Mi"
                yield error(spot, "quantity", f"memory {text!r} are {amount} bytes; did you mean {fix!r}?", fix)


def _storage(pipeline: Pipeline) -> Iterator[Finding]:
    for service in pipeline.services:
        for path in service.paths:
            if path.kind:
                yield from _provider(pipeline, path, is_input=path in service.inputs)
        for place, mount in mounted(service):
            yield from _provider(pipeline, mount, place=place)


def mounted(service: Service) -> Iterator[tuple[str, StorePath]]:
    """The storage that a service mounts, with its place in the file."""
    asked = service.more.get("mount", {})
    if asked.get("storage_provider"):
        yield f"{service.place}.mount", StorePath(asked["storage_provider"], asked.get("path", ""))


def _provider(pipeline: Pipeline, path: StorePath, *, is_input: bool = False, place: str = "") -> Iterator[Finding]:
    place = place or str(getattr(path, "place", ""))
    spot = pipeline.spot(f"{place}.storage_provider")
    allowed = INPUTS if is_input else OUTPUTS
    if path.kind not in allowed:
        what = "an input" if is_input else "a storage"
        yield error(spot, "provider", f"{path.provider!r} cannot be {what} of a service: {', '.join(allowed)} can")
    elif path.provider == "s3":
        yield error(
            spot, "provider", "a service has no role of AWS; write s3.<id> and add storage_providers.s3.<id>"
        )
    elif not is_own(path) and path.id not in pipeline.providers.get(path.kind, {}):
        wanted = f"storage_providers.{path.kind}.{path.id if '.' in path.provider else '<id>'}"
        yield error(spot, "provider", f"storage_provider {path.provider!r} is not defined; add {wanted}")
    elif path.kind in ("minio", "s3") and "/" not in path.path:
        message = (
            f"a cluster takes {path.path!r} for a folder of the bucket named like the service; write bucket/folder"
        )
        yield warning(pipeline.spot(f"{place}.path"), "path", message)


def is_own(path: StorePath) -> bool:
    """Say whether a path is in the storage that a cluster brings along."""
    return (path.kind, path.id) == ("minio", "default")


def _shared(pipeline: Pipeline) -> Iterator[Finding]:
    owners: dict[tuple[str, str], Service] = {}
    for service in pipeline.services:
        for path in filter(is_own, service.paths):
            bucket = path.bucket if "/" in path.path else service.name
            other = owners.setdefault((service.cluster.id, bucket), service)
            if other is not service:
                yield warning(pipeline.spot(f"{path.place}.path"), "shared-bucket", shared(bucket, other.name))


def shared(bucket: str, other: str) -> str:
    """What is to be known of a bucket that another service has, too."""
    return (
        f"the bucket {bucket!r} belongs to {other}, too: OSCAR 4.1.2 makes a bucket with the service and refuses one "
        "that is there, and deletes it with either of them"
    )


def _variables(pipeline: Pipeline) -> Iterator[Finding]:
    for service in pipeline.services:
        own = f"{service.place}.environment"
        texts = {f"{own}.Variables.{name}": text for name, text in service.variables.items()}
        texts |= {f"{own}.secrets.{name}": text for name, text in service.secrets.items()}
        for place, text in {f"{service.place}.image": service.image, **texts}.items():
            for name in references.missing(text, os.environ):
                message = f"${{{name}}} is not set in the environment; a promotion to a cluster needs it"
                yield warning(pipeline.spot(place), "not-set", message)
        for name, text in service.secrets.items():
            if text and not references.REFERENCE.search(text):
                message = f"{name} stands in the file; write ${{NAME}} and set NAME"
                yield warning(pipeline.spot(f"{own}.secrets.{name}"), "secret", message)


def _clusters(pipeline: Pipeline) -> Iterator[Finding]:
    for cluster in (*pipeline.clusters, *(service.cluster for service in pipeline.services)):
        plain = cluster.endpoint and not references.REFERENCE.search(cluster.endpoint)
        if plain and (fault := endpoint_fault(cluster)):
            yield error(pipeline.spot(f"{cluster.place}.endpoint"), "cluster", f"{cluster.endpoint!r} {fault}")
        if cluster.password and not references.REFERENCE.fullmatch(cluster.password):
            message = "auth_password stands in the file; write ${NAME} and set NAME"
            yield warning(pipeline.spot(f"{cluster.place}.auth_password"), "secret", message)


def endpoint_fault(cluster: Cluster) -> str:
    """Why the URL cannot be a cluster's; empty when it can."""
    try:
        parts = urlsplit(cluster.endpoint)
        _ = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no URL; it looks like https://oscar.example.org"
    if parts.username is not None or parts.password is not None:
        return "has a user in it; write auth_user and auth_password"
    return "has more than a host and a path" if parts.query or parts.fragment else ""


JUDGES: tuple[Callable[[Pipeline], Iterator[Finding]], ...] = (
    _place,
    _names,
    _scripts,
    _quantities,
    _storage,
    _shared,
    _variables,
    _clusters,
)
