"""EFS over HTTP: what is refused, which folders containers get, and that access points outlive an emulator."""

from __future__ import annotations

import http.client
import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.emulator.conftest import IMAGE, running

from hfaas_emulator.containers.engine import ContainerSpec, Exit, Image, Mount, Output
from hfaas_emulator.containers.fake import FakeEngine
from hfaas_emulator.errors import EngineError
from hfaas_emulator.file_systems import FileSystems

POINT = "fsap-0123456789abcdef0"
ARN = f"arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/{POINT}"
VPC = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
NEEDS = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
OUTSIDE = (
    "..",
    "../../x",
    "fsap-0123456789abcdef0/../../x",
    "fsap-XYZ01234",
    "fs-0123456789abcdef0",
    "fsap-01",
    "",
)
WAIT_S = 60


class Site:
    """An emulator over a state directory, and what its containers were given."""

    def __init__(self, emulator: Any, engine: FakeEngine, state: Path) -> None:
        self.emulator, self.engine, self.state = emulator, engine, state
        self.functions, self.batch = emulator.client("lambda"), emulator.client("batch")

    def folder(self, point: str = POINT) -> Path:
        return self.state / "file-systems" / point

    def spec(self, image: str) -> ContainerSpec:
        """Wait for the first container of an image, and return what was asked for it."""
        deadline = time.monotonic() + WAIT_S
        while not (found := [one.spec for one in self.engine.containers if one.spec.image == image]):
            assert time.monotonic() < deadline, "no container came"
            time.sleep(0.01)
        return found[0]


async def _waits(_: ContainerSpec, _output: Output) -> Exit:
    return Exit(0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("state")
    images = {name: Image(name, f"sha256:{name}", "x86_64", supervised=True) for name in (IMAGE, "job:1", "job:2")}
    engine = FakeEngine(_waits, images)
    with running(state, lambda: engine) as emulator:
        yield Site(emulator, engine, state)


def configs(arn: str = ARN, path: str = "/mnt/ref") -> list[dict[str, str]]:
    return [{"Arn": arn, "LocalMountPath": path}]


def refusal(call: Callable[..., Any], *given: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(*given, **named)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def efs(**more: Any) -> dict[str, Any]:
    """A volume of a job definition as our templates have it, but for `more`."""
    asked = {"accessPointId": POINT, "iam": "ENABLED"}
    whole = {"fileSystemId": "fs-1", "transitEncryption": "ENABLED", "authorizationConfig": asked, **more}
    return {name: value for name, value in whole.items() if value is not None}


def container(volume: dict[str, Any], image: str = "job:1", **more: Any) -> dict[str, Any]:
    return {
        "image": image,
        "resourceRequirements": NEEDS,
        "jobRoleArn": "arn:aws:iam::000000000000:role/executes",
        "volumes": [{"name": "efs", "efsVolumeConfiguration": volume}],
        "mountPoints": [{"containerPath": "/mnt/ref", "sourceVolume": "efs"}],
        **more,
    }


def ask(site: Site, point: str) -> tuple[int, dict[str, Any]]:
    line = http.client.HTTPConnection(urlsplit(site.emulator.endpoint).netloc, timeout=20)
    line.request("PUT", f"/_hfaas/file-systems/{quote(point, safe='')}")
    answer = line.getresponse()
    told = json.loads(answer.read())
    line.close()
    return answer.status, told


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({}, "InvalidParameterValueException", f"execute in a VPC to reference access point {ARN}"),
        (
            {"VpcConfig": VPC, "FileSystemConfigs": configs() * 2},
            "ValidationException",
            "length less than or equal",
        ),
        ({"VpcConfig": VPC, "FileSystemConfigs": configs(f"{ARN}/../x")}, "ValidationException", "member.arn"),
        ({"VpcConfig": VPC, "FileSystemConfigs": configs(path="/etc")}, "ValidationException", "localMountPath"),
        ({"VpcConfig": VPC, "FileSystemConfigs": configs(path="/mnt/..")}, "ValidationException", "localMountPath"),
    ],
)
def test_a_function_that_lambda_would_refuse_is_refused(site: Site, more: Any, code: str, words: str) -> None:
    refused, said = refusal(site.emulator.function, "refused", **{"FileSystemConfigs": configs(), **more})

    assert (refused, words in said) == (code, True), said


def test_a_function_gets_the_folder_of_its_access_point(site: Site) -> None:
    site.emulator.function("mounts", VpcConfig=VPC, FileSystemConfigs=configs())
    site.functions.invoke(FunctionName="mounts", InvocationType="Event")

    assert site.functions.get_function_configuration(FunctionName="mounts")["FileSystemConfigs"] == configs()
    assert site.spec(IMAGE).mounts == {"/mnt/ref": Mount(site.folder())}
    assert stat.S_IMODE(site.folder().stat().st_mode) == 0o777


def test_an_update_takes_it_away_and_gives_another(site: Site) -> None:
    site.emulator.function("changes", VpcConfig=VPC, FileSystemConfigs=configs())
    update = site.functions.update_function_configuration

    assert update(FunctionName="changes", FileSystemConfigs=configs(path="/mnt/b"))["FileSystemConfigs"] == configs(
        path="/mnt/b"
    )
    nowhere: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
    code, _ = refusal(update, FunctionName="changes", VpcConfig=nowhere)
    assert code == "InvalidParameterValueException"
    assert not update(FunctionName="changes", FileSystemConfigs=[], VpcConfig=nowhere)["FileSystemConfigs"]


@pytest.mark.parametrize(
    ("volume", "more", "words"),
    [
        (efs(fileSystemId=None), {}, "fileSystemId must not be empty"),
        (
            efs(authorizationConfig={"accessPointId": "../../etc"}),
            {},
            'accessPointId "../../etc" is no access point',
        ),
        (efs(rootDirectory="/data"), {}, "rootDirectory must be omitted or / when an access point is specified"),
        (efs(transitEncryption=None), {}, "transitEncryption must be ENABLED"),
        (efs(), {"jobRoleArn": ""}, "iam needs a jobRoleArn"),
    ],
)
def test_a_definition_that_could_not_mount_is_refused(site: Site, volume: Any, more: Any, words: str) -> None:
    asked = container(volume, **more)

    code, said = refusal(
        site.batch.register_job_definition,
        jobDefinitionName="refused",
        type="container",
        containerProperties=asked,
    )

    assert (code, words in said) == ("ClientException", True), said


def test_a_job_gets_the_same_folder_and_other_volumes_are_empty(site: Site) -> None:
    role = site.emulator.role("executes")
    resources = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]}
    site.batch.create_compute_environment(computeEnvironmentName="c", type="MANAGED", computeResources=resources)
    site.batch.create_job_queue(
        jobQueueName="q", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "c"}]
    )
    whole = container(efs(rootDirectory="/"), executionRoleArn=role)
    whole["volumes"].append({"name": "host", "host": {"sourcePath": "/etc"}})
    whole["mountPoints"] += [
        {"containerPath": "/data", "sourceVolume": "host"},
        {"containerPath": "/mnt/again", "sourceVolume": "efs", "readOnly": True},
    ]
    site.batch.register_job_definition(
        jobDefinitionName="d", type="container", platformCapabilities=["FARGATE"], containerProperties=whole
    )
    site.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")

    spec = site.spec("job:1")
    assert spec.mounts == {"/mnt/ref": Mount(site.folder()), "/mnt/again": Mount(site.folder(), read_only=True)}
    assert spec.task.volumes == ("/data",)


def test_whoever_deploys_is_told_the_folder(site: Site) -> None:
    status, told = ask(site, "fsap-aaaaaaaa")

    assert (status, told) == (200, {"access_point": "fsap-aaaaaaaa", "folder": str(site.folder("fsap-aaaaaaaa"))})
    assert site.folder("fsap-aaaaaaaa").is_dir()


@pytest.mark.parametrize("point", OUTSIDE)
def test_nothing_but_an_access_point_is_a_folder(site: Site, point: str) -> None:
    assert ask(site, point)[0] == 400


@pytest.mark.parametrize("point", OUTSIDE)
def test_no_name_leads_out_of_the_state_directory(tmp_path: Path, point: str) -> None:
    with pytest.raises(EngineError, match="is no access point of EFS"):
        FileSystems(tmp_path / "file-systems").folder(point)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_there", [False, True])
def test_everybody_may_write_in_a_folder_and_nobody_else_of_this_machine_comes_near(
    tmp_path: Path, *, is_there: bool
) -> None:
    if is_there:
        (tmp_path / "here").mkdir(mode=0o700)
        (tmp_path / "here" / POINT).mkdir()
    folder = FileSystems(tmp_path / "here").folder(POINT)
    (folder / "file").write_text("")
    (folder / "folder").mkdir()

    modes = [
        stat.S_IMODE(one.stat().st_mode) for one in (folder, folder / "file", folder / "folder", folder.parent)
    ]
    assert modes == [0o777, 0o666, 0o777, 0o700]


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file-systems").write_text("in the way")

    with pytest.raises(EngineError, match="cannot be made"):
        FileSystems(tmp_path / "file-systems").folder(POINT)
