"""Reads a pipeline file into frozen data.

    document (YAML, with places) -> generations (older forms to today's) -> defaults -> reader (table of keys) -> here

`parse` always returns a Pipeline, as much of it as could be read, with every finding; `read` is for those who
want a usable Pipeline or an FdlError that holds all findings, also those of the checks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hfaas_deploy import checks, providers
from hfaas_deploy.errors import FdlError
from hfaas_deploy.findings import Spot, error, errors, in_order
from hfaas_deploy.language import document, generations, keys
from hfaas_deploy.language.document import Entry, Items, Map
from hfaas_deploy.language.reader import Reader, Values
from hfaas_deploy.pipeline import (
    Batch,
    Cluster,
    ComputeResources,
    FileSystem,
    Function,
    HttpApi,
    InputPath,
    Machines,
    Mode,
    MultiNode,
    OutputPath,
    Pipeline,
    Service,
    UrlAccess,
    Vpc,
)


def read(path: Path, defaults: Path | None = None) -> Pipeline:
    """The pipeline of a file without errors; FdlError otherwise."""
    pipeline = parse(path, defaults)
    if errors(pipeline.findings):
        raise FdlError(checks.check(pipeline))
    return pipeline


def parse(path: Path, defaults: Path | None = None, *, content: bytes | None = None) -> Pipeline:
    """The pipeline of a file, faults and all; `content` is what is to be in the file, if that is not saved yet."""
    tree, findings = document.read(content_of(path) if content is None else content, str(path))
    reader = Reader(str(path))
    if any(finding.is_error for finding in findings):
        return Pipeline(path, _stack_name(path, {}), findings=tuple(findings))
    today, notes = generations.convert(tree)
    values = reader.block(with_defaults(today, defaults, findings))
    found = in_order([*findings, *notes, *reader.findings])
    return Pipeline(
        file=path,
        stack=_stack_name(path, values.get("hfaas", {})),
        functions=tuple(_functions(values, path.absolute().parent)),
        services=tuple(_services(values, path.absolute().parent)),
        providers=values.get("storage_providers", {}),
        clusters=tuple(_clusters(values)),
        existing=frozenset(_existing(values.get("hfaas", {}))),
        account=values.get("hfaas", {}).get("account", ""),
        poll=values.get("hfaas", {}).get("poll", 1),
        reserve=values.get("hfaas", {}).get("reserve", True),
        spots=reader.spots,
        findings=tuple(found),
    )


def content_of(path: Path) -> bytes:
    """The bytes of a file, no more than are read; FdlError."""
    try:
        with path.open("rb") as file:
            return file.read(document.MAX_BYTES + 1)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        unreadable = error(Spot(str(path), 1, 1), "unreadable", f"cannot be read: {reason}")
        raise FdlError([unreadable], "name the pipeline file with -f") from None


def with_defaults(tree: Map, defaults: Path | None, findings: list[Any]) -> Map:
    """The file laid over scar.cfg: its `aws` block is under every Function."""
    if defaults is None:
        return tree
    under, faults = document.read(content_of(defaults), str(defaults))
    findings.extend(faults)
    functions = tree.map("functions")
    listed = functions.get("aws")
    if not isinstance(listed, Items):
        return tree
    base = under.map("aws")
    merged = tuple(document.merge(base, item) if isinstance(item, Map) else item for item in listed.items)
    entry = functions.entries["aws"]
    whole = Map(functions.spot, {**functions.entries, "aws": Entry(entry.spot, Items(listed.spot, merged))})
    return tree.plus("functions", whole, tree.entries["functions"].spot)


def _functions(values: Values, folder: Path) -> list[Function]:
    entries = values.get("functions", {}).get("aws", [])
    functions = [_function(entry, f"functions.aws[{index}]", folder) for index, entry in enumerate(entries)]
    defined = values.get("storage_providers", {})
    return [_at_home(function, defined) for function in functions]


def _at_home(function: Function, defined: providers.Defined) -> Function:
    """The Function, its paths knowing where they begin and it what it reaches."""
    return replace(
        function,
        inputs=tuple(replace(path, root=providers.root(path, defined)) for path in function.inputs),
        outputs=tuple(replace(path, root=providers.root(path, defined)) for path in function.outputs),
        providers=providers.used(function.paths, defined),
    )


def _function(values: Values, place: str, folder: Path) -> Function:
    own = {**_defaults(keys.LAMBDA), **values.get("lambda", {})}
    box = {**_defaults(keys.CONTAINER), **own.get("container", {})}
    ours = {**_defaults(keys.OURS), **values.get("hfaas", {})}
    logs = {**_defaults(keys.LOGS), **values.get("cloudwatch", {})}
    architectures = own["architectures"]
    return Function(
        place=place,
        name=own.get("name", ""),
        image=box.get("image", ""),
        image_file=_file(folder, box.get("image_file")),
        build=_file(folder, ours.get("build")),
        build_args=ours.get("build_args", {}),
        create_image=box["create_image"],
        alpine=box.get("alpine") or False,
        init_script=_file(folder, own.get("init_script")),
        extra_payload=_file(folder, own.get("extra_payload")),
        mode=Mode(own["execution_mode"]),
        memory=own["memory"],
        timeout=own["timeout"],
        timeout_threshold=box["timeout_threshold"],
        inputs=tuple(_inputs(own, place)),
        outputs=tuple(_outputs(own, place)),
        file_stage_in=own["file_stage_in"],
        log_level=own["log_level"],
        variables=box.get("environment", {}).get("Variables", {}),
        environment=own.get("environment", {}).get("Variables", {}),
        architecture=architectures if isinstance(architectures, str) else (architectures or ["x86_64"])[0],
        region=own["region"],
        boto_profile=own["boto_profile"],
        description=own.get("description", ""),
        tags=own.get("tags", {}),
        retention=logs["log_retention_policy_in_days"],
        on_failure=ours["on_failure"],
        invoke_script=ours.get("invoke_script", "init_script" not in own),
        tmp=ours["tmp"],
        retries=ours["retries"],
        max_age=ours["max_age"],
        concurrency=ours.get("concurrency"),
        plain=tuple(ours.get("plain", ())),
        batch=_batch({**_defaults(keys.BATCH), **values.get("batch", {})}),
        delegate=tuple(ours.get("delegate", keys.CAUSES)),
        job_timeout=ours["job_timeout"],
        api=_api(values.get("api_gateway", {})),
        url=UrlAccess(ours["url"]),
        vpc=_vpc(own.get("vpc", {})),
        file_systems=tuple(_file_systems(own, place)),
        delete_image=values.get("ecr", {}).get("delete_image", True),
    )


def _vpc(asked: Values) -> Vpc | None:
    vpc = Vpc(tuple(asked.get("SubnetIds", ())), tuple(asked.get("SecurityGroupIds", ())))
    return vpc if vpc.subnets or vpc.security_groups else None


def _file_systems(own: Values, place: str) -> list[FileSystem]:
    """Those that can be told: the reader has said what is wrong with others."""
    return [
        FileSystem(entry["Arn"], entry["LocalMountPath"], f"{place}.lambda.file_system[{index}]")
        for index, entry in enumerate(own.get("file_system", []))
        if {"Arn", "LocalMountPath"} <= entry.keys()
    ]


def _api(asked: Values) -> HttpApi | None:
    """Only a name makes one: scar's defaults have the block for every Function."""
    if not asked.get("name"):
        return None
    own = {**_defaults(keys.GATEWAY), **asked}
    method = {**_defaults(f"{keys.GATEWAY}.method"), **asked.get("method", {})}
    return HttpApi(
        name=own["name"],
        stage=own["stage_name"],
        path=own["path_part"].strip("/"),
        method=own["http_method"],
        public=method["authorizationType"] == "NONE",
    )


def _batch(own: Values) -> Batch:
    asked = {**_defaults(keys.COMPUTE), **own.get("compute_resources", {})}
    nodes = {**_defaults(keys.MULTINODE), **own.get("multi_node_parallel", {})}
    batch = Batch(
        vcpus=own["vcpus"],
        memory=own["memory"],
        gpu=own["enable_gpu"],
        variables=own.get("environment", {}).get("Variables", {}),
        enabled=own["state"] == "ENABLED",
        multi_node=MultiNode(nodes["number_nodes"], nodes["main_node_index"]) if nodes["enabled"] else None,
    )
    return replace(batch, compute=_compute(asked, batch))


def _compute(asked: Values, batch: Batch) -> ComputeResources:
    instances = tuple(asked.get("instance_types", ()))
    on_ec2 = batch.gpu or batch.multi_node or instances
    return ComputeResources(
        kind=Machines(asked.get("type", Machines.EC2 if on_ec2 else Machines.FARGATE)),
        max_vcpus=asked.get("max_v_cpus", max(2, math.ceil(batch.all_vcpus))),
        min_vcpus=asked["min_v_cpus"],
        instance_types=instances,
        subnets=tuple(asked.get("subnets", ())),
        security_groups=tuple(asked.get("security_group_ids", ())),
    )


def _defaults(place: str) -> Values:
    return {name: key.default for name, key in keys.at(place).items() if key.default is not None}


def _inputs(own: Values, place: str) -> list[InputPath]:
    return [
        InputPath(
            entry.get("storage_provider", ""),
            entry.get("path", "").strip("/"),
            tuple(entry.get("suffix", ())),
            f"{place}.lambda.input[{index}]",
        )
        for index, entry in enumerate(own.get("input", []))
    ]


def _outputs(own: Values, place: str) -> list[OutputPath]:
    return [
        OutputPath(
            entry.get("storage_provider", ""),
            entry.get("path", "").strip("/"),
            tuple(entry.get("prefix", ())),
            tuple(entry.get("suffix", ())),
            entry["layout"],
            f"{place}.lambda.output[{index}]",
        )
        for index, entry in enumerate(own.get("output", []))
    ]


def _file(folder: Path, name: str | None) -> Path | None:
    return folder / name if name else None


def _clusters(values: Values) -> list[Cluster]:
    return [_cluster(name, f"clusters.{name}", own) for name, own in values.get("clusters", {}).items()]


def _cluster(name: str, place: str, own: Values) -> Cluster:
    return Cluster(
        id=name,
        place=place,
        endpoint=own.get("endpoint", ""),
        user=own.get("auth_user", ""),
        password=own.get("auth_password", ""),
        verify=own.get("ssl_verify", True),
    )


def _services(values: Values, folder: Path) -> list[Service]:
    entries = values.get("functions", {}).get("oscar", [])
    return [
        _service(f"functions.oscar[{index}].{cluster}", cluster, service, folder)
        for index, entry in enumerate(entries)
        for cluster, service in entry.items()
    ]


def _service(place: str, cluster: str, own: Values, folder: Path) -> Service:
    environment = own.get("environment", {})
    return Service(
        place=place,
        cluster=_cluster(cluster, place, own),
        name=own.get("name", ""),
        image=own.get("image", ""),
        script=_file(folder, own.get("script")),
        memory=own.get("memory", ""),
        cpu=own.get("cpu", ""),
        log_level=own.get("log_level", "INFO"),
        file_stage_in=own["file_stage_in"],
        gpu=own["enable_gpu"],
        alpine=own["alpine"],
        variables={**environment.get("variables", {}), **environment.get("Variables", {})},
        secrets=environment.get("secrets", {}),
        inputs=tuple(_service_inputs(own, place)),
        outputs=tuple(_service_outputs(own, place)),
        more={name: own[name] for name in keys.OSCAR_ONLY if name in own},
    )


def _service_inputs(own: Values, place: str) -> list[InputPath]:
    return [
        InputPath(
            entry.get("storage_provider", ""),
            entry.get("path", "").strip("/ "),
            tuple(entry.get("suffix", ())),
            f"{place}.input[{index}]",
            prefixes=tuple(entry.get("prefix", ())),
        )
        for index, entry in enumerate(own.get("input", []))
    ]


def _service_outputs(own: Values, place: str) -> list[OutputPath]:
    return [
        OutputPath(
            entry.get("storage_provider", ""),
            entry.get("path", "").strip("/ "),
            tuple(entry.get("prefix", ())),
            tuple(entry.get("suffix", ())),
            place=f"{place}.output[{index}]",
        )
        for index, entry in enumerate(own.get("output", []))
    ]


def _existing(ours: Mapping[str, Any]) -> list[str]:
    return [name for name, bucket in ours.get("buckets", {}).items() if bucket.get("existing")]


def _stack_name(path: Path, ours: Mapping[str, Any]) -> str:
    """The name asked for, else the folder's, made fit for CloudFormation."""
    if "stack" in ours:
        return str(ours["stack"])
    words = re.sub(r"[^A-Za-z0-9]+", "-", path.absolute().parent.name).strip("-")
    return (words if words[:1].isalpha() else f"pipeline-{words}".rstrip("-"))[:128]
