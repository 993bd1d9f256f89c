from __future__ import annotations

import pytest

from hfaas_emulator.s3.addressing import Address, is_bucket_name, path_style, split


@pytest.mark.parametrize(
    "host",
    [
        "bkt.localhost:4566",
        "bkt.s3.localhost:4566",
        "bkt.s3.eu-west-1.localhost:4566",
        "bkt.s3.localhost.localstack.cloud:4566",
        "bkt.s3.eu-west-1.localhost.localstack.cloud:4566",
        "bkt.s3.eu-west-1.amazonaws.com:4566",
        "bkt.s3-eu-west-1.amazonaws.com:4566",
        "bkt.127.0.0.1.nip.io:4566",
    ],
)
def test_a_bucket_in_the_host_moves_to_the_path(host: str) -> None:
    assert path_style(host, "/a/key") == Address("localhost:4566", "/bkt/a/key")


@pytest.mark.parametrize(
    "host", ["s3.localhost.localstack.cloud:4566", "s3.us-east-1.amazonaws.com", "s3.localhost"]
)
def test_a_service_host_without_a_bucket_keeps_the_path(host: str) -> None:
    assert path_style(host, "/bkt/key").path == "/bkt/key"


@pytest.mark.parametrize(
    "host", ["localhost:4566", "127.0.0.1:4566", "localhost.localstack.cloud:4566", "172.18.0.1:4566", ""]
)
def test_other_hosts_are_left_alone(host: str) -> None:
    assert path_style(host, "/bkt/key") == Address(host, "/bkt/key")


def test_a_bucket_with_dots_is_found_in_the_host() -> None:
    assert path_style("my.own.bkt.s3.localhost:1", "/").path == "/my.own.bkt/"


def test_a_path_splits_into_bucket_and_key() -> None:
    assert split("/bkt/a/b%20c/") == ("bkt", "a/b%20c/")
    assert split("/bkt") == ("bkt", "")


@pytest.mark.parametrize("name", ["abc", "my-bucket", "a.b.c", "0123", "x" * 63])
def test_names_that_aws_takes(name: str) -> None:
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "x" * 64,
        "Upper",
        "under_score",
        "-abc",
        "abc-",
        "a..b",
        "192.168.0.1",
        "xn--abc",
        "abc-s3alias",
        "a b",
    ],
)
def test_names_that_aws_refuses(name: str) -> None:
    assert not is_bucket_name(name)
