"""Deploying to a local emulator, and reading back what it logged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from hfaas_tui import rehearsed, transfer
from hfaas_tui.tally import Failure
from hfaas_tui.watch import Emulator

if TYPE_CHECKING:
    from hfaas_deploy.building.images import DockerImages
    from hfaas_deploy.building.layers import LayerImages
    from hfaas_deploy.messages import Deployed, Message
    from hfaas_deploy.pipeline import Pipeline

Say = Callable[[str], None]


def warm(engine: str) -> None:
    """Load in a thread what a deploy needs, while the emulator starts; whoever needs it first waits for it."""
    threading.Thread(target=_load, args=(engine,), daemon=True).start()


def _load(engine: str) -> None:
    nowhere = "http://127.0.0.1:1"
    transfer.client(nowhere, "s3")
    from hfaas_deploy import deploy  # noqa: F401
    from hfaas_deploy.aws import target
    from hfaas_deploy.building import images, layers  # noqa: F401

    target.Target.local(nowhere).client("cloudformation")
    if engine != "process":
        import docker  # noqa: F401


def deploy(pipeline: Pipeline, emulator: Emulator, build_args: Mapping[str, str], say: Say) -> Deployed:
    """Bring a pipeline up on an emulator, and note that as a rehearsal."""
    deployed = bring_up(pipeline, emulator, build_args, say)
    remember(deployed, emulator, None, say)
    return deployed


def bring_up(pipeline: Pipeline, emulator: Emulator, build_args: Mapping[str, str], say: Say) -> Deployed:
    """Bring a pipeline up on an emulator for somebody who notes by himself what was rehearsed."""
    from hfaas_deploy import deploy as procedure
    from hfaas_deploy.aws.target import Target

    def tell(message: Message) -> None:
        for line in lines(message):
            say(line)

    wanted = with_build_args(pipeline, build_args)
    return procedure.deploy(wanted, Target.local(emulator.endpoint), images(emulator), tell)


def remember(deployed: Deployed, emulator: Emulator, ran: rehearsed.Ran | None, say: Say) -> None:
    """Note what was rehearsed, and the images that were run; plain processes have none, so nothing is said of them."""
    from hfaas_deploy.building.images import DockerImages

    engine = images(emulator)
    if isinstance(engine, DockerImages):
        with engine:
            rehearsed.note(deployed, engine, ran, say)


def remove(pipeline: Pipeline, emulator: Emulator, say: Say) -> None:
    """Take a pipeline's Stack down; its buckets stay."""
    from hfaas_deploy import deploy as procedure
    from hfaas_deploy.aws.stack import Stack
    from hfaas_deploy.aws.target import Target

    def tell(message: Message) -> None:
        for line in lines(message):
            say(line)

    target = Target.local(emulator.endpoint)
    procedure.remove(Stack(target.client("cloudformation"), pipeline.stack), tell, target)


def lines(message: Message) -> Iterator[str]:
    """Put a message of the deploy into words; routine ones need none."""
    from hfaas_deploy import messages

    match message:
        case messages.Checked(warnings):
            yield from map(str, warnings)
        case messages.ImageSaid(function, text) if not text.lstrip().startswith("--->"):
            yield f"{function}: {text}"
        case messages.ImageReady(function, reference):
            yield f"{function}: image {reference}"
        case messages.Recovering(stack, status):
            yield f"{stack}: clearing what an earlier operation left ({status})"
        case messages.Planned(stack, plan) if plan:
            yield f"{stack}: {len(plan.changes)} change{'s' * (len(plan.changes) != 1)}"
        case messages.Happened(event) if event.failed:
            yield f"{event.resource}: {event.status}: {event.reason}"
        case messages.SpaceReady(provider, space, host):
            yield f"onedata://{space}: the emulator plays storage_providers.{provider}, at {host}"
        case messages.FolderReady(access_point, folder):
            yield f"{access_point}: the folder {folder} stands in for it; put there what scripts are to find"
        case messages.SecretMissing(provider, names):
            yield f"{provider}: its secret is left as it is: {', '.join(names)} not set"
        case messages.Listening(bucket):
            yield f"s3://{bucket}: notifications of this pipeline are merged; what others have there stays"
        case messages.StillListening(bucket, reason):
            yield f"s3://{bucket}: it may still call functions of this pipeline: {reason}"
        case messages.Watching(function, space, folder):
            yield f"{function}: OneTrigger watches onedata://{space}/{folder}"
        case messages.Deployed(stack, template):
            yield f"{stack}: up, template {template.sha256[:12]}"
            yield from (f"{url.function}: {url.access.value} {url.method} {url.address}" for url in message.urls)
        case _:
            pass


def images(emulator: Emulator) -> DockerImages | LayerImages:
    """Return what makes functions runnable for the emulator's engine: images, or layers for plain processes."""
    if emulator.status()["engine"]["runs_images"]:
        from hfaas_deploy.building import images as docker

        return docker.DockerImages()
    from hfaas_deploy.building import layers

    return layers.LayerImages(emulator.endpoint)


def log_of(emulator: Emulator, failure: Failure) -> list[str]:
    """Return the log lines of one failed invocation: what its function said, then what its job did."""
    told = []
    if failure.job:
        told = _log_of_job(emulator, failure)
    elif failure.log_group:
        told = log_of_group(emulator, failure.log_group, failure.invocation)
    return told or [f"{failure.error_type}: {failure.message}"]


def _log_of_job(emulator: Emulator, failure: Failure) -> list[str]:
    """Return both legs; a job that nobody delegated has only one."""
    from hfaas_tui.job_log import stream_lines

    group = f"/aws/lambda/{failure.function}"
    delegated = failure.invocation != failure.job
    first = log_of_group(emulator, group, failure.invocation, but=failure.log_stream) if delegated else []
    if not failure.log_stream:
        return first
    client: Any = transfer.client(emulator.endpoint, "logs")
    return [*first, *stream_lines(client, failure.log_group, failure.log_stream)]


def log_of_group(
    emulator: Emulator, group: str, request_id: str | None = None, most: int | None = None, but: str = ""
) -> list[str]:
    """Return the lines of a log group, or those of one request, and the first `most` of them; `but` one stream."""
    from hfaas_tui.log import of_request, pages

    client: Any = transfer.client(emulator.endpoint, "logs")
    wanted = (event for event in pages(client, group, 0) if event["logStreamName"] != but)
    try:
        return [event["message"].rstrip("\n") for event in islice(of_request(wanted, request_id), most)]
    except client.exceptions.ResourceNotFoundException:  # the first line makes the group
        return []


def with_build_args(pipeline: Pipeline, build_args: Mapping[str, str]) -> Pipeline:
    """Return the pipeline with build arguments added to each function that is built from a Dockerfile."""
    functions = tuple(
        replace(each, build_args={**each.build_args, **build_args}) if each.build else each
        for each in pipeline.functions
    )
    return replace(pipeline, functions=functions)
