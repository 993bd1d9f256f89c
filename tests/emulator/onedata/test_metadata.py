from __future__ import annotations

import json
from typing import Any

import pytest
from tests.emulator.onedata.lab import Client


def route(client: Client, kind: str, name: str = "a") -> str:
    return f"data/{client.id(name)}/metadata/{kind}"


def test_extended_attributes_are_set_listed_and_removed(client: Client) -> None:
    client.put("a")
    path = route(client, "xattrs")
    assert client.op("PUT", path, {"k": "v", "n": [1], "weird": "\ud800"}).status == 204
    assert client.op("GET", path).json == {"k": "v", "n": [1], "weird": "\ud800"}
    assert client.op("GET", f"{path}?attribute=k").json == {"k": "v"}
    assert client.op("DELETE", path, {"keys": ["n", "none"]}).status == 204
    assert set(client.op("GET", path).json) == {"k", "weird"}
    assert client.op("GET", f"data/{client.id('a')}", {"attributes": ["xattr.k"]}).json == {"xattr.k": "v"}


@pytest.mark.parametrize("value", [{"a": {"b": [1, 2]}}, [1], "text", 5, None])
def test_json_is_whatever_json_can_be(client: Client, value: Any) -> None:
    client.put("a")
    assert client.op("PUT", route(client, "json"), json.dumps(value).encode()).status == 204
    assert client.op("GET", route(client, "json")).json == value


def test_json_is_filtered_by_a_path_of_keys(client: Client) -> None:
    client.put("a")
    client.op("PUT", route(client, "json"), {"a": {"b": [1, 2]}})
    by = f"{route(client, 'json')}?filter_type=keypath&filter="
    assert client.op("GET", f"{by}a.b.[1]").json == 2
    assert client.op("GET", f"{by}a.c").error == "enodata"
    assert client.op("PUT", f"{by}a.c", b"3").status == 204
    assert client.op("GET", f"{by}a").json == {"b": [1, 2], "c": 3}


def test_rdf_is_kept_as_it_is(client: Client) -> None:
    client.put("a")
    client.op("PUT", route(client, "rdf"), "<rdf>ä</rdf>".encode())
    answer = client.op("GET", route(client, "rdf"))
    assert (answer.body.decode(), answer.headers["content-type"]) == ("<rdf>ä</rdf>", "application/rdf+xml")


@pytest.mark.parametrize("kind", ["json", "rdf"])
def test_what_was_never_set_is_no_data(client: Client, kind: str) -> None:
    client.put("a")
    assert client.op("GET", route(client, kind)).error == "enodata"
    client.op("PUT", route(client, kind), b"{}")
    assert client.op("DELETE", route(client, kind)).status == 204
    assert client.op("GET", route(client, kind)).error == "enodata"


def test_onedatas_own_names_are_not_the_users(client: Client) -> None:
    client.put("a", b"x")
    for name in ("cdmi_size", "cdmi_completion_status", "onedata_json"):
        assert client.op("PUT", route(client, "xattrs"), {name: "x"}).error == "eperm"
    assert client.op("GET", route(client, "xattrs")).json == {}


@pytest.mark.parametrize(
    ("kind", "body", "status", "error"),
    [
        ("xattrs", b"[1]", 400, "badValueJSON"),
        ("xattrs", b"{", 400, "malformedData"),
        ("json", b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, "malformedData"),
        ("json", b"[" * 200 + b"]" * 200, 400, "malformedData"),
        ("json", b'"' + b"x" * (9 << 20) + b'"', 413, "requestTooLarge"),
        ("rdf", b"\xff", 400, "malformedData"),
    ],
)
def test_what_is_no_metadata_is_refused(client: Client, kind: str, body: bytes, status: int, error: str) -> None:
    client.put("a")
    answer = client.op("PUT", route(client, kind), body)
    assert (answer.status, answer.error) == (status, error)


@pytest.mark.parametrize("kind", ["xattrs", "json", "rdf"])
def test_a_file_that_is_gone_is_404_here(client: Client, kind: str) -> None:
    client.put("a")
    path = route(client, kind)
    client.op("DELETE", f"data/{client.id('a')}")
    assert client.op("GET", path).status == 404
