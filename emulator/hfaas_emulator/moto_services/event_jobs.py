"""The job that a rule of EventBridge submits: its `BatchParameters`, and what its input says of parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INPUTS = ("Input", "InputPath", "InputTransformer")


def request(target: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return a SubmitJob without its queue; only an input of the rule's own can change the job, an event cannot."""
    wanted = target.get("BatchParameters") or {}
    asked: dict[str, Any] = {"jobName": wanted.get("JobName"), "jobDefinition": wanted.get("JobDefinition")}
    for name, key in (("ArrayProperties", "arrayProperties"), ("RetryStrategy", "retryStrategy")):
        if wanted.get(name):
            asked[key] = _lower(wanted[name])
    given = _read(text) if any(name in target for name in INPUTS) else {}
    if isinstance(given, dict):
        if isinstance(parameters := given.get("Parameters"), dict):
            asked["parameters"] = {name: _text(value) for name, value in parameters.items()}
        if isinstance(overrides := given.get("ContainerOverrides"), dict):
            asked["containerOverrides"] = _lower(overrides)
    return asked


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _lower(value: Any) -> Any:
    """Return the same with names as Batch spells them: `resourceRequirements` for `ResourceRequirements`."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lower(each) for name, each in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value
