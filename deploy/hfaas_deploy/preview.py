"""What a deploy would do, in the words of the pipeline file, without doing it.

    check -> render -> foresee images -> change set, thrown away at once -> this

The change set says which resources are touched; template and parameters of the Stack as it stands say which values.
The parts that a Function cannot be without (role, log group, permission, ...) are told as the Function itself. A Stack
that is not there yet gets no change set, because that would make an empty one: everything is new.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hfaas_deploy import names, steps, template
from hfaas_deploy.aws.changes import Change
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import Foresight
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.settings import Setting, Side, compare, triggers

OPEN = "build"
"""Stands for an image that nobody knows before it is built."""


class Action(StrEnum):
    """What happens to a thing."""

    ADD = "+"
    CHANGE = "~"
    REMOVE = "-"
    KEEP = "="


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one thing that a person knows by name; only settings that change are told."""

    action: Action
    kind: str
    name: str
    settings: tuple[Setting, ...] = ()
    is_replaced: bool = False
    is_adopted: bool = False
    """It is there, and no Stack has it yet."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a deploy would do now; `is_new` says that there is no Stack yet."""

    stack: str
    is_new: bool
    steps: tuple[Step, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action is not Action.KEEP)


def preview(pipeline: Pipeline, target: Target, images: Foresight) -> Preview:
    """What `deploy` would do; FdlError or a StackError where it could do nothing."""
    ready = steps.checked(pipeline, _silent)
    rendered = template.render(ready)
    target.probe()
    stack = Stack(target.client("cloudformation"), ready.stack)
    standing = stack.standing()
    known = {one.name: images.foresee(steps.source(one)) or f"{one.name}:{OPEN}" for one in ready.functions}
    parameters = {**steps.parameters(known), **steps.network(ready, target)}
    old = Side.of(standing or Standing())
    new = Side.of(Standing(template.document(ready), parameters))
    url = steps.published(rendered, target) if standing else ""
    changes = _planned(stack, rendered, parameters, url) if standing else all_new(new)
    return Preview(ready.stack, standing is None, told(changes, old, new))


def told(changes: Iterable[Change], old: Side, new: Side) -> tuple[Step, ...]:
    """The changes of a Stack in the words of the pipeline file."""
    return tuple(_steps(list(changes), old, new))


def all_new(new: Side) -> list[Change]:
    """The changes of a Stack that is not there yet."""
    return [Change("Add", logical, str(one["Type"])) for logical, one in new.resources.items()]


def _silent(_: object) -> None:
    pass


def _planned(stack: Stack, rendered: template.Template, parameters: Mapping[str, str], url: str) -> list[Change]:
    plan = stack.plan(rendered, parameters, url)
    if plan is None:
        return []
    stack.discard(plan)
    return list(plan.changes)


OF_FUNCTION = ("Function", "Logs", "Role", "Retries", "Schedule")
OF_JOB = ("Job", "Compute", "Queue", "Worker", "Failures")
OF_API = ("Api", "Integration", "Route", "Stage", "ApiAccess")
OF_URL = ("Url", "UrlAccess", "UrlInvoke")
FAMILIES = (("function", OF_FUNCTION), ("job def", OF_JOB), ("api", OF_API), ("url", OF_URL))
LISTED = ("function", "job def", "api", "url", "bucket")
"""Kinds of which also those are listed that stay as they are."""

Thing = tuple[str, str]


def _steps(changes: list[Change], old: Side, new: Side) -> Iterator[Step]:
    things, heads = _things(old, new)
    by_thing: dict[Thing, list[Change]] = {thing: [] for thing in things.values() if thing[0] in LISTED}
    for change in changes:
        if change.resource in things:
            by_thing.setdefault(things[change.resource], []).append(change)
    functions = {logical: name for logical, (kind, name) in things.items() if kind == "function"}
    told = [_step(thing, found, heads, old, new) for thing, found in by_thing.items()]
    told += _trigger_steps(triggers(old, functions), triggers(new, functions))
    told = [step for step in told if step.action is not Action.KEEP or step.kind in LISTED]
    ranks = {kind: rank for rank, kind in enumerate(("function", "trigger", "job def", "api", "url", "bucket"))}
    yield from sorted(
        told, key=lambda step: (step.action is Action.KEEP, ranks.get(step.kind, len(ranks)), step.name)
    )


def _step(thing: Thing, changes: list[Change], heads: Mapping[str, Thing], old: Side, new: Side) -> Step:
    head = next((change for change in changes if heads.get(change.resource) == thing), None)
    kind, name = thing
    if head and head.action == "Import":
        return Step(Action.CHANGE, kind, name, is_adopted=True)
    if head and head.action != "Modify":
        return Step(Action.REMOVE if head.action == "Remove" else Action.ADD, kind, name)
    settings = tuple(
        dict.fromkeys(itertools.chain.from_iterable(compare(change.resource, old, new, kind) for change in changes))
    )
    replaced = any(change.replacement == "True" for change in changes)
    return Step(Action.CHANGE if settings or replaced else Action.KEEP, kind, name, settings, replaced)


def _trigger_steps(old: set[str], new: set[str]) -> Iterator[Step]:
    yield from (Step(Action.ADD, "trigger", one) for one in sorted(new - old))
    yield from (Step(Action.REMOVE, "trigger", one) for one in sorted(old - new))


def _things(old: Side, new: Side) -> tuple[dict[str, Thing], dict[str, Thing]]:
    """The thing that each resource belongs to; and those resources that a thing is there or gone with."""
    things: dict[str, Thing] = {}
    heads: dict[str, Thing] = {}
    for side in (old, new):
        for logical, properties in side.of_type("AWS::Lambda::Function"):
            name = str(properties.get("FunctionName", logical))
            for kind, parts in FAMILIES:
                things.update({names.logical(name, part): (kind, name) for part in parts})
                heads[names.logical(name, parts[0])] = (kind, name)
        for logical, properties in side.of_type("AWS::S3::Bucket"):
            heads[logical] = things[logical] = ("bucket", str(properties.get("BucketName", logical)))
        for logical, resource in side.resources.items():
            if logical not in things and resource["Type"] != "AWS::Lambda::Permission":  # a trigger tells of it
                heads[logical] = things[logical] = _other(logical, resource)
    present = {*old.resources, *new.resources}
    return {logical: thing for logical, thing in things.items() if logical in present}, heads


def _other(logical: str, resource: Mapping[str, Any]) -> Thing:
    kind = str(resource["Type"]).rpartition("::")[2].lower()
    return kind, logical
