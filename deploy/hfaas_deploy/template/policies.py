"""What a Function may do: exactly what its FDL says it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hfaas_deploy import names, secret_variables
from hfaas_deploy.pipeline import Function, InputPath, Mode, Provider

Json = dict[str, Any]

IN_VPC = "AWSLambdaVPCAccessExecutionRole"
"""Network interfaces have no names beforehand, so Lambda wants the right to all of them."""

UPLOAD = ["s3:AbortMultipartUpload", "s3:PutObject"]


def trust(service: str) -> Json:
    """A role that one AWS service may take."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(actions: Sequence[str], resource: Any) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def managed(service: str, policy: str) -> Json:
    """The properties of a role with a policy of AWS: what it allows cannot be told any narrower."""
    return {"AssumeRolePolicyDocument": trust(service), "ManagedPolicyArns": [service_policy(policy)]}


def service_policy(name: str) -> Json:
    """The ARN of a policy of AWS for roles of services."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/service-role/{name}"}


def role(service: str, statements: Sequence[Json]) -> Json:
    """The properties of an unnamed role with one inline policy."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "AssumeRolePolicyDocument": trust(service),
        "Policies": [{"PolicyName": "hfaas", "PolicyDocument": document}],
    }


def function_statements(function: Function, log_group: Any, dead_letters: Any) -> list[Json]:
    """Own log, own dead letters, the files of its script where it may run in Lambda, own jobs."""
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group),
        allow(["sqs:SendMessage"], dead_letters),
        *([] if function.mode is Mode.BATCH else [*_files(function), *_secrets(_read(function))]),
        *(_delegation(function) if function.has_jobs else []),
    ]


def job_statements(function: Function) -> list[Json]:
    """The files of its script, and events that were too large for a job."""
    return [*_files(function), *_secrets(_read(function)), allow(["s3:GetObject"], _spilled())]


def watch_statements(function: Function, source: InputPath, state: str, log_group: Any) -> list[Json]:
    """OneTrigger: own log, the provider's secret, own state, the Function it watches for.

    Who may not list a bucket is not told that an object is missing, and the first poll has no state yet.
    """
    secret = [
        provider for provider in function.providers if provider.id == source.id and provider.kind == source.kind
    ]
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group),
        *_secrets(secret),
        allow(["s3:GetObject", "s3:PutObject"], names.bucket_arn(artifacts(), f"/{state}")),
        allow(["s3:ListBucket"], names.bucket_arn(artifacts())),
        allow(["lambda:InvokeFunction"], {"Fn::GetAtt": [names.logical(function.name, "Function"), "Arn"]}),
    ]


def spill() -> Json:
    """Where events go that are too large for a job: a URL."""
    return {"Fn::Sub": f"s3://{artifacts()}/{names.EVENTS}"}


def _files(function: Function) -> list[Json]:
    """Read below the inputs, write below the outputs."""
    return [
        *_objects(
            ["s3:GetObject"],
            [(source.bucket, source.prefix) for source in function.inputs if source.provider == "s3"],
        ),
        *_objects(UPLOAD, _written(function)),
    ]


def _delegation(function: Function) -> list[Json]:
    """Submit to the own queue and by the own definition, whichever revision; put what is too large aside."""
    definition = (
        f"arn:${{AWS::Partition}}:batch:${{AWS::Region}}:${{AWS::AccountId}}:job-definition/{function.name}"
    )
    own = [{"Ref": names.logical(function.name, "Queue")}, {"Fn::Sub": definition}, {"Fn::Sub": f"{definition}:*"}]
    return [allow(["batch:SubmitJob"], own), allow(["s3:PutObject"], _spilled())]


def _read(function: Function) -> list[Provider]:
    own = secret_variables.store(function)
    return [*function.providers, *([own] if own else [])]


def _secrets(providers: Sequence[Provider]) -> list[Json]:
    """Read the keys of the storages it reaches, and its own variables."""
    arns = [{"Ref": names.secret(provider.kind, provider.id)} for provider in providers]
    return [allow(["secretsmanager:GetSecretValue"], arns if len(arns) > 1 else arns[0])] if arns else []


def artifacts() -> str:
    """The name of the artifacts bucket, for Fn::Sub."""
    return names.artifacts_bucket("${AWS::AccountId}", "${AWS::Region}")


def _spilled() -> Json:
    return names.bucket_arn(artifacts(), f"/{names.EVENTS}*")


def _written(function: Function) -> list[tuple[str, str]]:
    outputs = [output for output in function.outputs if output.provider == "s3"]
    folders = [(output.bucket, output.folder) for output in outputs]
    if function.on_failure == "keep":  # results of a failed script lie in a sibling, where no trigger sees them
        folders += [(output.bucket, f"{output.folder.rstrip('/')}.failed/") for output in outputs]
    return folders


def _objects(actions: Sequence[str], folders: Sequence[tuple[str, str]]) -> list[Json]:
    arns = [names.bucket_arn(bucket, f"/{folder}*") for bucket, folder in dict.fromkeys(folders)]
    return [allow(actions, arns if len(arns) > 1 else arns[0])] if arns else []
