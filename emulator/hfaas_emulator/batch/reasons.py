"""What statusReason says, in AWS's words where they are known, in plain ones after them."""

from __future__ import annotations

DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"
OVERDUE = "Job attempt duration exceeded timeout"
LOST = "Host EC2 (instance i-hfaas) terminated."
CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
REQUIREMENT = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
MAX_RESOURCE = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
ENVIRONMENT = "MISCONFIGURATION:COMPUTE_ENVIRONMENT"
QUEUE = "MISCONFIGURATION:JOB_QUEUE"
ENGINE = "SERVICE:CONTAINER_ENGINE"


def count(number: float, thing: str) -> str:
    """Say `1 vCPU`, `0.5 vCPUs`, `2 GPUs`."""
    return f"{number:g} {thing}" + ("" if number == 1 else "s")
