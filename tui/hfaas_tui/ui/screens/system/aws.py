"""What the System view says of AWS: the account, our Stacks, the queues and compute environments of our jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hfaas_tui.ui.model import Health, Target
from hfaas_tui.ui.safe import ago, clean, clip
from hfaas_tui.ui.screens.system.lines import Service, queue
from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line

NAME = 44
"""Cells of a Stack's name."""


def rows(system: Mapping[str, Any], health: Health) -> list[Service]:
    """Return Stacks, queues and compute environments as rows of the table."""
    stacks = [Service(each["name"], _is_good(each["status"]), "stack", None) for each in _stacks(system)]
    queues = [_row(each, "queue") for each in _queues(system)]
    environments = [_row(each, "compute") for one in _queues(system) for each in one.get("environments") or ()]
    known = [*stacks, *queues, *environments]
    return known if health.is_up else [Service(each.name, False, each.address, None) for each in known]


def _row(each: Mapping[str, Any], kind: str) -> Service:
    is_up = each.get("state") == "ENABLED" and each.get("status", "VALID") == "VALID"
    return Service(str(each["name"]), is_up, kind, None)


def _stacks(system: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(system.get("stacks") or ())


def _queues(system: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(system.get("queues") or ())


def _is_good(status: str) -> bool:
    return status.endswith("_COMPLETE") and "ROLLBACK" not in status


def account(health: Health, target: Target, functions: int) -> Iterator[Line]:
    """Say who we are there, and what else is where."""
    yield Part(" account   ", "dim"), Part(target.shown or "-")
    yield Part(" as        ", "dim"), Part(clip(clean(str(health.status.get("arn") or "-")), 200))
    yield Part(" region    ", "dim"), Part(target.region or "-")
    if target.profile:
        yield Part(" profile   ", "dim"), Part(clean(target.profile))
    if target.stand_in:
        yield Part(" stand-in  ", "dim"), Part(f"{target.stand_in} plays AWS: this is not AWS", "warn")
    yield Part(" functions ", "dim"), Part(f"{functions} that hfaas deployed")
    yield Part(" looks     ", "dim"), Part("AWS is asked every 2 to 10 s; what you see may be that old", "dim")


def stacks(system: Mapping[str, Any], now: float) -> Iterator[Line]:
    """Say how each of our Stacks is, what was promoted into it, and what nobody could work on."""
    known = _stacks(system)
    if not system:
        yield (Part(" not known yet", "dim"),)
    elif not known:
        yield (
            Part(
                " none of hfaas in this account and region: 7 promotes the pipeline, from the local emulator", "dim"
            ),
        )
    for each in known:
        is_good = _is_good(each["status"])
        yield (
            Part(" ✓ " if is_good else " ! ", "ok" if is_good else "warn"),
            Part(f"{clip(clean(each['name']), NAME)}  "),
            Part(each["status"], "" if is_good else "warn"),
            Part(f"  template {each['template'][:12]}, {ago(now - each['changed'])}", "dim"),
        )
        if each.get("reason"):
            yield (Part(f"     {clean(each['reason'])}", "warn"),)
        if promoted := each.get("promoted"):
            yield (Part(f"     promoted {moment(promoted['at'])} by {clean(promoted['by'])}", "dim"),)
        if count := each["dead_letters"]:
            words = "event or job" if count == 1 else "events or jobs"
            yield (Part(f"     {count} {words} in the dead letters: nobody could work on them", "warn"),)


def queues(system: Mapping[str, Any]) -> Iterator[Line]:
    """Say what waits and runs in the queues of our jobs."""
    known = _queues(system)
    if not system:
        yield (Part(" not known yet", "dim"),)
    elif not known:
        yield (Part(" none: no function here hands work over to Batch", "dim"),)
    for each in known:
        yield tuple(queue(each))


def load(rates: Mapping[str, Sequence[float]], own: str) -> Iterator[Line]:
    """Say how much is told per second, and what the UI itself costs."""
    for name, values in rates.items():
        yield Part(f" {name:<12}", "dim"), Part(f"{values[-1] if values else 0:>6,.0f}")
    yield Part(f" {'ui':<12}", "dim"), Part(f"  {own}")


def about(row: Service, system: Mapping[str, Any]) -> list[str]:
    """Return all that is known of a row, for a sheet."""
    known = [*_stacks(system), *_queues(system), *(e for each in _queues(system) for e in each["environments"])]
    found: Mapping[str, Any] = next((each for each in known if each["name"] == row.name), {})
    return [f"{name.replace('_', ' '):<13} {_text(name, value)}" for name, value in found.items()]


def _text(name: str, value: Any) -> str:
    if name == "changed":
        return moment(float(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(clean(str(each.get("name", each))) for each in value) or "-"
    return clean(str(value)) or "-"


def moment(seconds: float) -> str:
    """Return a time of the user's own day."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
