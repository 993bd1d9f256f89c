"""When something is due: `rate(5 minutes)`, `cron(...)`, `at(2030-01-01T00:00:00)`, in a time zone, within limits.

Clocks that are put forward skip what a cron expression says for the missing hour; clocks that are put back do not
repeat what has been. A rate counts seconds, whatever clocks do.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from hfaas_emulator.scheduler import cron
from hfaas_emulator.scheduler.cron import Cron, ExpressionError

__all__ = ("At", "Cron", "Expression", "ExpressionError", "Rate", "Timing", "read_rule", "read_schedule", "zone")

UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}
FORM = re.compile(r"(rate|cron|at)\(([^()]*)\)")
RATE = re.compile(r"\s*([1-9][0-9]{0,8})\s+(minute|hour|day)(s?)\s*")
AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class At:
    """Once, at a time without a zone."""

    time: datetime


Expression = Rate | Cron | At


@lru_cache(maxsize=1_000)
def read_rule(text: str) -> Rate | Cron:
    """Read the expression of a rule of EventBridge, where `1` wants the singular; ExpressionError."""
    kind, inside = _form(text)
    if kind == "cron":
        return cron.read(inside)
    if kind != "rate":
        raise ExpressionError("a rule knows rate and cron")
    return _rate(inside, strict=True)


@lru_cache(maxsize=1_000)
def read_schedule(text: str) -> Expression:
    """Read the expression of a schedule of EventBridge Scheduler, which takes `1 minutes`, too; ExpressionError."""
    kind, inside = _form(text)
    match kind:
        case "cron":
            return cron.read(inside)
        case "rate":
            return _rate(inside, strict=False)
    if not AT.fullmatch(inside.strip()):
        raise ExpressionError("at(yyyy-mm-ddThh:mm:ss)")
    try:
        time = datetime.fromisoformat(inside.strip())
    except ValueError as error:
        raise ExpressionError(str(error)) from error
    if not cron.YEARS.low <= time.year <= cron.YEARS.high:
        raise ExpressionError(f"the year is not from {cron.YEARS.low} to {cron.YEARS.high}")
    return At(time)


def _form(text: str) -> tuple[str, str]:
    found = FORM.fullmatch(text)
    if found is None:
        raise ExpressionError("rate(...), cron(...) or at(...)")
    return found[1], found[2]


def _rate(inside: str, *, strict: bool) -> Rate:
    found = RATE.fullmatch(inside)
    if found is None:
        raise ExpressionError("rate(value minutes|hours|days)")
    if strict and (found[1] == "1") == bool(found[3]):
        raise ExpressionError("1 wants the singular, everything else the plural")
    return Rate(int(found[1]) * UNITS[found[2]])


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name; ExpressionError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # a folder of zones is an OSError
        raise ExpressionError(f"{name} is no time zone") from error


@dataclass(frozen=True, slots=True)
class Timing:
    """An expression with all that moves it; `anchor` is the first moment of a rate that has no `start`.

    Moments are Unix seconds. Each firing is put off by a part of `window_s` that looks random and is always the same.
    """

    expression: Expression
    anchor: float = 0.0
    zone: str = "UTC"
    start: float | None = None
    end: float | None = None
    window_s: int = 0

    def after(self, moment: float) -> float | None:
        """Return the first moment after this one at which it is due, or None."""
        match self.expression:
            case At(time):
                found = _real(time, zone(self.zone))
                return found if found is not None and found > moment else None
            case Rate(seconds):
                first = self.anchor if self.start is None else self.start
                passed = max(0, int((moment - first) // seconds) + 1)
                due: float | None = first + passed * seconds
            case Cron():
                due = self._cron(self.expression, moment)
        return None if due is None or (self.end is not None and due > self.end) else due

    def _cron(self, expression: Cron, moment: float) -> float | None:
        place = zone(self.zone)
        since = max(moment, (self.start or 0) - 1)
        for time in expression.since(datetime.fromtimestamp(since, place).replace(tzinfo=None, microsecond=0)):
            found = _real(time, place)
            if found is not None and found > since:
                return found
        return None

    def fires(self, due: float) -> float:
        """Return when it fires that is due at a moment."""
        return due + random.Random(f"{self} {due}").uniform(0, self.window_s) if self.window_s else due  # noqa: S311


def _real(time: datetime, place: ZoneInfo) -> float | None:
    """Return a local time as a moment, the first of two; None when clocks never show it."""
    moment = time.replace(tzinfo=place).timestamp()
    shown = datetime.fromtimestamp(moment, UTC).astimezone(place).replace(tzinfo=None)
    return moment if shown == time else None
