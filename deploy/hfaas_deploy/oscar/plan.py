"""What would be done on a cluster: each service beside what the cluster has under its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hfaas_deploy import quantities
from hfaas_deploy.language.keys import OSCAR_ONLY
from hfaas_deploy.oscar.cluster import Cluster, Found
from hfaas_deploy.oscar.service import MARK, Definition

OPTIONAL = tuple(name for name in OSCAR_ONLY if name != "labels")
"""Keys that, left out, are as if they were empty; a cluster writes labels of its own."""

DEFAULTS = {"visibility": "private"}
SECRETS = "environment.secrets"
"""A cluster never tells them, so they are sent again each time."""


class Action(StrEnum):
    """What is to be done with a service; TAKEN: nothing, because it is somebody else's."""

    CREATE = "create"
    UPDATE = "update"
    SAME = "same"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Step:
    """One service and what is to be done with it; `changed` names its keys that differ."""

    action: Action
    definition: Definition
    changed: tuple[str, ...] = ()
    found: Found | None = field(default=None, repr=False)
    reason: str = ""

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a promotion in the order of the file; `left_over` are services that the file no longer has."""

    endpoint: str
    stack: str
    steps: tuple[Step, ...]
    left_over: tuple[str, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to do."""
        return all(step.action is Action.SAME for step in self.steps)

    @property
    def taken(self) -> tuple[Step, ...]:
        """What cannot be done, because the names are somebody else's."""
        return tuple(step for step in self.steps if step.action is Action.TAKEN)


def make(cluster: Cluster, stack: str, definitions: tuple[Definition, ...], *, adopt: bool = False) -> Plan:
    """Compare the services with those of the cluster; with `adopt` those that bear no mark may be changed, too."""
    listed = cluster.services()
    steps = tuple(_step(cluster, stack, one, adopt=adopt) for one in definitions)
    names = {one.name for one in definitions}
    ours = (found.name for found in listed if found.annotations.get(MARK) == stack)
    return Plan(cluster.access.endpoint, stack, steps, tuple(name for name in ours if name not in names))


def _step(cluster: Cluster, stack: str, definition: Definition, *, adopt: bool) -> Step:
    found = cluster.service(definition.name)
    if found is None:
        return Step(Action.CREATE, definition)
    if reason := strange(found, stack, adopt=adopt):
        return Step(Action.TAKEN, definition, found=found, reason=reason)
    changed = differences(definition.wire, found.wire)
    return Step(Action.UPDATE if changed else Action.SAME, definition, changed, found)


def strange(found: Found, stack: str, *, adopt: bool = False) -> str:
    """Why a service is not this pipeline's; empty when it is."""
    mark = found.annotations.get(MARK)
    if mark and mark != stack:
        return f"it belongs to the pipeline {mark}"
    if mark == stack or adopt:
        return ""
    return f"it belongs to {found.owner}" if found.owner not in ("", "cluster_admin") else "hfaas has not made it"


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys by which a service on a cluster is not what is wanted; secrets always, as nobody can see them."""
    plain = [
        key
        for key in ("image", "log_level", "alpine", "file_stage_in", "enable_gpu", "cluster_id")
        if (wanted.get(key) or None) != (found.get(key) or None)
    ]
    amounts = [key for key in ("memory", "cpu") if not quantities.same(str(wanted[key]), str(found.get(key) or ""))]
    compared = {
        "script": (wanted["script"], str(found.get("script") or "").replace("\r\n", "\n")),
        "input": (_paths(wanted, "input"), _paths(found, "input")),
        "output": (_paths(wanted, "output"), _paths(found, "output")),
        "storage_providers": (_stores(wanted), _stores(found)),
        "environment.variables": (_variables(wanted), _variables(found)),
    }
    differ = [key for key, (one, other) in compared.items() if one != other]
    more = [key for key in OPTIONAL if not _within(wanted.get(key), found.get(key, None), DEFAULTS.get(key))]
    labels = [] if _within(wanted.get("labels") or found.get("labels"), found.get("labels")) else ["labels"]
    secrets = [SECRETS] if _secrets(wanted) or _secrets(found) else []
    return (*plain, *amounts, *differ, *more, *labels, *secrets)


def _paths(wire: Mapping[str, Any], way: str) -> list[tuple[Any, ...]]:
    return [_path(entry, str(wire.get("name"))) for entry in wire.get(way) or () if isinstance(entry, dict)]


def _path(entry: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """An input or output as the cluster understands it."""
    kind, _, name_there = str(entry.get("storage_provider") or "").partition(".")
    path = str(entry.get("path") or "").strip(" /")
    if kind in ("minio", "s3") and "/" not in path:
        path = f"{name}/{path}"
    return kind.lower(), name_there or "default", path, entry.get("prefix") or [], entry.get("suffix") or []


def _stores(wire: Mapping[str, Any]) -> dict[str, Any]:
    stores = {
        kind: dict(ids) for kind, ids in (wire.get("storage_providers") or {}).items() if isinstance(ids, dict)
    }
    stores.get("minio", {}).pop("default", None)  # the cluster's own
    return dict(_full(stores) or {})


def _variables(wire: Mapping[str, Any]) -> dict[str, str]:
    return dict((wire.get("environment") or {}).get("variables") or {})


def _secrets(wire: Mapping[str, Any]) -> dict[str, str]:
    return dict((wire.get("environment") or {}).get("secrets") or {})


def _full(value: Any) -> Any:
    """A value without what is empty in it; a cluster fills in empty texts where nothing was said."""
    if isinstance(value, dict):
        kept = {key: full for key, one in value.items() if (full := _full(one)) is not None}
        return kept or None
    if isinstance(value, list):
        return [_full(one) for one in value] or None
    return value or None


def _within(wanted: Any, found: Any, default: Any = None) -> bool:
    """Say whether everything that is wanted is there; where nothing is, there must be nothing but the default."""
    wanted, found = _full(wanted), _full(found)
    if wanted is None:
        return found is None or found == default
    if isinstance(wanted, dict):
        there = found if isinstance(found, dict) else {}
        return all(_within(one, there.get(key)) for key, one in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list) and all(isinstance(one, str) for one in wanted):
        return set(wanted) <= set(found)
    return bool(wanted == found)
