"""What a Function may do: exactly what its FDL says it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function

Json = dict[str, Any]

UPLOAD = ["s3:AbortMultipartUpload", "s3:PutObject"]


def trust(service: str) -> Json:
    """A role that one AWS service may take."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(actions: Sequence[str], resource: Any) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def role(service: str, statements: Sequence[Json]) -> Json:
    """The properties of an unnamed role with one inline policy."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "AssumeRolePolicyDocument": trust(service),
        "Policies": [{"PolicyName": "hfaas", "PolicyDocument": document}],
    }


def function_statements(function: Function, log_group: Any, dead_letters: Any) -> list[Json]:
    """Own log, own dead letters, read below the inputs, write below the outputs."""
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group),
        allow(["sqs:SendMessage"], dead_letters),
        *_objects(
            ["s3:GetObject"],
            [(source.bucket, source.prefix) for source in function.inputs if source.provider == "s3"],
        ),
        *_objects(UPLOAD, _written(function)),
    ]


def _written(function: Function) -> list[tuple[str, str]]:
    outputs = [output for output in function.outputs if output.provider == "s3"]
    folders = [(output.bucket, output.folder) for output in outputs]
    if function.on_failure == "keep":  # results of a failed script lie in a sibling, where no trigger sees them
        folders += [(output.bucket, f"{output.folder.rstrip('/')}.failed/") for output in outputs]
    return folders


def _objects(actions: Sequence[str], folders: Sequence[tuple[str, str]]) -> list[Json]:
    arns = [names.bucket_arn(bucket, f"/{folder}*") for bucket, folder in dict.fromkeys(folders)]
    return [allow(actions, arns if len(arns) > 1 else arns[0])] if arns else []
