"""Answers of the emulator that never end: JSON documents, line by line, in batches, until somebody closes them."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from hfaas_tui.errors import NoEmulator

PIECE = 64 * 1024
BREATH_S = 0.04
"""Pause between two batches: what comes meanwhile is one batch, so a flood costs no more than 25 of them a second."""

CONNECT_S = 5
HEAD_LIMIT = 64 * 1024
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


class Stream:
    """One such answer; `close` may be called from another thread, and ends whoever waits in it."""

    def __init__(self, endpoint: str, path: str) -> None:
        self._endpoint, self._path = endpoint, path
        self._closing = threading.Event()
        self._socket: socket.socket | None = None

    def batches(self) -> Iterator[list[Any]]:
        """Yield what came since the last batch, as long as the emulator lives; NoEmulator when it does not answer."""
        with self._opened() as connection:
            self._socket = connection
            try:
                rest = self._head(connection)
            except NoEmulator:
                if self._closing.is_set():
                    return
                raise
            body = _Body()
            while not self._closing.is_set():
                if lines := body.take(rest):
                    yield [json.loads(line) for line in lines if line.strip()]
                if len(rest) < PIECE // 2:
                    self._closing.wait(BREATH_S)
                try:
                    rest = connection.recv(PIECE)
                except OSError:
                    return
                if not rest or body.is_over:
                    return

    def close(self) -> None:
        """End it."""
        self._closing.set()
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _opened(self) -> socket.socket:
        address = urlsplit(self._endpoint)
        host, port = address.hostname or "", address.port or 80
        try:
            connection = socket.create_connection((host, port), CONNECT_S)
            asked = f"GET {self._path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
            connection.sendall(asked.encode())
        except OSError as error:
            raise NoEmulator(f"no emulator answers at {self._endpoint} ({error})", "S starts one") from error
        return connection

    def _head(self, connection: socket.socket) -> bytes:
        """Read to the end of the head and return what came after it."""
        got = b""
        try:
            while b"\r\n\r\n" not in got and len(got) < HEAD_LIMIT:
                piece = connection.recv(PIECE)
                if not piece:
                    break
                got += piece
            connection.settimeout(None)
        except OSError as error:
            raise NoEmulator(f"{self._endpoint} breaks off ({error})", "S starts an emulator") from error
        head, _, rest = got.partition(b"\r\n\r\n")
        found = STATUS.match(head)
        if not found or found[1] != b"200":
            status = found[1].decode() if found else "nothing"
            raise NoEmulator(f"{self._endpoint} answers {status} to {self._path.partition('?')[0]}")
        return rest


class _Body:
    """Takes a chunked body apart into whole lines."""

    def __init__(self) -> None:
        self.is_over = False
        self._raw = b""
        self._left = 0
        self._line = b""

    def take(self, piece: bytes) -> list[bytes]:
        """Take more of it and return the lines that are whole by now."""
        raw, at, parts = self._raw + piece, 0, [self._line]
        while at < len(raw):
            if self._left == 0:
                end = raw.find(b"\r\n", at)
                if end < 0:
                    break
                size = raw[at:end].partition(b";")[0]
                at = end + 2
                if size:  # an empty line ends the chunk before
                    self._left = int(size, 16)
                    self.is_over = self._left == 0
                continue
            data = raw[at : at + self._left]
            parts.append(data)
            at += len(data)
            self._left -= len(data)
        self._raw = raw[at:]
        *lines, self._line = b"".join(parts).split(b"\n")
        return lines
