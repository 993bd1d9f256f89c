"""The supervisor's own lines in the log, in the format of stock faas-supervisor, and the three the emulator reads."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from hfaas_supervisor.errors import ConfigError

LEVELS = {"NOTSET": 0, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


class Console:
    """Writes whole lines to one file descriptor; the script's output goes to the same one."""

    def __init__(self, fd: int, level: str = "INFO") -> None:
        if level.upper() not in LEVELS:
            raise ConfigError(f"log_level {level!r} is none of {', '.join(LEVELS)}")
        self.fd = fd
        self._level = LEVELS[level.upper()]

    def debug(self, text: str) -> None:
        self._leveled("DEBUG", text)

    def info(self, text: str) -> None:
        self._leveled("INFO", text)

    def warning(self, text: str) -> None:
        self._leveled("WARNING", text)

    def error(self, text: str) -> None:
        self._leveled("ERROR", text)

    def line(self, text: str) -> None:
        """Write a line as it is, at every level."""
        data = memoryview(f"{text}\n".encode(errors="replace"))
        with suppress(OSError):  # whoever read the log is gone; the work goes on
            while data:
                data = data[os.write(self.fd, data) :]

    def _leveled(self, level: str, text: str) -> None:
        if LEVELS[level] >= self._level:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S")
            self.line(f"{stamp} - supervisor - {level} - {text}")
