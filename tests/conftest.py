"""Shared fixtures: a Docker engine that may be missing only where nobody demanded it, and a base image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from docker import DockerClient

BASE_IMAGE = os.environ.get("HFAAS_BASE_IMAGE", "hfaas/base:bookworm")


def missing(reason: str) -> None:
    """Skip, or fail where HFAAS_REQUIRE_DOCKER says that Docker tests must run."""
    if os.environ.get("HFAAS_REQUIRE_DOCKER") == "1":
        pytest.fail(f"HFAAS_REQUIRE_DOCKER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerClient]:
    """A client of the Docker engine."""
    from hfaas_deploy.images import NoEngine, connect

    try:
        client = connect()
    except NoEngine as error:
        missing(f"no Docker engine answers: {error.message}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(docker_engine: DockerClient) -> str:
    """The name of a Debian image with Python and OpenCV, made by scripts/base-image."""
    from docker.errors import ImageNotFound

    try:
        docker_engine.images.get(BASE_IMAGE)
    except ImageNotFound:
        missing(f"image {BASE_IMAGE} is not there; make it with scripts/base-image")
    return BASE_IMAGE
