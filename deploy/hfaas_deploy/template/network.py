"""Where Functions and jobs stand in the network: parameters, since subnets differ from account to account.

`Subnets` and `SecurityGroups` are for all jobs that say nothing. What the pipeline file names gets parameters of its
own, whose values are the file's, so no id of an account is in the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hfaas_deploy import names
from hfaas_deploy.pipeline import Function, Pipeline, Vpc
from hfaas_deploy.template.policies import Json

SUBNETS, GROUPS = "Subnets", "SecurityGroups"
SUBNET_IDS, GROUP_IDS = "List<AWS::EC2::Subnet::Id>", "List<AWS::EC2::SecurityGroup::Id>"
SHARED = {
    SUBNETS: (SUBNET_IDS, "Subnets that jobs run in"),
    GROUPS: (GROUP_IDS, "Security groups of jobs"),
}


class Own(NamedTuple):
    """A parameter for what the pipeline file names itself."""

    name: str
    type: str
    description: str
    ids: tuple[str, ...]


def parameters(pipeline: Pipeline) -> Json:
    """All parameters about the network."""
    shared = {name: SHARED[name] for name in SHARED if name in _shared(pipeline)}
    own = {one.name: (one.type, one.description) for one in _own(pipeline)}
    return {name: {"Type": kind, "Description": text} for name, (kind, text) in {**shared, **own}.items()}


def values(pipeline: Pipeline, subnets: tuple[str, ...], groups: tuple[str, ...]) -> dict[str, str]:
    """Their values, for an account whose jobs run in these subnets where the file says nothing."""
    shared = {SUBNETS: ",".join(subnets), GROUPS: ",".join(groups)}
    needed = _shared(pipeline)
    own = {one.name: ",".join(one.ids) for one in _own(pipeline)}
    return {**{name: ids for name, ids in shared.items() if name in needed}, **own}


def of_jobs(function: Function) -> Json:
    """The network part of a compute environment."""
    compute = function.batch.compute
    subnets = names.logical(function.name, "JobSubnets") if compute.subnets else SUBNETS
    groups = names.logical(function.name, "JobGroups") if compute.security_groups else GROUPS
    return {"Subnets": {"Ref": subnets}, "SecurityGroupIds": {"Ref": groups}}


def of_function(function: Function) -> Json:
    """The network part of a Lambda function; empty for one that is in no VPC."""
    if not function.vpc:
        return {}
    subnets, groups = (names.logical(function.name, kind) for kind in ("VpcSubnets", "VpcGroups"))
    return {"VpcConfig": {"SubnetIds": {"Ref": subnets}, "SecurityGroupIds": {"Ref": groups}}}


def _shared(pipeline: Pipeline) -> set[str]:
    jobs = [function.batch.compute for function in pipeline.functions if function.has_jobs]
    subnets = {SUBNETS for compute in jobs if not compute.subnets}
    return subnets | {GROUPS for compute in jobs if not compute.security_groups}


def _own(pipeline: Pipeline) -> Iterator[Own]:
    for function in pipeline.functions:
        if vpc := function.vpc:
            yield from _pair(function, "Vpc", function.name, vpc)
        if function.has_jobs:
            compute = function.batch.compute
            yield from _pair(
                function, "Job", f"the jobs of {function.name}", Vpc(compute.subnets, compute.security_groups)
            )


def _pair(function: Function, kind: str, whose: str, vpc: Vpc) -> Iterator[Own]:
    if vpc.subnets:
        name = names.logical(function.name, f"{kind}Subnets")
        yield Own(name, SUBNET_IDS, f"Subnets of {whose}", vpc.subnets)
    if vpc.security_groups:
        name = names.logical(function.name, f"{kind}Groups")
        yield Own(name, GROUP_IDS, f"Security groups of {whose}", vpc.security_groups)
