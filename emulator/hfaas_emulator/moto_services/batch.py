"""AWS Batch: moto keeps compute environments, queues, definitions and policies; jobs never reach it.

Importing moto's Batch here costs 20 ms; by itself it would bring all of EC2 and ECS along, where it would start
machines. The requests are answered in `batch_environments`, `batch_queues` and `batch_definitions`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hfaas_emulator.batch.limits import number, refusal
from hfaas_emulator.moto_services import outward
from hfaas_emulator.moto_services.postponed import postponed

with postponed():
    from moto.batch.models import (
        BatchBackend,
        ComputeEnvironment,
        JobDefinition,
        JobQueue,
        batch_backends,
    )
    from moto.batch.responses import BatchResponse

__all__ = ("BatchBackend", "BatchResponse", "ComputeEnvironment", "JobDefinition", "JobQueue", "batch_backends")

PAGE = 100


def body(response: BatchResponse) -> dict[str, Any]:
    """Return the JSON object of a request, without what is null."""
    try:
        read = json.loads(response.body or "{}")
    except ValueError as error:
        raise refusal(f"The request is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise refusal("The request is not a JSON object")
    return {name: value for name, value in read.items() if value is not None}


def page(name: str, found: Sequence[dict[str, Any]], request: dict[str, Any]) -> str:
    """Return one page of what was found as the answer of a Describe."""
    start, size = request.get("nextToken") or "0", PAGE
    if "maxResults" in request:
        size = number(request, "maxResults", 1, PAGE)
    if not str(start).isdecimal():
        raise refusal("nextToken is not one that an earlier call returned")
    end = int(start) + size
    answer: dict[str, Any] = {name: found[int(start) : end]}
    if end < len(found):
        answer["nextToken"] = str(end)
    return json.dumps(answer)


def changed() -> None:
    """Have the execution plane look at its queues again, once the change is on disk."""
    outward.batch_changed()
