"""Spaces as storage: rows D11, D16, D18, D31, O01 to O04 of the contract's table and their kin."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.supervisor.cloud import TOKEN, Certificates, Cloud, Handler, deaf, half, hang_up, status, then_close
from tests.supervisor.conftest import in_time

from hfaas_emulator.onedata import service as emulator
from hfaas_emulator.trace import Trace
from hfaas_supervisor import events, inputs
from hfaas_supervisor.errors import (
    ConfigError,
    HfaasError,
    InputDenied,
    InputNotDeclared,
    InputNotFound,
    Loop,
    OutputFailed,
    ProviderAuth,
    ScriptTimeout,
)
from hfaas_supervisor.job import Input, Job, Output
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Provider, Stores, onedata, web
from hfaas_supervisor.stores.local import Content, Staging
from hfaas_supervisor.stores.onedata import Onedata

if TYPE_CHECKING:
    from tests.supervisor.conftest import S3, Batch, Box, Reported, Runtime

COPY = 'cp "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/"\n'


def event(key: str) -> dict[str, Any]:
    record = {"objectKey": key.rpartition("/")[2], "objectId": "00", "eventSource": "OneTrigger"}
    return {"Key": key, "Records": [record]}


def job(cloud: Cloud, *, source: str = "in", target: str = "out", **more: Any) -> Job:
    return Job(
        "shrink",
        inputs=(Input("onedata.hub", source),),
        outputs=(Output("onedata.hub", target),),
        storage_providers={"onedata": {"hub": {"oneprovider_host": cloud.address, "space": "ours", **more}}},
    )


@pytest.fixture
def hub(box: Box, space: Cloud, certificates: Certificates) -> Box:
    """A Function that reads from and writes to the space `ours`."""
    box.environment |= {
        "REQUESTS_CA_BUNDLE": str(certificates.ca),
        "ONEDATA_SECRET_HUB": json.dumps({"token": TOKEN}),
    }
    box.job = job(space)
    box.script(COPY)
    return box


@pytest.fixture
def store(space: Cloud, trusting: None) -> Iterator[Onedata]:
    made = open_store(space)
    yield made
    close(made)


def open_store(cloud: Cloud, **settings: str) -> Onedata:
    known = {"oneprovider_host": cloud.address, "token": TOKEN, **settings}
    return onedata.connect(Provider("onedata", "hub", known), "ours")


def fetch(store: Onedata, folder: Path, key: str = "in/a", limits: Limits | None = None) -> bytes:
    with Staging(str(folder / "a"), key) as staging:
        store.fetch(key, staging, limits or Limits(None))
    return (folder / "a").read_bytes()


def read(job: Job, event: dict[str, Any], folder: Path) -> bytes:
    """Bring the one Item of an Event to the disk, as the Flow does."""
    (item,) = events.plan(events.read(json.dumps(event).encode())).items
    stores = Stores(job, "local")
    stores._providers["onedata", "hub"] = Provider("onedata", "hub", job.storage_providers["onedata"]["hub"])
    store = inputs.store(item, inputs.declared(item, job), job, stores)
    path = folder / "read"
    try:
        inputs.fetch(item, store, str(path), Limits(None), job)
        return path.read_bytes()
    finally:
        close(store)


def close(store: Any) -> None:
    for _, connection in store._host._idle:
        connection.close()


def send(store: Onedata, key: str, data: bytes = b"data", limits: Limits | None = None) -> None:
    store.send(Content(key, data), key, {}, limits or Limits(None))


def test_o01_a_file_comes_in_and_a_result_goes_out_on_one_connection(hub: Box, space: Cloud) -> None:
    hub.job = job(space, target="/a/b/c/")
    space.files["cdmi/ours/in/x.txt"] = b"hello"
    answer = hub.run(event("/ours/in/x.txt"), AWS_LAMBDA_REQUEST_ID="r-1")
    assert answer.code == 0, answer.log
    assert space.files["cdmi/ours/a/b/c/x.txt"] == b"hello"
    assert "UPLOAD RequestId: r-1 Url: onedata://ours/a/b/c/x.txt Bytes: 5\n" in answer.log
    assert space.connections == 1
    assert not any("//" in request for request in space.requests)


def test_o01_a_folder_that_is_there_costs_one_request_and_then_none(store: Onedata, space: Cloud) -> None:
    space.folders.add("cdmi/ours/out")
    send(store, "out/x")
    send(store, "out/y")
    assert space.requests == ["PUT /cdmi/ours/out/", "PUT /cdmi/ours/out/x", "PUT /cdmi/ours/out/y"]


def test_a_folder_removed_in_the_meantime_is_made_again(store: Onedata, space: Cloud) -> None:
    send(store, "a/b/x")
    space.folders -= {"cdmi/ours/a", "cdmi/ours/a/b"}
    send(store, "a/b/y")
    assert space.files["cdmi/ours/a/b/y"] == b"data"


def test_many_results_go_out_at_once(hub: Box, space: Cloud) -> None:
    hub.script("for i in $(seq 12); do echo $i > $TMP_OUTPUT_DIR/$i; done\n")
    space.files["cdmi/ours/in/x"] = b""
    answer = hub.run(event("/ours/in/x"))
    assert answer.code == 0, answer.log
    assert sum(key.startswith("cdmi/ours/out/") for key in space.files) == 12
    assert space.connections <= 5


def test_uploads_say_their_length_and_no_cdmi_type(store: Onedata, space: Cloud) -> None:
    send(store, "empty", b"")
    (headers,) = space.headers
    assert headers["content-length"] == "0"
    assert headers["x-auth-token"] == TOKEN
    assert not {"content-type", "transfer-encoding", "x-cdmi-specification-version"} & set(headers)


def test_names_of_all_kinds_arrive_as_they_are(store: Onedata, space: Cloud, tmp_path: Path) -> None:
    space.folders.add("cdmi/ours/a b#?")
    for name in ["a b", "ünï", "per%41cent+", "#hash?*[x]", "日本 語", "semi;colon&@=", "quote'\"\\"]:
        space.files[f"cdmi/ours/in/{name}"] = name.encode()
        assert fetch(store, tmp_path, f"in/{name}") == name.encode()
        send(store, f"a b#?/{name}", name.encode())
        assert space.files[f"cdmi/ours/a b#?/{name}"] == name.encode()


def test_m02_the_secret_is_asked_for_once_and_wins_over_the_document(
    runtime: Runtime, space: Cloud, certificates: Certificates, client: Any, s3: S3, endpoint: str
) -> None:
    import boto3

    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    value = json.dumps({"token": TOKEN, "oneprovider_host": space.address})
    arn = secrets.create_secret(Name=f"hfaas/{s3.bucket}", SecretString=value)["ARN"]
    runtime.box.job = job(space)._replace(
        storage_providers={"onedata": {"hub": {"oneprovider_host": "elsewhere.invalid", "space": "ours"}}}
    )
    runtime.box.script("env; cat /proc/$PPID/environ 2>&1 | tr '\\0' '\\n'; cat $INPUT_FILE_PATH; exit 0\n")
    space.files["cdmi/ours/in/x"] = b"hello"
    runtime.start(ONEDATA_SECRET_HUB=arn, REQUESTS_CA_BUNDLE=str(certificates.ca))
    assert runtime.invoke(event("/ours/in/x")).path.endswith("/response")
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    secrets.close()
    assert runtime.invoke(event("/ours/in/x")).path.endswith("/response")
    assert "hello" in runtime.log
    assert TOKEN not in runtime.log


def test_a_token_that_is_replaced_is_learned(runtime: Runtime, space: Cloud, certificates: Certificates) -> None:
    runtime.box.job = job(space)
    runtime.box.script("true\n")
    space.files["cdmi/ours/in/x"] = b"hello"
    runtime.start(ONEDATA_SECRET_HUB=json.dumps({"token": TOKEN}), REQUESTS_CA_BUNDLE=str(certificates.ca))
    space.faults = [status(401)]
    refused = runtime.invoke(event("/ours/in/x"))
    assert refused.json["errorType"] == "Hfaas.ProviderAuth"
    assert "ONEDATA_SECRET_HUB" in refused.json["errorMessage"]
    assert runtime.invoke(event("/ours/in/x")).path.endswith("/response")


def test_d18_neither_token_nor_secret_reach_the_script(hub: Box, space: Cloud) -> None:
    hub.job = job(space, token=TOKEN)
    hub.script("env; cat $EVENT_FILE\n")
    space.files["cdmi/ours/in/x"] = b""
    answer = hub.run(event("/ours/in/x"), LOG_LEVEL="DEBUG")
    assert answer.code == 0
    for text in (TOKEN, "SECRET_HUB"):
        assert text not in answer.body
        assert text not in answer.log


def test_a_secret_that_is_no_use_is_named_and_not_shown(hub: Box) -> None:
    answer = hub.run(event("/ours/in/x"), ONEDATA_SECRET_HUB='{"token": "hush')
    assert (answer.code, answer.error) == (242, "Hfaas.ProviderAuth")
    assert "ONEDATA_SECRET_HUB is no JSON object" in answer.message
    assert "hush" not in answer.log


@pytest.mark.parametrize("key", ["/ours/elsewhere/x", "/theirs/in/x", "/ours/in2/x"])
def test_d16_a_file_outside_the_declared_folder_and_space_is_refused(
    space: Cloud, key: str, tmp_path: Path
) -> None:
    with pytest.raises(InputNotDeclared, match="ours/in"):
        read(job(space), event(key), tmp_path)


def test_without_a_declared_input_the_provider_of_the_space_is_asked(
    space: Cloud, trusting: None, tmp_path: Path
) -> None:
    undeclared = job(space, token=TOKEN)._replace(inputs=())
    space.files["cdmi/ours/in/x"] = b"hello"
    assert read(undeclared, event("/ours/in/x"), tmp_path) == b"hello"
    with pytest.raises(InputNotDeclared, match="theirs"):
        read(undeclared, event("/theirs/in/x"), tmp_path)


def test_a_space_may_come_with_its_id(space: Cloud, trusting: None, tmp_path: Path) -> None:
    space.files["cdmi/ours@5ba1/in/x"] = b"hello"
    assert read(job(space, token=TOKEN), event("/ours@5ba1/in/x"), tmp_path) == b"hello"


def test_our_own_results_are_refused_as_input(space: Cloud, trusting: None, tmp_path: Path) -> None:
    everything = job(space, source="/", token=TOKEN)
    with pytest.raises(Loop, match="writes its own results"):
        read(everything, event("/ours/out/x"), tmp_path)
    space.files["cdmi/ours/in/x"] = b"hello"
    assert read(everything, event("/ours/in/x"), tmp_path) == b"hello"
    beneath = job(space, target="/", token=TOKEN)
    assert read(beneath, event("/ours/in/x"), tmp_path) == b"hello"


def test_a_suffix_keeps_results_and_inputs_of_one_folder_apart(
    space: Cloud, trusting: None, tmp_path: Path
) -> None:
    same = job(space, token=TOKEN)._replace(outputs=(Output("onedata.hub", "in", suffix=(".png",)),))
    space.files["cdmi/ours/in/x.jpg"] = b"hello"
    assert read(same, event("/ours/in/x.jpg"), tmp_path) == b"hello"
    with pytest.raises(Loop):
        read(same, event("/ours/in/x.png"), tmp_path)


def test_d11_a_missing_file_is_named(store: Onedata, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="onedata://ours/in/gone does not exist"):
        fetch(store, tmp_path, "in/gone")


def test_o03_an_unknown_authority_is_said_to_be_one(
    store: Onedata, space: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(InputDenied, match=r"certificate is not trusted .*REQUESTS_CA_BUNDLE"):
        fetch(store, tmp_path)
    assert space.requests == []


def test_ssl_cert_file_names_an_authority(
    store: Onedata, space: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.environ["REQUESTS_CA_BUNDLE"])
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    space.files["cdmi/ours/in/a"] = b"hello"
    assert fetch(store, tmp_path) == b"hello"


@pytest.mark.parametrize("host", ["http://127.0.0.1", "a/b", "me@host", "host name", ""])
def test_a_host_is_reached_by_https_only_and_has_no_path(space: Cloud, host: str) -> None:
    with pytest.raises(ConfigError, match=r"onedata\.hub"):
        open_store(space, oneprovider_host=host)


@pytest.mark.parametrize("token", ["", "two\nlines", "t\u00f6ken"])
def test_a_token_that_cannot_be_sent_is_not_shown(space: Cloud, token: str) -> None:
    with pytest.raises(ProviderAuth) as caught:
        open_store(space, token=token)
    assert "onedata.hub" in str(caught.value)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("fault", [status(503), status(429), hang_up, half], ids=["503", "429", "hang_up", "half"])
def test_what_passes_is_tried_again_from_the_beginning(
    store: Onedata, space: Cloud, tmp_path: Path, fault: Any
) -> None:
    space.files["cdmi/ours/in/a"] = b"0123456789" * 100_000
    space.faults = [fault, fault]
    assert fetch(store, tmp_path) == space.files["cdmi/ours/in/a"]
    if fault is not half:
        space.faults = [fault]
        send(store, "x", b"01234")
        assert space.files["cdmi/ours/x"] == b"01234"


@pytest.mark.parametrize(
    ("code", "kind"), [(400, "InputDenied"), (401, "ProviderAuth"), (403, "InputDenied"), (404, "InputNotFound")]
)
def test_a_refusal_is_not_tried_again(store: Onedata, space: Cloud, tmp_path: Path, code: int, kind: str) -> None:
    space.faults = [status(code, {"error": {"id": "forbidden", "details": None}})]
    with pytest.raises(HfaasError) as caught:
        fetch(store, tmp_path)
    assert caught.value.type == f"Hfaas.{kind}"
    assert len(space.requests) == 1
    if code == 403:
        assert f"GET /cdmi/ours/in/a on {space.address}: 403 Forbidden (forbidden)" in str(caught.value)


def test_three_failures_are_one(store: Onedata, space: Cloud, tmp_path: Path) -> None:
    space.faults = [status(503)] * 4
    with pytest.raises(HfaasError, match="503"):
        fetch(store, tmp_path)
    space.faults = [hang_up] * 4
    with pytest.raises(HfaasError, match="does not answer"):
        fetch(store, tmp_path)


def test_a_connection_that_died_while_idle_is_no_failure(store: Onedata, space: Cloud, tmp_path: Path) -> None:
    space.files["cdmi/ours/in/a"] = b"x"
    space.faults = [then_close] * 4
    for _ in range(5):
        assert fetch(store, tmp_path) == b"x"


def test_a_server_that_closes_each_connection_is_served_on_others(
    store: Onedata, space: Cloud, tmp_path: Path
) -> None:
    space.faults = [status(201, connection="close"), status(200, b"x", connection="close")]
    send(store, "x")
    assert fetch(store, tmp_path) == b"x"
    send(store, "y")
    assert space.connections == 3


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"id": "posix", "details": {"errno": "ENOSPC"}}}, "(posix/enospc)"),
        ({"error": "eacces", "error_description": "no"}, "(eacces)"),
        (b"[" * 20_000, "400 Bad Request"),
        (b"\xff<html>", "400 Bad Request"),
        (b"x" * 200_000, "400 Bad Request"),
        ({"error": {"id": "a\nb", "details": []}}, "(ab)"),
    ],
)
def test_the_error_of_the_provider_is_told(store: Onedata, space: Cloud, body: Any, words: str) -> None:
    space.faults = [status(400, body)]
    with pytest.raises(OutputFailed) as caught:
        send(store, "x")
    assert words in str(caught.value)
    assert "onedata://ours/x" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_an_answer_that_comes_before_the_end_of_an_upload_is_heard(store: Onedata, space: Cloud) -> None:
    space.faults = [deaf(400)]
    with pytest.raises(OutputFailed, match="quotaExceeded"):
        send(store, "x", bytes(40_000_000))


def test_a_space_that_is_not_there_is_named(store: Onedata, space: Cloud) -> None:
    space.faults = [status(400, {"error": {"id": "posix", "details": {"errno": "enoent"}}})] * 2
    with pytest.raises(OutputFailed, match="knows no space ours"):
        send(store, "a/x")
    space.faults = [status(400, {"error": {"id": "posix", "details": {"errno": "enoent"}}})]
    with pytest.raises(OutputFailed, match="knows no space ours"):
        send(store, "x")


def test_a_redirect_is_followed_on_the_same_host_only(store: Onedata, space: Cloud, tmp_path: Path) -> None:
    space.files["cdmi/ours/in/b c"] = b"there"
    space.faults = [status(302, location="/cdmi/ours/in/b%20c")]
    assert fetch(store, tmp_path) == b"there"
    space.faults = [status(302, location=f"https://{space.address}/cdmi/ours/in/b%20c")]
    assert fetch(store, tmp_path) == b"there"
    for elsewhere in ("https://elsewhere.invalid/x", f"http://{space.address}/x", "//elsewhere.invalid/x", ""):
        asked = len(space.requests)
        space.faults = [status(302, location=elsewhere)]
        with pytest.raises(HfaasError, match="redirects to"):
            fetch(store, tmp_path)
        assert len(space.requests) == asked + 1
    space.faults = [status(302, location="/cdmi/ours/in/a")] * 9
    with pytest.raises(HfaasError, match="in circles"):
        fetch(store, tmp_path)


def test_an_upload_is_never_redirected(store: Onedata, space: Cloud) -> None:
    space.faults = [status(302, location="/cdmi/ours/x/")]
    with pytest.raises(OutputFailed, match="302"):
        send(store, "x")


@pytest.mark.parametrize("key", ["../theirs/x", "a/../../x", "a/./x", "nul\0"])
def test_no_name_leads_out_of_the_space(store: Onedata, space: Cloud, key: str) -> None:
    with pytest.raises(OutputFailed, match="leads elsewhere"):
        send(store, key)
    assert space.requests == []


def test_time_over_ends_a_transfer_that_hangs(store: Onedata, space: Cloud, tmp_path: Path) -> None:
    from threading import Event

    release = Event()

    def hang(_: Handler) -> None:
        release.wait(60)

    space.faults = [hang]
    try:
        with pytest.raises(ScriptTimeout, match="while fetching onedata://ours/in/a"):
            fetch(store, tmp_path, limits=Limits(0.4))
    finally:
        release.set()


def test_what_fits_neither_the_disk_nor_the_time_moves_to_batch(
    runtime: Runtime, space: Cloud, certificates: Certificates, batch: Batch
) -> None:
    runtime.box.job = job(space)._replace(execution_mode="lambda-batch")
    runtime.box.script("true\n")
    space.sizes["cdmi/ours/in/big"] = 10**16
    runtime.start(
        ONEDATA_SECRET_HUB=json.dumps({"token": TOKEN}),
        REQUESTS_CA_BUNDLE=str(certificates.ca),
        AWS_ENDPOINT_URL_BATCH=batch.url,
    )
    assert runtime.invoke(event("/ours/in/big")).json["statusCode"] == 202
    assert batch.event == event("/ours/in/big")
    assert "Cause: space" in runtime.log

    def hanging(seconds: float) -> Reported:
        space.faults = [lambda handler: handler.rfile.peek()]  # type: ignore[attr-defined]
        return runtime.invoke(event("/ours/in/big"), seconds=seconds)

    post = in_time(hanging, lambda post: post.path.endswith("/response"), (2, 6, 18))
    assert post.json["statusCode"] == 202
    assert "Cause: time" in runtime.log


def test_o04_a_large_file_passes_both_ways_in_constant_memory(
    runtime: Runtime, space: Cloud, certificates: Certificates
) -> None:
    runtime.box.job = job(space)
    runtime.box.script(COPY)
    space.sizes["cdmi/ours/in/big"] = 48 * 1024 * 1024
    process = runtime.start(
        ONEDATA_SECRET_HUB=json.dumps({"token": TOKEN}),
        REQUESTS_CA_BUNDLE=str(certificates.ca),
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
    )
    assert runtime.invoke(event("/ours/in/big"), seconds=30).path.endswith("/response")
    assert space.sizes["cdmi/ours/out/big"] == 48 * 1024 * 1024
    with open(f"/proc/{process.pid}/status") as file:
        (peak,) = [int(line.split()[1]) for line in file if line.startswith("VmHWM")]
    assert peak < 40 * 1024


async def test_the_emulated_oneprovider_takes_and_gives_names_of_all_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulated = emulator.Onedata(emulator.Place(tmp_path / "onedata"), Trace())
    about = await emulated.create("ours")
    monkeypatch.setattr(web, "_context", None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", about["ca"])
    known = {"oneprovider_host": about["host"], "token": about["token"]}
    store = onedata.connect(Provider("onedata", "hub", known), "ours")
    theirs = onedata.connect(Provider("onedata", "hub", known), "theirs")

    def work() -> None:
        for key in ["a", "b c/d#?/ünï %41+", "b c/d#?/e/f/" + "x" * 255]:
            send(store, key, key.encode())
            assert fetch(store, tmp_path, key) == key.encode()
        send(store, "a", b"again")
        assert fetch(store, tmp_path, "a") == b"again"
        with pytest.raises(InputNotFound):
            fetch(store, tmp_path, "gone")
        with pytest.raises(OutputFailed, match="there is a file of that name"):
            send(store, "a/b")
        with pytest.raises(OutputFailed, match="there is a folder of that name"):
            send(store, "b c")
        with pytest.raises(OutputFailed, match="enametoolong"):
            send(store, "y" * 300)
        with pytest.raises(OutputFailed, match="knows no space theirs"):
            send(theirs, "a/b")

    try:
        await asyncio.to_thread(work)
    finally:
        close(store)
        close(theirs)
        await emulated.close()


def test_an_unreadable_bundle_is_named(space: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(web, "_context", None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"none\.pem"):
        fetch(open_store(space), tmp_path)
