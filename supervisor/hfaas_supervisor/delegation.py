"""Hands work over to AWS Batch: one Job with the Event's unfinished Items, under the same request id.

    overrides           EVENT, AWS_LAMBDA_REQUEST_ID, HFAAS_ORIGIN
      too long for AWS  EVENT goes to S3, HFAAS_EVENT_URL names it
    SubmitJob           batch_api.py
    log, answer         DELEGATED ..., 202

By then all processes of the script are dead and its outputs are gone. The Job stages, runs and uploads anew. Batch has
no client token: when an answer is lost the Job may run twice, and writes the same keys twice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from hfaas_supervisor import batch_api
from hfaas_supervisor.errors import DelegationFailed, HfaasError
from hfaas_supervisor.job import Job
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Stores
from hfaas_supervisor.stores.local import Content

OVERRIDES_LIMIT = 6000
"""Characters; AWS takes more than 8,192 and then fails the Job, and does not say what it counts."""

NAME_LIMIT = 128
SPILL = re.compile(r"s3://(?P<bucket>[^/]+)/?(?P<folder>.*)")


class Handover(NamedTuple):
    """What is handed over: the Event that is left, and why after how many seconds."""

    request: str
    event: str
    cause: str
    seconds: float


def submit(job: Job, handover: Handover, stores: Stores, limits: Limits) -> str:
    """Submit the Job and return its id; DelegationFailed when that is impossible in the time left."""
    variables = {"EVENT": handover.event, **_constant(handover)}
    if len(json.dumps(_overrides(job, variables))) > OVERRIDES_LIMIT:
        variables = {"HFAAS_EVENT_URL": _spill(handover, stores, limits), **_constant(handover)}
    return batch_api.submit(_request(job, handover, _overrides(job, variables)), job.region, limits)


def _constant(handover: Handover) -> dict[str, str]:
    origin = {
        "cause": handover.cause,
        "seconds": round(handover.seconds, 1),
        "group": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
        "stream": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
    }
    return {
        "AWS_LAMBDA_REQUEST_ID": handover.request,
        "HFAAS_ORIGIN": json.dumps(origin, separators=(",", ":")),
    }


def _overrides(job: Job, variables: Mapping[str, str]) -> dict[str, Any]:
    container = {"environment": [{"name": name, "value": value} for name, value in variables.items()]}
    if not job.nodes:
        return {"containerOverrides": container}
    nodes = [{"targetNodes": "0:", "containerOverrides": container}]
    return {"nodeOverrides": {"nodePropertyOverrides": nodes}}


def _request(job: Job, handover: Handover, overrides: Mapping[str, Any]) -> dict[str, Any]:
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or job.name
    return {
        "jobName": _name(function, handover.request),
        "jobQueue": os.environ.get("HFAAS_JOB_QUEUE") or function,
        "jobDefinition": os.environ.get("HFAAS_JOB_DEFINITION") or function,
        **overrides,
    }


def _name(function: str, request: str) -> str:
    end = f"-{request}"
    name = re.sub(r"[^A-Za-z0-9_-]", "-", f"{function[: max(1, NAME_LIMIT - len(end))]}{end}")[:NAME_LIMIT]
    return name if name[0].isalnum() else f"j{name[1:]}"


def _spill(handover: Handover, stores: Stores, limits: Limits) -> str:
    place = SPILL.fullmatch(os.environ.get("HFAAS_SPILL", ""))
    if place is None:
        raise DelegationFailed(
            f"the Event of {len(handover.event)} characters does not fit into a Job and HFAAS_SPILL is not set; "
            "deploy the Function with hfaas"
        )
    folder = place["folder"].strip("/")
    key = f"{folder}/{handover.request}.json" if folder else f"{handover.request}.json"
    store = stores.of("s3", "", place["bucket"])
    try:
        store.send(Content("the Event", handover.event.encode()), key, {}, Limits(limits.remaining()))
    except HfaasError as error:
        raise DelegationFailed(f"the Event cannot be put aside for the Job: {error}") from None
    return store.url(key)
