"""Hops of the emulator's trace in words, as the steps that runs and stories show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hfaas_emulator.trace import Hop, What
from hfaas_tui.delegation import because
from hfaas_tui.ui.model import Condition, Step
from hfaas_tui.ui.safe import duration
from hfaas_tui.units import size

Detail = Mapping[str, Any]

JOB_STATES = {
    "SUCCEEDED": Condition.OK,
    "FAILED": Condition.FAILED,
    "RUNNING": Condition.RUNNING,
    "STARTING": Condition.QUEUED,
}


def step(hop: Hop, run: str = "") -> Step:
    """Put a hop into words; `run` is the row that it belongs to."""
    words = _WORDS.get(hop.what)
    text = words(hop.detail) if words else ""
    if hop.what is What.JOB_STATE:
        state = JOB_STATES.get(hop.detail.get("status", ""), Condition.NONE)
    else:
        state = _STATES.get(hop.what, Condition.NONE)
    return Step(hop.time, hop.what.value, text, state, run or hop.invocation, hop.seq)


def function_of(arn: str) -> str:
    """Return the name in a function's ARN; a name as it is."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else arn


def _uri(d: Detail) -> str:
    return f"s3://{d.get('bucket')}/{d.get('key')}"


def _created(d: Detail) -> str:
    return f"{_uri(d)}  {size(d.get('size'))}"


def _job(d: Detail) -> str:
    return ", ".join(str(each) for each in _job_words(d) if each)


def _job_words(d: Detail) -> tuple[Any, ...]:
    code = d.get("exit")
    reason = d.get("reason") or d.get("container_reason")
    return f"job {d.get('job')} {d.get('status')}", reason, d.get("note"), f"exit {code}" if code else ""


def _failed(d: Detail) -> str:
    return f"{d.get('error_type')}: {d.get('message')}  {_took(d)}"


def _took(d: Detail) -> str:
    return duration(float(d.get("duration_ms") or 0) / 1000)


def _succeeded(d: Detail) -> str:
    return f"{_took(d)}, {d.get('peak_mb')} of {d.get('memory_mb')} MB"


def _delegated(d: Detail) -> str:
    return f"to job {d.get('job')}: {because(str(d.get('cause') or ''), d.get('seconds'))}"


def _called(d: Detail) -> str:
    told = f"{d.get('method')} {d.get('path')} → {d.get('status')}"
    return f"{told}: {d['reason']}" if d.get("reason") else told


_WORDS: Mapping[What, Callable[[Detail], str]] = {
    What.OBJECT_CREATED: _created,
    What.OBJECT_REMOVED: _uri,
    What.TRIGGER_NONE: lambda d: f"{_uri(d)}: its bucket notifies nobody",
    What.FILTER_MATCHED: lambda d: f"{_uri(d)} → {function_of(str(d.get('target')))}",
    What.FILTER_REJECTED: lambda d: f"{function_of(str(d.get('target')))} does not take it: {d.get('reason')}",
    What.PERMISSION_GRANTED: lambda d: f"{_uri(d)} may invoke {function_of(str(d.get('function')))}",
    What.PERMISSION_DENIED: lambda d: f"{function_of(str(d.get('function')))}: {d.get('reason')}",
    What.ROLE_DENIED: lambda d: f"role {d.get('role')}: {d.get('action')} on {d.get('resource')}",
    What.EVENT_QUEUED: lambda d: f"for {d.get('function')}, from {d.get('origin')}",
    What.EVENT_THROTTLED: lambda d: f"{d.get('function')} waits: {d.get('limit')}",
    What.EVENT_RETRY: lambda d: f"again in {d.get('after_s')} s after {d.get('reason')}",
    What.EVENT_DISCARDED: lambda d: str(d.get("reason")),
    What.EVENT_DELIVERED: lambda d: f"{d.get('condition')} → {d.get('destination')}",
    What.ENVIRONMENT_STARTED: lambda d: f"of {d.get('function')} in {float(d.get('init_ms') or 0):.0f} ms",
    What.ENVIRONMENT_LEASED: lambda d: f"{d.get('start')} start",
    What.ENVIRONMENT_STOPPED: lambda d: str(d.get("reason")),
    What.INVOCATION_STARTED: lambda d: f"in {d.get('function')}",
    What.INVOCATION_SUCCEEDED: _succeeded,
    What.INVOCATION_FAILED: _failed,
    What.SCRIPT_STARTED: lambda d: f"item {d.get('item')}",
    What.SCRIPT_ENDED: lambda d: f"item {d.get('item')}, exit {d.get('exit')}, {_took(d)}",
    What.OUTPUT_UPLOADED: lambda d: f"{d.get('url')}  {size(d.get('bytes'))}",
    What.INVOCATION_DELEGATED: _delegated,
    What.IMAGE_RAN: lambda d: f"{d.get('image')} {d.get('id')}",
    What.JOB_SUBMITTED: lambda d: f"{d.get('job')} in queue {d.get('queue')}",
    What.JOB_STATE: _job,
    What.SPACE_CHANGED: lambda d: f"{d.get('path')} {d.get('change')}",
    What.ENDPOINT_CALLED: _called,
    What.SCHEDULE_FIRED: lambda d: f"→ {function_of(str(d.get('target')))}",
    What.PROBLEM: lambda d: str(d.get("message")),
}
_STATES = {
    What.EVENT_QUEUED: Condition.QUEUED,
    What.EVENT_RETRY: Condition.WARNING,
    What.EVENT_THROTTLED: Condition.WARNING,
    What.EVENT_DISCARDED: Condition.FAILED,
    What.INVOCATION_STARTED: Condition.RUNNING,
    What.INVOCATION_SUCCEEDED: Condition.OK,
    What.INVOCATION_FAILED: Condition.FAILED,
    What.PERMISSION_DENIED: Condition.FAILED,
    What.ROLE_DENIED: Condition.FAILED,
    What.OUTPUT_UPLOADED: Condition.OK,
    What.PROBLEM: Condition.WARNING,
}
