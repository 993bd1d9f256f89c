"""What it is, which spaces there are, where a file is, and who may know."""

from __future__ import annotations

import http.client
import socket
import ssl
import warnings
from typing import Any

import pytest
from tests.emulator.onedata.lab import Client, Lab


@pytest.mark.parametrize("path", ["configuration", "configuration/", "health"])
def test_some_things_are_told_without_a_token(lab: Lab, path: str) -> None:
    assert Client(lab.client("public").about, "").op("GET", path).status == 200


def test_the_configuration_names_the_provider_as_it_was_called(lab: Lab) -> None:
    client = lab.client("films")
    port = client.about["host"].partition(":")[2]
    for host, domain in [
        (f"oneprovider.hfaas.internal:{port}", f"oneprovider.hfaas.internal:{port}"),
        (f"evil.example:{port}", f"127.0.0.1:{port}"),
    ]:
        assert client.op("GET", "configuration", Host=host).json["domain"] == domain


@pytest.mark.parametrize("path", ["spaces", "spaces/", "/spaces//"])
def test_spaces_are_listed(client: Client, path: str) -> None:
    found = {each["name"]: each for each in client.op("GET", path).json}
    space = found[client.about["name"]]
    assert space["spaceId"] == client.sid
    assert space["fileId"] == client.id()
    assert client.op("GET", f"spaces/{client.sid}").json == space


def test_a_space_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.op("GET", "spaces/nothing").status == 404


@pytest.mark.parametrize("spelled", ["{name}/in/a.txt", "{name}@{sid}/in/a.txt", "{name}//in/a.txt"])
def test_a_file_is_looked_up_by_its_path(client: Client, spelled: str) -> None:
    client.folder("in")
    client.put("in/a.txt")
    path = spelled.format(name=client.about["name"], sid=client.sid)
    found = client.op("POST", f"lookup-file-id/{path}").json["fileId"]
    assert client.op("GET", f"data/{found}").json["name"] == "a.txt"


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        ("{name}/no", "enoent"),
        ("no/x", "enoent"),
        ("{name}/a/b", "enotdir"),
        ("{name}@x/a", "enoent"),
        ("", "enoent"),
    ],
)
def test_what_cannot_be_looked_up_has_a_posix_error(client: Client, path: str, errno: str) -> None:
    client.put("a")
    answer = client.op("POST", "lookup-file-id/" + path.format(name=client.about["name"]))
    assert (answer.status, answer.error) == (400, errno)


@pytest.mark.parametrize(
    "headers",
    [{"X-Auth-Token": "{token}"}, {"Authorization": "Bearer {token}"}, {"Macaroon": "{token}"}],
)
def test_a_token_comes_in_three_headers(client: Client, headers: dict[str, str]) -> None:
    sent = {name: value.format(token=client.token) for name, value in headers.items()}
    connection = client.connect()
    connection.request("GET", "/api/v3/oneprovider/spaces", headers=sent)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("headers", "auth"),
    [({}, None), ({"Authorization": "bearer x"}, None), ({"X-Auth-Token": "x"}, "badToken")],
)
def test_without_a_token_of_ours_nothing_is_told(client: Client, headers: dict[str, str], auth: str | None) -> None:
    connection = client.connect()
    connection.request("GET", f"/api/v3/oneprovider/spaces?token={client.token}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 401
    assert b"unauthorized" in body
    assert (b"badToken" in body) == bool(auth)


def test_a_token_of_one_space_does_not_see_others(lab: Lab, client: Client) -> None:
    client.put("secret", b"x")
    other = lab.client("other-space")
    stranger = Client(other.about, lab.token("other-space"))
    assert [each["name"] for each in stranger.op("GET", "spaces").json] == ["other-space"]
    for path in (f"spaces/{client.sid}", f"data/{client.id('secret')}", f"data/{client.sid}/children"):
        answer = stranger.op("GET", path)
        assert (answer.status, answer.error) == (403, "forbidden")
    assert stranger.ask("GET", f"/cdmi/{client.about['name']}/secret").status == 404
    assert stranger.op("POST", f"lookup-file-id/{client.about['name']}/secret").error == "enoent"
    assert stranger.ask("PUT", f"/cdmi/{client.about['name']}/new", b"x").error == "enoent"


WRITES: list[tuple[str, str, Any]] = [
    ("PUT", "/cdmi/{name}/new", b"x"),
    ("PUT", "/cdmi/{name}/new/", None),
    ("DELETE", "/cdmi/{name}/a", None),
    ("PUT", "/api/v3/oneprovider/data/{id}", {"mode": "600"}),
    ("DELETE", "/api/v3/oneprovider/data/{id}", None),
    ("PUT", "/api/v3/oneprovider/data/{id}/content", b"x"),
    ("PUT", "/api/v3/oneprovider/data/{sid}/path/new", b"x"),
    ("POST", "/api/v3/oneprovider/data/{sid}/children?name=n", b"x"),
    ("DELETE", "/api/v3/oneprovider/data/{sid}/path/a", None),
    ("PUT", "/api/v3/oneprovider/data/{id}/metadata/xattrs", {"k": "v"}),
    ("DELETE", "/api/v3/oneprovider/data/{id}/metadata/xattrs", {"keys": ["k"]}),
    ("PUT", "/api/v3/oneprovider/data/{id}/metadata/json", {"k": "v"}),
    ("DELETE", "/api/v3/oneprovider/data/{id}/metadata/json", None),
    ("PUT", "/api/v3/oneprovider/data/{id}/metadata/rdf", b"<x/>"),
    ("DELETE", "/api/v3/oneprovider/data/{id}/metadata/rdf", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_token_for_reading_writes_nothing(lab: Lab, client: Client, method: str, path: str, body: Any) -> None:
    client.put("a", b"old")
    reader = Client(client.about, lab.token(client.about["name"], readonly=True))
    url = path.format(name=client.about["name"], sid=client.sid, id=client.id("a"))
    before = client.changes()
    answer = reader.ask(method, url, body)
    assert (answer.status, answer.error) == (400, "eacces")
    assert reader.read("a") == b"old"
    assert client.changes() == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("PATCH", "spaces", 405), ("GET", "data", 404), ("GET", "changes/metadata/x", 405)],
)
def test_unknown_routes_say_so(client: Client, method: str, path: str, status: int) -> None:
    assert client.op(method, path).status == status


def test_a_get_with_a_body_leaves_the_connection_usable(client: Client) -> None:
    for _ in range(3):  # on one raw connection: requests would hide the bug by connecting anew
        assert client.op("GET", "spaces", b'{"unread": "body"}').status == 200
        assert client.op("GET", "nothing", b"unread" * 10_000).status == 404
        assert client.ask("DELETE", "/cdmi/no/such", b"unread").status == 404


def test_pages_of_browsers_may_read(client: Client) -> None:
    assert client.op("GET", "spaces").headers["access-control-allow-origin"] == "*"
    assert client.op("OPTIONS", "spaces").status == 204


def test_answers_tell_nothing_of_the_server(client: Client) -> None:
    assert "server" not in client.op("GET", "spaces").headers


def test_old_tls_is_refused(client: Client) -> None:
    context = ssl.create_default_context(cafile=client.about["ca"])
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    host, _, port = client.about["host"].partition(":")
    with socket.create_connection((host, int(port))) as plain, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain, server_hostname=host)


def test_the_certificate_is_good_for_our_names_only(client: Client) -> None:
    context = ssl.create_default_context(cafile=client.about["ca"])
    host, _, port = client.about["host"].partition(":")
    for name in ("localhost", "127.0.0.1", "oneprovider.hfaas.internal", "host.docker.internal"):
        with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=name):
            pass
    with socket.create_connection((host, int(port))) as plain, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(plain, server_hostname="example.org")


def test_plain_http_is_not_spoken(client: Client) -> None:
    connection = http.client.HTTPConnection(client.about["host"], timeout=60)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/api/v3/oneprovider/health")
        connection.getresponse()
    connection.close()
