"""What a promotion to a cluster tells whoever wants to see it: one message for each thing that happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hfaas_deploy.findings import Finding
from hfaas_deploy.oscar.plan import Plan


@dataclass(frozen=True, slots=True)
class Checked:
    """The services can be; these are the warnings."""

    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be done on the cluster."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Started:
    """The cluster is asked to make, change or delete a service, which may take a while."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Created:
    """A service is on the cluster that was not there before."""

    name: str


@dataclass(frozen=True, slots=True)
class Updated:
    """A service was changed."""

    name: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A service is as it is asked for already."""

    name: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A service is gone, and the buckets of the cluster's storage that it named."""

    name: str
    buckets: tuple[str, ...]


Message = Checked | Planned | Started | Created | Updated | Kept | Deleted
Progress = Callable[[Message], None]
