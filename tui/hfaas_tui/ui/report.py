"""A report on the machine, the emulator and the UI for whoever looks into a defect: no secrets, no home paths."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from hfaas_tui.doctor import Finding
from hfaas_tui.ui.crash import redacted
from hfaas_tui.ui.model import Function, Health, Machine, Run, Target
from hfaas_tui.ui.safe import clean
from hfaas_tui.ui.state import Message
from hfaas_tui.units import size

MESSAGES = 20
LINES = 30
"""Last lines of the emulator's own log."""

TERMINAL = ("TERM", "COLORTERM", "LANG", "TMUX", "SSH_CONNECTION", "NO_COLOR")
_LEVELS = {"ok": "ok  ", "note": "note", "bad": "bad "}


@dataclass(frozen=True, slots=True)
class Report:
    """What is known when the report is asked for."""

    now: float
    target: Target
    health: Health
    machine: Machine
    system: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    functions: Sequence[Function] = ()
    runs: Sequence[Run] = ()
    messages: Sequence[Message] = ()
    log: Sequence[str] = ()
    pulse: str = ""


def text(report: Report) -> str:
    """Return the report as text that anybody may read."""
    lines = [clean(line) for part in _PARTS for line in part(report)]
    return redacted("\n".join(lines)) + "\n"


def _head(report: Report) -> Iterator[str]:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(report.now))
    yield f"hfaas report, {when} UTC"
    yield f"version    {_version(report)}, Python {platform.python_version()}"
    yield f"system     {platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} processors"
    yield "terminal   " + ", ".join(f"{name}={_present(name)}" for name in TERMINAL if name in os.environ)
    yield f"target     {report.target.kind} {report.target.region}"
    yield f"ui         {report.pulse}"


def _version(report: Report) -> str:
    """Return the version of the emulator that answers, else the one that is installed."""
    try:
        return str(report.health.status.get("version") or metadata.version("hfaas"))
    except metadata.PackageNotFoundError:
        return "unknown"


def _present(name: str) -> str:
    """Return a variable; of those that tell where the user is, only that they are set."""
    return "set" if name in {"TMUX", "SSH_CONNECTION"} else os.environ[name]


def _emulator(report: Report) -> Iterator[str]:
    status, system = report.health.status, report.system
    yield ""
    yield f"emulator   {'up' if report.health.is_up else 'does not answer'}"
    if report.health.problem:
        yield f"           {report.health.problem.message}; {report.health.problem.hint}"
    engine = status.get("engine") or {}
    yield f"engine     {engine.get('name', '-')} {engine.get('detail', '')}"
    yield f"machine    cpu {report.machine.cpu:.0%}, memory {report.machine.memory:.0%} of {_size(report.machine)}"
    for gpu in report.machine.gpus:
        memory = f"{size(gpu.memory_used)} of {size(gpu.memory_total)}"
        yield f"gpu {gpu.index}      {gpu.name}, driver {gpu.driver}, {memory}, {gpu.utilisation:.0%}"
    if not report.machine.gpus:
        yield f"gpu        {(status.get('gpus') or {}).get('detail', 'none')}"
    requests = system.get("requests") or {}
    yield "requests   " + (", ".join(f"{name} {count}" for name, count in sorted(requests.items())) or "none")
    for queue in system.get("queues") or ():
        yield f"queue      {queue.get('name')} {queue.get('state')} {dict(queue.get('jobs') or {})}"


def _size(machine: Machine) -> str:
    return f"{size(machine.memory_total)}, disk {size(machine.disk_free)} free of {size(machine.disk_total)}"


def _doctor(report: Report) -> Iterator[str]:
    yield ""
    for found in report.findings:
        yield f"doctor     {_LEVELS[found.level]} {found.subject}: {found.text}"


def _work(report: Report) -> Iterator[str]:
    yield ""
    modes = Counter(each.mode for each in report.functions)
    states = Counter(f"{run.kind} {run.state.value}" for run in report.runs)
    yield "functions  " + (", ".join(f"{count} {mode}" for mode, count in sorted(modes.items())) or "none")
    yield "runs       " + (", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none")


def _said(report: Report) -> Iterator[str]:
    yield ""
    for message in report.messages[-MESSAGES:]:
        at = time.strftime("%H:%M:%S", time.gmtime(message.time))
        yield f"message    {at} {message.state.value}: {message.text}"
    if report.log:
        yield ""
        yield "the emulator's own log, its end:"
        yield from report.log[-LINES:]


_PARTS = (_head, _emulator, _doctor, _work, _said)
