"""What AWS Batch would refuse of a Function's jobs, or let wait for ever without a word.

A job that asks for what its compute environment does not have stays RUNNABLE on AWS; that is found here, before
anything is made.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from functools import cache

from hfaas_deploy import fargate
from hfaas_deploy.findings import Finding, Spot, error, warning
from hfaas_deploy.pipeline import Function, Machines, Mode, Pipeline
from hfaas_deploy.template import batch as template

DEFINITION_LIMIT = 24 * 1024
RESERVED = frozenset({"FUNCTION_CONFIG", "EVENT", "AWS_LAMBDA_REQUEST_ID"})
RESERVED_STARTS = ("AWS_BATCH", "HFAAS_")
BUNDLES = frozenset({"optimal", "default_x86_64", "default_arm64"})
NVIDIA = re.compile(r"(g|gr|p)[0-9][a-z]*")
OTHER_GPUS = ("g4ad", "g5g")  # AMD's, and those of arm64
TOO_OLD = ("g2", "g3", "g3s", "p2", "p3", "p3dn")  # without a driver in AWS's image for GPUs


def judge(pipeline: Pipeline) -> Iterator[Finding]:
    """Everything there is to say about the jobs of the pipeline."""
    for function in pipeline.functions:
        for one in OF_JOBS if function.has_jobs else (_without_jobs,):
            yield from one(pipeline, function)


def _without_jobs(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    for key in ("batch", "hfaas.delegate", "hfaas.job_timeout"):
        given = pipeline.spots.get(f"{function.place}.{key}")
        if given and given.file == str(pipeline.file):
            name = key.rpartition(".")[2]
            message = f"{name} is ignored because it is only for execution_mode lambda-batch and batch"
            yield warning(given, "ignored", message)


def _image(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    if not function.create_image:
        message = "create_image is false: jobs start the image's ENTRYPOINT with `batch`, which it must understand"
        yield warning(pipeline.spot(f"{function.place}.lambda.container.create_image"), "image", message)


def _machines(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    """What cannot go together: GPUs and nodes with the kinds of machines."""
    batch, place = function.batch, f"{function.place}.batch"
    kind = batch.compute.kind
    spot = pipeline.spot(f"{place}.compute_resources.type")
    if kind.is_fargate and batch.gpu:
        yield error(spot, "fargate", f"{kind} has no GPUs; enable_gpu needs type EC2 or SPOT", "EC2")
    if batch.multi_node and kind is not Machines.EC2:
        yield error(spot, "multinode", f"jobs of several nodes do not run on {kind}; they need type EC2", "EC2")
    if kind.is_fargate and batch.compute.instance_types:
        given = pipeline.spot(f"{place}.compute_resources.instance_types")
        yield warning(given, "ignored", f"instance_types is ignored because {kind} has no instances")
    if kind.is_fargate and batch.compute.min_vcpus:
        given = pipeline.spot(f"{place}.compute_resources.min_v_cpus")
        yield warning(given, "ignored", f"min_v_cpus is ignored because {kind} keeps nothing ready")
    if batch.gpu and function.architecture == "arm64":
        message = "enable_gpu works for architecture x86_64 only: Batch has no GPU image for arm64"
        yield error(pipeline.spot(f"{place}.enable_gpu"), "gpu", message)
    if not batch.enabled:
        message = "state is DISABLED: the jobs of this Function wait until somebody enables it"
        yield warning(pipeline.spot(f"{place}.state"), "disabled", message)


def _vcpus(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    batch, place = function.batch, f"{function.place}.batch"
    spot = pipeline.spot(f"{place}.vcpus")
    if batch.compute.kind.is_fargate and batch.vcpus not in fargate.PAIRS:
        sold = " ".join(f"{one:g}" for one in fargate.PAIRS)
        yield error(spot, "vcpus", f"vcpus {batch.vcpus:g} is none of {sold}, which Fargate has")
    elif not batch.compute.kind.is_fargate and (batch.vcpus < 1 or batch.vcpus % 1):
        yield error(spot, "vcpus", f"vcpus {batch.vcpus:g} must be a whole number, at least 1, on EC2 instances")


def _memory(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    batch, place = function.batch, f"{function.place}.batch"
    given = _taken(pipeline, f"{place}.memory")
    spot, used = given or pipeline.spot(place), template.memory(function)
    if batch.compute.kind.is_fargate and batch.vcpus in fargate.PAIRS:
        pair = _counted(batch.vcpus)
        if fargate.memory(batch.vcpus, batch.memory) is None:
            enough = fargate.vcpus_for(batch.memory)
            advice = f"set vcpus: {enough:g}" if enough else "set compute_resources.type: EC2"
            most = fargate.PAIRS[batch.vcpus][-1]
            yield error(spot, "memory", f"Fargate has at most {most} MiB for {pair}, not {batch.memory}; {advice}")
        elif given and used != batch.memory:
            message = f"Fargate has no {batch.memory} MiB for {pair}; {used} is used"
            yield warning(spot, "memory", message, str(used))
    if function.mode is Mode.LAMBDA_BATCH and used < function.memory:
        message = f"a job gets {used} MiB, less than the {function.memory} MB of Lambda that it goes on for"
        yield warning(spot, "smaller", message)


def _taken(pipeline: Pipeline, place: str) -> Spot | None:
    """Where a value stands that the reader took; None for what was not given, or refused."""
    refused = {finding.spot for finding in pipeline.findings if finding.is_error}
    spot = pipeline.spots.get(place)
    return spot if spot not in refused else None


def _counted(vcpus: float) -> str:
    return f"{vcpus:g} vCPU{'s' * (vcpus != 1)}"


def _room(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    """A job must fit into its compute environment, or it waits for ever."""
    batch, place = function.batch, f"{function.place}.batch"
    compute, nodes = batch.compute, batch.multi_node
    if compute.max_vcpus < batch.all_vcpus:
        spot = pipeline.spot(f"{place}.compute_resources.max_v_cpus")
        wants = f"{nodes.nodes} nodes of" if nodes else "a job of"
        message = (
            f"max_v_cpus {compute.max_vcpus} is too few for {wants} {_counted(batch.vcpus)}; it would never start"
        )
        yield error(spot, "max-vcpus", message)
    if compute.min_vcpus > compute.max_vcpus:
        spot = pipeline.spot(f"{place}.compute_resources.min_v_cpus")
        yield error(spot, "min-vcpus", f"min_v_cpus {compute.min_vcpus} is above max_v_cpus {compute.max_vcpus}")
    if nodes and nodes.main >= nodes.nodes:
        spot = pipeline.spot(f"{place}.multi_node_parallel.main_node_index")
        message = f"main_node_index {nodes.main} is none of {nodes.nodes} nodes, which count from 0"
        yield error(spot, "main-node", message)


def _instances(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    asked = function.batch.compute.instance_types
    if not asked or function.batch.compute.kind.is_fargate:
        return
    place = f"{function.place}.batch.compute_resources.instance_types"
    known = instance_names()
    for index, name in enumerate(asked):
        if name not in known:
            near = next(iter(difflib.get_close_matches(name, sorted(known), n=1)), "")
            hint = f"; did you mean {near!r}?" if near else ""
            spot = pipeline.spot(f"{place}[{index}]")
            yield error(spot, "instance-type", f"EC2 has no instance type or family {name!r}{hint}", near)
    if function.batch.gpu and not any(map(_has_gpu, asked)):
        message = f"enable_gpu finds no GPU of NVIDIA that Batch supports in {', '.join(asked)}; take g4dn or g5"
        yield warning(pipeline.spot(place), "gpu", message)


@cache
def instance_names() -> frozenset[str]:
    """Types, families and bundles; botocore is only loaded for who asks."""
    from botocore.loaders import Loader

    types = Loader().load_service_model("ec2", "service-2")["shapes"]["InstanceType"]["enum"]
    return BUNDLES | frozenset(types) | frozenset(map(_family, types))


def _family(instance_type: str) -> str:
    return instance_type.partition(".")[0]


def _has_gpu(instance_type: str) -> bool:
    family = _family(instance_type)
    return bool(NVIDIA.fullmatch(family)) and family not in (*OTHER_GPUS, *TOO_OLD)


def _environment(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    place = f"{function.place}.batch.environment.Variables"
    for name in function.batch.variables:
        if name in RESERVED or name.startswith(RESERVED_STARTS):
            yield error(pipeline.spot(f"{place}.{name}"), "reserved", f"the variable {name} is reserved in jobs")
    size = template.definition_size(function)
    if size > DEFINITION_LIMIT:
        message = f"the job definition of {function.name} takes {size} bytes; Batch allows {DEFINITION_LIMIT}"
        yield error(pipeline.spot(place), "definition-size", message)


def _delegation(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    place = f"{function.place}.hfaas.delegate"
    given = pipeline.spots.get(place)
    if given and function.mode is Mode.BATCH:
        message = "delegate is ignored because execution_mode batch leaves everything to Batch"
        yield warning(given, "ignored", message)
    elif given and not function.delegate and f"{place}[0]" not in pipeline.spots:
        message = "delegate is empty: nothing ever goes on in Batch; use execution_mode: lambda"
        yield warning(given, "delegate", message)
    elif given and "gpu" in function.delegate and not function.batch.gpu:
        yield warning(given, "delegate", "delegate: gpu has no effect without batch.enable_gpu")


def _time(pipeline: Pipeline, function: Function) -> Iterator[Finding]:
    spot, seconds = pipeline.spot(f"{function.place}.hfaas.job_timeout"), function.job_timeout
    if function.batch.compute.kind.is_fargate and seconds > fargate.LONGEST_JOB:
        message = f"job_timeout {seconds} is above {fargate.LONGEST_JOB}, where Fargate ends every job"
        yield error(spot, "job-timeout", message, str(fargate.LONGEST_JOB))
    if function.mode is Mode.LAMBDA_BATCH and seconds < function.timeout:
        message = f"job_timeout {seconds} is less than the timeout {function.timeout} of Lambda that it goes on for"
        yield warning(spot, "smaller", message)


OF_JOBS: tuple[Callable[[Pipeline, Function], Iterator[Finding]], ...] = (
    _image,
    _machines,
    _vcpus,
    _memory,
    _room,
    _instances,
    _environment,
    _delegation,
    _time,
)
