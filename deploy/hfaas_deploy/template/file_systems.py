"""File systems of EFS: what a Function and its jobs mount, and the right to do so.

The access point stands in the pipeline file. Batch and IAM also want the id of the file system behind it, which its ARN
does not tell: it is asked for where a promotion goes. Both are parameters, so no id of an account is in the template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hfaas_deploy import names
from hfaas_deploy.pipeline import FileSystem, Function, Pipeline
from hfaas_deploy.template.policies import Json, allow

VOLUME = "efs"
CLIENT = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
POINT, SYSTEM = "AccessPoint", "FileSystem"


def parameters(pipeline: Pipeline) -> Json:
    """All parameters about file systems."""
    told = (
        (function, kind, text)
        for function, _ in _mounted(pipeline)
        for kind, text in ((POINT, "EFS access point"), (SYSTEM, "EFS file system"))
    )
    return {
        names.logical(function.name, kind): {"Type": "String", "Description": f"{text} of {function.name}"}
        for function, kind, text in told
    }


def values(pipeline: Pipeline, known: Mapping[str, str]) -> dict[str, str]:
    """Their values; `known` gives file systems by access point, and a rehearsal has one for each of the others."""
    found: dict[str, str] = {}
    for function, one in _mounted(pipeline):
        found[names.logical(function.name, POINT)] = one.access_point
        found[names.logical(function.name, SYSTEM)] = known.get(one.access_point) or stand_in(one)
    return found


def stand_in(one: FileSystem) -> str:
    """The id of a file system that nobody has asked for: it has the digits of its access point."""
    return one.access_point.replace("fsap-", "fs-")


def of_function(function: Function) -> Json:
    """What the Lambda function mounts; empty where its script does not run in Lambda."""
    if not function.runs_in_lambda:
        return {}
    configs = [{"Arn": _arn(function), "LocalMountPath": one.mount} for one in function.file_systems]
    return {"FileSystemConfigs": configs} if configs else {}


def of_jobs(function: Function) -> Json:
    """What the container of a job mounts, encrypted on its way and by the right of the job's role."""
    if not function.file_systems:
        return {}
    volume = {
        "FileSystemId": {"Ref": names.logical(function.name, SYSTEM)},
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": {"AccessPointId": {"Ref": names.logical(function.name, POINT)}, "Iam": "ENABLED"},
    }
    mounts = [{"ContainerPath": one.mount, "SourceVolume": VOLUME} for one in function.file_systems]
    return {"Volumes": [{"Name": VOLUME, "EfsVolumeConfiguration": volume}], "MountPoints": mounts}


def statements(function: Function) -> list[Json]:
    """Mount and write by that access point only: IAM wants the file system for the resource."""
    if not function.file_systems:
        return []
    system = f"{_own('file-system')}/${{{names.logical(function.name, SYSTEM)}}}"
    condition = {"StringEquals": {"elasticfilesystem:AccessPointArn": _arn(function)}}
    return [{**allow(CLIENT, {"Fn::Sub": system}), "Condition": condition}]


def _mounted(pipeline: Pipeline) -> Iterator[tuple[Function, FileSystem]]:
    """The Functions with a file system; the checks allow one each."""
    return ((function, one) for function in pipeline.functions for one in function.file_systems)


def _arn(function: Function) -> Json:
    return {"Fn::Sub": f"{_own('access-point')}/${{{names.logical(function.name, POINT)}}}"}


def _own(kind: str) -> str:
    return f"arn:${{AWS::Partition}}:elasticfilesystem:${{AWS::Region}}:${{AWS::AccountId}}:{kind}"
