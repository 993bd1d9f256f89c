"""Brings one Item to the disk: which provider it comes from, whether it is ours to process, the transfer."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hfaas_supervisor.errors import InputNotDeclared, Loop
from hfaas_supervisor.events import Item
from hfaas_supervisor.job import Input, Job
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.outputs import takes
from hfaas_supervisor.stores import Place, Store, Stores, place
from hfaas_supervisor.stores.local import Staging, stage

OWNER = "hfaas-function"
REQUEST = "hfaas-request-id"
DCACHE = "webdav.dcache"
ELSEWHERE = "let its output go to a folder that is none of its inputs"


def located(items: Sequence[Item], job: Job) -> tuple[Item, ...]:
    """Give the Objects of dCache, whose Events hold only a file's name, the folder of input `webdav.dcache`."""
    if not any(item.storage == "webdav" for item in items):
        return tuple(items)
    folder = next((entry.path.strip("/") for entry in job.inputs if entry.provider == DCACHE), None)
    if folder is None:
        raise InputNotDeclared(f"this is an Event of dCache, and {job.name} has no input {DCACHE}")
    key = f"{folder}/" if folder else ""
    return tuple(item._replace(key=f"{key}{item.key}") if item.storage == "webdav" else item for item in items)


def store(item: Item, declared: Place | None, job: Job, stores: Stores) -> Store | None:
    """Return where an Object comes from: the declared input's provider, else the one the Event names, else the role."""
    if not item.storage:
        return None
    provider = declared.id if declared else item.provider or _owner(item, job)
    return stores.of(item.storage, "" if provider == "default" else provider, item.bucket)


def _owner(item: Item, job: Job) -> str:
    """Return the provider whose Space an Object is in, where neither an input nor the Event names one."""
    if item.storage != "onedata":
        return ""
    for name, known in job.storage_providers.get("onedata", {}).items():
        if _is_same(item.bucket, str(known.get("space"))):
            return name
    raise InputNotDeclared(
        f"{item.place} is in the space {item.bucket}, which no storage provider of {job.name} has"
    )


def fetch(item: Item, store: Store | None, path: str, limits: Limits, job: Job) -> None:
    """Write an Item's content to `path`; Loop when the Function itself wrote it."""
    if store is None:
        stage(item.content or b"", path)
        return
    if not store.keeps_metadata:
        _refuse_own(item, job)
    with Staging(path, item.place) as staging:
        if item.size is not None:
            staging.reserve(item.size)
        metadata = store.fetch(item.key, staging, limits)
    if metadata.get(OWNER) == job.name:
        os.unlink(path)
        raise Loop(
            f"{item.place} was written by {job.name} itself (request {metadata.get(REQUEST, 'unknown')}); {ELSEWHERE}"
        )


def _refuse_own(item: Item, job: Job) -> None:
    """Raise Loop for an Object where this very Function puts results, in a storage that does not tell who wrote it."""
    for output in job.outputs:
        target = place(job, output.provider, output.path)
        if target.kind != item.storage or not _is_same(item.bucket, target.bucket):
            continue
        name = item.key.removeprefix(f"{target.folder}/" if target.folder else "")
        if _below(item.key, target.folder) and takes(output, name) and not _is_above(target, item, job):
            raise Loop(f"{item.place} is where {job.name} writes its own results; {ELSEWHERE}")


def _is_above(target: Place, item: Item, job: Job) -> bool:
    """Tell whether the results' folder only contains the input's: what is deeper is not flatly written there."""
    source = declared(item, job)
    return source is not None and len(source.folder) > len(target.folder)


def declared(item: Item, job: Job) -> Place | None:
    """Return the declared input an Object belongs to; None when nothing of that storage type is declared."""
    if not item.storage:
        return None
    places = [place(job, entry.provider, entry.path) for entry in job.inputs if _kind(entry) == item.storage]
    if not places:
        return None
    fitting = [entry for entry in places if _is_same(item.bucket, entry.bucket) and _below(item.key, entry.folder)]
    if not fitting:
        known = ", ".join(f"{entry.bucket}/{entry.folder}".strip("/") for entry in places)
        raise InputNotDeclared(f"{item.place} is in none of the inputs of {job.name}: {known}")
    return max(fitting, key=lambda entry: (len(entry.folder), entry.id == item.provider))


def check(items: Sequence[Item], job: Job) -> None:
    """Raise when none of the Items is one to process."""
    refused = []
    for item in items:
        try:
            declared(item, job)
        except InputNotDeclared as error:
            refused.append(error)
    if refused and len(refused) == len(items):
        raise refused[0]


def subfolder(item: Item, source: Place | None) -> str:
    """Return the folder of an Object below its declared input, for layout `mirror`."""
    folder = item.key.rpartition("/")[0]
    if source is not None and source.folder:
        folder = folder.removeprefix(source.folder).strip("/")
    return folder


def _kind(entry: Input) -> str:
    return entry.provider.partition(".")[0]


def _is_same(found: str, known: str) -> bool:
    """Compare buckets; a Space may be called `name@id`, here or there."""
    return known in (found, found.partition("@")[0]) or found == known.partition("@")[0]


def _below(key: str, folder: str) -> bool:
    return not folder or key.startswith(f"{folder}/")
