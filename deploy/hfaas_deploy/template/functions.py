"""One Function of the pipeline: the Lambda function and what it cannot be without."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hfaas_deploy import names, providers, secret_variables
from hfaas_deploy.pipeline import Function, Provider
from hfaas_deploy.template import file_systems, network
from hfaas_deploy.template.policies import IN_VPC, Json, function_statements, role, service_policy, spill
from hfaas_supervisor.job import Input, Job, Output

ENVIRONMENT_LIMIT = 4096
LONGEST_FILLED = 210  # characters of a queue's ARN: 128 are its name; a secret's is shorter
WHOLE = "/"  # the path of a whole Space or server; the job document leaves empty texts out
DEAD_LETTERS = "DeadLetters"
DROPPED = "UDOCKER_"  # scar's old runtime; nothing reads these variables any more


def resources(function: Function) -> Json:
    """The resources of one Function, by logical id."""
    return {
        names.logical(function.name, "Logs"): log_group(function.name, function.retention),
        names.logical(function.name, "Role"): _role(function),
        names.logical(function.name, "Function"): _function(function),
        names.logical(function.name, "Retries"): _retries(function),
        **_permissions(function),
    }


def environment(function: Function) -> Json:
    """The whole environment of the Lambda function."""
    told = secret_variables.told(function, function.environment)
    own = {name: text for name, text in told.items() if not name.startswith(DROPPED)}
    return {
        **own,
        "FUNCTION_CONFIG": job(function).encode(),
        **secrets_of(function.providers),
        **own_secret(function),
        **(_delegation(function) if function.has_jobs else {}),
    }


def environment_size(function: Function) -> int:
    """Bytes as Lambda counts them: of the variables as compact JSON; what CloudFormation fills in at its longest."""
    texts = {
        name: text if isinstance(text, str) else "x" * LONGEST_FILLED
        for name, text in environment(function).items()
    }
    return len(json.dumps(texts, separators=(",", ":"), ensure_ascii=False).encode())


def secrets_of(used: Sequence[Provider]) -> Json:
    """Where the keys of the storages are that a Function reaches: never the keys."""
    return {providers.variable(one): {"Ref": names.secret(one.kind, one.id)} for one in used}


def own_secret(function: Function) -> Json:
    """Where the variables are that stand in no template."""
    one = secret_variables.store(function)
    return {secret_variables.POINTER: {"Ref": names.secret(one.kind, one.id)}} if one else {}


def _delegation(function: Function) -> Json:
    return {
        "HFAAS_JOB_QUEUE": {"Ref": names.logical(function.name, "Queue")},
        "HFAAS_JOB_DEFINITION": function.name,
        "HFAAS_SPILL": spill(),
    }


def job(function: Function) -> Job:
    """What the supervisor must know of the Function."""
    return Job(
        name=function.name,
        inputs=tuple(Input(i.provider, i.path or WHOLE, i.suffix) for i in function.inputs),
        outputs=tuple(Output(o.provider, o.path or WHOLE, o.prefix, o.suffix, o.layout) for o in function.outputs),
        storage_providers=_told(function.providers),
        execution_mode=function.mode.value,
        log_level=function.log_level,
        file_stage_in=function.file_stage_in,
        environment=secret_variables.told(function, function.variables),
        timeout_threshold=function.timeout_threshold,
        on_failure=function.on_failure,
        delegate=function.delegate,
        wants_gpu=function.has_jobs and function.batch.gpu,
        nodes=function.batch.multi_node.nodes if function.has_jobs and function.batch.multi_node else 0,
        invoke_script=function.invoke_script,
        image=function.image,
        extra_payload=function.extra_payload is not None,
    )


def _told(used: Sequence[Provider]) -> dict[str, dict[str, Mapping[str, Any]]]:
    told: dict[str, dict[str, Mapping[str, Any]]] = {}
    for one in used:
        told.setdefault(one.kind, {})[one.id] = one.settings
    return told


def permission_id(function: Function, bucket: str) -> str:
    """The logical id of the permission that lets a bucket call the Function."""
    return names.logical(f"{function.name}.{bucket}", "Permission")


def arn(function: Function) -> Json:
    return {"Fn::GetAtt": [names.logical(function.name, "Function"), "Arn"]}


def log_group(function: str, retention: int) -> Json:
    """The log group of a Function by that name."""
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": names.log_group(function), "RetentionInDays": retention},
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def _role(function: Function) -> Json:
    logs = {"Fn::GetAtt": [names.logical(function.name, "Logs"), "Arn"]}
    dead_letters = {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}
    statements = function_statements(function, logs, dead_letters)
    if function.runs_in_lambda:
        statements += file_systems.statements(function)
    managed = {"ManagedPolicyArns": [service_policy(IN_VPC)]} if function.vpc else {}
    return {"Type": "AWS::IAM::Role", "Properties": {**role("lambda.amazonaws.com", statements), **managed}}


def _function(function: Function) -> Json:
    properties: Json = {
        "FunctionName": function.name,
        "PackageType": "Image",
        "Architectures": [function.architecture],
        "Code": {"ImageUri": {"Ref": names.image_parameter(function.name)}},
        "Role": {"Fn::GetAtt": [names.logical(function.name, "Role"), "Arn"]},
        "MemorySize": function.memory,
        "Timeout": function.timeout,
        "EphemeralStorage": {"Size": function.tmp},
        "LoggingConfig": {"LogGroup": {"Ref": names.logical(function.name, "Logs")}},
        "Environment": {"Variables": environment(function)},
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags(function).items())],
        **network.of_function(function),
        **file_systems.of_function(function),
    }
    if function.description:
        properties["Description"] = function.description
    if function.concurrency is not None:
        properties["ReservedConcurrentExecutions"] = function.concurrency
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    if function.has_jobs:  # no event may come before there is something to submit
        resource["DependsOn"] = [names.logical(function.name, "Job")]
    return resource


def tags(function: Function) -> dict[str, str]:
    """The Function's tags, and ours."""
    return {**function.tags, "createdby": "hfaas"}


def _retries(function: Function) -> Json:
    destination: dict[str, Any] = {"OnFailure": {"Destination": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}}}
    return {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": names.logical(function.name, "Function")},
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": function.retries,
            "MaximumEventAgeInSeconds": function.max_age,
            "DestinationConfig": destination,
        },
    }


def _permissions(function: Function) -> Json:
    return {permission_id(function, bucket): _permission(function, bucket) for bucket in _sources(function)}


def _sources(function: Function) -> list[str]:
    return sorted({source.bucket for source in function.triggers})


def _permission(function: Function, bucket: str) -> Json:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": names.logical(function.name, "Function")},
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
            "SourceArn": names.bucket_arn(bucket),
            "SourceAccount": {"Ref": "AWS::AccountId"},
        },
    }
