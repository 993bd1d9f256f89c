"""The steps that a deploy to an emulator and a promotion to AWS have in common.

Each step gets what the one before it made, and tells `progress` what happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from hfaas_deploy import checks, names, references
from hfaas_deploy.aws import artifacts, first_look, notifications, secret_values
from hfaas_deploy.aws.events import Event
from hfaas_deploy.aws.secret_values import Value
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import FunctionSource, ImageBuilder
from hfaas_deploy.errors import BucketMissing, ExistingBucketError, FdlError, StackFailed
from hfaas_deploy.findings import error, errors
from hfaas_deploy.messages import (
    Checked,
    GoesOn,
    Happened,
    ImageReady,
    ImageSaid,
    ImageStarted,
    Listening,
    Progress,
    Recovering,
    SecretMissing,
    SecretStored,
    StillListening,
    Watching,
)
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.template import Template, file_systems, onedata
from hfaas_deploy.template import network as template_network


def checked(pipeline: Pipeline, progress: Progress) -> Pipeline:
    """The pipeline with its references filled in; FdlError when there is an error in it, or nothing for AWS."""
    findings = checks.check(pipeline)
    if errors(findings):
        raise FdlError(findings)
    if not pipeline.functions:
        message = "nothing in this file is for AWS or its emulator; functions.oscar is for --target oscar"
        raise FdlError([error(pipeline.spot("functions"), "empty", message)])
    resolved = references.resolve(pipeline, os.environ)
    if errors(found := checks.check(resolved)):  # what came from the environment may be too long
        raise FdlError(found)
    progress(Checked(tuple(findings)))
    return resolved


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
        mounts=tuple(one.mount for one in function.file_systems),
    )


def build(pipeline: Pipeline, images: ImageBuilder, progress: Progress) -> dict[str, str]:
    built: dict[str, str] = {}
    for number, function in enumerate(pipeline.functions, start=1):
        progress(ImageStarted(function.name, number, len(pipeline.functions)))

        def said(text: str, name: str = function.name) -> None:
            progress(ImageSaid(name, text))

        built[function.name] = images.build(source(function), said)
        progress(ImageReady(function.name, built[function.name]))
    return built


def parameters(images: Mapping[str, str]) -> dict[str, str]:
    """The template's parameters for images given by Function name."""
    return {names.image_parameter(function): reference for function, reference in images.items()}


def network(pipeline: Pipeline, target: Target) -> dict[str, str]:
    """The template's parameters for where jobs, and Functions in a VPC, run, and what they mount there."""
    return {
        **template_network.values(pipeline, target.subnets, target.security_groups),
        **file_systems.values(pipeline, dict(target.file_systems)),
    }


def published(rendered: Template, target: Target) -> str:
    """The URL of a template that is too large to be sent along; empty for all others."""
    if not rendered.needs_bucket:
        return ""
    s3 = target.client("s3")
    return artifacts.publish(s3, artifacts.ensure(s3, target.account, target.region), rendered, target.account)


def others_buckets(pipeline: Pipeline, target: Target) -> None:
    """Look whether the buckets of others take our notifications; in a rehearsal empty ones stand in for them."""
    existing = [bucket.name for bucket in pipeline.buckets if bucket.existing]
    if existing and target.is_local:
        for bucket in existing:
            artifacts.stand_in(target.client("s3"), bucket, target.region)
    if notifications.foreign(pipeline):
        notifications.check(target.client("s3"), pipeline, target.account)


def recover(stack: Stack, progress: Progress) -> None:
    """Bring a Stack that an earlier operation left behind into a state that can be planned upon."""
    status = stack.status()
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        progress(Recovering(stack.name, status))
        settle(stack, progress)
        status = stack.status()
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        progress(Recovering(stack.name, status))
        tell(stack.remove(), progress)
    elif status == "UPDATE_ROLLBACK_FAILED":
        progress(Recovering(stack.name, status))
        tell(stack.continue_rollback(), progress)


def settle(stack: Stack, progress: Progress) -> None:
    """Watch an operation that is not ours to its end, whichever that is."""
    try:
        tell(stack.watch(), progress)
    except StackFailed:
        return


@contextmanager
def watched(stack: Stack, progress: Progress) -> Iterator[None]:
    """Say on Ctrl-C that CloudFormation goes on by itself."""
    try:
        yield
    except KeyboardInterrupt:
        progress(GoesOn(stack.name))
        raise


def tell(events: Iterator[Event], progress: Progress) -> None:
    for event in events:
        progress(Happened(event))


def store(keys: list[Value], target: Target, outputs: Mapping[str, str], progress: Progress) -> set[str]:
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


def listen(
    pipeline: Pipeline, target: Target, before: Mapping[str, str], outputs: Mapping[str, str], progress: Progress
) -> list[str]:
    """Merge our notifications into buckets of others, and out of those that the pipeline does not listen to any more.

    Gives those of the latter that could not be told.
    """
    now = notifications.foreign(pipeline)
    for bucket in now:
        ours = notifications.wanted(pipeline, bucket, notifications.arns(pipeline, outputs))
        if notifications.put(target.client("s3"), bucket, pipeline.stack, ours, target.account):
            progress(Listening(bucket))
    dropped = (bucket for bucket in notifications.known(before) if bucket not in now)
    return [bucket for bucket in dropped if not let_go(bucket, pipeline.stack, target, progress)]


def let_go(bucket: str, stack: str, target: Target, progress: Progress) -> bool:
    """Take our notifications out of a bucket of others; false when it does not let us."""
    try:
        if notifications.put(target.client("s3"), bucket, stack, [], target.account):
            progress(Listening(bucket))
    except BucketMissing:
        return True
    except ExistingBucketError as refusal:
        if not notifications.is_denied(refusal):
            raise
        progress(StillListening(bucket, refusal.message))
        return False
    return True


def forget(stack: Stack, target: Target, progress: Progress) -> None:
    for bucket in notifications.known(stack.outputs()):
        with suppress(BucketMissing):
            if notifications.put(target.client("s3"), bucket, stack.name, [], target.account):
                progress(Listening(bucket))


def look_first(pipeline: Pipeline, target: Target, known: set[str], new: set[str], progress: Progress) -> None:
    """Let OneTrigger look into the folders of providers with new keys, and of known ones if it never has."""
    bucket = names.artifacts_bucket(target.account, target.region)
    for watcher in onedata.watchers(pipeline):
        provider = watcher.provider.name
        if provider in new or (provider in known and first_look.is_due(target.client("s3"), bucket, watcher.state)):
            first_look.take(target.client("lambda", first_look.PATIENCE), watcher.name)
            space = str(watcher.provider.settings["space"])
            progress(Watching(watcher.function.name, space, watcher.source.path))


def finish(
    pipeline: Pipeline,
    target: Target,
    before: Mapping[str, str],
    outputs: Mapping[str, str],
    keys: list[Value],
    progress: Progress,
    *,
    has_changed: bool,
) -> list[str]:
    """Do what CloudFormation cannot: secret values, notifications of others' buckets, OneTrigger's first look.

    Gives the buckets of others that could not be told to call nothing of ours any more.
    """
    renewed = store(keys, target, outputs, progress)
    clinging = listen(pipeline, target, before, outputs, progress)
    have_keys = {value.provider.name for value in keys if value.keys}
    look_first(pipeline, target, have_keys, have_keys if has_changed else renewed, progress)
    return clinging
