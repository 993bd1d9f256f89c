"""Brings the Stack with the image repositories up, by change sets as the pipeline's own.

Repositories of Functions that left the pipeline stay until `tidy`, after the pipeline's Stack has let go of their images.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from hfaas_deploy import names, steps
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.standing import Standing
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import RegistryError
from hfaas_deploy.messages import Planned, Progress
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.promote import planning, watching
from hfaas_deploy.promote.repositories import Repositories
from hfaas_deploy.settings import Side
from hfaas_deploy.template import bootstrap
from hfaas_deploy.template.policies import Json


def ensure(pipeline: Pipeline, target: Target, progress: Progress) -> dict[str, str]:
    """Make what is missing of the repositories; their URIs by Function. StackError when it cannot be done.

    Repositories that an earlier Stack left behind are taken over with their images.
    """
    repositories = Repositories(target, pipeline)
    needed = {function.name: bootstrap.logical(function) for function in repositories.needed()}
    if not needed:
        return {}
    stack = _stack(pipeline, target, progress)
    stack.admit()
    with steps.watched(stack, progress):
        steps.recover(stack, progress)
    standing = _standing(stack)
    adopted = {
        name for name in map(names.repository, needed) if name not in _named(standing) and repositories.has(name)
    }
    gone = {key: one for key, one in standing.items() if key not in needed.values()}
    if adopted:
        _apply(stack, bootstrap.document(pipeline, repositories.registry, adopted=adopted, kept=gone), progress)
    _apply(stack, bootstrap.document(pipeline, repositories.registry, kept=gone), progress)
    if missing := repositories.missing():
        raise RegistryError(
            f"{', '.join(missing)} was deleted, though Stack {stack.name} still has it",
            f"delete Stack {stack.name}, which keeps other images where the file says so; then run it again",
        )
    outputs = stack.outputs()
    return {function: outputs[key] for function, key in needed.items()}


def tidy(pipeline: Pipeline, target: Target, progress: Progress) -> None:
    """Let go of the repositories of Functions that the pipeline does not have any more."""
    repositories = Repositories(target, pipeline)
    needed = {bootstrap.logical(function) for function in repositories.needed()}
    stack = _stack(pipeline, target, progress)
    if _standing(stack).keys() <= needed:
        return
    if needed:
        _apply(stack, bootstrap.document(pipeline, repositories.registry), progress)
    else:
        with steps.watched(stack, progress):
            steps.tell(stack.remove(), progress)


def _stack(pipeline: Pipeline, target: Target, progress: Progress) -> Stack:
    return watching.stack(target, names.images_stack(pipeline.stack), progress)


def _standing(stack: Stack) -> Mapping[str, Any]:
    standing = stack.standing()
    return standing.template["Resources"] if standing else {}


def _named(resources: Mapping[str, Any]) -> Collection[str]:
    """The names of a Stack's repositories."""
    return {one["Properties"]["RepositoryName"] for one in resources.values()}


def _apply(stack: Stack, document: Json, progress: Progress) -> None:
    old = Side.of(stack.standing() or Standing())
    plan = stack.plan(bootstrap.rendered(document), {})
    changes = planning.meant(plan.changes, old, Side.of(Standing(document))) if plan else ()
    progress(Planned(stack.name, replace(plan, changes=changes) if plan else None))
    if plan:
        with steps.watched(stack, progress):
            steps.tell(stack.apply(plan), progress)
