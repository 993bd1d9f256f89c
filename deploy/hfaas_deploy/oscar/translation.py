"""What becomes of a Function of AWS on an OSCAR cluster: what cannot be, and what has no meaning there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hfaas_deploy import references
from hfaas_deploy.checks import services
from hfaas_deploy.findings import Finding, error, warning
from hfaas_deploy.pipeline import Function, InputPath, Pipeline, UrlAccess

REGISTRY = re.compile(r"(?P<host>[^/]*[.:][^/]*|localhost|\[[^/]+\](:\d+)?)/.+")
HERE = re.compile(r"(localhost|127\.[0-9.]+|\[::1\]|0\.0\.0\.0)(:\d+)?", re.IGNORECASE)

MEANINGLESS = {
    "lambda.timeout": "the cluster's administrator says how long a service may run",
    "lambda.container.timeout_threshold": "OSCAR's supervisor does not stop before time is out",
    "lambda.extra_payload": "the image goes as it is; put the files into it",
    "lambda.vpc": "a cluster has no subnets of AWS",
    "lambda.architectures": "the cluster runs what its nodes can run",
    "lambda.tags": "a cluster has labels; write functions.oscar for them",
    "lambda.description": "services have none",
    "api_gateway": "a service is called at the cluster's own /run and /job, with its token",
    "cloudwatch": "logs stay with the jobs on the cluster",
    "ecr": "the image is where you pushed it",
    "batch.compute_resources": "the cluster's nodes are what jobs run on",
    "batch.multi_node_parallel": "a job is one container, so its other nodes are missing",
    "batch.state": "a cluster takes every event",
    "hfaas.url": "a service is called at the cluster's own /run and /job, with its token",
    "hfaas.on_failure": "OSCAR's supervisor decides what becomes of the results of a failed script",
    "hfaas.delegate": "every event is a job there",
    "hfaas.invoke_script": "a call cannot bring its own script",
    "hfaas.tmp": "the cluster's nodes say how large /tmp is",
    "hfaas.retries": "a failed job is not tried again",
    "hfaas.max_age": "jobs wait until there is room",
    "hfaas.concurrency": "the cluster's nodes say how many jobs run at once",
    "hfaas.job_timeout": "the cluster's administrator says how long a job may run",
}
"""Keys without effect on a cluster, and why."""


def judge(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    """Everything there is to say about a Function that is to be a service."""
    yield from _name(pipeline, function)
    yield from _image(pipeline, function)
    yield from _script(pipeline, function)
    yield from _paths(pipeline, function)
    yield from _meaningless(pipeline, function)


def is_taken(path: InputPath) -> bool:
    """Say whether a cluster takes such an input: its own storage, webdav, and servers it is set up for."""
    return path.provider == "s3" or path.kind in services.INPUTS


def shared_buckets(pipeline: Pipeline) -> Iterator[Finding]:
    """Buckets of several Functions, which clusters do not like."""
    owners: dict[str, str] = {}
    for function in pipeline.functions:
        for path in function.paths:
            if path.provider == "s3" or services.is_own(path):
                other = owners.setdefault(path.bucket, function.name)
                if other != function.name:
                    spot = pipeline.spot(f"{path.place}.path")
                    yield warning(spot, "shared-bucket", services.shared(path.bucket, other))


def _name(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    if fault := services.name_fault(function.name):
        yield error(pipeline.spot(f"{function.place}.lambda.name"), "name", f"{function.name!r} {fault}")


def _image(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    place = f"{function.place}.lambda.container"
    named = REGISTRY.fullmatch(references.REFERENCE.sub("a.b", function.image))
    push = "push it to a registry that the cluster reaches, and write registry/name:tag as container.image"
    if function.build or function.image_file:
        key = f"{function.place}.hfaas.build" if function.build else f"{place}.image_file"
        yield error(
            pipeline.spot(key), "image", f"a cluster cannot have the image of {function.name} from here: {push}"
        )
    elif not named or HERE.fullmatch(named["host"]):
        message = f"{function.image!r} names no registry of others; it may be an image of this machine: {push}"
        yield error(pipeline.spot(f"{place}.image"), "image", message)


def _script(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    place = pipeline.spot(f"{function.place}.lambda.init_script")
    if not function.init_script:
        yield error(place, "script", f"{function.name} has no init_script, and a service needs one")
    elif fault := services.script_fault(str(function.init_script)):
        yield error(place, "file", f"init_script {fault}")


def _paths(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    for path in function.paths:
        spot = pipeline.spot(f"{path.place}.storage_provider")
        if isinstance(path, InputPath) and not is_taken(path):
            message = (
                f"left out: a cluster takes no input from {path.provider}, so nothing tells {function.name} of new files "
                "there"
            )
            yield warning(spot, "no-trigger", message)
        elif path.kind in ("s3", "minio") and "/" not in path.path:
            message = f"a cluster would take {path.path!r} for a folder of a bucket {function.name!r}; write bucket/folder"
            yield error(pipeline.spot(f"{path.place}.path"), "path", message)
        if isinstance(path, InputPath) and path.suffix:
            message = "suffix of an input does not hold back events there: every new file of the folder is a job"
            yield warning(pipeline.spot(f"{path.place}.suffix"), "ignored", message)
    for output in function.outputs:
        if output.layout != "flat":
            message = f"layout: {output.layout} has no effect on a cluster: results lie flat in the folder"
            yield warning(pipeline.spot(f"{output.place}.layout"), "ignored", message)


def _meaningless(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    for key, why in MEANINGLESS.items():
        place = f"{function.place}.{key}"
        if place not in pipeline.spots or (key == "hfaas.url" and function.url is UrlAccess.NONE):
            continue
        if key.startswith("batch.") and not function.has_jobs:
            continue
        yield warning(pipeline.spots[place], "ignored", f"{key} has no effect on a cluster: {why}")
