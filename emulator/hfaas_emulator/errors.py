"""What can go wrong in the emulator.

EmulatorError            a person's mistake or the machine's limit: message + hint, shown without a traceback
├── EngineError          the container engine refused or vanished
│   └── ImageNotFound    the image is not on this machine and cannot be pulled
└── StateError           the state directory cannot be read or written

AwsError                 an answer in AWS's words; becomes an HTTP response at the edge and nowhere else
"""

from __future__ import annotations


class EmulatorError(Exception):
    """A failure a person can act on: what happened, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class EngineError(EmulatorError):
    """The container engine refused, or vanished."""


class ImageNotFound(EngineError):
    """The image is neither on this machine nor can it be pulled."""


class StateError(EmulatorError):
    """The state directory cannot be read or written."""


class AwsError(Exception):
    """A refusal with AWS's error code, words and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
