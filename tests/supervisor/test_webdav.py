"""WebDAV servers as storage, and dCache's Events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.supervisor.cloud import LOGIN, PASSWORD, Certificates, Cloud, status

from hfaas_supervisor.errors import ConfigError, HfaasError, OutputFailed, ProviderAuth
from hfaas_supervisor.job import Input, Job, Output
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Provider, webdav
from hfaas_supervisor.stores.local import Content, Staging
from hfaas_supervisor.stores.webdav import WebDav

if TYPE_CHECKING:
    from tests.supervisor.conftest import Box

EVENT = {"event": {"name": "a b#.txt", "mask": ["IN_CLOSE_WRITE"]}, "subscription": "https://dcache/x"}


@pytest.fixture
def store(dav: Cloud, trusting: None) -> Iterator[WebDav]:
    made = open_store(dav.address)
    yield made
    for _, connection in made._host._idle:
        connection.close()


def open_store(host: str, **settings: str) -> WebDav:
    return webdav.connect(
        Provider("webdav", "dcache", {"hostname": host, "login": LOGIN, "password": PASSWORD, **settings})
    )


def fetch(store: WebDav, folder: Path, key: str) -> bytes:
    with Staging(str(folder / "a"), key) as staging:
        store.fetch(key, staging, Limits(None))
    return (folder / "a").read_bytes()


def send(store: WebDav, key: str) -> None:
    store.send(Content(key, b"data"), key, {}, Limits(None))


def test_an_event_of_dcache_brings_the_file_of_the_declared_folder(
    box: Box, dav: Cloud, certificates: Certificates
) -> None:
    box.job = Job(
        "shrink",
        inputs=(Input("webdav.dcache", "/in/put/"),),
        outputs=(Output("webdav.dcache", "out"),),
        storage_providers={"webdav": {"dcache": {"hostname": dav.address}}},
    )
    box.script('cp "$INPUT_FILE_PATH" $TMP_OUTPUT_DIR; echo "$STORAGE_OBJECT_KEY"; env\n')
    dav.files["in/put/a b#.txt"] = b"hello"
    secret = json.dumps({"login": LOGIN, "password": PASSWORD})
    answer = box.run(EVENT, WEBDAV_SECRET_DCACHE=secret, REQUESTS_CA_BUNDLE=str(certificates.ca))
    assert answer.code == 0, answer.log
    assert dav.files["out/a b#.txt"] == b"hello"
    assert answer.body.startswith("in/put/a b#.txt\n")
    assert f"Url: webdav://{dav.address}/out/a b#.txt Bytes: 5" in answer.log
    assert PASSWORD not in answer.log


def test_an_event_of_dcache_without_an_input_of_it_is_refused(box: Box) -> None:
    box.script("true\n")
    answer = box.run(EVENT)
    assert (answer.code, answer.error) == (242, "Hfaas.InputNotDeclared")
    assert "webdav.dcache" in answer.message


def test_folders_are_made_from_the_deepest_that_is_there(store: WebDav, dav: Cloud) -> None:
    dav.folders.add("a")
    send(store, "a/b/c/x")
    send(store, "a/b/c/y")
    assert [request for request in dav.requests if request.startswith("MKCOL")] == [
        "MKCOL /a/b/c/",
        "MKCOL /a/b/",
        "MKCOL /a/b/c/",
    ]
    dav.folders.clear()
    send(store, "a/b/c/z")
    assert dav.files["a/b/c/z"] == b"data"


def test_a_hostname_may_name_a_folder(dav: Cloud, trusting: None, tmp_path: Path) -> None:
    store = open_store(f"https://{dav.address}/remote.php/dav/")
    dav.files["remote.php/dav/in/a"] = b"there"
    assert fetch(store, tmp_path, "in/a") == b"there"
    for _, connection in store._host._idle:
        connection.close()


@pytest.mark.parametrize("host", ["http://127.0.0.1", "me@host"])
def test_the_password_travels_by_https_only(host: str) -> None:
    with pytest.raises(ConfigError, match=r"webdav\.dcache"):
        open_store(host)


def test_a_provider_without_password_is_named() -> None:
    with pytest.raises(ProviderAuth, match=r"webdav\.dcache"):
        open_store("host", password="")


@pytest.mark.parametrize(
    ("code", "kind"), [(401, "ProviderAuth"), (403, "InputDenied"), (404, "InputNotFound"), (500, "InputDenied")]
)
def test_a_refused_download_has_its_own_type(
    store: WebDav, dav: Cloud, tmp_path: Path, code: int, kind: str
) -> None:
    dav.faults = [status(code)]
    with pytest.raises(HfaasError, match="in/a") as caught:
        fetch(store, tmp_path, "in/a")
    assert caught.value.type == f"Hfaas.{kind}"


@pytest.mark.parametrize("faults", [[status(507)], [None, status(403)]])
def test_a_refused_upload_names_the_object(store: WebDav, dav: Cloud, faults: list[Any]) -> None:
    dav.faults = faults
    with pytest.raises(OutputFailed, match="out"):
        send(store, "out/x")


def test_a_redirect_to_another_host_gets_no_password(store: WebDav, dav: Cloud, tmp_path: Path) -> None:
    dav.faults = [status(302, location="https://pool.invalid:2880/a?token=1")]
    with pytest.raises(HfaasError, match=r"redirects to https://pool\.invalid:2880"):
        fetch(store, tmp_path, "a")


def test_a_name_with_parents_leads_nowhere(store: WebDav, dav: Cloud) -> None:
    with pytest.raises(OutputFailed, match="leads elsewhere"):
        send(store, "out/../../x")
    assert dav.requests == []
