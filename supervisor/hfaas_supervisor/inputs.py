"""Brings one Item to the disk: which provider it comes from, whether it is ours to process, the transfer."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hfaas_supervisor.errors import InputNotDeclared, Loop
from hfaas_supervisor.events import Item
from hfaas_supervisor.job import Job
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Place, Store, Stores, place
from hfaas_supervisor.stores.local import Staging, stage

OWNER = "hfaas-function"
REQUEST = "hfaas-request-id"


def store(item: Item, declared: Place | None, stores: Stores) -> Store | None:
    """Return where an Object comes from: the declared input's provider, else the one the Event names, else the role."""
    if not item.storage:
        return None
    provider = declared.id if declared else item.provider
    return stores.of(item.storage, "" if provider == "default" else provider, item.bucket)


def fetch(item: Item, store: Store | None, path: str, limits: Limits, function: str) -> None:
    """Write an Item's content to `path`; Loop when `function` itself wrote it."""
    if store is None:
        stage(item.content or b"", path)
        return
    with Staging(path, item.place) as staging:
        if item.size is not None:
            staging.reserve(item.size)
        metadata = store.fetch(item.key, staging, limits)
    if metadata.get(OWNER) == function:
        os.unlink(path)
        raise Loop(
            f"{item.place} was written by {function} itself (request {metadata.get(REQUEST, 'unknown')}); "
            "let its output go to a folder that is none of its inputs"
        )


def declared(item: Item, job: Job) -> Place | None:
    """Return the declared input an Object belongs to; None when nothing of that storage type is declared."""
    places = [place(entry.provider, entry.path) for entry in job.inputs]
    places = [entry for entry in places if entry.kind == item.storage]
    if not item.storage or not places:
        return None
    fitting = [entry for entry in places if entry.bucket == item.bucket and _below(item.key, entry.folder)]
    if not fitting:
        known = ", ".join(f"{entry.bucket}/{entry.folder}".rstrip("/") for entry in places)
        raise InputNotDeclared(f"{item.place} is in none of the inputs of {job.name}: {known}")
    return max(fitting, key=lambda entry: len(entry.folder))


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


def _below(key: str, folder: str) -> bool:
    return not folder or key.startswith(f"{folder}/")
