"""A rehearsal reaches this machine and nothing else, whatever the surroundings say."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hfaas_deploy.aws.target import Target, configured_region, forget_credentials
from hfaas_deploy.errors import CredentialsError, TargetUnreachable, WrongTarget


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:4566",
        "http://localhost:4566",
        "http://[::1]:4566",
        "http://172.17.0.1:4566",
        "http://localhost.localstack.cloud:4566",
        "http://hfaas:4566",
        "http://host.docker.internal:4566",
    ],
)
def test_places_of_this_machine_and_its_networks_are_local(endpoint: str) -> None:
    assert Target.local(endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://cloudformation.eu-west-1.amazonaws.com",
        "https://s3.amazonaws.com",
        "https://lambda.eu-west-1.api.aws",
        "http://8.8.8.8:4566",
        "http://localhost.example.com",
        "http://127.0.0.1.nip.io",
    ],
)
def test_every_other_place_is_refused_before_any_call(endpoint: str) -> None:
    with pytest.raises(WrongTarget, match="must not leave this machine") as caught:
        Target.local(endpoint)

    assert "AWS_ENDPOINT_URL" in caught.value.hint


@pytest.mark.parametrize(
    "endpoint", ["", "127.0.0.1:4566", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://["]
)
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(WrongTarget, match="is not an endpoint"):
        Target.local(endpoint)


def test_the_surroundings_do_not_change_where_a_client_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.amazonaws.com")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.amazonaws.com")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    client = Target.local("http://127.0.0.1:4566").client("s3")

    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"


def test_the_credentials_of_the_surroundings_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    client = Target.local("http://127.0.0.1:4566", account="000000000042").client("s3")

    url = client.generate_presigned_url("get_object", Params={"Bucket": "bbb", "Key": "k"})

    assert "AKIAREAL" not in url
    assert "000000000042" in url


def test_a_port_where_nobody_listens_is_told(listening: int) -> None:
    Target.local(f"http://127.0.0.1:{listening}").probe()

    with pytest.raises(TargetUnreachable, match="nothing answers") as caught:
        Target.local("http://127.0.0.1:1").probe()

    assert "hfaas up" in caught.value.hint


@pytest.fixture
def surrounded(monkeypatch: pytest.MonkeyPatch, listening: int) -> int:
    """Surroundings that send every client of boto3 to a port of this machine."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening}")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{listening}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    return listening


@pytest.mark.parametrize("service", ["sts", "s3", "ecr", "cloudformation", "lambda", "secretsmanager"])
def test_a_promotion_goes_to_the_hosts_of_aws_whatever_the_surroundings_name(surrounded: int, service: str) -> None:
    client = Target.aws("eu-west-1").client(service)

    assert client.meta.endpoint_url.endswith("amazonaws.com")
    assert client.meta.region_name == "eu-west-1"


def test_a_promotion_signs_with_the_credentials_of_the_user(surrounded: int) -> None:
    client = Target.aws("eu-west-1").client("s3")

    assert "AKIAREAL" in client.generate_presigned_url("get_object", Params={"Bucket": "bbb", "Key": "k"})


def test_the_same_client_is_made_once_for_all_threads_and_anew_when_credentials_are_forgotten() -> None:
    target = Target.aws("eu-west-1", stand_in="http://127.0.0.1:4578")
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: target.within("210987654321", ("subnet-1",)).client("s3"), range(16)))

    assert made == {target.within("210987654321").client("s3")}
    assert made.isdisjoint({target.client("s3"), target.within("210987654321").client("s3", answer_within=5)})
    forget_credentials()
    assert made.isdisjoint({target.within("210987654321").client("s3")})


def test_what_stands_in_for_aws_gets_every_call_and_is_no_rehearsal(surrounded: int) -> None:
    target = Target.aws("eu-west-1", stand_in="http://127.0.0.1:4577/")

    assert target.client("sts").meta.endpoint_url == "http://127.0.0.1:4577"
    assert target.is_stand_in
    assert not target.is_local


def test_nothing_beyond_this_machine_stands_in_for_aws() -> None:
    with pytest.raises(WrongTarget, match="must be on this machine"):
        Target.aws("eu-west-1", stand_in="https://example.com")


def test_a_profile_that_nobody_wrote_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    with pytest.raises(CredentialsError, match="no profile 'research'"):
        Target.aws("eu-west-1", "research").client("sts")


def test_the_region_is_that_of_the_profile_unless_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile research]\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    assert (configured_region(), configured_region("research")) == ("", "eu-north-1")
    monkeypatch.setenv("AWS_REGION", "eu-south-2")
    assert configured_region("research") == "eu-south-2"
