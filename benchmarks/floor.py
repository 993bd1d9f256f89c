"""What the machine can do at best: a function image behind a minimal Runtime API, started by the Docker SDK."""

from __future__ import annotations

import time
from typing import Any, Self

import docker
from benchmarks.driver import RuntimeApi

from hfaas_supervisor.job import Job


class Floor:
    """Starts containers of one image on the default bridge; one Runtime API for each of them."""

    def __init__(self, image: str) -> None:
        self._client = docker.from_env()
        self._image = image
        self._gateway = (
            self._client.networks.get("bridge").attrs["IPAM"]["Config"][0].get("Gateway") or "172.17.0.1"
        )
        self._kept: tuple[RuntimeApi, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept:
            self._kept[1].remove(force=True)
        self._client.close()

    def cold(self, *, keep: bool = False) -> float:
        """Return the seconds from create to the first answer."""
        api = RuntimeApi(self._gateway)
        environment = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "FUNCTION_CONFIG": Job(name="floor").encode(),
            "AWS_LAMBDA_FUNCTION_NAME": "floor",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_REGION": "us-east-1",
        }
        begun = time.perf_counter()
        container = self._client.containers.create(self._image, environment=environment, mem_limit="256m")
        container.start()
        api.invoke({})
        seconds = time.perf_counter() - begun
        if keep:
            self._kept = api, container
        else:
            container.remove(force=True)
        return seconds

    def warm(self) -> float:
        """Return the seconds of one more event in the container that was kept."""
        if self._kept is None:
            raise RuntimeError("nothing was kept")
        return self._kept[0].invoke({})[0]
