"""ECR in front of a registry: whose repositories there are, what is in them, and what functions are made of."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.conftest import running as emulating
from tests.registry import DOCKER, OCI, Registry, digest

from hfaas_emulator.containers.engine import ContainerSpec, Exit, Output
from hfaas_emulator.containers.fake import FakeEngine

ACCOUNT, REGION = "210987654321", "eu-west-1"
NOWHERE = f"sha256:{'0' * 64}"


class Unused(FakeEngine):
    """An engine that uses no images, as plain processes do."""

    runs_images = False


async def behaves(_spec: ContainerSpec, _output: Output) -> Exit:
    return Exit(0)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@contextmanager
def standing_in(state: Path, registry: str) -> Iterator[Any]:
    with emulating(state, lambda: Unused(behaves), registry=registry) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def aws(state: Path, registry: Registry) -> Iterator[Any]:
    """An emulator whose images are in the registry."""
    with standing_in(state, registry.address) as emulator:
        yield emulator


@pytest.fixture
def ecr(aws: Any) -> Any:
    return aws.client("ecr", ACCOUNT, REGION)


@pytest.fixture
def name(ecr: Any) -> str:
    """A repository whose tags can be moved."""
    found = f"hfaas/r-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=found)
    return found


def refusal(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**given)
    return str(refused.value.response["Error"]["Code"])


def test_a_repository_has_the_registrys_address(ecr: Any, name: str, registry: Registry) -> None:
    (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert found["repositoryUri"] == f"{registry.address}/{name}"
    assert (found["registryId"], found["repositoryArn"].split(":")[3]) == (ACCOUNT, REGION)


def test_a_client_logs_in_to_the_registry(ecr: Any, registry: Registry) -> None:
    (found,) = ecr.get_authorization_token()["authorizationData"]
    assert found["proxyEndpoint"] == registry.url
    assert b64decode(found["authorizationToken"]).startswith(b"AWS:")
    assert found["expiresAt"].timestamp() > 1_700_000_000


@pytest.mark.parametrize("kind", [DOCKER, OCI])
def test_an_image_that_was_pushed_is_described(ecr: Any, name: str, registry: Registry, kind: str) -> None:
    pushed = registry.push(name, "one", kind)
    for chosen in ({}, {"imageIds": [{"imageTag": "one"}]}, {"imageIds": [{"imageDigest": pushed}]}):
        (found,) = ecr.describe_images(repositoryName=name, **chosen)["imageDetails"]
        assert (found["imageDigest"], found["imageTags"]) == (pushed, ["one"])
        assert (found["imageManifestMediaType"], found["imageSizeInBytes"] > 0) == (kind, True)
    assert ecr.list_images(repositoryName=name)["imageIds"] == [{"imageDigest": pushed, "imageTag": "one"}]


def test_the_manifest_is_what_was_pushed(ecr: Any, name: str, registry: Registry) -> None:
    pushed = registry.push(name, "one")
    answer = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "one"}, {"imageTag": "two"}])
    (image,), (failure,) = answer["images"], answer["failures"]
    assert digest(image["imageManifest"].encode()) == pushed == image["imageId"]["imageDigest"]
    assert json.loads(image["imageManifest"])["config"]["digest"].startswith("sha256:")
    assert (failure["imageId"], failure["failureCode"]) == ({"imageTag": "two"}, "ImageNotFound")


@pytest.mark.parametrize("wanted", [{"imageTag": "two"}, {"imageDigest": NOWHERE}, {"imageTag": "../../x"}, {}])
def test_an_image_that_is_not_there_is_refused(
    ecr: Any, name: str, wanted: dict[str, str], registry: Registry
) -> None:
    registry.push(name, "one")
    assert refusal(ecr.describe_images, repositoryName=name, imageIds=[wanted]) == "ImageNotFoundException"


def test_an_image_loses_its_tags_one_by_one_and_goes_with_the_last(ecr: Any, name: str, registry: Registry) -> None:
    pushed = registry.push(name, "one")
    assert registry.push(name, "two") == pushed
    ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "one"}])
    assert (registry.tags(name), bool(registry.manifest(name, pushed))) == (["two"], True)
    ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "two"}])
    assert (registry.tags(name), registry.manifest(name, pushed)) == ([], None)


def test_an_image_deleted_by_its_digest_goes_with_all_tags(ecr: Any, name: str, registry: Registry) -> None:
    pushed = registry.push(name, "one")
    registry.push(name, "two")
    gone = ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": pushed}])["imageIds"]
    assert sorted(each["imageTag"] for each in gone) == ["one", "two"]
    assert registry.tags(name) == []
    registry.push(name, "one")
    assert registry.tags(name) == ["one"], "what was deleted can be pushed again"


def test_an_image_gets_another_tag_but_a_fixed_one_is_not_moved(ecr: Any, registry: Registry) -> None:
    name = f"fixed/r-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    registry.push(name, "one")
    registry.push(name, "two", text="other")
    images = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "one"}])["images"]
    manifest = images[0]["imageManifest"]
    ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="three")
    assert registry.tags(name) == ["one", "three", "two"]
    again = {"repositoryName": name, "imageManifest": manifest}
    assert refusal(ecr.put_image, **again, imageTag="two") == "ImageTagAlreadyExistsException"
    assert refusal(ecr.put_image, **again, imageTag="three") == "ImageAlreadyExistsException"


def test_a_manifest_of_parts_that_are_not_there_is_refused(ecr: Any, name: str) -> None:
    parts = {"mediaType": "x", "size": 3, "digest": NOWHERE}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER, "config": parts, "layers": [parts]})
    asked = {"repositoryName": name, "imageManifest": manifest, "imageTag": "one"}
    assert refusal(ecr.put_image, **asked) == "LayersNotFoundException"


def test_a_repository_with_images_goes_only_by_force(ecr: Any, name: str, registry: Registry) -> None:
    registry.push(name, "one")
    assert refusal(ecr.delete_repository, repositoryName=name) == "RepositoryNotEmptyException"
    gone = ecr.delete_repository(repositoryName=name, force=True)["repository"]
    assert gone["repositoryUri"] == f"{registry.address}/{name}"
    assert registry.tags(name) == []
    assert refusal(ecr.describe_images, repositoryName=name) == "RepositoryNotFoundException"


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, "us-east-1"), ("111111111111", REGION)])
def test_a_repository_is_its_accounts_and_regions(aws: Any, name: str, account: str, region: str) -> None:
    found = aws.client("ecr", account, region)
    assert refusal(found.describe_images, repositoryName=name) == "RepositoryNotFoundException"


def function(aws: Any, uri: str, **more: Any) -> dict[str, Any]:
    iam = aws.client("iam", ACCOUNT, REGION)
    role = f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    settings = {"Role": arn, "PackageType": "Image", "Code": {"ImageUri": uri}, **more}
    made = aws.client("lambda", ACCOUNT, REGION).create_function(FunctionName=f"f-{role}", **settings)
    return dict(made)


def test_a_function_is_made_of_the_image_its_digest_names(aws: Any, name: str, registry: Registry) -> None:
    pushed = registry.push(name, "one")
    uri = f"{registry.address}/{name}@{pushed}"
    made = function(aws, uri)
    found = aws.client("lambda", ACCOUNT, REGION).get_function(FunctionName=made["FunctionName"])
    assert (found["Code"]["ImageUri"], found["Code"]["ResolvedImageUri"]) == (uri, uri)
    assert found["Configuration"]["CodeSha256"] == pushed.removeprefix("sha256:")
    assert made["FunctionArn"].startswith(f"arn:aws:lambda:{REGION}:{ACCOUNT}:")


def test_an_update_takes_another_digest(aws: Any, name: str, registry: Registry) -> None:
    first, later = registry.push(name, "one"), registry.push(name, "two", text="other")
    made = function(aws, f"{registry.address}/{name}@{first}")["FunctionName"]
    uri, functions = f"{registry.address}/{name}@{later}", aws.client("lambda", ACCOUNT, REGION)
    functions.update_function_code(FunctionName=made, ImageUri=uri)
    assert functions.get_function(FunctionName=made)["Code"]["ResolvedImageUri"] == uri
    unknown = {"FunctionName": made, "ImageUri": f"{registry.address}/{name}@{NOWHERE}"}
    assert refusal(functions.update_function_code, **unknown) == "InvalidParameterValueException"


def test_a_function_of_an_unknown_digest_is_refused(aws: Any, name: str, registry: Registry) -> None:
    uri = f"{registry.address}/{name}@{NOWHERE}"
    with pytest.raises(ClientError, match=f"Source image {uri} does not exist. Provide a valid source image."):
        function(aws, uri)


def test_a_function_of_a_repository_that_nobody_made_is_refused(aws: Any, registry: Registry) -> None:
    pushed = registry.push("hfaas/nobodys", "one")
    assert refusal(function, aws=aws, uri=f"{registry.address}/hfaas/nobodys@{pushed}") == (
        "InvalidParameterValueException"
    )


def test_a_list_of_images_for_several_machines_is_refused(
    aws: Any, ecr: Any, name: str, registry: Registry
) -> None:
    pushed = registry.push(name, "one")
    text, kind = registry.manifest(name, pushed) or ("", "")
    part = {"mediaType": kind, "size": len(text), "digest": pushed}
    part["platform"] = {"architecture": "amd64", "os": "linux"}
    kind = "application/vnd.docker.distribution.manifest.list.v2+json"
    several = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [part]})
    ecr.put_image(repositoryName=name, imageManifest=several, imageManifestMediaType=kind, imageTag="all")
    with pytest.raises(ClientError, match="media type for the source image"):
        function(aws, f"{registry.address}/{name}:all")
