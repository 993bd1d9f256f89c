"""One browser's UI: a child that speaks the packets of Textual's web driver, and ends when its browser goes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from hfaas_tui.ui.safe import clean

GRACE_S = 10.0
"""A UI that was told to end may take so long: it ends its emulator first."""

LAST_S = 1.0
PRELUDE = b"__GANGLION__\n"
PRELUDE_LINES = 10
COMPLAINT_LINES = 12
CLEARED = b"\x1b[2J\x1b[H"

ANOTHER_TERMINAL = {"TMUX", "TMUX_PANE", "STY", "TEXTUAL_LOG", "LINES"}
"""Variables that tell of the terminal we were called from; the browser is another one."""

BROWSER = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "TEXTUAL_FPS": "30",
    "PYTHONIOENCODING": "utf-8",
}


class Session(AppService):
    """Starts the UI without a shell, carries its packets, and sees to it that it ends."""

    def __init__(self, call: Sequence[str], websocket: web.WebSocketResponse) -> None:
        async def close() -> None:
            await websocket.close()

        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=DownloadManager(),
        )
        self._call = tuple(call)
        self._ending: asyncio.Task[None] | None = None

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        built = super()._build_environment(width, height)
        return {name: value for name, value in built.items() if name not in ANOTHER_TERMINAL} | BROWSER

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._call,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,  # ^c is ours: we end the UIs in order
        )
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Carry what the UI paints to the browser until the UI ends, and tell both sides what it complained of."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        complaints: deque[str] = deque(maxlen=COMPLAINT_LINES)
        hearing = asyncio.create_task(_hear(process.stderr, complaints))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if await _has_begun(process.stdout):
                await self._carry(process.stdout)
        await asyncio.wait([hearing], timeout=LAST_S)  # what the UI started may hold its stderr
        hearing.cancel()
        await self._tell(list(complaints))
        await self.remote_close()

    async def _carry(self, stdout: asyncio.StreamReader) -> None:
        while True:
            kind = await stdout.readexactly(1)
            payload = await stdout.readexactly(int.from_bytes(await stdout.readexactly(4), "big"))
            if kind == b"D":
                await self._paint(payload)
            elif kind == b"M" and json.loads(payload).get("type") == "exit":
                await self._paint(CLEARED + b"hfaas-tui ends...")

    async def _paint(self, data: bytes) -> None:
        """Send to the browser; one that is gone must not keep us from reading, else the UI could never end."""
        with suppress(ConnectionError, RuntimeError):
            await self.on_data(data)

    async def _tell(self, complaints: Sequence[str]) -> None:
        if complaints:
            sys.stderr.write("".join(f"{line}\n" for line in complaints))
            await self._paint(CLEARED + "\r\n".join(complaints).encode())

    async def stop(self) -> None:
        """End the UI; returns when it has ended."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self.send_meta({"type": "quit"})
                await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=2 * LAST_S)
            self._task.cancel()


async def _has_begun(stdout: asyncio.StreamReader) -> bool:
    """Read up to the line with which Textual begins; False when something else came, or nothing."""
    for _ in range(PRELUDE_LINES):
        line = await stdout.readline()
        if line == PRELUDE:
            return True
        if not line:
            break
    return False


async def _hear(stderr: asyncio.StreamReader, complaints: deque[str]) -> None:
    """Keep the last lines, such that no terminal obeys them."""
    rest = b""
    while data := await stderr.read(4096):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-4096:]
        complaints.extend(clean(line.decode("utf-8", "replace")) for line in lines if line)
    if rest:
        complaints.append(clean(rest.decode("utf-8", "replace")))
