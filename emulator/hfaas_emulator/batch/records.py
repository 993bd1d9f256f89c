"""What the execution plane must know of queues, compute environments and job definitions; the records are moto's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hfaas_emulator.lambda_.function import RoleCredentials


@dataclass(frozen=True, slots=True)
class ComputeEnvironment:
    """`kind` is EC2, SPOT, FARGATE or FARGATE_SPOT."""

    arn: str
    name: str
    kind: str
    max_vcpus: float
    enabled: bool = True
    instance_types: tuple[str, ...] = ()

    @property
    def is_fargate(self) -> bool:
        return self.kind.startswith("FARGATE")


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A queue and its environments in the order in which they are tried."""

    arn: str
    name: str
    priority: int
    environments: tuple[ComputeEnvironment, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """One active revision; `document` is what DescribeJobDefinitions says of it."""

    arn: str
    name: str
    revision: int
    document: Mapping[str, Any] = field(default_factory=dict)


class ControlPlane(Protocol):
    """What the execution plane asks of the control planes."""

    async def job_queue(self, account: str, region: str, name: str) -> JobQueue:
        """Find a queue by name or ARN; AwsError ClientException when there is none."""

    async def job_definition(self, account: str, region: str, name: str) -> JobDefinition:
        """Find a definition by name (the newest active revision), name:revision or ARN; AwsError ClientException."""

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        """Return fresh credentials of a role (ARN), whose session gets a name."""

    async def secret(self, account: str, region: str, source: str) -> str:
        """Return what a Secrets Manager secret or SSM parameter holds, as `valueFrom` names it; AwsError."""
