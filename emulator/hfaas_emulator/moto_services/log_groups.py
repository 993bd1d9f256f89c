"""Log groups: records of moto; their lines and streams are kept in `logs/`."""

from __future__ import annotations

import asyncio

from hfaas_emulator.moto_services.thread import Moto


class LogGroups:
    """What the log store and the Logs API need to know and to do about groups."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto
        self._making: set[asyncio.Task[None]] = set()

    async def exists(self, account: str, region: str, name: str) -> bool:
        """Tell whether there is such a group."""
        return await self._moto.call(_exists, account, region, name)

    def make(self, account: str, region: str, name: str) -> None:
        """Make a group that is not there, as Lambda does when a function writes its first line."""
        task = asyncio.create_task(self._moto.call(_make, account, region, name))
        self._making.add(task)
        task.add_done_callback(self._making.discard)


def _exists(account: str, region: str, name: str) -> bool:
    from moto.logs.models import logs_backends

    return name in logs_backends[account][region].groups


def _make(account: str, region: str, name: str) -> None:
    from moto.logs.models import logs_backends

    logs_backends[account][region].ensure_log_group(name)
