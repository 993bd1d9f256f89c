"""What an account must have before a promotion mounts anything: against an unmodified moto, then what plays AWS."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests import faults
from tests.deploy.promote import stage
from tests.standin import REGION

from hfaas_deploy.aws import target
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import FileSystemError
from hfaas_deploy.pipeline import Batch, ComputeResources, FileSystem, Function, Mode, Pipeline, Vpc
from hfaas_deploy.promote import guard
from hfaas_deploy.promote.promotion import Identity

MOTO = "123456789012"
IDENTITY = Identity(MOTO, f"arn:aws:iam::{MOTO}:user/ann", "eu-west-1", "127.0.0.1", is_stand_in=True)


@dataclass
class Account:
    """Networks, file systems and access points of an account in one region."""

    target: Target
    made: list[Any] = field(default_factory=list)

    def subnets(self, *zones: str) -> tuple[str, ...]:
        """Make a network with a subnet in each of these zones."""
        ec2: Any = self.target.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = (
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{self.target.region}{zone}"
            )
            for number, zone in enumerate(zones)
        )
        return tuple(one["Subnet"]["SubnetId"] for one in made)

    def point(self, *subnets: str) -> tuple[str, str]:
        """Make a file system with mount targets in these subnets; its access point and itself."""
        efs: Any = self.target.client("efs")
        system = efs.create_file_system(CreationToken=uuid.uuid4().hex)["FileSystemId"]
        for subnet in subnets:
            efs.create_mount_target(FileSystemId=system, SubnetId=subnet)
        made = efs.create_access_point(ClientToken=uuid.uuid4().hex, FileSystemId=system)
        return made["AccessPointId"], system

    def settled(self, *functions: Function, url: str = "") -> dict[str, str]:
        pipeline = Pipeline(Path("p.yaml"), "s", functions)
        place = replace(self.target, endpoint=url) if url else self.target
        return dict(guard.settled(place, IDENTITY, pipeline).file_systems)

    def refusal(self, *functions: Function) -> str:
        with pytest.raises(FileSystemError) as caught:
            self.settled(*functions)
        assert "nothing was done" in caught.value.hint
        return caught.value.message


@pytest.fixture
def account(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    target.forget_credentials()
    yield Account(Target.aws("eu-west-1", stand_in=moto_server))
    target.forget_credentials()


def arn(point: str, region: str = "eu-west-1", account: str = MOTO) -> FileSystem:
    return FileSystem(f"arn:aws:elasticfilesystem:{region}:{account}:access-point/{point}", "/mnt/ref")


def function(one: FileSystem, subnets: tuple[str, ...], name: str = "f") -> Function:
    return Function("functions.aws[0]", name, vpc=Vpc(subnets, ("sg-1",)), file_systems=(one,))


def jobs(one: FileSystem, subnets: tuple[str, ...] = ()) -> Function:
    batch = Batch(compute=ComputeResources(subnets=subnets))
    return Function("functions.aws[0]", "j", mode=Mode.BATCH, batch=batch, file_systems=(one,))


def test_the_account_tells_which_file_system_is_behind_an_access_point(account: Account) -> None:
    subnets = account.subnets("a", "b")
    (one, first), (two, second) = account.point(*subnets), account.point(*subnets)

    found = account.settled(function(arn(one), subnets), function(arn(two), subnets[:1], "g"))

    assert found == {one: first, two: second}


def test_who_mounts_nothing_asks_nothing_of_efs(account: Account) -> None:
    with faults.before(account.target.endpoint) as proxy:
        proxy.refuse("elasticfilesystem", code="AccessDeniedException", status=403)

        assert account.settled(Function("functions.aws[0]", "f"), url=proxy.url) == {}


def test_an_access_point_that_is_not_there_is_told(account: Account) -> None:
    said = account.refusal(function(arn("fsap-0123456789abcdef0"), ()))

    assert said == f"there is no access point fsap-0123456789abcdef0 in eu-west-1 of account {MOTO}"


@pytest.mark.parametrize(("region", "owner"), [("us-east-1", MOTO), ("eu-west-1", "111122223333")])
def test_an_access_point_of_elsewhere_is_told(account: Account, region: str, owner: str) -> None:
    said = account.refusal(function(arn("fsap-0123456789abcdef0", region, owner), ()))

    assert said == (
        f"the access point fsap-0123456789abcdef0 is in {region} of account {owner}, "
        f"and this promotion goes to eu-west-1 of account {MOTO}"
    )


def test_a_file_system_without_a_mount_target_is_told(account: Account) -> None:
    point, system = account.point()

    assert account.refusal(function(arn(point), account.subnets("a"))) == (
        f"the file system {system} of {point} has no mount target"
    )


def test_subnets_of_another_network_are_told(account: Account) -> None:
    home, elsewhere = account.subnets("a"), account.subnets("a")
    point, system = account.point(*home)

    said = account.refusal(function(arn(point), elsewhere))

    assert said.startswith(f"f would run in {elsewhere[0]} of vpc-")
    assert f"and the file system {system} is reached in vpc-" in said


def test_a_zone_without_a_mount_target_is_told(account: Account) -> None:
    subnets = account.subnets("a", "b")
    point, system = account.point(subnets[0])

    assert account.refusal(function(arn(point), subnets)) == (
        f"f would run in {subnets[1]}, and the file system {system} has no mount target in eu-west-1b: "
        "make one there, or name other subnets"
    )


def test_a_subnet_that_is_not_there_is_told(account: Account) -> None:
    subnets = account.subnets("a")
    point, _ = account.point(*subnets)

    said = account.refusal(function(arn(point), ("subnet-0a1b2c3d",)))

    assert said == "there is no subnet-0a1b2c3d, where f would run"


def test_jobs_that_say_nothing_run_in_the_default_network_and_must_reach_it_from_there(account: Account) -> None:
    subnets = account.subnets("a")
    point, system = account.point(*subnets)

    assert account.settled(jobs(arn(point), subnets)) == {point: system}
    assert "the jobs of j would run in subnet-" in account.refusal(jobs(arn(point)))


def test_all_faults_are_told_at_once_and_each_only_once(account: Account) -> None:
    absent, elsewhere = arn("fsap-0123456789abcdef0"), arn("fsap-00000000", "us-east-1")

    said = account.refusal(function(absent, ()), function(absent, (), "g"), function(elsewhere, (), "h"))

    assert (said.count("there is no access point"), said.count("is in us-east-1")) == (1, 1)


def test_who_may_not_look_is_told_what_it_takes(account: Account) -> None:
    with faults.before(account.target.endpoint) as proxy:
        proxy.refuse("access-points", code="AccessDeniedException", message="you are not authorized", status=403)
        with pytest.raises(FileSystemError, match="you are not authorized") as caught:
            account.settled(function(arn("fsap-0123456789abcdef0"), ()), url=proxy.url)

    assert "elasticfilesystem:DescribeAccessPoints and DescribeMountTargets" in caught.value.hint


FDL = """\
hfaas: {{stack: stage-{id}}}
functions:
  aws:
  - lambda:
      name: split-{id}
      init_script: a.sh
      container: {{image: "debian:bookworm-slim"}}
      execution_mode: lambda-batch
      vpc: {{SubnetIds: [{subnet}], SecurityGroupIds: [sg-0a1b2c3d]}}
      file_system:
      - Arn: arn:aws:elasticfilesystem:{region}:{account}:access-point/{point}
        LocalMountPath: /mnt/ref
    batch: {{compute_resources: {{subnets: [{subnet}]}}}}
"""


def write(project: stage.Project, subnet: str, point: str) -> None:
    """Have the Function mount an access point of the project's account."""
    account = project.target.account
    project.file.write_text(FDL.format(id=project.id, subnet=subnet, point=point, region=REGION, account=account))


def test_a_promotion_mounts_the_accounts_own_file_system(project: stage.Project) -> None:
    there = Account(project.target)
    (subnet,) = there.subnets("a")
    point, system = there.point(subnet)
    write(project, subnet, point)

    project.promote()

    name = f"split-{project.id}"
    made = project.target.client("lambda").get_function_configuration(FunctionName=name)
    whole = f"arn:aws:elasticfilesystem:{REGION}:{project.target.account}:access-point/{point}"
    assert made["FileSystemConfigs"] == [{"Arn": whole, "LocalMountPath": "/mnt/ref"}]
    (definition,) = project.target.client("batch").describe_job_definitions(
        jobDefinitionName=name, status="ACTIVE"
    )["jobDefinitions"]
    (volume,) = definition["containerProperties"]["volumes"]
    assert volume["efsVolumeConfiguration"] == {
        "fileSystemId": system,
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"accessPointId": point, "iam": "ENABLED"},
    }
    assert project.plan().is_empty


def test_a_promotion_that_could_not_mount_touches_nothing(project: stage.Project) -> None:
    point = "fsap-0123456789abcdef0"
    write(project, "subnet-0a1b2c3d", point)
    told = f"there is no access point {point} in {REGION} of account {project.target.account}"

    with pytest.raises(FileSystemError, match=told):
        project.plan()

    assert project.stack.status() == ""
    assert project.engine.pushed == []
