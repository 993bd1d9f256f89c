"""MinIO servers and S3 of others as storage: rows M01 and M02 of the contract's table and their kin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.supervisor.cloud import Certificates, Cloud, Handler

from hfaas_supervisor.errors import ConfigError, OutputFailed, ProviderAuth
from hfaas_supervisor.job import Input, Job, Output
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Provider, s3
from hfaas_supervisor.stores.local import Content

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Box, ServeTls


KEYS = {"access_key": "K", "secret_key": "S"}


def event(stored: S3, *keys: str) -> dict[str, Any]:
    return stored.event(*keys, eventSource="minio:s3")


def minio(endpoint: str, name: str = "mine", **more: Any) -> dict[str, Any]:
    return {"minio": {name: {"endpoint": endpoint, **more}}}


class Bucket(Handler):
    """An S3 that stores everything."""

    def allowed(self) -> bool:
        return "Credential=K/" in self.headers["Authorization"]

    def process(self) -> None:
        self.read()
        self.answer(200, ETag='"a"')


def test_m01_a_plain_event_of_minio_is_fetched_by_the_provider_of_its_bucket_and_folder(
    box: Box, s3: S3, endpoint: str
) -> None:
    box.job = Job(
        "shrink",
        inputs=(Input("minio.other", f"{s3.bucket}/else"), Input("minio.mine", f"{s3.bucket}/in")),
        outputs=(Output("minio.mine", f"{s3.bucket}/out"),),
        storage_providers={"minio": {"mine": {"endpoint": endpoint}, "other": {**KEYS, "endpoint": "http://x"}}},
    )
    box.script('cp "$INPUT_FILE_PATH" $TMP_OUTPUT_DIR\n')
    s3.put("in/a b.txt", b"hello")
    answer = box.run(
        event(s3, "in/a b.txt"),
        MINIO_SECRET_MINE=json.dumps(KEYS),
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_LAMBDA_REQUEST_ID="r-1",
    )
    assert answer.code == 0, answer.log
    assert s3.get("out/a b.txt") == b"hello"
    assert s3.metadata("out/a b.txt")["hfaas-function"] == "shrink"
    assert f"Url: minio://{s3.bucket}/out/a b.txt Bytes: 5" in answer.log


def test_our_own_results_in_minio_are_refused_as_input(box: Box, s3: S3, endpoint: str) -> None:
    box.job = Job(
        "shrink",
        inputs=(Input("minio", s3.bucket),),
        storage_providers=minio(endpoint, "default", **KEYS),
    )
    box.script("true\n")
    s3.put("a", metadata={"hfaas-function": "shrink"})
    assert box.run(event(s3, "a")).error == "Hfaas.Loop"


def test_the_secret_says_where_minio_is(box: Box, s3: S3, endpoint: str) -> None:
    box.job = Job("shrink", inputs=(Input("minio.mine", s3.bucket),), storage_providers=minio("http://127.0.0.1:9"))
    box.script("cat $INPUT_FILE_PATH\n")
    s3.put("a", b"hello")
    secret = json.dumps({**KEYS, "endpoint": endpoint})
    assert box.run(event(s3, "a"), MINIO_SECRET_MINE=secret).body == "hello"


def test_the_environment_says_where_minio_is_above_all(box: Box, s3: S3, endpoint: str) -> None:
    keys = {**KEYS, "endpoint": "http://127.0.0.1:9"}
    box.job = Job("shrink", inputs=(Input("minio.mine", s3.bucket),), storage_providers={"minio": {"mine": keys}})
    box.script("cat $INPUT_FILE_PATH\n")
    s3.put("a", b"hello")
    assert box.run(event(s3, "a"), HFAAS_ENDPOINT_MINIO=endpoint).body == "hello"


def connect(provider: Provider) -> s3.S3:
    return s3.connect(Job("shrink"), "local", provider, "bucket")


@pytest.mark.parametrize(
    ("settings", "style"),
    [
        ({}, ("http://minio-service.minio:9000", "us-east-1", True)),
        ({"endpoint": "https://m:9000/", "region": "eu-x", "verify": False}, ("https://m:9000", "eu-x", False)),
    ],
)
def test_minio_has_defaults_and_what_is_declared(
    settings: dict[str, Any], style: tuple[str, str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws")
    access = connect(Provider("minio", "mine", {**KEYS, **settings}))._access
    assert (access.endpoint, access.region, access.verify) == style


def test_s3_of_others_is_where_its_secret_says_and_else_where_aws_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws")
    assert connect(Provider("s3", "other", {**KEYS, "verify": False}))._access.verify
    assert connect(Provider("s3", "other", KEYS))._access.endpoint == "http://aws"
    assert connect(Provider("s3", "other", {**KEYS, "endpoint": "http://o"}))._access.endpoint == "http://o"


@pytest.mark.parametrize("kind", ["minio", "s3"])
def test_what_cannot_work_is_named_with_the_provider(kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"{kind}\.mine .* http://"):
        connect(Provider(kind, "mine", {**KEYS, "endpoint": "host:9000"}))
    with pytest.raises(ProviderAuth, match=rf"{kind}\.mine"):
        connect(Provider(kind, "mine", {"access_key": "K"}))


def test_certificates_are_checked_unless_the_provider_says_not_to(
    certificates: Certificates, serve_tls: ServeTls
) -> None:
    cloud = Cloud()
    endpoint = f"https://{serve_tls(type('Handler', (Bucket,), {'cloud': cloud}))}"
    with pytest.raises(OutputFailed, match="bucket"):  # by our own client; obstore's would try for 2 s
        send(Provider("minio", "mine", {**KEYS, "endpoint": endpoint}), "odd//x")
    assert cloud.requests == []
    for key in ("odd//x", "x"):
        send(Provider("minio", "mine", {**KEYS, "endpoint": endpoint, "verify": False}), key)
    assert cloud.requests == ["PUT /bucket/odd//x", "PUT /bucket/x"]


def send(provider: Provider, key: str) -> None:
    connect(provider).send(Content("x", b"data"), key, {}, Limits(None))
