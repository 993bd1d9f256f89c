"""What is asked of ECR before and after images are pushed, against the emulator and a real registry."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from tests import faults
from tests.registry import OCI, Registry

from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import CredentialsError, DeployError, RegistryError, TargetUnreachable, WrongTarget
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.promote import repositories
from hfaas_deploy.promote.repositories import Login, Repositories, Stored

LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


@pytest.fixture
def name() -> str:
    """A Function that no other test has."""
    return f"split-{uuid.uuid4().hex[:8]}"


def pipeline_of(*functions: Function) -> Pipeline:
    return Pipeline(Path("pipeline.yaml"), "films", functions)


def asked(target: Target, *functions: Function) -> Repositories:
    return Repositories(target, pipeline_of(*functions))


def test_a_repository_is_missing_until_it_is_made(aws: Target, name: str) -> None:
    function = Function("", name)
    assert asked(aws, function).missing() == (f"hfaas/{name}",)

    aws.client("ecr").create_repository(repositoryName=f"hfaas/{name}")

    assert asked(aws, function).missing() == ()


def test_a_repository_is_named_before_it_is_there_as_it_is_afterwards(aws: Target, name: str) -> None:
    foreseen = asked(aws).uri(f"hfaas/{name}")

    made = aws.client("ecr").create_repository(repositoryName=f"hfaas/{name}")["repository"]

    assert foreseen == made["repositoryUri"]


@pytest.mark.parametrize("kind", ["application/vnd.docker.distribution.manifest.v2+json", OCI])
def test_an_image_is_known_by_its_manifest_and_by_its_configuration(
    aws: Target, registry: Registry, name: str, kind: str
) -> None:
    aws.client("ecr").create_repository(repositoryName=f"hfaas/{name}")
    digest = registry.push(f"hfaas/{name}", "abc", kind, text=name)
    text, _ = registry.manifest(f"hfaas/{name}", "abc") or ("", "")
    manifest = json.loads(text)

    stored = asked(aws).stored(f"hfaas/{name}", "abc")

    size = manifest["config"]["size"] + manifest["layers"][0]["size"]
    assert stored == Stored(digest, manifest["config"]["digest"], size)
    assert stored.is_image(manifest["config"]["digest"])
    assert stored.is_image(digest), "there are engines that name an image by its manifest"
    assert not stored.is_image("sha256:" + "0" * 64)
    assert asked(aws).stored(f"hfaas/{name}", digest) == stored


def test_what_is_not_there_is_none_in_a_repository_and_without_one(aws: Target, name: str) -> None:
    assert asked(aws).stored(f"hfaas/{name}", "abc") is None
    aws.client("ecr").create_repository(repositoryName=f"hfaas/{name}")
    assert asked(aws).stored(f"hfaas/{name}", "abc") is None


def test_a_list_of_images_is_refused_in_words(aws: Target, registry: Registry, name: str) -> None:
    aws.client("ecr").create_repository(repositoryName=f"hfaas/{name}")
    digest = registry.push(f"hfaas/{name}", "one", text=name)
    text, kind = registry.manifest(f"hfaas/{name}", "one") or ("", "")
    platform = {"architecture": "amd64", "os": "linux"}
    entry = {"mediaType": kind, "digest": digest, "size": len(text), "platform": platform}
    whole = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": [entry]}).encode()
    registry._ask("PUT", f"/v2/hfaas/{name}/manifests/many", whole, {"Content-Type": LIST})

    with pytest.raises(RegistryError, match="list of images for several platforms") as caught:
        asked(aws).stored(f"hfaas/{name}", "many")

    assert "--provenance=false" in caught.value.hint


def test_a_login_is_for_the_registry_and_shows_its_password_to_nobody(
    aws: Target, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # botocore itself says everything when it is asked to debug

    login = asked(aws).login()

    assert login.registry == registry.address
    assert login.password
    assert login.auth_config["password"] == login.password
    assert login.password not in repr(login)
    assert login.password not in caplog.text


def test_an_image_in_a_repository_of_the_account_is_used_from_there(aws: Target, registry: Registry) -> None:
    shared = f"{registry.address}/team/ffmpeg"
    tagged = Function("", "tagged", image=f"{shared}:6", create_image=False)
    plain = replace(tagged, name="plain", image=shared)
    pinned = replace(tagged, name="pinned", image=f"{shared}@sha256:{'1' * 64}")
    derived = replace(tagged, name="derived", create_image=True)
    public = replace(tagged, name="public", image="debian:bookworm")
    theirs = replace(tagged, name="theirs", image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/ffmpeg:6")

    found = asked(aws, tagged, plain, pinned, derived, public, theirs)

    assert [one.name for one in found.needed()] == ["derived", "public", "theirs"]
    assert found.in_place(tagged) == ("team/ffmpeg", "6")
    assert found.in_place(plain) == ("team/ffmpeg", "latest")
    assert found.in_place(pinned) == ("team/ffmpeg", f"sha256:{'1' * 64}")
    assert found.in_place(derived) is None


@pytest.mark.parametrize(
    ("reference", "create_image", "expected"),
    [
        ("hfaas/split:0123456789ab", True, "0123456789ab"),
        ("debian:bookworm", False, "fedcba987654"),
        ("localhost:5000/debian", False, "fedcba987654"),
        ("sha256:fedcba9876543210", False, "fedcba987654"),
    ],
)
def test_a_tag_says_what_an_image_was_made_of_or_else_which_it_is(
    reference: str, create_image: bool, expected: str
) -> None:
    function = Function("", "split", create_image=create_image)

    assert repositories.tag(function, reference, "sha256:fedcba9876543210") == expected


def test_images_go_to_awss_own_hosts_only(aws: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    with faults.before(aws.endpoint) as proxy:
        elsewhere = Target.aws(aws.region, stand_in=proxy.url)
        answer = json.dumps(
            {"authorizationData": [{"authorizationToken": "QTpi", "proxyEndpoint": "https://x.example"}]}
        )
        monkeypatch.setattr(faults, "_error", lambda *_: ("application/x-amz-json-1.1", answer.encode()))
        proxy.refuse("GetAuthorizationToken", code="none", status=200)

        with pytest.raises(WrongTarget, match=r"x\.example"):
            asked(elsewhere).login()


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("AccessDeniedException", RegistryError, "ecr:GetAuthorizationToken"),
        ("ExpiredTokenException", CredentialsError, "aws sso login"),
        ("ServerException", RegistryError, ""),
    ],
)
def test_awss_refusals_are_told_with_what_to_do(aws: Target, code: str, kind: type[DeployError], told: str) -> None:
    with faults.before(aws.endpoint) as proxy:
        proxy.refuse("GetAuthorizationToken", code=code, message="not today")

        with pytest.raises(kind, match=r"not today|have expired") as caught:
            asked(Target.aws(aws.region, stand_in=proxy.url)).login()

    assert told in caught.value.hint


def test_a_registry_that_does_not_answer_is_told(aws: Target) -> None:
    with faults.before(aws.endpoint) as proxy:
        proxy.cut("GetAuthorizationToken", times=faults.ALWAYS)

        with pytest.raises(TargetUnreachable, match="does not answer"):
            asked(Target.aws(aws.region, stand_in=proxy.url)).login()


def test_a_login_is_what_an_engine_asks_for() -> None:
    assert Login("r", "AWS", "s").auth_config == {"username": "AWS", "password": "s", "serveraddress": "r"}
