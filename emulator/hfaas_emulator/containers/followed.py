"""Reads the output of a container again that another emulator had started, from the log that Docker keeps of it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from docker.errors import DockerException
from urllib3.exceptions import HTTPError

from hfaas_emulator.containers.attach import Demultiplexer
from hfaas_emulator.containers.engine import Output


class Followed:
    """One log, in frames as of an attached container, that is read in a thread of its own; `ended` is set when the engine closed the stream."""

    last_words_s = 60.0
    """How long after the end of the container its output may still be under way: a whole log is read again."""

    def __init__(self, output: Output, errors: Output | None, stream: Any) -> None:
        self.ended = asyncio.Event()
        self._demultiplexer = Demultiplexer(output, errors)
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, daemon=True, name="hfaas-log").start()

    def close(self) -> None:
        """Stop reading."""
        with contextlib.suppress(AttributeError, OSError, DockerException):  # ended already
            self._stream.close()

    def _read(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            try:
                for data in self._stream:
                    self._loop.call_soon_threadsafe(self._demultiplexer.feed, data)
            except (OSError, ValueError, HTTPError):
                pass  # closed from our side
            finally:
                self._stream._response.close()  # noqa: SLF001 - the SDK closes only half of it
            self._loop.call_soon_threadsafe(self.ended.set)
