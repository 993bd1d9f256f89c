"""Storages that a Function reaches with keys of their own: which keys are secrets, and what may be told of the rest.

What may be told travels in FUNCTION_CONFIG. The secrets of one provider are one secret of Secrets Manager, whose ARN
the Function finds in `<TYPE>_SECRET_<ID>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hfaas_deploy.pipeline import Provider, StorePath
from hfaas_supervisor.stores import secret_variable

CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "s3": ("access_key", "secret_key"),
    "minio": ("access_key", "secret_key"),
    "onedata": ("token",),
    "webdav": ("login", "password"),
}
"""The types of storage that Functions of AWS can use, and what a secret of each holds."""

ROOTS: Mapping[str, str] = {"onedata": "space", "webdav": "hostname"}
"""The setting that says where paths begin which do not begin with a bucket."""

Defined = Mapping[str, Mapping[str, Mapping[str, Any]]]


def used(paths: Iterable[StorePath], defined: Defined) -> tuple[Provider, ...]:
    """The providers with keys of their own that paths name and that are defined, each once."""
    wanted = sorted({(path.kind, path.id) for path in paths if path.id and path.kind in CREDENTIALS})
    return tuple(
        Provider(kind, name, public(kind, defined[kind][name]))
        for kind, name in wanted
        if name in defined.get(kind, {})
    )


def public(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What may be told of a provider; a certificate is looked at unless it is said otherwise."""
    told = {name: value for name, value in settings.items() if name not in CREDENTIALS[kind]}
    return {name: value for name, value in told.items() if (name, value) != ("verify", True)}


def root(path: StorePath, defined: Defined) -> str:
    """The Space or server in which a path begins; empty where it begins with a bucket."""
    known = defined.get(path.kind, {}).get(path.id, {})
    return str(known.get(ROOTS[path.kind]) or path.id) if path.kind in ROOTS else ""


def variable(provider: Provider) -> str:
    """The variable in which a Function finds the ARN of the provider's secret."""
    return secret_variable(provider.kind, provider.id)
