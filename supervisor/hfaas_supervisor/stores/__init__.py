"""Where Objects come from and results go to: one Store for each provider and bucket, kept while we live."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.job import Job
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores.local import Source, Staging


class Store(Protocol):
    """One bucket or space; every method raises HfaasError with the Object's URL in its message."""

    keeps_metadata: bool

    def fetch(self, key: str, staging: Staging, limits: Limits) -> Mapping[str, str]:
        """Stream an Object into `staging` and return its metadata."""

    def send(self, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:
        """Upload something under a key; metadata is lost where the storage keeps none."""

    def url(self, key: str) -> str:
        """Return how messages call an Object."""


NEEDS: Mapping[str, tuple[str, ...]] = {
    "s3": (),
    "minio": ("access_key", "secret_key"),
    "onedata": ("space", "oneprovider_host", "token"),
    "webdav": ("hostname", "login", "password"),
}
"""The types of storage, and the keys without which a provider is of no use."""

HOSTS = {"minio": "endpoint", "onedata": "oneprovider_host", "webdav": "hostname"}
NEVER_SECRET = ("space",)


class Place(NamedTuple):
    """A provider (type and id) and the bucket in it; a Space is a bucket, a WebDAV server has a single one, ""."""

    kind: str
    id: str
    bucket: str
    folder: str


class Provider(NamedTuple):
    """A provider and all that is known of it; `settings` is empty for S3 by the role."""

    kind: str
    id: str
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return how messages call it."""
        return f"{self.kind}.{self.id or 'default'}"

    def text(self, key: str, default: str = "") -> str:
        """Return one of its settings."""
        return str(self.settings.get(key) or default)


def place(job: Job, provider: str, path: str) -> Place:
    """Read `type[.id]` and the path in it; `type` alone is `type.default`.

    The path is `bucket[/folder]`, but for Onedata a folder in the provider's Space and for WebDAV one on the server.
    """
    kind, _, name = provider.partition(".")
    name = "" if name == "default" else name
    if kind == "onedata":
        return Place(kind, name, str(declared(job, kind, name).get("space", "")), path.strip("/"))
    if kind == "webdav":
        return Place(kind, name, "", path.strip("/"))
    bucket, _, folder = path.strip("/").partition("/")
    return Place(kind, name, bucket, folder.strip("/"))


def declared(job: Job, kind: str, id: str) -> Mapping[str, Any]:
    """Return what the job document says of a provider; ConfigError when it says nothing."""
    found = job.storage_providers.get(kind, {}).get(id or "default")
    if found is None:
        raise ConfigError(f"storage provider {kind}.{id or 'default'} is used but not defined in storage_providers")
    return found


def secret_variable(kind: str, id: str) -> str:
    """Return the name of the variable with the ARN of a provider's secret."""
    return f"{kind}_SECRET_{id or 'default'}".upper().replace("-", "_")


def check(job: Job) -> None:
    """Refuse providers we do not know or that are not defined completely, before anything runs."""
    for what, provider in [("input", entry.provider) for entry in job.inputs] + [
        ("output", entry.provider) for entry in job.outputs
    ]:
        kind, _, name = provider.partition(".")
        if kind not in NEEDS:
            raise ConfigError(
                f"{what} {provider}: storage of type {kind!r} is not known; there are {', '.join(NEEDS)}"
            )
        if kind == "s3" and name in ("", "default"):
            continue
        known = job.storage_providers.get(kind, {}).get(name or "default")
        if known is None:
            raise ConfigError(f"{what} {provider}: {provider} is not defined in storage_providers")
        _check_keys(kind, name, known)


def _check_keys(kind: str, id: str, known: Mapping[str, Any]) -> None:
    variable = secret_variable(kind, id)
    elsewhere = (HOSTS.get(kind),) if f"HFAAS_ENDPOINT_{kind.upper()}" in os.environ else ()
    for key in NEEDS[kind]:
        may_be_secret = key not in NEVER_SECRET and os.environ.get(variable)
        if not known.get(key) and not may_be_secret and key not in elsewhere:
            hint = "" if key in NEVER_SECRET else f" and {variable} names no secret that could hold it"
            raise ConfigError(f"storage_providers.{kind}.{id or 'default'} has no {key}{hint}")


class Stores:
    """Makes Stores and keeps them: their connections stay warm from one invocation to the next."""

    def __init__(self, job: Job, leg: str) -> None:
        self._job = job
        self._leg = leg
        self._stores: dict[tuple[str, str, str], Store] = {}
        self._providers: dict[tuple[str, str], Provider] = {}

    def of(self, kind: str, id: str, bucket: str) -> Store:
        """Return the Store of a bucket; ConfigError when its provider is not declared."""
        key = (kind, id, bucket)
        if key not in self._stores:
            self._stores[key] = self._open(kind, id, bucket)
        return self._stores[key]

    def forget(self) -> None:
        """Ask for secrets again the next time: a storage did not accept what they said."""
        self._stores.clear()
        self._providers.clear()

    def _open(self, kind: str, id: str, bucket: str) -> Store:
        # each is imported late: a Function loads no client that it does not use
        if kind in ("s3", "minio"):
            from hfaas_supervisor.stores import s3

            return s3.connect(self._job, self._leg, self._provider(kind, id), bucket)
        if kind == "onedata":
            from hfaas_supervisor.stores import onedata

            return onedata.connect(self._provider(kind, id), bucket)
        if kind == "webdav":
            from hfaas_supervisor.stores import webdav

            return webdav.connect(self._provider(kind, id))
        raise ConfigError(f"storage of type {kind!r} is not known; there are {', '.join(NEEDS)}")

    def _provider(self, kind: str, id: str) -> Provider:
        if (kind, id) not in self._providers:
            self._providers[kind, id] = self._learn(kind, id)
        return self._providers[kind, id]

    def _learn(self, kind: str, id: str) -> Provider:
        if kind == "s3" and not id:
            return Provider(kind, id, {})
        known = declared(self._job, kind, id)
        from hfaas_supervisor import secrets_manager  # late: most Functions have no keys of their own

        settings = {**known, **secrets_manager.read(secret_variable(kind, id))}
        if host := os.environ.get(f"HFAAS_ENDPOINT_{kind.upper()}"):
            settings[HOSTS[kind]] = host
        return Provider(kind, id, settings)


def region(job: Job, bucket: str) -> str:
    """Return the region of a bucket of ours."""
    return (
        job.buckets.get(bucket)
        or job.region
        or os.environ.get("AWS_REGION")
        or os.environ.get("AWS_DEFAULT_REGION")
        or "us-east-1"
    )
