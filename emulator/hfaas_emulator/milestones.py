"""Lines by which our supervisor says how far it is, read out of a container's output and put onto the trace.

    SCRIPT RequestId: R Item: I Start
    SCRIPT RequestId: R Item: I Exit: CODE Duration: MS ms
    UPLOAD RequestId: R Url: URL Bytes: N
    DELEGATED RequestId: R JobId: J Cause: TEXT after S s
    JOB RequestId: R JobId: J Attempt: N

JOB, the first line of a job, makes no hop: the job's state says the same. It tells which request the job is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_emulator.trace import What


@dataclass(frozen=True, slots=True)
class Milestone:
    """What one line says of a request; `what` is None when it belongs to no hop."""

    request: str
    what: What | None
    detail: Mapping[str, Any] = field(default_factory=dict)


def milestone(line: str) -> Milestone | None:
    """Read a line; None when it is an ordinary one."""
    word = line.partition(" ")[0]
    if word not in PATTERNS:
        return None
    pattern, read = PATTERNS[word]
    found = pattern.match(line)
    return read(found) if found else None


def _script(found: re.Match[str]) -> Milestone:
    item = int(found["item"])
    if found["exit"] is None:
        return Milestone(found["request"], What.SCRIPT_STARTED, {"item": item})
    detail = {"item": item, "exit": int(found["exit"]), "duration_ms": float(found["ms"])}
    return Milestone(found["request"], What.SCRIPT_ENDED, detail)


def _upload(found: re.Match[str]) -> Milestone:
    return Milestone(found["request"], What.OUTPUT_UPLOADED, {"url": found["url"], "bytes": int(found["bytes"])})


def _delegated(found: re.Match[str]) -> Milestone:
    detail: dict[str, Any] = {"job": found["job"], "cause": found["cause"]}
    if found["seconds"]:
        detail["seconds"] = float(found["seconds"])
    return Milestone(found["request"], What.INVOCATION_DELEGATED, detail)


def _job(found: re.Match[str]) -> Milestone:
    return Milestone(found["request"], None)


def _line(rest: str) -> re.Pattern[str]:
    return re.compile(rf"[A-Z]+ RequestId: (?P<request>\S+) {rest}\s*$")


PATTERNS: Mapping[str, tuple[re.Pattern[str], Callable[[re.Match[str]], Milestone]]] = {
    "SCRIPT": (_line(r"Item: (?P<item>\d+) (?:Start|Exit: (?P<exit>-?\d+) Duration: (?P<ms>[\d.]+) ms)"), _script),
    "UPLOAD": (_line(r"Url: (?P<url>.+) Bytes: (?P<bytes>\d+)"), _upload),
    "DELEGATED": (_line(r"JobId: (?P<job>\S+) Cause: (?P<cause>.*?)(?: after (?P<seconds>[\d.]+) s)?"), _delegated),
    "JOB": (_line(r"JobId: (?P<job>\S+) Attempt: (?P<attempt>\d+)"), _job),
}
