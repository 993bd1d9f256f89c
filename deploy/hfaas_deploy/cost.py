"""What AWS would ask for what a rehearsal used: quantities times the price table. An estimate, free tiers left out.

    Usage (how much of each thing) + Prices -> lines with amounts -> totals

EC2 jobs pay for their machine also while it boots and while it idles before Batch gives it back; a job is counted as
if it had a machine to itself, which is dear for many short jobs in a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hfaas_deploy.fargate import memory, vcpus_for
from hfaas_deploy.pipeline import Batch, ComputeResources, Function, Machines, Pipeline
from hfaas_deploy.prices import NAMES, Prices
from hfaas_deploy.template import onedata, secrets

BOOT_S, IDLE_S = 180, 60
"""Assumed: until an instance takes its job, and until Batch gives it back."""

SHORTEST_FARGATE_S = 60
FREE_TMP_MB = 512
POLL_S = 1.0
"""Assumed: what one look of OneTrigger into a folder takes."""

PRICED = ("g4dn.xlarge", "g5.xlarge", "m5", "c5", "optimal", "default_x86_64")
MONTH_HOURS = 730
MONTH_MINUTES = 43_200
GB = 1_000_000_000
MB_IN_GB = 1024
"""Memory is counted in binary units, traffic in decimal ones."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing with a price: what it is part of, how people call it, what it is counted in."""

    group: str
    words: str
    unit: str


ITEMS: Mapping[str, Item] = MappingProxyType(
    {
        "lambda_x86_gb_s": Item("Lambda", "memory and time", "GB-s"),
        "lambda_arm_gb_s": Item("Lambda", "memory and time (arm64)", "GB-s"),
        "lambda_request": Item("Lambda", "invocations", ""),
        "lambda_tmp_gb_s": Item("Lambda", "temporary storage above 512 MB", "GB-s"),
        "fargate_vcpu_hour": Item("Batch", "Fargate vCPUs", "h"),
        "fargate_gb_hour": Item("Batch", "Fargate memory", "GB-h"),
        "g4dn_xlarge_hour": Item("Batch", "g4dn.xlarge (GPU), boot and idle included", "h"),
        "g5_xlarge_hour": Item("Batch", "g5.xlarge (GPU), boot and idle included", "h"),
        "m5_vcpu_hour": Item("Batch", "EC2 vCPUs (m5), boot and idle included", "h"),
        "c5_vcpu_hour": Item("Batch", "EC2 vCPUs (c5), boot and idle included", "h"),
        "s3_put": Item("S3", "objects written", ""),
        "s3_get": Item("S3", "objects read", ""),
        "s3_gb_month": Item("S3", "objects kept", "GB-month"),
        "egress_gb": Item("Onedata", "bytes sent out of AWS", "GB"),
        "logs_gb": Item("Logs", "log lines", "GB"),
        "schedule": Item("OneTrigger", "schedule", ""),
        "sqs_request": Item("SQS", "messages", ""),
        "http_request": Item("HTTP", "requests", ""),
        "secret_month": Item("Secrets", "secrets kept", "month"),
        "ecr_gb_month": Item("ECR", "images kept", "GB-month"),
    }
)


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of each thing was used, by its name in the price table."""

    amounts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := set(self.amounts) - set(NAMES):
            raise ValueError(f"nothing has the name {', '.join(sorted(unknown))}")

    def __add__(self, other: Usage) -> Usage:
        return total_of((self, other))

    def __getitem__(self, name: str) -> float:
        return self.amounts.get(name, 0)

    def times(self, factor: float) -> Usage:
        """The same so many times."""
        return Usage({name: amount * factor for name, amount in self.amounts.items()})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill."""

    name: str
    item: Item
    quantity: float
    price: float

    @property
    def amount(self) -> float:
        """Dollars."""
        return self.quantity * self.price


def total_of(usages: Iterable[Usage]) -> Usage:
    """All of them together."""
    sums: dict[str, float] = {}
    for usage in usages:
        for name, amount in usage.amounts.items():
            sums[name] = sums.get(name, 0.0) + amount
    return Usage(sums)


def lines(usage: Usage, prices: Prices) -> tuple[Line, ...]:
    """The bill, in the order of the price table; what was not used is not on it."""
    return tuple(Line(name, ITEMS[name], usage[name], getattr(prices, name)) for name in NAMES if usage[name])


def total(usage: Usage, prices: Prices) -> float:
    """Dollars in all."""
    return math.fsum(line.amount for line in lines(usage, prices))


def by_group(usage: Usage, prices: Prices) -> dict[str, float]:
    """Dollars by what they are paid for, the dearest first."""
    sums: dict[str, float] = {}
    for line in lines(usage, prices):
        sums[line.item.group] = sums.get(line.item.group, 0) + line.amount
    return dict(sorted(sums.items(), key=lambda each: -each[1]))


# --- what uses how much


def invocation(memory_mb: int, seconds: float, *, tmp_mb: int = FREE_TMP_MB, architecture: str = "x86_64") -> Usage:
    """One invocation of a Lambda function that was billed for so many seconds."""
    kind = "lambda_arm_gb_s" if architecture == "arm64" else "lambda_x86_gb_s"
    used = {kind: memory_mb / MB_IN_GB * seconds, "lambda_request": 1.0}
    if tmp_mb > FREE_TMP_MB:
        used["lambda_tmp_gb_s"] = (tmp_mb - FREE_TMP_MB) / MB_IN_GB * seconds
    return Usage(used)


def job(seconds: float, batch: Batch) -> Usage:
    """One attempt of a job that ran for so many seconds."""
    nodes = batch.multi_node.nodes if batch.multi_node else 1
    if batch.compute.kind.is_fargate and not batch.gpu:
        return _on_fargate(seconds, batch).times(nodes)
    hours = (BOOT_S + seconds + IDLE_S) / 3600
    types = batch.compute.instance_types
    if batch.gpu:
        g5 = bool(types) and all(each.startswith("g5") for each in types)
        return Usage({"g5_xlarge_hour" if g5 else "g4dn_xlarge_hour": hours * nodes})
    c5 = bool(types) and all(each.startswith("c5") for each in types)
    return Usage({"c5_vcpu_hour" if c5 else "m5_vcpu_hour": hours * max(1, batch.vcpus) * nodes})


def _on_fargate(seconds: float, batch: Batch) -> Usage:
    """Fargate sells whole pairs of vCPUs and memory, and a minute at least."""
    hours = max(seconds, SHORTEST_FARGATE_S) / 3600
    sold = memory(batch.vcpus, batch.memory)
    vcpus = batch.vcpus if sold else vcpus_for(batch.memory) or batch.vcpus
    sold = sold or memory(vcpus, batch.memory) or batch.memory
    return Usage({"fargate_vcpu_hour": hours * vcpus, "fargate_gb_hour": hours * sold / MB_IN_GB})


def transfers(*, puts: int = 0, gets: int = 0, egress_bytes: int = 0, log_bytes: int = 0) -> Usage:
    """Objects written and read, bytes sent out of AWS, bytes of log lines."""
    used = {"s3_put": puts, "s3_get": gets, "egress_gb": egress_bytes / GB, "logs_gb": log_bytes / GB}
    return Usage({name: float(amount) for name, amount in used.items() if amount})


def standing(pipeline: Pipeline) -> Usage:
    """What a month costs in which nothing happens: secrets, the looks of OneTrigger, machines that are kept."""
    count = len(secrets.resources(pipeline))
    kept_secrets = Usage({"secret_month": float(count)} if count else {})
    looks = (_looks(watcher.function, pipeline.poll) for watcher in onedata.watchers(pipeline))
    kept = (_kept(function.batch) for function in pipeline.functions if function.has_jobs)
    return total_of([kept_secrets, *looks, *kept])


def _looks(function: Function, minutes: int) -> Usage:
    count = MONTH_MINUTES / max(1, minutes)
    one = invocation(onedata.MEMORY, POLL_S, architecture=function.architecture)
    return (one + Usage({"schedule": 1})).times(count)


def _kept(batch: Batch) -> Usage:
    """The machines that the user keeps running although there is nothing to do."""
    if batch.compute.kind.is_fargate or not batch.compute.min_vcpus:
        return Usage()
    vcpus = batch.compute.min_vcpus
    if batch.gpu:
        return Usage({"g4dn_xlarge_hour": MONTH_HOURS * math.ceil(vcpus / 4)})
    return Usage({"m5_vcpu_hour": float(MONTH_HOURS * vcpus)})


def like(vcpus: float, memory_mb: int, *, gpu: bool, ec2: bool = False) -> Batch:
    """What is known of a job whose pipeline is not: GPUs are on EC2, all else is on Fargate unless that is told."""
    kind = Machines.EC2 if gpu or ec2 else Machines.FARGATE
    return Batch(vcpus or 1, memory_mb or 2048, gpu=gpu, compute=ComputeResources(kind))


def assumptions(pipeline: Pipeline) -> tuple[str, ...]:
    """What the estimate takes for granted of this pipeline, in words."""
    jobs = [function for function in pipeline.functions if function.has_jobs]
    on_ec2 = [each for each in jobs if not each.batch.compute.kind.is_fargate]
    told = [f"a job on EC2 has a machine to itself that boots {BOOT_S} s and idles {IDLE_S} s"] if on_ec2 else []
    if any(each.batch.compute.kind in (Machines.SPOT, Machines.FARGATE_SPOT) for each in jobs):
        told.append("spot machines at the price of others")
    for each in on_ec2:
        other = [one for one in each.batch.compute.instance_types if not one.startswith(PRICED)]
        if other:
            priced = "g4dn.xlarge" if each.batch.gpu else "m5"
            told.append(f"{', '.join(other)} of {each.name} at the price of {priced}")
    if any(function.watched for function in pipeline.functions):
        told.append(f"a look into a folder takes {POLL_S:g} s")
    return tuple(told)
