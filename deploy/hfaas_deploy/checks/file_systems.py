"""What AWS would refuse of a file system of EFS, as far as the pipeline file tells."""

from __future__ import annotations

from collections.abc import Iterator

from hfaas_deploy.findings import Finding, error
from hfaas_deploy.pipeline import FileSystem, Function, Pipeline


def judge(pipeline: Pipeline) -> Iterator[Finding]:
    """Everything there is to say about the file systems of the pipeline."""
    for function in pipeline.functions:
        yield from _number(pipeline, function)
        for one in function.file_systems:
            yield from _place(pipeline, one)
            yield from _path(pipeline, one)


def _number(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    for other in function.file_systems[1:]:
        message = (
            f"{function.name} has a file system already; Lambda takes one: its access point may lead to all folders"
        )
        yield error(pipeline.spot(other.place), "file-system", message)
    if function.file_systems and function.runs_in_lambda and not function.vpc:
        message = (
            f"file_system needs vpc: {function.name} reaches EFS from a subnet only; "
            "set vpc.SubnetIds and vpc.SecurityGroupIds"
        )
        yield error(pipeline.spot(f"{function.place}.lambda.file_system"), "file-system", message)


def _place(pipeline: Pipeline, one: FileSystem) -> Iterator[Finding]:
    """The region and the account count where the file names them; a promotion looks again."""
    spot = pipeline.spot(f"{one.place}.Arn")
    if pipeline.written_region not in ("", one.region):
        message = f"the access point is in {one.region}, the Stack in {pipeline.written_region}; it must be in the same region"
        yield error(spot, "file-system", message)
    if pipeline.account not in ("", one.account):
        message = f"the access point is of account {one.account}, hfaas.account is {pipeline.account}"
        yield error(spot, "file-system", message)


def _path(pipeline: Pipeline, one: FileSystem) -> Iterator[Finding]:
    if one.mount in ("/mnt/.", "/mnt/.."):
        spot = pipeline.spot(f"{one.place}.LocalMountPath")
        yield error(spot, "file-system", f"{one.mount} is no folder of its own; take /mnt/NAME")
