"""Recursive loops: how often each function ran in the chain of events that led to a request, and when that is enough.

As on AWS, the trace header of an invocation carries its lineage. SDKs send that header along with what a function
asks of S3, SNS and Lambda, and the events that come of it inherit it; what our supervisor uploads names its request
instead. A function that would run more than 16 times in one chain is stopped.

    X-Amzn-Trace-Id: Root=1-...;Parent=...;Sampled=0;Lineage=a87bd80c:3|68fd508a:1
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LIMIT = 16
"""How often a function may run in one chain."""

KEPT = 100_000
"""Invocations whose lineage is remembered; what an older one uploads begins a new chain."""

HEADER = "x-amzn-trace-id"

_FIELD = re.compile(r"(?:^|;)\s*Lineage=([^;]*)")
_COUNT = re.compile(r"([0-9a-f]{8}):(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Lineage:
    """The functions of a chain (by the hash of their ARN) and how often each ran."""

    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Lineage:
        """Read what `str` made; anything else is a fresh lineage."""
        return cls({found[1]: int(found[2]) for found in _COUNT.finditer(text)})

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Lineage:
        """Return the lineage that a request carries in its trace header."""
        found = _FIELD.search(headers.get(HEADER, ""))
        return cls.read(found[1]) if found else cls()

    def __str__(self) -> str:
        return "|".join(f"{function}:{count}" for function, count in self.counts.items())

    def through(self, function: str) -> Lineage:
        """Return the lineage of an invocation of a function (ARN) that this led to."""
        return Lineage({**self.counts, _hash(function): self._count(function) + 1})

    def exceeded(self, function: str) -> bool:
        """Tell whether an invocation of this lineage is one too many for its function (ARN)."""
        return self._count(function) > LIMIT

    def merged(self, other: Lineage) -> Lineage:
        """Return the lineage of what has two causes."""
        functions = {**self.counts, **other.counts}
        return Lineage({each: max(self.counts.get(each, 0), other.counts.get(each, 0)) for each in functions})

    def _count(self, function: str) -> int:
        return self.counts.get(_hash(function), 0)


FRESH = Lineage()
"""The lineage of what no function caused."""


def explain(function: str) -> str:
    """Say why a function was stopped, and what to do."""
    return (
        f"RecursiveInvocationException: {function} ran {LIMIT} times in one chain of events, because what it writes "
        "sets it off again; let it write where none of its own triggers looks"
    )


def _hash(arn: str) -> str:
    unqualified = ":".join(arn.split(":")[:7])
    return hashlib.sha256(unqualified.encode()).hexdigest()[:8]


class Lineages:
    """The lineages of invocations, for events that name only the request that made them."""

    def __init__(self) -> None:
        self._known: dict[str, Lineage] = {}

    def remember(self, request: str, lineage: Lineage) -> None:
        """Note an invocation's lineage."""
        self._known[request] = lineage
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]

    def of(self, request: str) -> Lineage:
        """Return the lineage of an invocation, a fresh one when it is unknown."""
        return self._known.get(request) or FRESH
