"""What survives: spaces, files, tokens, certificates, identity, the port."""

from __future__ import annotations

import json
import os
import random
import socket
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.onedata.lab import Client, running


def test_without_a_space_nothing_is_opened(tmp_path: Path) -> None:
    with running(tmp_path / "onedata") as lab:
        assert not lab.onedata.is_open
        assert lab.run(lab.onedata.spaces()) == []
        assert lab.onedata.trust().variables == {}
    assert not (tmp_path / "onedata").exists()


def port() -> int:
    """Return a free port that the system gives to nobody who asks for any."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        number = random.randrange(lowest // 2, lowest)
        with suppress(OSError), closing(socket.create_server(("127.0.0.1", number))):
            return number


def test_all_that_was_there_is_there_again(tmp_path: Path) -> None:
    """The port, too, though only the first start is told which."""
    with running(tmp_path / "onedata", port=port()) as lab:
        client = lab.client("films")
        client.put("a", b"kept")
        seen, known = client.changes(), client.id("a")
        limited = lab.token("films", readonly=True)
        client.connection.close()
    with running(tmp_path / "onedata") as lab:
        again = Client(client.about, client.token)
        assert lab.run(lab.onedata.create("films")) == client.about
        assert (again.read("a"), again.id("a")) == (b"kept", known)
        assert again.changes() == seen
        assert Client(client.about, limited).read("a") == b"kept"
        again.connection.close()


def test_another_directory_is_another_provider(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        with running(tmp_path / name) as lab:
            client = lab.client("films")
            found |= {client.op("GET", "configuration").json["providerId"], client.sid, client.token}
            client.connection.close()
    assert len(found) == 6


def test_what_is_kept_is_for_its_owner_only(tmp_path: Path) -> None:
    with running(tmp_path / "onedata") as lab:
        client = lab.client("films")
        client.put("a", b"x")
        limited = lab.token("films")
        client.connection.close()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "onedata").rglob("*")}
    public = {"ca.pem", "ca-bundle.pem"}
    assert {name for name, mode in modes.items() if mode & 0o077} == public
    assert (tmp_path / "onedata").stat().st_mode & 0o777 == 0o700
    assert limited.encode() not in (tmp_path / "onedata" / "metadata.sqlite").read_bytes()


def test_bytes_that_nobody_names_are_swept(tmp_path: Path) -> None:
    with running(tmp_path / "onedata") as lab:
        client = lab.client("films")
        client.put("a", b"x")
        client.connection.close()
    content = tmp_path / "onedata" / "content"
    (content / "left-behind").write_bytes(b"x")
    with running(tmp_path / "onedata"):
        assert len(os.listdir(content)) == 1


def test_a_removed_space_takes_everything_with_it(tmp_path: Path) -> None:
    with running(tmp_path / "onedata") as lab:
        client = lab.client("films")
        client.put("a", b"x")
        lab.run(lab.onedata.delete("films"))
        assert client.op("GET", "spaces").json == []
        client.connection.close()
        assert lab.run(lab.onedata.create("films"))["spaceId"] != client.sid


def ask(emulator: Any, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=60)
    connection.request(method, f"/_hfaas/spaces{path}", body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content else None


def test_the_command_line_makes_spaces_and_tokens(emulator: Any) -> None:
    assert ask(emulator, "GET", "") == (200, {"spaces": []})
    status, about = ask(emulator, "PUT", "/films")
    assert (status, set(about)) == (200, {"name", "spaceId", "host", "internalHost", "ca", "token"})
    assert ask(emulator, "PUT", "/films") == (200, about)
    assert about["internalHost"].startswith("oneprovider.hfaas.internal:")
    (listed,) = ask(emulator, "GET", "")[1]["spaces"]
    assert (listed["name"], listed["bytes"]) == ("films", 0)
    token = ask(emulator, "POST", "/films/tokens", b'{"scope": "readonly"}')[1]["token"]
    reader = Client(about, token)
    assert reader.put("x", b"x").error == "eacces"
    assert ask(emulator, "DELETE", "/films") == (204, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/a@b", None, 400),
        ("PUT", "/.hidden", None, 400),
        ("PUT", "/x", b"[]", 400),
        ("PUT", "/x", b'{"quota": "much"}', 400),
        ("DELETE", "/none", None, 404),
        ("POST", "/none/tokens", None, 404),
        ("POST", "/none/tokens", b'{"scope": "odd"}', 400),
        ("PATCH", "/x", None, 404),
    ],
)
def test_the_command_line_is_told_what_is_wrong(
    emulator: Any, method: str, path: str, body: bytes | None, status: int
) -> None:
    assert ask(emulator, method, path, body)[0] == status
