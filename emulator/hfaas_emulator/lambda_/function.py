"""What the execution plane must know of a function; the records themselves are moto's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Function:
    """One version of one function, as CreateFunction or UpdateFunction* left it.

    `file_systems` gives access points of EFS by the paths they are mounted at.
    """

    account: str
    region: str
    name: str
    version: str
    arn: str
    image: str
    revision: str
    memory_mb: int = 128
    timeout_s: int = 3
    storage_mb: int = 512
    role: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""
    log_group: str = ""
    dead_letter: str = ""
    reserved_concurrency: int | None = None
    gpus: int = 0
    file_systems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AsyncConfig:
    """How asynchronous invocations of a function are retried and where their results go; ARNs or empty."""

    retries: int = 2
    max_age_s: int = 21_600
    on_success: str = ""
    on_failure: str = ""


@dataclass(frozen=True, slots=True)
class RoleCredentials:
    """Temporary credentials of a function's role."""

    access_key: str
    secret_key: str
    session_token: str


class ControlPlane(Protocol):
    """What the execution plane asks of the control planes."""

    async def function(self, account: str, region: str, name: str, qualifier: str = "") -> Function:
        """Find a function by name, partial ARN or ARN; AwsError ResourceNotFoundException (404) if there is none."""

    async def async_config(self, function: Function) -> AsyncConfig:
        """Return the function's EventInvokeConfig, or AWS's defaults."""

    async def credentials(self, role: str, session: str) -> RoleCredentials:
        """Return fresh credentials of a role (ARN), whose session gets a name."""

    async def deliver(self, arn: str, body: str, attributes: Mapping[str, str]) -> None:
        """Send a text to an SQS queue, SNS topic or event bus; AwsError when it is refused."""


def parse_arn(arn: str) -> tuple[str, str, str, str]:
    """Take account, region, name and qualifier (or nothing) out of a function's ARN."""
    parts = arn.split(":")
    if len(parts) not in {7, 8} or parts[2] != "lambda" or parts[5] != "function":
        raise ValueError(f"{arn!r} is no function's ARN")
    return parts[4], parts[3], parts[6], parts[7] if len(parts) == 8 else ""
