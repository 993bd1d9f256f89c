"""The one stream of events of the Docker engine, read by a thread of its own and begun anew when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from docker.errors import DockerException

from hfaas_emulator.containers.connection import Client

AGAIN_S = 1.0
"""Pause before an engine that vanished is asked again."""


class EventStream:
    """Calls `begun` whenever the stream (re)starts and `event` for each event, both on the event loop."""

    def __init__(
        self,
        client: Client,
        label: str,
        begun: Callable[[], None],
        event: Callable[[dict[str, Any]], None],
    ) -> None:
        self._client = client
        self._label = label
        self._begun = begun
        self._event = event
        self._loop = asyncio.get_running_loop()
        self._since = int(time.time()) - 1
        self._stream: Any = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="hfaas-events")
        self._thread.start()

    async def close(self) -> None:
        """Break the stream off and wait for the thread."""
        self._closing.set()
        self._break()
        await asyncio.to_thread(self._thread.join, AGAIN_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(DockerException, requests.RequestException, OSError, ValueError):
                self._read()
            self._closing.wait(AGAIN_S)

    def _read(self) -> None:
        self._stream = self._client.events(
            since=self._since,
            decode=True,
            filters={"type": "container", "event": ["die", "oom"], "label": self._label},
        )
        self._tell(self._begun)
        if self._closing.is_set():  # closed while the stream was being opened
            self._break()
        try:
            for event in self._stream:
                self._since = int(event.get("time", self._since))
                self._tell(self._event, event)
        finally:
            self._stream._response.close()  # noqa: SLF001 - the SDK closes only half of it

    def _tell(self, what: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(what, *args)

    def _break(self) -> None:
        """Wake the reading thread with an end of file."""
        with contextlib.suppress(AttributeError, OSError):  # not begun, or ended already
            self._stream._response.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001
