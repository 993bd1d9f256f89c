"""Deploying to a local emulator, and reading back what it logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hfaas_tui import transfer
from hfaas_tui.summary import Failure
from hfaas_tui.watch import Emulator

if TYPE_CHECKING:
    from hfaas_deploy.images import ImageBuilder
    from hfaas_deploy.pipeline import Pipeline

Say = Callable[[str], None]


def images(emulator: Emulator) -> ImageBuilder:
    """Return what makes functions runnable for the emulator's engine: images, or layers for plain processes."""
    if emulator.status()["engine"]["runs_images"]:
        from hfaas_deploy.images import DockerImages

        return DockerImages()
    from hfaas_deploy.layers import LayerImages

    return LayerImages(emulator.endpoint)


def log_of(emulator: Emulator, failure: Failure) -> list[str]:
    """Return the log lines of one failed invocation."""
    from hfaas_tui.log import of_request, pages

    client: Any = transfer.client(emulator.endpoint, "logs")
    if not failure.log_group:
        return [f"{failure.error_type}: {failure.message}"]
    events = pages(client, failure.log_group, 0)
    return [event["message"].rstrip("\n") for event in of_request(events, failure.invocation)]


def with_build_args(pipeline: Pipeline, build_args: Mapping[str, str]) -> Pipeline:
    """Return the pipeline with build arguments added to each function that is built from a Dockerfile."""
    functions = tuple(
        replace(each, build_args={**each.build_args, **build_args}) if each.build else each
        for each in pipeline.functions
    )
    return replace(pipeline, functions=functions)
