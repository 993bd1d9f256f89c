"""What no single key can tell: limits of AWS, paths that meet, loops, files that are not there.

`check` says everything about a pipeline in the order of the file: what the reader remarked, and the judgements
below, each a small generator over frozen data. Nothing is created before it finds no error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hfaas_deploy import names, references, secret_variables
from hfaas_deploy.checks import endpoints, file_systems, jobs, services, stores, wiring
from hfaas_deploy.findings import Finding, error, in_order, warning
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.template.functions import DROPPED, ENVIRONMENT_LIMIT, environment_size

IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
"""A reference as container engines read it."""

RESERVED = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),  # Lambda's
        *("FUNCTION_CONFIG", "HFAAS_JOB_QUEUE", "HFAAS_JOB_DEFINITION", "HFAAS_SPILL", "HFAAS_ONETRIGGER"),
        secret_variables.POINTER,
    }
)
"""Variables of a Lambda function that are not the user's, beside all that begin with AWS_."""


def check(pipeline: Pipeline) -> list[Finding]:
    """Everything there is to say about the pipeline, in the order of the file."""
    found = [finding for judge in JUDGES for finding in judge(pipeline)]
    return in_order([*pipeline.findings, *found])


def _names(pipeline: Pipeline) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for function in pipeline.functions:
        lower = function.name.lower()
        if lower and lower in seen:
            spot = pipeline.spot(f"{function.place}.lambda.name")
            yield error(
                spot,
                "same-name",
                f"a Function {seen[lower]!r} is already in this file; names differ in more than capital letters",
            )
        seen.setdefault(lower, function.name)
    if not names.STACK.fullmatch(pipeline.stack):
        spot = pipeline.spot("hfaas.stack")
        yield error(spot, "stack-name", f"{pipeline.stack!r} cannot name a Stack; set hfaas.stack")


def _image_sources(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        sources = [
            name
            for name, value in (
                ("container.image", function.image),
                ("container.image_file", function.image_file),
                ("hfaas.build", function.build),
            )
            if value
        ]
        spot = pipeline.spot(f"{function.place}.lambda.container")
        if function.image and not _is_image(function.image):
            yield error(
                pipeline.spot(f"{function.place}.lambda.container.image"),
                "image",
                f"{function.image!r} is no image reference; it looks like registry/name:tag, in lower case",
            )
        if not sources:
            yield error(
                pipeline.spot(f"{function.place}.lambda"),
                "no-image",
                f"{_of(function)} has no image: set container.image, container.image_file or hfaas.build",
            )
        if function.build and len(sources) > 1:
            yield error(spot, "two-images", f"{_of(function)} has {' and '.join(sources)}; one of them is enough")
        if not function.create_image and function.init_script:
            yield warning(
                pipeline.spot(f"{function.place}.lambda.init_script"),
                "ignored",
                "init_script is ignored because create_image is false: the image is used as it is",
            )
        if function.build_args and not function.build:
            yield warning(
                pipeline.spot(f"{function.place}.hfaas.build_args"),
                "ignored",
                "build_args is ignored because there is no hfaas.build",
            )


def _is_image(reference: str) -> bool:
    """Tell whether it can name an image; one with a ${NAME} is known only when it is deployed."""
    return bool(references.REFERENCE.search(reference) or IMAGE.fullmatch(reference))


def _files(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        own = f"{function.place}.lambda"
        script = function.init_script
        if script and (fault := _file_fault(script)):
            yield error(pipeline.spot(f"{own}.init_script"), "file", f"init_script {_shown(script)} {fault}")
        elif script and not script.stat().st_size:
            yield warning(pipeline.spot(f"{own}.init_script"), "file", f"init_script {_shown(script)} is empty")
        archive = function.image_file
        if archive and (fault := _file_fault(archive)):
            yield error(
                pipeline.spot(f"{own}.container.image_file"), "file", f"image_file {_shown(archive)} {fault}"
            )
        if function.extra_payload and not function.extra_payload.exists():
            message = f"extra_payload {_shown(function.extra_payload)} does not exist"
            yield error(pipeline.spot(f"{own}.extra_payload"), "file", message)
        if function.build and not (function.build / "Dockerfile").is_file():
            message = f"{_shown(function.build)} has no Dockerfile"
            yield error(pipeline.spot(f"{function.place}.hfaas.build"), "file", message)


def _file_fault(path: Path) -> str:
    if path.is_dir():
        return "is a folder, not a file"
    if not path.is_file():
        return "does not exist"
    return "" if os.access(path, os.R_OK) else "cannot be read"


def _buckets(pipeline: Pipeline) -> Iterator[Finding]:
    told: set[str] = set()
    for function in pipeline.functions:
        for path in function.paths:
            if path.provider != "s3" or not path.path or path.bucket in told:
                continue
            fault = names.bucket_fault(path.bucket)
            if fault:
                told.add(path.bucket)
                near = names.suggest_bucket(path.bucket)
                hint = f"; {near!r} would do" if near else ""
                fix = near + path.path[len(path.bucket) :] if near else ""
                yield error(
                    pipeline.spot(f"{path.place}.path"), "bucket", f"bucket {path.bucket!r} {fault}{hint}", fix
                )
    known = {bucket.name for bucket in pipeline.buckets}
    for name in sorted(pipeline.existing - known):
        spot = pipeline.spot(f"hfaas.buckets.{name}")
        yield warning(spot, "unused", f"bucket {name!r} is in no input and no output")


def _environments(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        own, box, job = (
            f"{function.place}.lambda.environment.Variables",
            f"{function.place}.lambda.container.environment.Variables",
            f"{function.place}.batch.environment.Variables",
        )
        yield from _variables(pipeline, own, function.environment)
        yield from _secrets_and_references(pipeline, function, own, function.environment)
        yield from _secrets_and_references(pipeline, function, box, function.variables)
        yield from _secrets_and_references(pipeline, function, job, function.batch.variables)
        yield from _unset(pipeline, f"{function.place}.hfaas.build_args", function.build_args)
        yield from _unset(pipeline, f"{function.place}.lambda.container", {"image": function.image})
        size = environment_size(function)
        if size > ENVIRONMENT_LIMIT:
            yield error(
                pipeline.spot(f"{function.place}.lambda"),
                "environment-size",
                f"the environment of {_of(function)} takes {size} bytes with its configuration; Lambda allows {ENVIRONMENT_LIMIT}",
            )


def _variables(pipeline: Pipeline, place: str, variables: Mapping[str, str]) -> Iterator[Finding]:
    for name in variables:
        spot = pipeline.spot(f"{place}.{name}")
        if name.upper().startswith("AWS_") or name in RESERVED:
            yield error(spot, "reserved", f"the variable {name} is reserved")
        elif name.startswith(DROPPED):
            yield warning(spot, "ignored", f"{name} is ignored because there is no udocker")


def _secrets_and_references(
    pipeline: Pipeline, function: Function, place: str, variables: Mapping[str, str]
) -> Iterator[Finding]:
    yield from _unset(pipeline, place, secret_variables.told(function, variables))
    for name, text in variables.items():
        spot = pipeline.spot(f"{place}.{name}")
        if not secret_variables.NAME.fullmatch(name) or name in function.plain:
            continue
        if not function.create_image:
            message = (
                f"{name} would stand in the template, where everybody reads it: create_image is false, so nothing in "
                "the image fetches it from Secrets Manager; name it in hfaas.plain if it is no secret"
            )
            yield error(spot, "secret", message)
        elif text and not references.REFERENCE.search(text):
            message = f"{name} stands in the file; write ${{NAME}} and set NAME, or name it in hfaas.plain"
            yield warning(spot, "secret", message)
        elif unset := ", ".join(f"${{{missing}}}" for missing in references.missing(text, os.environ)):
            yield warning(
                spot, "not-set", f"{unset} is not set in the environment; {name} stays as it was put away"
            )


def _plain(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        names_of = {*function.variables, *function.environment, *function.batch.variables}
        for index, name in enumerate(function.plain):
            if name not in names_of:
                spot = pipeline.spot(f"{function.place}.hfaas.plain[{index}]")
                yield warning(spot, "unused", f"there is no variable {name} that could be plain")
        for name in filter(secret_variables.NAME.fullmatch, function.build_args):
            spot = pipeline.spot(f"{function.place}.hfaas.build_args.{name}")
            yield warning(spot, "secret", f"the build argument {name} stays in the image for everybody who has it")


def _unset(pipeline: Pipeline, place: str, variables: Mapping[str, str]) -> Iterator[Finding]:
    for name, text in variables.items():
        for missing in references.missing(text, os.environ):
            message = f"${{{missing}}} is not set in the environment; a deploy needs it"
            yield warning(pipeline.spot(f"{place}.{name}"), "not-set", message)


def _limits(pipeline: Pipeline) -> Iterator[Finding]:
    for function in pipeline.functions:
        if function.vpc and not (function.vpc.subnets and function.vpc.security_groups):
            missing = "SecurityGroupIds" if function.vpc.subnets else "SubnetIds"
            spot = pipeline.spot(f"{function.place}.lambda.vpc")
            yield error(spot, "vpc", f"vpc has no {missing}; a Function in a VPC needs subnets and security groups")
        for key, value in function.tags.items():
            if fault := names.tag_fault(key, value):
                spot = pipeline.spot(f"{function.place}.lambda.tags.{key}")
                yield error(spot, "tags", f"tag {key!r} {fault}")
        if len(function.tags) > 49:
            spot = pipeline.spot(f"{function.place}.lambda.tags")
            yield error(spot, "tags", f"{len(function.tags)} tags; AWS allows 50, one of which is ours")
        given = pipeline.spots.get(f"{function.place}.lambda.container.timeout_threshold")
        if given and function.timeout_threshold * 5 > function.timeout:
            yield warning(
                given,
                "threshold",
                f"timeout_threshold {function.timeout_threshold} is more than 20 % of timeout {function.timeout}; "
                f"{max(1, function.timeout // 5)} is used",
            )
        if function.on_failure == "keep":
            for output in (output for output in function.outputs if not output.folder):
                message = (
                    f"on_failure: keep needs a folder in {output.path!r}; results of failed scripts lie beside it"
                )
                yield error(pipeline.spot(f"{output.place}.path"), "keep", message)


def _one_target(pipeline: Pipeline) -> Iterator[Finding]:
    for key in ("region", "boto_profile"):
        values = {getattr(function, key) for function in pipeline.functions}
        if len(values) > 1:
            last = next(
                f for f in reversed(pipeline.functions) if getattr(f, key) != getattr(pipeline.functions[0], key)
            )
            spot = pipeline.spot(f"{last.place}.lambda.{key}")
            message = f"{key} is {' and '.join(sorted(values))} in one file; a pipeline is one Stack in one place"
            yield error(spot, "one-stack", message)


def _use(pipeline: Pipeline) -> Iterator[Finding]:
    if not pipeline.functions and not pipeline.services and not pipeline.findings:
        yield error(pipeline.spot("functions"), "empty", "no Function is defined; functions.aws is a list of them")
    for function in pipeline.functions:
        if not function.inputs and not endpoints.has_one(function):
            spot = pipeline.spot(f"{function.place}.lambda")
            yield warning(spot, "no-trigger", f"nothing triggers {_of(function)}; it runs when it is invoked")


def _of(function: Function) -> str:
    return function.name or "this Function"


def _shown(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


JUDGES: tuple[Callable[[Pipeline], Iterator[Finding]], ...] = (
    _names,
    _image_sources,
    _files,
    stores.judge,
    _buckets,
    wiring.meeting_inputs,
    wiring.loops,
    _environments,
    _plain,
    _limits,
    file_systems.judge,
    jobs.judge,
    endpoints.judge,
    services.judge,
    _one_target,
    _use,
)
