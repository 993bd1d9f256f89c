"""The environment variables that Batch gives to a container."""

from __future__ import annotations

from collections.abc import Mapping

from hfaas_emulator.batch.runner import Work
from hfaas_emulator.lambda_.function import RoleCredentials


def variables(
    work: Work,
    *,
    endpoint: str,
    credentials: RoleCredentials,
    secrets: Mapping[str, str],
    trust: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the whole environment; a user's variable beats the first block, never what Batch itself tells a job."""
    task = work.task
    return {
        "AWS_ENDPOINT_URL": endpoint,
        **(trust or {}),
        "AWS_REGION": work.region,
        "AWS_DEFAULT_REGION": work.region,
        **({} if "AWS_ACCESS_KEY_ID" in task.environment else _keys(credentials)),
        **task.environment,
        **secrets,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if task.fargate else "AWS_ECS_EC2",
        "AWS_BATCH_JOB_ID": work.job,
        "AWS_BATCH_JOB_ATTEMPT": str(work.attempt),
        "AWS_BATCH_CE_NAME": work.environment,
        "AWS_BATCH_JQ_NAME": work.queue,
        **work.variables,
    }


def _keys(credentials: RoleCredentials) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": credentials.access_key, "AWS_SECRET_ACCESS_KEY": credentials.secret_key}
    return {**keys, "AWS_SESSION_TOKEN": credentials.session_token} if credentials.session_token else keys
