"""Before a promotion: the file systems that the pipeline file names, as the account has them.

An access point tells which file system it leads to. Functions and jobs reach that from subnets of its network, in zones
where it has a mount target; elsewhere AWS refuses them, or they fail when they start. All faults are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import FileSystemError
from hfaas_deploy.pipeline import FileSystem, Function, Pipeline
from hfaas_deploy.promote.promotion import Identity

ANSWER_S = 20.0
READY = "available"
NO_SUBNET = "InvalidSubnetID"
HINT = "nothing was done; `aws efs describe-access-points` and `describe-mount-targets` show what the account has"


def found(target: Target, identity: Identity, pipeline: Pipeline) -> dict[str, str]:
    """The file systems by access point; FileSystemError says why Functions could not mount what they ask for."""
    if not any(function.file_systems for function in pipeline.functions):
        return {}
    try:
        account = _Account(target, identity)
        faults = list(dict.fromkeys(fault for one in pipeline.functions for fault in account.faults(one)))
    except ClientError as fault:
        said = fault.response.get("Error", {}).get("Message") or fault
        raise credentials.refusal(fault, target.profile) or FileSystemError(
            f"nobody says what can be mounted: {said}",
            "you need elasticfilesystem:DescribeAccessPoints and DescribeMountTargets, and ec2:DescribeSubnets",
        ) from None
    except BotoCoreError as fault:
        raise credentials.absence(fault, target.profile, target.region) from None
    if faults:
        raise FileSystemError("; ".join(faults), HINT)
    return {point: reach.system for point, reach in account.known.items()}


@dataclass(frozen=True, slots=True)
class _Reach:
    """A file system, and where it can be mounted: networks, and zones with a mount target by their ids."""

    system: str
    networks: frozenset[str]
    zones: frozenset[str]


class _Unmountable(Exception):
    """Why an access point leads to nothing, in words."""


@dataclass(frozen=True, slots=True)
class _Account:
    """What an account has; each access point is asked about once."""

    target: Target
    identity: Identity
    known: dict[str, _Reach] = field(default_factory=dict)

    def faults(self, function: Function) -> Iterator[str]:
        """Why a Function or its jobs cannot mount what they ask for."""
        for one in function.file_systems:
            try:
                reach = self.known.get(one.access_point) or self._reach(one)
            except _Unmountable as fault:
                yield str(fault)
                continue
            self.known[one.access_point] = reach
            for whose, subnets in self._stands(function):
                yield from self._outside(reach, whose, subnets)

    def _stands(self, function: Function) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The subnets that a Function and its jobs run in."""
        if function.runs_in_lambda and function.vpc:
            yield function.name, function.vpc.subnets
        if function.has_jobs:
            yield f"the jobs of {function.name}", function.batch.compute.subnets or self.target.subnets

    def _reach(self, one: FileSystem) -> _Reach:
        here = (self.identity.region, self.identity.account)
        place = f"{here[0]} of account {here[1]}"
        if (one.region, one.account) != here:
            raise _Unmountable(
                f"the access point {one.access_point} is in {one.region} of account {one.account}, "
                f"and this promotion goes to {place}"
            )
        efs: Any = self.target.client("efs", ANSWER_S)
        point = _point(efs, one.access_point)
        if point is None:
            raise _Unmountable(f"there is no access point {one.access_point} in {place}")
        system, state = str(point["FileSystemId"]), point.get("LifeCycleState", READY)
        if state != READY:
            raise _Unmountable(f"the access point {one.access_point} is {state}, not {READY}")
        ready = [each for each in _targets(efs, system) if each.get("LifeCycleState", READY) == READY]
        if not ready:
            raise _Unmountable(f"the file system {system} of {one.access_point} has no mount target")
        return _Reach(
            system,
            frozenset(str(each.get("VpcId")) for each in ready),
            frozenset(str(each.get("AvailabilityZoneId")) for each in ready),
        )

    def _outside(self, reach: _Reach, whose: str, subnets: tuple[str, ...]) -> Iterator[str]:
        """Subnets from which the file system is out of reach."""
        networks = ", ".join(sorted(reach.networks))
        for name, subnet in self._subnets(subnets).items():
            if subnet is None:
                yield f"there is no {name}, where {whose} would run"
            elif subnet["VpcId"] not in reach.networks:
                yield (
                    f"{whose} would run in {name} of {subnet['VpcId']}, and the file system {reach.system} is "
                    f"reached in {networks} only"
                )
            elif subnet["AvailabilityZoneId"] not in reach.zones:
                yield (
                    f"{whose} would run in {name}, and the file system {reach.system} has no mount target in "
                    f"{subnet['AvailabilityZone']}: make one there, or name other subnets"
                )

    def _subnets(self, ids: tuple[str, ...]) -> Mapping[str, Any]:
        """Each subnet as EC2 describes it, None for one that is not there."""
        ec2: Any = self.target.client("ec2", ANSWER_S)
        return {name: _subnet(ec2, name) for name in ids}


def _point(efs: Any, id: str) -> Any:
    try:
        points = efs.describe_access_points(AccessPointId=id)["AccessPoints"]
    except ClientError as fault:
        if fault.response.get("Error", {}).get("Code") == "AccessPointNotFound":
            return None
        raise
    return points[0] if points else None


def _targets(efs: Any, system: str) -> list[Any]:
    pages = efs.get_paginator("describe_mount_targets").paginate(FileSystemId=system)
    return [one for page in pages for one in page["MountTargets"]]


def _subnet(ec2: Any, id: str) -> Any:
    try:
        return ec2.describe_subnets(SubnetIds=[id])["Subnets"][0]
    except ClientError as fault:
        if str(fault.response.get("Error", {}).get("Code", "")).startswith(NO_SUBNET):
            return None
        raise
