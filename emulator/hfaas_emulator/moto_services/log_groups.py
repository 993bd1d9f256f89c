"""Log groups: records of moto; their lines and streams are kept in `logs/`."""

from __future__ import annotations

import asyncio
import json

from hfaas_emulator.moto_services.bridge import Request
from hfaas_emulator.moto_services.thread import Moto

TARGET = "Logs_20140328.CreateLogGroup"


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
        task = asyncio.create_task(self._moto.call(_make, self._moto, account, region, name))
        self._making.add(task)
        task.add_done_callback(self._making.discard)


def _exists(account: str, region: str, name: str) -> bool:
    from moto.logs.models import logs_backends  # moto is imported on its thread

    return name in logs_backends[account][region].groups


def _make(moto: Moto, account: str, region: str, name: str) -> None:
    if not _exists(account, region, name):
        moto.answer(_creation(account, region, name))


def _creation(account: str, region: str, name: str) -> Request:
    """Return the request that creates a group: as a request it is in the journal, and there after a restart."""
    scope = f"Credential={account}/20250101/{region}/logs/aws4_request"
    headers = {
        "host": "localhost",
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": TARGET,
        "authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    }
    body = json.dumps({"logGroupName": name}).encode()
    return Request("POST", "/", "", headers, body, account, record=True)
