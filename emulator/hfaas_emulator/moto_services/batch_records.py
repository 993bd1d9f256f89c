"""What the execution plane of Batch asks of moto's records, as plain data; on the moto thread."""

from __future__ import annotations

import base64
import copy
import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.events.models import events_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from hfaas_emulator.batch.limits import refusal
from hfaas_emulator.batch.records import ComputeEnvironment, JobDefinition, JobQueue
from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import batch
from hfaas_emulator.moto_services.failures import translated


def job_queue(account: str, region: str, name: str) -> JobQueue:
    """Find a queue by name or ARN."""
    if name.startswith("arn:"):
        account, region = _place(name)
    queue = batch.batch_backends[account][region].get_job_queue(name)
    if queue is None:
        raise refusal(f"JobQueue {name} not found.")
    return JobQueue(
        queue.arn,
        queue.name,
        int(queue.priority),
        tuple(_environment(each) for each in queue.environments),
        queue.state == "ENABLED",
    )


def _place(arn: str) -> tuple[str, str]:
    """Return the account and the region of an ARN."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "batch":
        raise refusal(f"{arn} is no ARN of AWS Batch")
    return parts[4], parts[3]


def _environment(environment: batch.ComputeEnvironment) -> ComputeEnvironment:
    resources = environment.compute_resources
    return ComputeEnvironment(
        environment.arn,
        environment.name,
        resources["type"],
        float(resources["maxvCpus"]),
        environment.state == "ENABLED",
        tuple(resources.get("instanceTypes") or ()),
    )


def job_definition(account: str, region: str, name: str) -> JobDefinition:
    """Find an active definition by name (its newest revision), `name:revision` or ARN with or without a revision."""
    if name.startswith("arn:"):
        account, region = _place(name)
    plain, _, revision = name.rpartition("/")[2].partition(":")
    found = [
        each
        for each in batch.batch_backends[account][region]._job_definitions.values()  # noqa: SLF001
        if each.name == plain and each.status == "ACTIVE" and revision in ("", str(each.revision))
    ]
    if not found:
        what = "ARN" if name.startswith("arn:") else "name"
        raise refusal(f"JobDefinition {what} {name} does not exist or is not in ACTIVE status")
    newest = max(found, key=lambda each: int(each.revision))
    return JobDefinition(newest.arn, newest.name, newest.revision, copy.deepcopy(newest.describe()))


def secret(account: str, region: str, source: str) -> str:
    """Return what `valueFrom` names: a secret's ARN, with `:key:stage:version` behind it or not, or a parameter."""
    with translated():
        if source.startswith("arn:") and source.split(":")[2] == "secretsmanager":
            return _secret(source)
        return _parameter(account, region, source)


def _secret(source: str) -> str:
    parts = source.split(":")
    arn, (key, stage, version) = ":".join(parts[:7]), (*parts[7:10], "", "", "")[:3]
    found = secretsmanager_backends[parts[4]][parts[3]].get_secret_value(arn, version or None, stage or None)
    text = found.get("SecretString")
    if text is None:
        text = base64.b64decode(found["SecretBinary"]).decode("utf-8", "replace")
    return _member(text, key, arn) if key else str(text)


def _member(text: str, key: str, arn: str) -> str:
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, dict) or key not in members:
        raise AwsError("ResourceNotFoundException", f"the secret {arn} has no JSON key {key}")
    value = members[key]
    return value if isinstance(value, str) else json.dumps(value)


def _parameter(account: str, region: str, source: str) -> str:
    if source.startswith("arn:"):
        region, account = source.split(":")[3:5]
    found = ssm_backends[account][region].get_parameter(source)
    if found is None:
        raise AwsError("ParameterNotFound", f"the parameter {source} does not exist")
    return str(found.response_object(decrypt=True)["Value"])


def is_watched(account: str, region: str) -> bool:
    """Tell whether the default bus has any rule."""
    return bool(events_backends[account][region].describe_event_bus("default").rules)


def publish(account: str, region: str, event: Mapping[str, Any]) -> None:
    """Show an event of AWS itself to the rules of the default bus; PutEvents takes none from sources like `aws.batch`."""
    moment = datetime.fromisoformat(event["time"]).timestamp() if "time" in event else time.time()
    for rule in list(events_backends[account][region].describe_event_bus("default").rules.values()):
        rule.send_to_targets({**copy.deepcopy(dict(event)), "time": moment})
