"""File systems of EFS: read, judged, rendered, and what a rehearsal has in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hfaas_deploy import fdl, proof, rehearsal_folder, steps, template
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import ImageError
from hfaas_deploy.building.layers import LayerImages
from hfaas_deploy.errors import FileSystemError, TargetUnreachable
from hfaas_deploy.findings import Finding
from hfaas_deploy.pipeline import FileSystem, Function, Mode, Pipeline
from hfaas_deploy.promote import statements
from hfaas_deploy.settings import Setting, Side, compare
from hfaas_deploy.template import file_systems

Check = Callable[[str], list[Finding]]
Parse = Callable[[str], Pipeline]
Json = dict[str, Any]

GOLDEN = Path(__file__).parent / "golden" / "mounts" / "pipeline.yaml"
POINT = "fsap-0123456789abcdef0"
ARN = f"arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/{POINT}"
VPC = "vpc: {SubnetIds: [subnet-1], SecurityGroupIds: [sg-1]}"
ONE = f"[{{Arn: '{ARN}', LocalMountPath: /mnt/ref}}]"


def text(systems: str = ONE, more: str = VPC, ours: str = "") -> str:
    """One function with file systems in line 6; `more` is inside lambda, `ours` what the pipeline as a whole is."""
    return f"""\
        hfaas: {{{ours}}}
        functions:
          aws:
          - lambda:
              name: f
              file_system: {systems}
              init_script: a.sh
              container: {{image: x}}
              input: [{{storage_provider: s3, path: bbb/in}}]
              {more}
        """


def errors(found: list[Finding]) -> list[tuple[int, str]]:
    return [(one.spot.line, one.message) for one in found if one.is_error]


def made(function: Function) -> Json:
    found: Json = template.document(Pipeline(Path("p.yaml"), "s", (function,)))["Resources"]
    return found


def rights(role: Json) -> list[Json]:
    statements: list[Json] = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return [one for one in statements if any(action.startswith("elasticfilesystem") for action in one["Action"])]


def test_a_file_system_is_an_access_point_and_a_path(parse: Parse) -> None:
    (function,) = parse(text()).functions

    (one,) = function.file_systems
    assert (one.arn, one.mount, one.place) == (ARN, "/mnt/ref", "functions.aws[0].lambda.file_system[0]")
    assert (one.access_point, one.region, one.account) == (POINT, "eu-west-1", "111122223333")


def test_nothing_is_wrong_with_a_right_one(check: Check) -> None:
    assert check(text()) == []


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        (f"[{{Arn: '{ARN}'}}]", "'LocalMountPath' is missing"),
        ("[{LocalMountPath: /mnt/ref}]", "'Arn' is missing"),
        (
            ONE.replace(":access-point/", ":file-system/"),
            "must look like arn:aws:elasticfilesystem:REGION:ACCOUNT:",
        ),
        (ONE.replace("fsap-", "fs-"), "must look like arn:aws:elasticfilesystem:REGION:ACCOUNT:access-point/fsap-"),
        (ONE.replace("elasticfilesystem", "s3files"), "must look like arn:aws:elasticfilesystem"),
        (ONE.replace(POINT, f"{POINT}/../x"), "must look like arn:aws:elasticfilesystem"),
        (ONE.replace("/mnt/ref", "/data/ref"), "LocalMountPath '/data/ref' must look like /mnt/NAME"),
        (ONE.replace("/mnt/ref", "/mnt/a/b"), "must look like /mnt/NAME"),
        (ONE.replace("/mnt/ref", "/mnt/" + "a" * 160), "has 165 characters; at most 160 are allowed"),
        (ONE.replace("/mnt/ref", "/mnt/.."), "/mnt/.. is no folder of its own; take /mnt/NAME"),
        (f"[{ONE[1:-1]}, {ONE[1:-1]}]", "f has a file system already; Lambda takes one"),
    ],
)
def test_what_lambda_would_refuse_is_said_where_it_stands(check: Check, systems: str, message: str) -> None:
    ((line, found),) = errors(check(text(systems)))

    assert line == 6
    assert message in found


@pytest.mark.parametrize("mode", ["lambda", "lambda-batch"])
def test_a_function_reaches_a_file_system_from_a_vpc_only(check: Check, mode: str) -> None:
    ((line, found),) = errors(check(text(more=f"execution_mode: {mode}")))

    assert (line, "file_system needs vpc: f reaches EFS from a subnet only" in found) == (6, True)


def test_a_function_that_only_submits_jobs_needs_no_vpc(check: Check) -> None:
    assert errors(check(text(more="execution_mode: batch"))) == []


def test_an_access_point_of_elsewhere_is_seen_where_the_file_says_where_it_goes(check: Check) -> None:
    assert errors(check(text(more=f"{VPC}\n              region: us-east-1"))) == [
        (6, "the access point is in eu-west-1, the Stack in us-east-1; it must be in the same region")
    ]
    assert errors(check(text(ours='account: "999988887777"'))) == [
        (6, "the access point is of account 111122223333, hfaas.account is 999988887777")
    ]


def test_a_function_of_lambda_mounts_it_and_may_do_so_by_that_access_point_only() -> None:
    function = Function("functions.aws[0]", "f", file_systems=(FileSystem(ARN, "/mnt/ref"),))
    resources = made(function)

    arn = {
        "Fn::Sub": "arn:${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}:access-point/${FAccessPoint}"
    }
    assert resources["FFunction"]["Properties"]["FileSystemConfigs"] == [{"Arn": arn, "LocalMountPath": "/mnt/ref"}]
    assert rights(resources["FRole"]) == [
        {
            "Effect": "Allow",
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            "Resource": {
                "Fn::Sub": "arn:${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}:file-system/${FFileSystem}"
            },
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": arn}},
        }
    ]


@pytest.mark.parametrize("mode", Mode)
def test_who_runs_the_script_mounts_and_nobody_else(mode: Mode) -> None:
    resources = made(Function("functions.aws[0]", "f", mode=mode, file_systems=(FileSystem(ARN, "/mnt/ref"),)))

    in_lambda = "FileSystemConfigs" in resources["FFunction"]["Properties"]
    assert (in_lambda, bool(rights(resources["FRole"]))) == (mode is not Mode.BATCH, mode is not Mode.BATCH)
    assert ("FJob" in resources) == (mode is not Mode.LAMBDA)
    if mode is not Mode.LAMBDA:
        container = resources["FJob"]["Properties"]["ContainerProperties"]
        assert container["MountPoints"] == [{"ContainerPath": "/mnt/ref", "SourceVolume": "efs"}]
        assert len(rights(resources["FWorker"])) == 1


def test_who_has_no_file_system_has_no_right_and_no_parameter() -> None:
    function = Function("functions.aws[0]", "f", mode=Mode.LAMBDA_BATCH)
    resources = made(function)

    assert rights(resources["FRole"]) == rights(resources["FWorker"]) == []
    assert not {"Volumes", "MountPoints"} & set(resources["FJob"]["Properties"]["ContainerProperties"])
    assert file_systems.values(Pipeline(Path("p.yaml"), "s", (function,)), {}) == {}


def test_the_account_says_which_file_system_it_is_and_a_rehearsal_makes_one_up() -> None:
    pipeline = Pipeline(
        Path("p.yaml"), "s", (Function("functions.aws[0]", "f", file_systems=(FileSystem(ARN, "/mnt/ref"),)),)
    )
    here = Target.local("http://127.0.0.1:1")
    there = replace(here, file_systems=((POINT, "fs-0aaaaaaaaaaaaaaaa"),))

    assert steps.network(pipeline, here) == {"FAccessPoint": POINT, "FFileSystem": "fs-0123456789abcdef0"}
    assert steps.network(pipeline, there) == {"FAccessPoint": POINT, "FFileSystem": "fs-0aaaaaaaaaaaaaaaa"}


def side(mount: str, point: str) -> Side:
    """A Function and its jobs, with a file system."""
    whole = FileSystem(f"{ARN.rpartition('/')[0]}/{point}", mount)
    pipeline = Pipeline(
        Path("p.yaml"), "s", (Function("functions.aws[0]", "f", mode=Mode.LAMBDA_BATCH, file_systems=(whole,)),)
    )
    return Side(template.document(pipeline)["Resources"], file_systems.values(pipeline, {}))


def test_a_preview_says_what_is_mounted_and_where() -> None:
    old, new = side("/mnt/a", "fsap-aaaaaaaa"), side("/mnt/b", "fsap-bbbbbbbb")

    assert list(compare("FFunction", old, new, "function")) == [
        Setting("file_system", "fsap-aaaaaaaa at /mnt/a", "fsap-bbbbbbbb at /mnt/b")
    ]
    assert sorted(compare("FJob", old, new, "job def"), key=lambda one: one.name) == [
        Setting("file_system", "fsap-aaaaaaaa", "fsap-bbbbbbbb"),
        Setting("mounted at", "/mnt/a", "/mnt/b"),
    ]


def test_another_access_point_is_another_right_though_the_template_is_the_same() -> None:
    old, new = side("/mnt/a", "fsap-aaaaaaaa"), side("/mnt/a", "fsap-bbbbbbbb")
    assert old.resources == new.resources

    body = {"Resources": new.resources}
    found = statements.differences(body, body, new.parameters, old.parameters)

    told = {(one.action.value, one.role, one.resources[0].rpartition("/")[2]) for one in found}
    assert len(told) == 4
    assert {(role, system) for _, role, system in told} == {
        (role, system) for role in ("FRole", "FWorker") for system in ("fs-aaaaaaaa", "fs-bbbbbbbb")
    }
    assert all(one.condition.endswith(one.resources[0].rpartition("fs-")[2]) for one in found)


@pytest.mark.parametrize(
    ("logical", "change", "fault"),
    [
        ("AlignFunction", lambda one: one.pop("VpcConfig"), "AlignFunction: FileSystemConfigs needs VpcConfig"),
        (
            "AlignRole",
            lambda one: one["Policies"][0]["PolicyDocument"]["Statement"].pop(),
            "AlignFunction: its role may not mount the file system",
        ),
        (
            "IndexWorker",
            lambda one: one["Policies"][0]["PolicyDocument"]["Statement"].pop(),
            "IndexJob: its role may not mount volume efs",
        ),
        (
            "IndexJob",
            lambda one: one["ContainerProperties"]["Volumes"][0]["EfsVolumeConfiguration"].pop("TransitEncryption"),
            "IndexJob: volume efs with an access point must be encrypted on its way",
        ),
        (
            "AssembleJob",
            lambda one: one["NodeProperties"]["NodeRangeProperties"][0]["Container"].pop("Volumes"),
            "AssembleJob: there is no volume efs for /mnt/genomes",
        ),
    ],
)
def test_what_no_lint_sees_is_found_by_us(logical: str, change: Callable[[Json], object], fault: str) -> None:
    document = template.document(fdl.read(GOLDEN))
    assert proof.faults(document) == []
    change(document["Resources"][logical]["Properties"])

    assert proof.faults(document) == [fault]


def test_plain_processes_mount_nothing_and_a_deploy_says_so(tmp_path: Path) -> None:
    function = Function("functions.aws[0]", "f", file_systems=(FileSystem(ARN, "/mnt/ref"),))

    with pytest.raises(ImageError, match="f has a file system at /mnt/ref, and the process engine") as caught:
        LayerImages("http://127.0.0.1:1").build(steps.source(function), lambda _: None)

    assert "--engine docker" in caught.value.hint


def test_an_emulator_tells_which_folder_stands_in(target: Target) -> None:
    folder = Path(rehearsal_folder.ensure(target.endpoint, POINT))

    assert (folder.name, folder.is_dir()) == (POINT, True)
    assert rehearsal_folder.ensure(target.endpoint, POINT) == str(folder)


def test_a_name_that_is_no_access_point_gets_no_folder(target: Target) -> None:
    with pytest.raises(FileSystemError, match=r"the emulator has no folder for \.\./x: 400"):
        rehearsal_folder.ensure(target.endpoint, "../x")


def test_without_an_emulator_there_is_no_folder() -> None:
    with pytest.raises(TargetUnreachable, match="no emulator answers"):
        rehearsal_folder.ensure("http://127.0.0.1:1", POINT)
