"""The environment variables that Lambda gives to a container image."""

from __future__ import annotations

from collections.abc import Mapping

from hfaas_emulator.lambda_.function import Function, RoleCredentials


def variables(
    function: Function,
    *,
    runtime_api: str,
    endpoint: str,
    stream: str,
    credentials: RoleCredentials,
    trust: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the whole environment; a user's variable beats the first block, never the reserved names."""
    return {
        "TZ": ":UTC",
        "AWS_ENDPOINT_URL": endpoint,
        **(trust or {}),
        **function.environment,
        "AWS_EXECUTION_ENV": "AWS_Lambda_Image",  # stock faas-supervisor compares it literally
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group(function),
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": "",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }


def log_group(function: Function) -> str:
    """Return where the function's lines go."""
    return function.log_group or f"/aws/lambda/{function.name}"
