"""Deploys a pipeline, step by step.

    check -> artifacts bucket -> buckets of others -> Spaces -> images -> folders -> render -> plan -> apply
          -> secrets -> notifications of others' buckets -> first look -> outputs

Each step gets what the one before it made, and whoever wants to see it passes `progress`, which gets one message
for each thing that happens. Running it again after an interruption goes on where CloudFormation stands: a
Stack that is busy is watched, one that failed to come up is removed first, one that failed to go back is helped.
"""

from __future__ import annotations

import os

from hfaas_deploy import rehearsal_folder, rehearsal_space, steps, template
from hfaas_deploy.aws import artifacts, secret_values
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import ImageBuilder
from hfaas_deploy.messages import BucketReady, Deployed, FolderReady, Planned, Progress, SpaceReady
from hfaas_deploy.pipeline import Pipeline, Provider
from hfaas_deploy.template import http


def deploy(pipeline: Pipeline, target: Target, images: ImageBuilder, progress: Progress) -> Deployed:
    """Bring the pipeline up on the target; FdlError, an image error or a StackError when it cannot be done."""
    ready = steps.checked(pipeline, progress)
    rendered = template.render(ready)  # before anything is made: it may be too large
    target.probe()
    if ready.has_artifacts or rendered.needs_bucket:
        progress(BucketReady(artifacts.ensure(target.client("s3"), target.account, target.region)))
    steps.others_buckets(ready, target)
    keys = list(secret_values.values(ready, os.environ, _space(target, progress)))
    references_of = steps.build(ready, images, progress)
    _folders(ready, target, progress)
    stack = Stack(target.client("cloudformation"), ready.stack)
    steps.recover(stack, progress)
    before = stack.outputs()
    plan = stack.plan(
        rendered,
        {**steps.parameters(references_of), **steps.network(ready, target)},
        steps.published(rendered, target),
    )
    progress(Planned(stack.name, plan))
    if plan:
        steps.tell(stack.apply(plan), progress)
    outputs = stack.outputs()
    steps.finish(ready, target, before, outputs, keys, progress, has_changed=plan is not None)
    urls = tuple(http.urls(ready, outputs))
    deployed = Deployed(ready.stack, rendered, references_of, outputs, plan is not None, urls)
    progress(deployed)
    return deployed


def remove(stack: Stack, progress: Progress, target: Target | None = None) -> None:
    """Take a Stack down; its buckets and what is in them stay. With a target, buckets of others forget it first."""
    if stack.status().endswith("_IN_PROGRESS") and stack.status() != "REVIEW_IN_PROGRESS":
        steps.settle(stack, progress)
    if target:
        steps.forget(stack, target, progress)
    steps.tell(stack.remove(), progress)


def _folders(pipeline: Pipeline, target: Target, progress: Progress) -> None:
    """Have a folder stand in for each access point of EFS; on AWS they are there already."""
    points = {one.access_point for function in pipeline.functions for one in function.file_systems}
    for point in sorted(points) if target.is_local else ():
        progress(FolderReady(point, rehearsal_folder.ensure(target.endpoint, point)))


def _space(target: Target, progress: Progress) -> secret_values.Space | None:
    """Where Spaces for a rehearsal come from; none on AWS."""

    def space(provider: Provider) -> dict[str, str]:
        made = rehearsal_space.ensure(target.endpoint, str(provider.settings["space"]))
        progress(SpaceReady(provider.name, made.name, made.host))
        return {"token": made.token, "oneprovider_host": made.host}

    return space if target.is_local else None
