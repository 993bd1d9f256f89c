"""Containers that outlived their emulator: taken over with the sandboxes whose network they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hfaas_emulator.containers import owner
from hfaas_emulator.containers.docker_config import ROLE
from hfaas_emulator.containers.docker_container import DockerContainer, Home
from hfaas_emulator.containers.scratch import PREFIX

UNKNOWN_END = 255
"""Docker's exit code of a container that it finds dead when it starts."""


class LeftSandbox:
    """A network sandbox of left containers, removed with the last of them."""

    def __init__(self, container: DockerContainer) -> None:
        self.container = container
        self.users = 0

    async def stop(self) -> None:
        """Let one container go."""
        self.users -= 1
        if not self.users:
            await self.container.stop()


class Leftovers:
    """Makes containers of our own of those that the engine lists."""

    def __init__(self, home: Home, address: Callable[[str], str]) -> None:
        self._home = home
        self._address = address
        self._sandboxes: dict[str, LeftSandbox] = {}

    async def adopted(self, found: Mapping[str, Any]) -> DockerContainer | None:
        """Take a container over with all that goes with it; None, and it is removed, when it has no end to tell."""
        sandbox = await self._sandbox(sandbox_of(found))
        container = DockerContainer(
            self._home,
            found["Id"],
            address=sandbox.container.address if sandbox else "",
            volume=scratch_of(found),
            sandbox=sandbox,
            labels=found["Labels"],
        )
        self._home.remember(container)  # before it is looked at, so that no end is missed
        if await container.recall() and not await _lost(container):
            return container
        await container.stop()
        return None

    async def _sandbox(self, id: str) -> LeftSandbox | None:
        if not id:
            return None
        address = await self._home.threads.call(self._address, id)
        if id not in self._sandboxes:
            container = DockerContainer(self._home, id, address=address)
            self._home.remember(container)
            self._sandboxes[id] = LeftSandbox(container)
        self._sandboxes[id].users += 1
        return self._sandboxes[id]


def is_helper(found: Mapping[str, Any]) -> bool:
    """Tell whether a container is the engine's own."""
    return ROLE in found["Labels"]


def sandbox_of(found: Mapping[str, Any]) -> str:
    """Return the id of the sandbox that a listed container joined, empty for none."""
    kind, _, joined = str(found.get("HostConfig", {}).get("NetworkMode", "")).partition(":")
    return joined if kind == "container" else ""


async def _lost(container: DockerContainer) -> bool:
    """Tell whether a container went down with the machine: the engine does not know how it ended, and says 255."""
    if owner.is_of_this_boot(container.labels[owner.LABEL]):
        return False
    return await container.exit_code() == UNKNOWN_END


def scratch_of(found: Mapping[str, Any]) -> str:
    """Return the volume that is a listed container's /tmp, empty for none."""
    names = (str(each.get("Name") or "") for each in found.get("Mounts", ()))
    return next((name for name in names if name.startswith(PREFIX)), "")
