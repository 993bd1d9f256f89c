"""Where Objects come from and results go to: one Store for each provider and bucket, kept while we live."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.job import Job
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores.local import Source, Staging


class Store(Protocol):
    """One bucket or space; every method raises HfaasError with the Object's URL in its message."""

    def fetch(self, key: str, staging: Staging, limits: Limits) -> Mapping[str, str]:
        """Stream an Object into `staging` and return its metadata."""

    def send(self, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:
        """Upload something under a key."""

    def url(self, key: str) -> str:
        """Return how messages call an Object."""


KINDS = ("s3",)


class Place(NamedTuple):
    """A provider (type and id) and the bucket in it, as the job document writes them."""

    kind: str
    id: str
    bucket: str
    folder: str


def place(provider: str, path: str) -> Place:
    """Split `type[.id]` and `bucket[/folder]`; `type` alone is `type.default`."""
    kind, _, name = provider.partition(".")
    bucket, _, folder = path.strip("/").partition("/")
    return Place(kind, "" if name == "default" else name, bucket, folder.strip("/"))


def check(job: Job) -> None:
    """Refuse providers we do not know or that are not defined, before anything runs."""
    for what, provider in [("input", entry.provider) for entry in job.inputs] + [
        ("output", entry.provider) for entry in job.outputs
    ]:
        kind, _, name = provider.partition(".")
        if kind not in KINDS:
            raise ConfigError(
                f"{what} {provider}: storage of type {kind!r} is not part of this version; it knows s3"
            )
        if name not in ("", "default") and name not in job.storage_providers.get(kind, {}):
            raise ConfigError(f"{what} {provider}: {provider} is not defined in storage_providers")


class Stores:
    """Makes Stores and keeps them: their connections stay warm from one invocation to the next."""

    def __init__(self, job: Job, leg: str) -> None:
        self._job = job
        self._leg = leg
        self._stores: dict[tuple[str, str, str], Store] = {}

    def of(self, kind: str, id: str, bucket: str) -> Store:
        """Return the Store of a bucket; ConfigError when its provider is not declared."""
        key = (kind, id, bucket)
        if key not in self._stores:
            self._stores[key] = self._open(kind)(self._job, self._leg, id, bucket)
        return self._stores[key]

    def _open(self, kind: str) -> Callable[[Job, str, str, str], Store]:
        if kind == "s3":
            from hfaas_supervisor.stores import s3  # late: a Function without S3 shall not load obstore

            return s3.connect
        raise ConfigError(f"storage of type {kind!r} is not part of this version; it knows s3")


def region(job: Job, bucket: str) -> str:
    """Return the region of a bucket of ours."""
    return (
        job.buckets.get(bucket)
        or job.region
        or os.environ.get("AWS_REGION")
        or os.environ.get("AWS_DEFAULT_REGION")
        or "us-east-1"
    )
