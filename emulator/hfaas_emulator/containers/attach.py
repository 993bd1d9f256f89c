"""Reads the output of a container as it comes, from Docker's multiplexed attach stream."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from docker.utils.socket import frames_iter

from hfaas_emulator.containers.engine import Output

STDERR = 2
_HEADER = struct.Struct(">BxxxL")


class Demultiplexer:
    """Takes the stream apart: frames of an eight-byte header and data, cut anywhere."""

    def __init__(self, output: Output, errors: Output | None = None) -> None:
        self._streams = {STDERR: errors or output}
        self._output = self._to = output
        self._head = b""
        self._left = 0

    def feed(self, data: bytes) -> None:
        """Pass on the frames' data, also of a frame that has come only in part."""
        view = memoryview(data)
        while view:
            if self._left:
                piece = view[: self._left]
                self._left -= len(piece)
                self._to(bytes(piece))
                view = view[len(piece) :]
            else:
                missing = _HEADER.size - len(self._head)
                self._head += view[:missing]
                view = view[missing:]
                if len(self._head) == _HEADER.size:
                    stream, self._left = _HEADER.unpack(self._head)
                    self._to = self._streams.get(stream, self._output)
                    self._head = b""


class Attached(asyncio.Protocol):
    """One attached container; `ended` is set when the engine closed the stream."""

    last_words_s = 60.0
    """How long after the end of the container its output may still be under way: the engine always closes the stream."""

    def __init__(self, output: Output, errors: Output | None = None) -> None:
        self._demultiplexer = Demultiplexer(output, errors)
        self._streams = {STDERR: errors or output}
        self._output = output
        self.ended = asyncio.Event()
        self._close: Callable[[], None] = lambda: None

    def data_received(self, data: bytes) -> None:
        self._demultiplexer.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.ended.set()

    async def read(self, stream: Any) -> None:
        """Begin to read; the event loop does it where the stream is a plain socket, else a thread."""
        plain: Any = getattr(stream, "_sock", stream)
        if type(plain) is not socket.socket:  # TLS, a Windows pipe or ssh: only the SDK can read these
            self._read_in_thread(stream)
            return
        own = plain.dup()
        own.setblocking(False)
        stream._response.close()  # noqa: SLF001 - the SDK keeps there what must be closed with the stream
        loop = asyncio.get_running_loop()
        if own.family == socket.AF_UNIX:
            transport, _ = await loop.create_unix_connection(lambda: self, sock=own)
        else:
            transport, _ = await loop.create_connection(lambda: self, sock=own)
        self._close = transport.close

    def close(self) -> None:
        """Stop reading."""
        self._close()

    def _read_in_thread(self, stream: Any) -> None:
        loop = asyncio.get_running_loop()
        self._close = stream.close

        def follow() -> None:
            try:
                for number, data in frames_iter(stream, tty=False):  # type: ignore[no-untyped-call]
                    loop.call_soon_threadsafe(self._streams.get(number, self._output), data)
            except (OSError, ValueError):
                pass  # closed from our side
            finally:
                loop.call_soon_threadsafe(self.ended.set)

        threading.Thread(target=follow, daemon=True, name="hfaas-attach").start()
