"""Deploys a pipeline, step by step.

    check -> artifacts bucket -> buckets of others -> Spaces -> images -> render -> plan -> apply
          -> secrets -> notifications of others' buckets -> first look -> outputs

Each step gets what the one before it made, and whoever wants to see it passes `progress`, which gets one message
for each thing that happens. Running it again after an interruption goes on where CloudFormation stands: a
Stack that is busy is watched, one that failed to come up is removed first, one that failed to go back is helped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from hfaas_deploy import (
    artifacts,
    checks,
    first_look,
    names,
    notifications,
    references,
    rehearsal_space,
    secret_values,
    template,
)
from hfaas_deploy.errors import BucketMissing, FdlError, StackFailed
from hfaas_deploy.findings import Finding, errors
from hfaas_deploy.images import FunctionSource, ImageBuilder
from hfaas_deploy.pipeline import Function, Pipeline, Provider
from hfaas_deploy.secret_values import Value
from hfaas_deploy.stack import Event, Plan, Stack
from hfaas_deploy.target import Target
from hfaas_deploy.template import Template, http, onedata
from hfaas_deploy.template import network as template_network
from hfaas_deploy.template.http import Url


@dataclass(frozen=True, slots=True)
class Checked:
    """The pipeline has no errors; these are its warnings."""

    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class BucketReady:
    """The bucket for events that are too large for a job, and for OneTrigger's state, is there."""

    bucket: str


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """The image of a Function is being made; it is number `number` of `total`."""

    function: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class ImageSaid:
    """A line of the image builder."""

    function: str
    text: str


@dataclass(frozen=True, slots=True)
class ImageReady:
    """The image of a Function can be used under this reference."""

    function: str
    reference: str


@dataclass(frozen=True, slots=True)
class Recovering:
    """An earlier operation left the Stack in a state that is cleared first."""

    stack: str
    status: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be done to the Stack; nothing when the plan is None."""

    stack: str
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Happened:
    """A resource of the Stack changed its state."""

    event: Event


@dataclass(frozen=True, slots=True)
class SpaceReady:
    """The emulator plays the Oneprovider: it has the Space, and Functions reach it at `host`."""

    provider: str
    space: str
    host: str


@dataclass(frozen=True, slots=True)
class SecretStored:
    """The keys of a storage provider, which are new or have changed, are in its secret."""

    provider: str


@dataclass(frozen=True, slots=True)
class SecretMissing:
    """The secret of a storage provider was left as it is, because these keys or variables are not set."""

    provider: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listening:
    """The notifications of a bucket that is not the pipeline's have changed; what others have in it stays."""

    bucket: str


@dataclass(frozen=True, slots=True)
class Watching:
    """OneTrigger has looked into the folder for the first time: what comes from now on is an event."""

    function: str
    space: str
    folder: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """The Stack is up; `changed` is false when it already was as asked for."""

    stack: str
    template: Template
    images: Mapping[str, str]
    outputs: Mapping[str, str]
    changed: bool
    urls: tuple[Url, ...] = ()


Message = (
    Checked
    | BucketReady
    | ImageStarted
    | ImageSaid
    | ImageReady
    | Recovering
    | Planned
    | Happened
    | SpaceReady
    | SecretStored
    | SecretMissing
    | Listening
    | Watching
    | Deployed
)
Progress = Callable[[Message], None]


def deploy(pipeline: Pipeline, target: Target, images: ImageBuilder, progress: Progress) -> Deployed:
    """Bring the pipeline up on the target; FdlError, an image error or a StackError when it cannot be done."""
    ready = checked(pipeline, progress)
    rendered = template.render(ready)  # before anything is made: it may be too large
    target.probe()
    if ready.has_artifacts or rendered.needs_bucket:
        progress(BucketReady(artifacts.ensure(target.client("s3"), target.account, target.region)))
    _others_buckets(ready, target)
    keys = list(secret_values.values(ready, os.environ, _space(target, progress)))
    references_of = _build(ready, images, progress)
    stack = Stack(target.client("cloudformation"), ready.stack)
    _recover(stack, progress)
    before = stack.outputs()
    plan = stack.plan(
        rendered, {**parameters(references_of), **network(ready, target)}, published(rendered, target)
    )
    progress(Planned(stack.name, plan))
    if plan:
        _tell(stack.apply(plan), progress)
    outputs = stack.outputs()
    renewed = _store(keys, target, outputs, progress)
    _listen(ready, target, before, outputs, progress)
    have_keys = {value.provider.name for value in keys if value.keys}
    _watch(ready, target, have_keys, have_keys if plan else renewed, progress)
    urls = tuple(http.urls(ready, outputs))
    deployed = Deployed(ready.stack, rendered, references_of, outputs, plan is not None, urls)
    progress(deployed)
    return deployed


def remove(stack: Stack, progress: Progress, target: Target | None = None) -> None:
    """Take a Stack down; its buckets and what is in them stay. With a target, buckets of others forget it first."""
    if stack.status().endswith("_IN_PROGRESS") and stack.status() != "REVIEW_IN_PROGRESS":
        _settle(stack, progress)
    if target:
        _forget(stack, target, progress)
    _tell(stack.remove(), progress)


def parameters(images: Mapping[str, str]) -> dict[str, str]:
    """The template's parameters for images given by Function name."""
    return {names.image_parameter(function): reference for function, reference in images.items()}


def network(pipeline: Pipeline, target: Target) -> dict[str, str]:
    """The template's parameters for where jobs, and Functions in a VPC, run."""
    return template_network.values(pipeline, target.subnets, target.security_groups)


def published(rendered: Template, target: Target) -> str:
    """The URL of a template that is too large to be sent along; empty for all others."""
    if not rendered.needs_bucket:
        return ""
    s3 = target.client("s3")
    return artifacts.publish(s3, artifacts.ensure(s3, target.account, target.region), rendered, target.account)


def source(function: Function) -> FunctionSource:
    """What the image of a Function is made of."""
    return FunctionSource(
        name=function.name,
        image=function.image,
        image_file=function.image_file,
        build_dir=function.build,
        build_args=function.build_args,
        script=function.init_script if function.create_image else None,
        extra_payload=function.extra_payload if function.create_image else None,
        architecture=function.architecture,
        create_image=function.create_image,
    )


def checked(pipeline: Pipeline, progress: Progress) -> Pipeline:
    """The pipeline with its references filled in; FdlError when there is an error in it."""
    findings = checks.check(pipeline)
    if errors(findings):
        raise FdlError(findings)
    resolved = references.resolve(pipeline, os.environ)
    if errors(found := checks.check(resolved)):  # what came from the environment may be too long
        raise FdlError(found)
    progress(Checked(tuple(findings)))
    return resolved


def _build(pipeline: Pipeline, images: ImageBuilder, progress: Progress) -> dict[str, str]:
    built: dict[str, str] = {}
    for number, function in enumerate(pipeline.functions, start=1):
        progress(ImageStarted(function.name, number, len(pipeline.functions)))

        def said(text: str, name: str = function.name) -> None:
            progress(ImageSaid(name, text))

        built[function.name] = images.build(source(function), said)
        progress(ImageReady(function.name, built[function.name]))
    return built


def _space(target: Target, progress: Progress) -> secret_values.Space | None:
    """Where Spaces for a rehearsal come from; none on AWS."""

    def space(provider: Provider) -> dict[str, str]:
        made = rehearsal_space.ensure(target.endpoint, str(provider.settings["space"]))
        progress(SpaceReady(provider.name, made.name, made.host))
        return {"token": made.token, "oneprovider_host": made.host}

    return space if target.is_local else None


def _store(keys: list[Value], target: Target, outputs: Mapping[str, str], progress: Progress) -> set[str]:
    """Put keys away that are new; gives the names of their providers."""
    renewed = set()
    for value in keys:
        name, secret = value.provider.name, outputs[secret_values.output(value.provider)]
        if value.missing:
            progress(SecretMissing(name, value.missing))
        elif secret_values.store(target.client("secretsmanager"), secret, value):
            renewed.add(name)
            progress(SecretStored(name))
    return renewed


def _others_buckets(pipeline: Pipeline, target: Target) -> None:
    """Look whether the buckets of others take our notifications; in a rehearsal empty ones stand in for them."""
    existing = [bucket.name for bucket in pipeline.buckets if bucket.existing]
    if existing and target.is_local:
        for bucket in existing:
            artifacts.stand_in(target.client("s3"), bucket, target.region)
    if notifications.foreign(pipeline):
        notifications.check(target.client("s3"), pipeline, target.account)


def _listen(
    pipeline: Pipeline, target: Target, before: Mapping[str, str], outputs: Mapping[str, str], progress: Progress
) -> None:
    """Merge our notifications into buckets of others, and out of those that the pipeline does not listen to any more."""
    now = notifications.foreign(pipeline)
    for bucket in dict.fromkeys([*now, *notifications.known(before)]):
        ours = (
            notifications.wanted(pipeline, bucket, notifications.arns(pipeline, outputs)) if bucket in now else []
        )
        if notifications.put(target.client("s3"), bucket, pipeline.stack, ours, target.account):
            progress(Listening(bucket))


def _forget(stack: Stack, target: Target, progress: Progress) -> None:
    for bucket in notifications.known(stack.outputs()):
        with suppress(BucketMissing):
            if notifications.put(target.client("s3"), bucket, stack.name, [], target.account):
                progress(Listening(bucket))


def _watch(pipeline: Pipeline, target: Target, known: set[str], new: set[str], progress: Progress) -> None:
    """Let OneTrigger look into the folders of providers with new keys, and of known ones if it never has."""
    bucket = names.artifacts_bucket(target.account, target.region)
    for watcher in onedata.watchers(pipeline):
        provider = watcher.provider.name
        if provider in new or (provider in known and first_look.is_due(target.client("s3"), bucket, watcher.state)):
            first_look.take(target.client("lambda", first_look.PATIENCE), watcher.name)
            space = str(watcher.provider.settings["space"])
            progress(Watching(watcher.function.name, space, watcher.source.path))


def _recover(stack: Stack, progress: Progress) -> None:
    """Bring a Stack that an earlier operation left behind into a state that can be planned upon."""
    status = stack.status()
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        progress(Recovering(stack.name, status))
        _settle(stack, progress)
        status = stack.status()
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        progress(Recovering(stack.name, status))
        _tell(stack.remove(), progress)
    elif status == "UPDATE_ROLLBACK_FAILED":
        progress(Recovering(stack.name, status))
        _tell(stack.continue_rollback(), progress)


def _settle(stack: Stack, progress: Progress) -> None:
    """Watch an operation that is not ours to its end, whichever that is."""
    try:
        _tell(stack.watch(), progress)
    except StackFailed:
        return


def _tell(events: Iterator[Event], progress: Progress) -> None:
    for event in events:
        progress(Happened(event))
