"""Private folders on disk for `/tmp`: volumes made ahead of need, because making one costs 20 ms of a cold start."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Mapping

from docker.errors import APIError

from hfaas_emulator.containers import sandbox
from hfaas_emulator.containers.connection import Client
from hfaas_emulator.containers.docker_config import ROLE
from hfaas_emulator.containers.threads import Threads

PREFIX = "hfaas-"
"""What the names of all these volumes begin with."""

SPARE = 4
"""Volumes kept ready; a batch is made when fewer are left."""


class Scratch:
    """Volumes that belong to one user, ready to be mounted."""

    def __init__(
        self,
        client: Client,
        threads: Threads,
        image: Callable[[str], str],
        user: str,
        labels: Mapping[str, str],
    ) -> None:
        self._client = client
        self._threads = threads
        self._image = image
        self._user = user
        self._labels = dict(labels)
        self._ready: deque[str] = deque()
        self._making: asyncio.Task[None] | None = None

    async def take(self) -> str:
        """Return the name of an empty volume."""
        while not self._ready:
            await asyncio.shield(self._refill())
        name = self._ready.popleft()
        if len(self._ready) < SPARE:
            self._refill()
        return name

    async def close(self) -> None:
        """Remove those that were never taken."""
        if self._making:
            with contextlib.suppress(APIError):
                await self._making
        names, self._ready = list(self._ready), deque()
        await asyncio.gather(*(self._threads.call(remove, self._client, name) for name in names))

    def _refill(self) -> asyncio.Task[None]:
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make())
        return self._making

    async def _make(self) -> None:
        self._ready.extend(await self._threads.call(self._batch))

    def _batch(self) -> list[str]:
        """Create, but never start, a container that mounts new volumes: that fixes their owner and mode."""
        names = [f"{PREFIX}{secrets.token_hex(8)}" for _ in range(sandbox.FOLDERS)]
        mounts = [
            {
                "Type": "volume",
                "Source": name,
                "Target": sandbox.folder(index),
                "VolumeOptions": {"Labels": self._labels},
            }
            for index, name in enumerate(names)
        ]
        labels = {**self._labels, ROLE: "scratch"}  # none will be taken over that a crash leaves
        config = {"Image": self._image(self._user), "Labels": labels, "HostConfig": {"Mounts": mounts}}
        maker = self._client.create_container_from_config(config)["Id"]
        self._client.remove_container(maker)
        return names


def remove(client: Client, name: str) -> None:
    """Remove a volume; one that is gone or still in use is somebody else's business."""
    with contextlib.suppress(APIError):
        client.remove_volume(name, force=True)
