"""Containers that outlived their emulator: taken over with the sandboxes whose network they are in, or removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from hfaas_emulator.containers import network, owner, scratch
from hfaas_emulator.containers.connection import engine_errors
from hfaas_emulator.containers.docker_config import OUTLIVES, ROLE
from hfaas_emulator.containers.docker_container import DockerContainer, Home
from hfaas_emulator.containers.scratch import PREFIX

AWAITED_S = 86_400
"""How old a job of another state directory becomes before it is removed unasked."""

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
    """Takes over what dead emulators of this state directory left, and removes the rest; `labels` are our own."""

    def __init__(self, home: Home, labels: Mapping[str, str]) -> None:
        self._home = home
        self._labels = labels
        self._sandboxes: dict[str, LeftSandbox] = {}

    async def adopt(self, labels: Mapping[str, str]) -> list[DockerContainer]:
        """Make containers of our own of those with these labels."""
        wanted = {**labels, owner.STATE: self._labels[owner.STATE]}
        found = await self._list([f"{key}={value}" for key, value in wanted.items()])
        with engine_errors("take containers over"):
            adopted = await asyncio.gather(*(self._known_or_adopted(each) for each in found if self._is_old(each)))
        return [each for each in adopted if each]

    async def sweep(self) -> None:
        """Remove what dead emulators left, but for the containers that `adopt` answers and their networks."""
        found = await self._list([owner.LABEL])
        kept = [
            each for each in found if not _is_helper(each) and (self._is_of_this_state(each) or _is_awaited(each))
        ]
        needed = {each["Id"] for each in kept} | {sandbox_of(each) for each in kept}
        dead = (each for each in found if each["Id"] not in needed and owner.is_dead(each["Labels"][owner.LABEL]))
        await asyncio.gather(*(self._removed(each) for each in dead))
        await self._home.threads.call(self._sweep_volumes)

    async def _removed(self, found: Mapping[str, Any]) -> None:
        await DockerContainer(self._home, found["Id"], volume=scratch_of(found)).stop()

    def _sweep_volumes(self) -> None:
        client = self._home.client
        found = client.volumes(filters={"label": owner.LABEL, "dangling": True})["Volumes"] or ()
        for volume in found:
            if owner.is_dead(volume["Labels"][owner.LABEL]):
                scratch.remove(client, volume["Name"])

    async def _list(self, labels: list[str]) -> list[dict[str, Any]]:
        with engine_errors("list containers"):
            listed = await self._home.threads.call(
                self._home.client.containers, all=True, filters={"label": labels}
            )
        return list(listed)

    def _is_old(self, found: Mapping[str, Any]) -> bool:
        return bool(found["Labels"].get(owner.LABEL) != self._labels[owner.LABEL]) and not _is_helper(found)

    def _is_of_this_state(self, found: Mapping[str, Any]) -> bool:
        return bool(found["Labels"].get(owner.STATE) == self._labels[owner.STATE])

    async def _known_or_adopted(self, found: Mapping[str, Any]) -> DockerContainer | None:
        return self._home.known(found["Id"]) or await self._adopted(found)

    async def _adopted(self, found: Mapping[str, Any]) -> DockerContainer | None:
        """Take one over with all that goes with it; None, and it is removed, when it has no end to tell."""
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
        address = await self._home.threads.call(network.address_of, self._home.client, id)
        if id not in self._sandboxes:
            container = DockerContainer(self._home, id, address=address)
            self._home.remember(container)
            self._sandboxes[id] = LeftSandbox(container)
        self._sandboxes[id].users += 1
        return self._sandboxes[id]


def _is_helper(found: Mapping[str, Any]) -> bool:
    """Tell whether a container is the engine's own."""
    return ROLE in found["Labels"]


def _is_awaited(found: Mapping[str, Any]) -> bool:
    """Tell whether an emulator of another state directory may still be started again and ask for it."""
    return OUTLIVES in found["Labels"] and time.time() - float(found.get("Created", 0)) < AWAITED_S


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
