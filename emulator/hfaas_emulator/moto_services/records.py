"""moto's records of functions and roles as plain data; on the moto thread."""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from hfaas_emulator.file_systems import access_point_of
from hfaas_emulator.lambda_.function import AsyncConfig, Function, RoleCredentials
from hfaas_emulator.moto_services.failures import translated

CREDENTIALS_LAST_S = 12 * 3600
SESSION_NAME = 64
"""Characters of a session's name."""

CREDENTIALS_KEPT = 1000
"""Issued credentials that are remembered; moto would keep them for ever."""


def function(account: str, region: str, name: str, qualifier: str) -> Function:
    """Find a function by name, `name:qualifier`, partial ARN (`account:function:name`) or ARN."""
    if name.startswith("arn:"):
        region, account = name.split(":")[3:5]
    elif ":function:" in name:
        account, _, rest = name.partition(":function:")
        name, _, inner = rest.partition(":")
        qualifier = inner or qualifier
    backend = lambda_backends[account][region]
    with translated():
        found = backend.get_function(name, qualifier or None)
        latest = backend.get_function(found.function_name)
    return _plain(found, latest)


def _plain(found: LambdaFunction, latest: LambdaFunction) -> Function:
    image = found.image_config.response()
    return Function(
        account=found.account_id,
        region=found.region,
        name=found.function_name,
        version=str(found.version),
        arn=found.function_arn,
        image=found.code.get("ImageUri", ""),
        revision=found.revision_id,
        memory_mb=int(found.memory_size),
        timeout_s=int(found.timeout),
        storage_mb=int(found.ephemeral_storage),
        role=found.role,
        environment=dict(found.environment_vars),
        entry_point=tuple(image.get("EntryPoint") or ()),
        command=tuple(image.get("Command") or ()),
        working_directory=image.get("WorkingDirectory") or "",
        log_group=found.extra.get("LoggingConfig", {}).get("LogGroup") or found.logs_group_name,
        dead_letter=found.extra.get("DeadLetterConfig", {}).get("TargetArn") or "",
        reserved_concurrency=_number(latest.reserved_concurrency),
        gpus=int("AcceleratorConfig" in found.extra),
        file_systems={
            each["LocalMountPath"]: access_point_of(each["Arn"])
            for each in found.extra.get("FileSystemConfigs") or ()
        },
    )


def tagged(key: str, value: str) -> tuple[str, ...]:
    """Return the ARNs of the functions that carry a tag, in every account and region."""
    backends = [regional for account in lambda_backends.values() for regional in account.values()]
    found = (function for backend in backends for function in backend.list_functions())
    return tuple(each.function_arn for each in found if (each.tags or {}).get(key) == value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def async_config(function: Function) -> AsyncConfig:
    """Return how a function's asynchronous invocations are retried and where their results go."""
    with translated():
        found = lambda_backends[function.account][function.region].get_function(function.name)
    if not found.event_invoke_config:
        return AsyncConfig()
    config = found.event_invoke_config[0].config
    destinations = config.get("DestinationConfig") or {}
    defaults = AsyncConfig()
    return AsyncConfig(
        retries=config.get("MaximumRetryAttempts", defaults.retries),
        max_age_s=config.get("MaximumEventAgeInSeconds", defaults.max_age_s),
        on_success=(destinations.get("OnSuccess") or {}).get("Destination", ""),
        on_failure=(destinations.get("OnFailure") or {}).get("Destination", ""),
    )


def credentials(role: str, session: str) -> RoleCredentials:
    """Assume a role for a function or a job."""
    account = role.split(":")[4]
    backend = sts_backends[account]["aws"]
    with translated():
        iam_backends[account]["aws"].get_role_by_arn(role)
        assumed = backend.assume_role(
            region_name="us-east-1",
            role_session_name=session[:SESSION_NAME],
            role_arn=role,
            policy="",
            duration=CREDENTIALS_LAST_S,
            external_id="",
        )
    forgotten = backend.assumed_roles[:-CREDENTIALS_KEPT]
    del backend.assumed_roles[:-CREDENTIALS_KEPT]
    for old in forgotten:
        iam_backends[account]["aws"].access_keys.pop(old.access_key_id, None)
    return RoleCredentials(assumed.access_key_id, assumed.secret_access_key, assumed.session_token)
