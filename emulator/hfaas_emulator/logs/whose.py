"""Whose line it is: the function, the request or job, the level.

A stream of an execution environment holds requests one after another: a line belongs to the one whose START was
written last, also after its REPORT: what was printed before the answer may arrive later, and Lambda tells of a time
limit there. What is printed before the first START belongs to nobody. A stream of a job is one job's.
"""

from __future__ import annotations

import re

FUNCTIONS = "/aws/lambda/"
START = "START RequestId: "
INIT_START = "INIT_START Runtime Version: "
"""AWS lets a new environment write into the stream of one that failed, and begins with this."""

JOB = re.compile(r"JOB RequestId: \S+ JobId: (\S+) Attempt: ")
JOB_STREAM = re.compile(r".+/default/[0-9a-f]{32}")
"""The streams that ECS makes: PREFIX/default/TASK."""

ID_LIMIT = 64
"""A longer request id is no id, but text of the function's own that looks like a START."""

LEVELS = {
    "TRACE": "DEBUG", "DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR",
    "CRITICAL": "ERROR", "FATAL": "ERROR",
}  # fmt: skip
_FORMATS = {
    "[": re.compile(r"\[([A-Z]+)\]"),
    "{": re.compile(
        r'\{.{0,400}?"(?:level|levelname|log_level|severity)"\s*:\s*"(\w+)"', re.IGNORECASE | re.DOTALL
    ),
}
_STAMPED = re.compile(r"[\d:,.TZ +-]{8,40} - [^\n]{1,80}? - ([A-Z]+) - ")
_HEAD = 512


class Whose:
    """Tells the lines of one stream apart; `request` is what they belong to now."""

    __slots__ = ("function", "is_job", "request")

    def __init__(self, group: str, stream: str, job: tuple[str, str] | None = None) -> None:
        self.is_job = job is not None or JOB_STREAM.fullmatch(stream) is not None
        self.request = f"job:{job[0]}" if job else ""
        name = group.removeprefix(FUNCTIONS) if group.startswith(FUNCTIONS) else ""
        self.function = name or (job[1] if job else "") or group

    def take(self, message: str) -> str:
        """Return the request or job of the stream's next line."""
        if self.is_job:
            return self.request or self._named(message)
        if message.startswith(START):
            self.request = _id(message)
        elif message.startswith(INIT_START):
            self.request = ""
        return self.request

    def _named(self, message: str) -> str:
        """Read the line with which our supervisor begins a job."""
        if found := JOB.match(message):
            self.request = f"job:{found[1][:ID_LIMIT]}"
        return self.request


def _id(message: str) -> str:
    words = message[len(START) :].split(maxsplit=1)
    return words[0] if words and len(words[0]) <= ID_LIMIT else ""


def level(message: str) -> str:
    """Return DEBUG, INFO, WARN or ERROR where the line itself says so, as Python's and Lambda's own formats do."""
    first = message[:1]
    if first.isdecimal():
        found = _STAMPED.match(message, 0, _HEAD)
    elif first in _FORMATS:
        found = _FORMATS[first].match(message, 0, _HEAD)
    else:
        return ""
    return LEVELS.get(found[1].upper(), "") if found else ""
