"""Network sandboxes that run before they are needed, each for one container with an address of its own.

Making a network namespace is most of a container's start. It is done beforehand once the first container has asked
for an address of its own; whoever asks faster than sandboxes start waits for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hfaas_emulator.containers.docker_container import DockerContainer

SPARES = 2

Make = Callable[[], Coroutine[Any, Any, DockerContainer]]
Spawn = Callable[[Coroutine[Any, Any, DockerContainer]], "asyncio.Task[DockerContainer]"]


class Spares:
    """Makes sandboxes and hands each out once."""

    def __init__(self, make: Make, spawn: Spawn) -> None:
        self._make = make
        self._spawn = spawn
        self._waiting: list[asyncio.Task[DockerContainer]] = []

    async def take(self) -> DockerContainer:
        """Return a running sandbox that nobody else has."""
        sandbox = self._waiting.pop(0) if self._waiting else self._spawn(self._make())
        while len(self._waiting) < SPARES:
            self._waiting.append(self._spawn(self._make()))
        return await sandbox
